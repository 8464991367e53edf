"""A repository with plans that are proven and not landed, built once and copied for every test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.targets import Oid, Target
from conductor_git.core.tree import strip_control
from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.landing.proving import rules_for
from conductor_git.store.notes.ledger import append
from conductor_git.store.notes.writer import record_conductor
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.snapshot import take
from conductor_git.store.validation.platform import platform_tag
from tests.conftest import Git

PLANS = ("1", "2", "3", "4", "5")
"""Plan N adds the file fN. 1 and 5 write the same line of `shared`. 1 and 4 are green alone and red together."""

SCRIPT = """\
#!/bin/sh
[ -z "${COUNT_RUNS-}" ] || echo "$CONDUCTOR_PLAN" >>"$COUNT_RUNS"
[ -z "${PAUSE_RUNS-}" ] || sleep "$PAUSE_RUNS"
[ -z "${MEANWHILE-}" ] || sh -c "$MEANWHILE"
[ -z "${FLAKY-}" ] || ! mkdir "$FLAKY" 2>/dev/null || exit 1
[ ! -e f1 ] || [ ! -e f4 ] || exit 1
for n in 1 2 3; do
    [ ! -e "f$n" ] || [ ! -e "poison$n" ] || exit 1
done
"""


class Yard:
    """The conductor's worktree, on main."""

    def __init__(self, root: Path, git: Git) -> None:
        self.root = root
        self.git = git
        self.runs = root.parent / "runs"

    def run(self, *args: str, at: Path | None = None, **env: str) -> tuple[int, str]:
        done = subprocess.run(
            args,
            cwd=at or self.root,
            capture_output=True,
            text=True,
            env=self.env(**env),
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def env(self, **more: str) -> dict[str, str]:
        return {**os.environ, "COUNT_RUNS": str(self.runs), "CONDUCTOR_WRITER": "conductor", **more}

    def merge(self, *args: str, at: Path | None = None, **env: str) -> tuple[int, str]:
        return self.run("conductor-git", "merge", *args, at=at, **env)

    def fates(self, *args: str, at: Path | None = None, **env: str) -> dict[str, str]:
        return {fate["name"]: fate["fate"] for fate in self.json(*args, at=at, **env)["fates"]}

    def json(self, *args: str, at: Path | None = None, **env: str) -> dict[str, Any]:
        _, said = self.merge(*args, "--json", at=at, **env)
        value: dict[str, Any] = json.loads(said[said.index("{\n") : said.rindex("\n}") + 2])
        return value

    def board(self, at: Path | None = None) -> dict[str, Any]:
        """The report."""
        code, said = self.run("conductor-git", "log-status", "--json", at=at)
        assert code == 0, said
        value: dict[str, Any] = json.loads(said)
        return value

    def alarms(self) -> list[str]:
        """What the report calls an alarm."""
        return [found["message"] for found in self.board()["findings"] if found["severity"] == "alarm"]

    def policy(self, text: str) -> None:
        """More of a policy, committed on main."""
        path = ".conductor/conductor.toml"
        self.commit(path, (self.root / path).read_text() + text)

    def only_landings(self) -> None:
        """The policy takes no direct steps from here on."""
        path = ".conductor/conductor.toml"
        text = (self.root / path).read_text()
        self.commit(path, text.replace("[valid", f'since = "{self.tip()}"\ndirect = "none"\n[valid'))
        # What says so is a direct step itself: it is accepted.
        code, said = self.run("conductor-git", "accept", "main", "--reason", "set up")
        assert code == 0, said

    def ran(self) -> str:
        """The plans whose validations were run, in order."""
        return " ".join(self.runs.read_text().split()) if self.runs.exists() else ""

    def commit(self, path: str, text: str = "x\n", *, at: str = "main") -> str:
        """A commit on a branch that no worktree but this one has."""
        here = self.git(self.root, "symbolic-ref", "--short", "HEAD")
        if at != here:
            self.git(self.root, "switch", "-q", at)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        self.git(self.root, "add", "--", path)
        self.git(self.root, "commit", "-q", "--no-verify", "-m", f"change {path}")
        commit = self.git(self.root, "rev-parse", "HEAD")
        if at != here:
            self.git(self.root, "switch", "-q", here)
        return commit

    def tip(self, ref: str = "main") -> str:
        return self.git(self.root, "rev-parse", ref)

    def first_parents(self, ref: str = "main") -> list[str]:
        return self.git(self.root, "log", "--first-parent", "--format=%s", ref).splitlines()


def prove(repo: Repository, target: Target, commit: str) -> None:
    """Record that the content of a commit passed for a target; nothing is run."""
    snapshot = take(repo)
    rules = rules_for(snapshot, target)
    assert isinstance(rules, RuleSet)
    tree = repo.resolve(commit, kind="tree")
    assert tree is not None
    (found,) = read_objects(repo, [tree])
    made = Attestation(
        target=target,
        tree=repo.hash("tree", strip_control(found.body, repo.object_format)),
        passed=True,
        outcome="passed",
        repository=snapshot.policy.repository,
        rules=rules.digest,
        script=rules.script,
        script_digest=rules.script_digest,
        control=snapshot.control,
        platform=platform_tag(),
        writer=f"agent-{target.plan}",
        started=1,
        ended=2,
    )
    data = {"statement": attestation.statement(made)}
    append(repo, writer=made.writer, kind="attestation", data=data, target=target, now=2)


@pytest.fixture(scope="session")
def yard_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("yard") / "shop"
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def git(*args: str) -> str:
        done = subprocess.run(["git", *args], cwd=root, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    (root / ".conductor" / "plans").mkdir(parents=True)
    (root / ".conductor" / "scripts").mkdir()
    (root / ".conductor" / "conductor.toml").write_text(
        'format = 1\nrepository = "0123456789abcdef"\n[validation]\ndefault = "verify.sh"\n'
    )
    for plan in PLANS:
        text = (
            f"---\nplan: {plan}\ntitle: Job {plan}\nagent: agent-{plan}\nbranch: b{plan}\nwaves:\n  0: {{title: All}}\n"
        )
        (root / ".conductor" / "plans" / f"{plan}.md").write_text(f"{text}---\n")
    script = root / ".conductor" / "scripts" / "verify.sh"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    (root / "shared").write_text("nobody\n")
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "begin")
    repo = discover(str(root))
    for plan in PLANS:
        git("switch", "-q", "-c", f"b{plan}", "main")
        git(
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            f"▶ PLAN {plan} START - agent-{plan}",
            "-m",
            f"Conductor-Plan: {plan}",
        )
        (root / f"f{plan}").write_text(f"{plan}\n")
        if plan in ("1", "5"):
            (root / "shared").write_text(f"{plan}\n")
        git("add", "-A")
        git("commit", "-q", "-m", f"work {plan}")
        said = f"Conductor-Plan: {plan}"
        git("commit", "-q", "--allow-empty", "-m", "✅ Wave 0 Complete", "-m", f"{said}\nConductor-Wave: 0")
        git("commit", "-q", "--allow-empty", "-m", f"✅ PLAN {plan} COMPLETE", "-m", said)
        prove(repo, Target(plan, 0), "HEAD")
        prove(repo, Target(plan), "HEAD")
    git("switch", "-q", "main")
    return root


@pytest.fixture
def yard(yard_template: Path, tmp_path: Path, git: Git) -> Yard:
    root = tmp_path / "shop"
    shutil.copytree(yard_template, root, symlinks=True)
    repo = discover(str(root))
    record_conductor(repo)
    install_doors(repo, read_control(repo))
    return Yard(root, git)


def claim_of(yard: Yard, plan: str) -> Oid:
    """The commit that claims a plan."""
    return Oid(yard.git(yard.root, "rev-parse", f"b{plan}"))
