"""Jobs for a forge: an audit of each pull request, and a validation on every platform that plans ask for.

The steps are plain sh and begin from what a forge checks out: one commit, HEAD detached, no notes. What a forge fills
in reaches them as environment only: a branch's name may hold anything, and must not become part of a script.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from conductor_git.core.planning.plan import Plan

Forge = Literal["github", "gitlab"]

_MACHINES = {
    "linux-x86_64": "ubuntu-latest",
    "linux-arm64": "ubuntu-24.04-arm",
    "macos-arm64": "macos-latest",
    "macos-x86_64": "macos-13",
    "windows-x86_64": "windows-latest",
}
"""Platform as policies name it -> GitHub's label of a runner that is one."""

_SOURCE = "git+https://github.com/conductor-git/conductor-git"


class Asked(msgspec.Struct, frozen=True):
    """What the jobs are for."""

    integration: str
    platforms: tuple[str, ...]
    version: str


def platforms_of(plans: Iterable[Plan]) -> tuple[str, ...]:
    """Every platform that a plan or wave asks for, sorted; Linux where none does."""
    named: set[str] = set()
    for plan in plans:
        named.update(plan.platforms, *(wave.platforms for wave in plan.waves))
    return tuple(sorted(named)) or ("linux-x86_64",)


def render_jobs(forge: Forge, asked: Asked) -> str:
    """The YAML, without a final newline."""
    text = _GITHUB if forge == "github" else _GITLAB
    machines = [
        f"- {{platform: {_quoted(name)}, machine: {_MACHINES.get(name) or f'[self-hosted, {_quoted(name)}]'}}}"
        for name in asked.platforms
    ]
    filled = {
        "@BRANCH@": _quoted(asked.integration),
        "@INSTALL@": f"python3 -m pip install --quiet '{_SOURCE}@v{asked.version}'",
        "@FETCH@": _FETCH.rstrip("\n"),
        "@AUDIT@": _AUDIT.rstrip("\n"),
        "@PUSH@": _PUSH.rstrip("\n"),
        "@MACHINES@": "\n".join(machines),
        "@PLATFORMS@": f"[{', '.join(map(_quoted, asked.platforms))}]",
    }
    for mark, value in filled.items():
        text = _put(text, mark, value)
    return text.rstrip("\n")


def _put(text: str, mark: str, value: str) -> str:
    """Each mark replaced; what has several lines keeps the indentation of the line that the mark stands on."""
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        lines.append(line.replace(mark, value.replace("\n", f"\n{indent}") if line.strip() == mark else value))
    return "\n".join(lines)


def _quoted(text: str) -> str:
    import json

    # A JSON string is a YAML one.
    return json.dumps(text, ensure_ascii=False)


# What both forges run. `-c credential.helper=` first: whatever helper the machine has is not asked.
_FETCH = """\
set -- origin '+refs/heads/*:refs/remotes/origin/*' '+refs/notes/conductor/*:refs/notes/conductor-remotes/origin/*'
if [ -n "$PULL" ]; then set -- "$@" "+$PULL:refs/remotes/pull/$HEAD_BRANCH"; fi
if [ "$(git rev-parse --is-shallow-repository)" = true ]; then set -- --unshallow "$@"; fi
git -c credential.helper= -c credential.helper="$CREDENTIALS" fetch --quiet --no-tags "$@"
"""
_AUDIT = """\
if [ -n "$HEAD_COMMIT" ]; then set -- --range "$BASE_COMMIT..$HEAD_COMMIT"; else set --; fi
conductor-git audit "$@"
"""
_PUSH = """\
# One new ref for each job that proved a claim, so that no two jobs ever write the same one.
if [ -n "$(git for-each-ref --count=1 refs/notes/conductor/)" ]; then
  git -c credential.helper= -c credential.helper="$CREDENTIALS" \\
    push --quiet "$PUSH_URL" 'refs/notes/conductor/*:refs/notes/conductor/*'
fi
"""

_GITHUB = """\
# .github/workflows/conductor.yml, as 'conductor-git ci github' prints it; again, when plans name other platforms.
name: conductor
on:
  pull_request:
    branches: [@BRANCH@]
  push:
    branches: [@BRANCH@]
permissions:
  contents: read
env:
  CREDENTIALS: '!f() { echo username=x-access-token; echo "password=$TOKEN"; }; f'
  PULL: ${{ github.event.pull_request.number && format('refs/pull/{0}/head', github.event.pull_request.number) || '' }}
  HEAD_BRANCH: ${{ github.head_ref }}
  HEAD_COMMIT: ${{ github.event.pull_request.head.sha }}
  BASE_COMMIT: ${{ github.event.pull_request.base.sha }}
jobs:
  audit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
      - uses: actions/setup-python@v5
        with: {python-version: '3.12'}
      - name: install
        run: @INSTALL@
      - name: fetch
        env: {TOKEN: '${{ github.token }}'}
        run: |
          @FETCH@
      - name: audit
        run: |
          @AUDIT@
  validate:
    # A fork's pull request has no right to push: its proofs come from the runs of its own repository.
    if: github.event_name == 'push' || github.event.pull_request.head.repo.full_name == github.repository
    permissions:
      contents: write
    strategy:
      fail-fast: false
      matrix:
        include:
          @MACHINES@
    runs-on: ${{ matrix.machine }}
    defaults:
      run: {shell: bash}
    env:
      CONDUCTOR_WRITER: runner-${{ matrix.platform }}
    steps:
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
      - uses: actions/setup-python@v5
        with: {python-version: '3.12'}
      - name: install
        run: @INSTALL@
      - name: fetch
        env: {TOKEN: '${{ github.token }}'}
        run: |
          @FETCH@
      - name: validate
        run: conductor-git ci prove
      - name: push
        # A proof that something fails is one too.
        if: always()
        env:
          TOKEN: ${{ github.token }}
          PUSH_URL: ${{ github.server_url }}/${{ github.repository }}
        run: |
          @PUSH@
"""

_GITLAB = """\
# .gitlab-ci.yml, or a file that it includes, as 'conductor-git ci gitlab' prints it.
# CONDUCTOR_TOKEN: a project access token that may write the repository, as a masked variable; it pushes the proofs.
.conductor:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == @BRANCH@
  variables:
    GIT_DEPTH: 1
    CREDENTIALS: '!f() { echo username=conductor; echo "password=$$CONDUCTOR_TOKEN"; }; f'
    HEAD_BRANCH: $CI_MERGE_REQUEST_SOURCE_BRANCH_NAME
  before_script:
    - @INSTALL@
    - |
      PULL=${CI_MERGE_REQUEST_REF_PATH:-}
      HEAD_COMMIT=${CI_MERGE_REQUEST_DIFF_BASE_SHA:+$CI_COMMIT_SHA}
      BASE_COMMIT=${CI_MERGE_REQUEST_DIFF_BASE_SHA:-}
      @FETCH@
conductor-audit:
  extends: .conductor
  image: python:3.12
  script:
    - |
      @AUDIT@
conductor-validate:
  extends: .conductor
  # A runner is tagged with the platform that it is; on it are git, python3 and what the validations need.
  tags: [$PLATFORM]
  parallel:
    matrix:
      - PLATFORM: @PLATFORMS@
  variables:
    CONDUCTOR_WRITER: runner-$PLATFORM
  script:
    - conductor-git ci prove
  after_script:
    # Runs also where a validation failed: a proof that something fails is one too.
    - |
      PUSH_URL=$CI_PROJECT_URL.git
      @PUSH@
"""
