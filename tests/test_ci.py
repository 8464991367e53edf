"""`ci`: the jobs that it prints, taken apart and run as a forge runs them, against a bare remote."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from conductor_git.core.reporting.cijobs import Asked, Forge, render_jobs
from conductor_git.store.notes.ledger import append
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.validation.platform import platform_tag
from tests.conftest import Git
from tests.team import CLAIM, Team

ASKED = Asked("main", ("linux-x86_64", "macos-arm64", "plan9-mips"), "1.2.3")


class Pull:
    """A bare hub with a pull request of plan 3's branch, whose claim nobody has proven."""

    def __init__(self, team: Team, folder: Path) -> None:
        git, root = team.git, team.root
        self.git, self.folder, self.hub = git, folder, folder / "hub.git"
        git(root, "checkout", "-q", "-b", "b3", "main")
        (root / "docs").mkdir()
        (root / "docs" / "new").write_text("new\n")
        git(root, "add", "docs")
        git(root, "commit", "-q", "-m", "write")
        assert team.commit("-q", "--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
        append(discover(str(root)), writer="conductor", kind="memory", data={"text": "begun"}, now=1)
        self.base, self.head = git(root, "rev-parse", "main"), git(root, "rev-parse", "b3")
        git(folder, "clone", "-q", "--bare", str(root), str(self.hub))
        git(self.hub, "update-ref", "refs/pull/7/head", self.head)
        merge = git(root, "commit-tree", "-p", "main", "-p", "b3", "-m", "merge", "b3^{tree}")
        git(root, "push", "-q", str(self.hub), f"{merge}:refs/pull/7/merge", "refs/notes/conductor/*")
        self.merge = merge

    def check_out(self, name: str, commit: str) -> Path:
        """As a forge does: one commit, HEAD detached."""
        place = self.folder / name
        self.git(self.folder, "init", "-q", str(place))
        self.git(place, "remote", "add", "origin", f"file://{self.hub}")
        self.git(place, "fetch", "-q", "--no-tags", "--depth=1", "origin", f"+{commit}:refs/remotes/pull/7/merge")
        self.git(place, "checkout", "-q", "--detach", "refs/remotes/pull/7/merge")
        assert self.git(place, "rev-list", "--count", "HEAD") == "1"
        return place


@pytest.fixture
def pull(team: Team, tmp_path: Path) -> Pull:
    return Pull(team, tmp_path)


def sh(at: Path, script: str, env: dict[str, str], *shell: str) -> tuple[int, str]:
    done = subprocess.run(
        [*shell, "-c", script], cwd=at, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def load(pull: Pull, forge: Forge) -> Any:
    """The file, printed in a checkout that knows nothing but the hub's main."""
    place = pull.folder / "printed"
    pull.git(pull.folder, "clone", "-q", "--no-checkout", str(pull.hub), str(place))
    code, said = sh(place, f"conductor-git ci {forge}", {}, "sh")
    assert code == 0, said
    return yaml.load(said, Loader=yaml.BaseLoader)


def job_of_github(pull: Pull, file: Any, name: str, at: Path) -> list[tuple[str, int, str]]:
    """Run a job's own steps as GitHub does, up to the first that fails; then only those that always run."""
    given = {
        "github.token": "secret",
        "github.event.pull_request.number && format('refs/pull/{0}/head', github.event.pull_request.number) || ''": (
            "refs/pull/7/head"
        ),
        "github.head_ref": "b3",
        "github.event.pull_request.head.sha": pull.head,
        "github.event.pull_request.base.sha": pull.base,
        "matrix.platform": platform_tag(),
        "github.server_url": f"file://{pull.folder}",
        "github.repository": "hub.git",
    }

    def filled(values: dict[str, str]) -> dict[str, str]:
        found = {}
        for key, value in values.items():
            for expression, known in given.items():
                value = value.replace(f"${{{{ {expression} }}}}", known)
            assert "${{" not in value
            found[key] = value
        return found

    job, ran, failed = file["jobs"][name], [], False
    for step in job["steps"]:
        if "run" not in step or step["name"] == "install" or (failed and step.get("if") != "always()"):
            continue
        assert "${{" not in step["run"], "what a forge fills in becomes part of a script"
        env = filled({**file["env"], **job.get("env", {}), **step.get("env", {})})
        code, said = sh(at, step["run"], env, "bash", "--noprofile", "--norc", "-eo", "pipefail")
        failed = failed or code != 0
        ran.append((step["name"], code, said))
    return ran


def job_of_gitlab(pull: Pull, file: Any, name: str, at: Path) -> list[tuple[str, int, str]]:
    base, job = file[".conductor"], file[name]
    env = {
        "CI_MERGE_REQUEST_REF_PATH": "refs/pull/7/head",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "b3",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": pull.base,
        "CI_COMMIT_SHA": pull.head,
        "CI_PROJECT_URL": f"file://{pull.folder}/hub",
        "PLATFORM": platform_tag(),
    }
    for key, value in {**base["variables"], **job.get("variables", {})}.items():
        for known in env:
            value = value.replace(f"${known}", env[known])
        env[key] = value.replace("$$", "$")
    lines = [*base["before_script"][1:], *job["script"]]
    assert "pip install" in base["before_script"][0]
    ran = [("script", *sh(at, "\n".join(lines), env, "sh", "-e"))]
    if "after_script" in job:
        ran.append(("after", *sh(at, "\n".join(job["after_script"]), env, "sh", "-e")))
    return ran


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_the_jobs_audit_prove_and_push_from_a_checkout_of_one_commit(pull: Pull, forge: Forge) -> None:
    file = load(pull, forge)
    run, audit, validate = (
        (job_of_github, "audit", "validate")
        if forge == "github"
        else (job_of_gitlab, "conductor-audit", "conductor-validate")
    )
    commit = pull.merge if forge == "github" else pull.head
    code, said = run(pull, file, audit, pull.check_out("first", commit))[-1][1:]
    assert (code, "[CG201]" in said, f"commit {pull.head}" in said) == (1, True, True), said
    assert f"only what is in {pull.base}..{pull.head}" in said
    steps = run(pull, file, validate, pull.check_out("second", commit))
    assert [code for _, code, _ in steps] == [0] * len(steps), steps
    refs = pull.git(pull.hub, "for-each-ref", "--format=%(refname)", "refs/notes/conductor/runner-*")
    assert refs.startswith(f"refs/notes/conductor/runner-{platform_tag()}.")
    code, said = run(pull, file, audit, pull.check_out("third", commit))[-1][1:]
    assert (code, "1 claim: 1 proven (1 runner)" in said) == (0, True), said


def test_what_does_not_pass_fails_the_job_and_is_pushed(team: Team, tmp_path: Path) -> None:
    (team.root / "state").write_text("bad\n")
    team.git(team.root, "checkout", "-q", "main")
    team.git(team.root, "commit", "-q", "-a", "--no-verify", "-m", "break")
    pull = Pull(team, tmp_path)
    steps = job_of_github(pull, load(pull, "github"), "validate", pull.check_out("first", pull.merge))
    assert [(name, code) for name, code, _ in steps] == [("fetch", 0), ("validate", 1), ("push", 0)]
    assert pull.git(pull.hub, "for-each-ref", "refs/notes/conductor/runner-*") != ""


def test_each_platform_has_its_machine_and_its_writer() -> None:
    file = yaml.safe_load(render_jobs("github", ASKED))
    validate = file["jobs"]["validate"]
    assert validate["strategy"]["matrix"]["include"] == [
        {"platform": "linux-x86_64", "machine": "ubuntu-latest"},
        {"platform": "macos-arm64", "machine": "macos-latest"},
        {"platform": "plan9-mips", "machine": ["self-hosted", "plan9-mips"]},
    ]
    assert validate["env"]["CONDUCTOR_WRITER"] == "runner-${{ matrix.platform }}"
    file = yaml.safe_load(render_jobs("gitlab", ASKED))
    assert file["conductor-validate"]["parallel"]["matrix"] == [{"PLATFORM": list(ASKED.platforms)}]
    assert file["conductor-validate"]["variables"]["CONDUCTOR_WRITER"] == "runner-$PLATFORM"


def test_no_token_is_there_while_the_work_under_test_runs() -> None:
    file = yaml.safe_load(render_jobs("github", ASKED))
    for job in file["jobs"].values():
        (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout")]
        assert checkout["with"] == {"persist-credentials": False}
        with_token = [step["name"] for step in job["steps"] if "TOKEN" in step.get("env", {})]
        assert set(with_token) <= {"fetch", "push"}
    assert "TOKEN" not in file["env"]


def test_a_repository_without_a_policy_is_refused(repo_dir: Path, git: Git) -> None:
    code, said = sh(repo_dir, "conductor-git ci github", {}, "sh")
    assert (code, said.splitlines()) == (2, ["error: there is no policy on 'main'", "hint: conductor-git init"])
