"""Agents and clones doing anything in any order, against a second reader: what is complete is proven, nothing is lost.

Short here; `make soak` goes on for thousands of steps.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from conductor_git.commands.audit import Asked
from conductor_git.commands.audit import audit as audit_journey
from conductor_git.commands.validate import validate
from conductor_git.core.reporting.audit import Audit
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Target as OurTarget
from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.notes.ledger import append
from conductor_git.store.notes.refspecs import ensure_refspecs
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.snapshot import take
from tests.conftest import Git
from tests.oracle import Plan, Proven, Reading, Target

NOW = 1_800_000_000
PLANS = {"2": Plan("b2", (0, 1)), "3": Plan("b3", (0, 1), needs=(("2", 0),))}
BRANCHES = ("main", "b2", "b3")
PLAN_FILE = """\
---
plan: {0}
title: Plan {0}
agent: agent-{0}
branch: b{0}
{1}waves:
  0: {{title: A}}
  1: {{title: B}}
---
"""
APPEND = """
import sys
from conductor_git.store.notes.ledger import append
from conductor_git.store.plumbing.repository import discover
append(discover("."), writer="agent-2", kind="memory", data={"key": sys.argv[1]}, now=1)
"""
SHORT = settings(max_examples=4, stateful_step_count=10)
STEPS = Counter[str]()
WORLDS = Counter[str]()


@pytest.fixture(scope="session")
def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub and two clones, each plan's branch with its start commit in both. Built once and copied."""
    root = tmp_path_factory.mktemp("world") / "world"
    first = root / "one"
    shutil.copytree(template, first, symlinks=True)
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def git(*args: str, at: Path = first) -> None:
        subprocess.run(["git", *args], cwd=at, env=env, check=True, capture_output=True)

    git("checkout", "-q", "main")
    for plan, needs in (("2", ""), ("3", "needs: [2.0]\n")):
        (first / f".conductor/plans/{plan}.md").write_text(PLAN_FILE.format(plan, needs))
    # The rules are in the first commit: wherever main is moved, they stay what they are.
    git("commit", "-q", "-a", "--amend", "-m", "begin")
    for plan in PLANS:
        git("checkout", "-q", "-B", f"b{plan}", "main")
        git(
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            f"▶ PLAN {plan} START - agent-{plan}",
            "-m",
            f"Conductor-Plan: {plan}",
        )
    git("init", "-q", "--bare", "-b", "main", str(root / "hub.git"))
    git("remote", "add", "origin", "../hub.git")
    git("push", "-q", "-u", "origin", *BRANCHES)
    # A clone that has no ledger at all cannot tell what others proved.
    append(discover(str(first)), writer="conductor", kind="memory", data={"key": "begun"}, now=NOW)
    git("push", "-q", "origin", "refs/notes/conductor/*:refs/notes/conductor/*")
    shutil.rmtree(first / ".git/refs/notes")
    git("clone", "-q", "../hub.git", "../two", at=first)
    git("remote", "set-url", "origin", "../hub.git", at=root / "two")
    for branch in BRANCHES[1:]:
        git("branch", "-q", branch, f"origin/{branch}", at=root / "two")
    return root


class Clone:
    """One clone with what its ledger must still have."""

    def __init__(self, root: Path, git: Git) -> None:
        self.root, self.git = root, git
        self.repo: Repository = discover(str(root))
        install_doors(self.repo, read_control(self.repo))
        ensure_refspecs(self.repo)
        git(root, "fetch", "-q", "origin")
        self.kept: set[str] = set()
        self.products: dict[str, str] = {}
        self._listed: dict[str, list[str]] = {}

    def run(self, *args: str, doors: bool = True, tick: int = 0) -> bool:
        """Plain git, that may fail; whether it did what it was asked for."""
        when = f"{NOW + tick} +0000"
        off = () if doors else ("-c", f"core.hooksPath={os.devnull}")
        done = subprocess.run(
            ["git", *off, *args],
            cwd=self.root,
            env={**os.environ, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, "GIT_EDITOR": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode == 0

    def tidy(self) -> None:
        """Leave what stopped half-way, as whoever meets it does."""
        for lock in (self.root / ".git").glob("*.lock"):
            lock.unlink(missing_ok=True)
        for lock in (self.root / ".git/refs/heads").rglob("*.lock"):
            lock.unlink(missing_ok=True)
        for what in ("merge", "rebase", "cherry-pick", "revert"):
            self.run(what, "--abort", doors=False)
        self.run("reset", "-q", "--hard", doors=False)

    def at(self, branch: str) -> None:
        self.run("checkout", "-q", "-f", branch, doors=False)

    def commits(self) -> list[str]:
        return self.git(self.root, "rev-list", "--topo-order", "--branches").split("\n")

    def ledgers(self) -> dict[str, str]:
        listed = self.git(self.root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/notes/")
        return {line.split(" ")[0]: line.split(" ")[1] for line in listed.split("\n") if line}

    def events(self) -> dict[str, set[str]]:
        """Each event that stands under its own key, with the writers of the refs that have it."""
        found: dict[str, set[str]] = {}
        for ref, tip in self.ledgers().items():
            for oid in self.lines(tip):
                found.setdefault(oid, set()).add(ref.rsplit("/", 1)[-1].partition(".")[0])
        return found

    def lines(self, tip: str) -> list[str]:
        """The blobs that stand under their own names."""
        if tip not in self._listed:
            listed = (line.partition(" blob ")[2].partition("\t") for line in self._tree(tip))
            self._listed[tip] = [oid for oid, _, path in listed if oid and oid == path.replace("/", "")]
        return self._listed[tip]

    def _tree(self, tip: str) -> list[str]:
        return self.git(self.root, "ls-tree", "-r", tip).split("\n")


indices = st.integers(0, 30)
clones = st.integers(0, 1)
branches = st.sampled_from(BRANCHES)
targets = st.sampled_from([("2", 0), ("2", 1), ("2", None), ("3", 0), ("3", 1)])


def step(**given: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule that is counted under its name each time that it is chosen."""

    def counted(does: Callable[..., None]) -> Callable[..., None]:
        @wraps(does)
        def chosen(self: object, **drawn: object) -> None:
            STEPS[does.__name__] += 1
            does(self, **drawn)

        rules: Callable[[Callable[..., None]], Callable[..., None]] = rule(**given)
        return rules(chosen)

    return counted


class Team(RuleBasedStateMachine):
    """What agents do to git. No rule has a precondition: each may come at any time, and may be refused."""

    world: Path
    folder: Path
    git: Git

    def __init__(self) -> None:
        super().__init__()
        WORLDS["made"] += 1
        self.place = self.folder / f"world-{WORLDS['made']}"
        shutil.copytree(self.world, self.place, symlinks=True)
        self.clones = [Clone(self.place / name, self.git) for name in ("one", "two")]
        self.proofs: dict[str, tuple[str, Target, str, bool]] = {}
        """Event -> writer, target, product tree, whether it passed: what the product recorded of runs."""
        self.dropped: set[str] = set()
        self.tampered: dict[str, str] = {}
        """Ledger commit made by plain git -> the code that names it."""
        self.tick = 0
        self.touched: set[int] = {0, 1}
        """Clones that something was done in since the last look."""

    def _turn(self, clone: int, branch: str | None = None) -> Clone:
        self.tick += 1
        self.touched.add(clone)
        chosen = self.clones[clone]
        if branch is not None:
            chosen.at(branch)
        return chosen

    # Work, by plain git.

    @step(
        clone=clones, branch=branches, good=st.booleans(), doors=st.booleans(), folder=st.sampled_from(["docs", "src"])
    )
    def commit(self, clone: int, branch: str, good: bool, doors: bool, folder: str) -> None:
        at = self._turn(clone, branch)
        (at.root / "state").write_text("good\n" if good else "bad\n")
        (at.root / folder).mkdir(exist_ok=True)
        (at.root / folder / branch).write_text(f"{self.tick}\n")
        at.run("add", "-A")
        at.run("commit", "-q", "-m", f"work {self.tick}", doors=doors, tick=self.tick)
        at.tidy()

    @step(clone=clones, about=targets, branch=branches, way=st.sampled_from(["doors", "--no-verify", "none"]))
    def claim(self, clone: int, about: Target, branch: str, way: str) -> None:
        at, target = self._turn(clone, branch), about
        line = _line(target)
        skip = ["--no-verify"] if way == "--no-verify" else []
        made = at.run("commit", "-q", "--allow-empty", *skip, "-m", line, doors=way != "none", tick=self.tick)
        if made and way == "doors":
            reading = self._read(at)
            said = reading.claims[self.git(at.root, "rev-parse", "HEAD")]
            assert said is not None, "a door let a claim through that counts for nothing"
            assert reading.proven(said), "a door let an unproven claim through"
        at.tidy()

    @step(clone=clones, branch=branches, text=st.sampled_from(["", "state", "line"]), doors=st.booleans())
    def amend(self, clone: int, branch: str, text: str, doors: bool) -> None:
        at = self._turn(clone, branch)
        if text == "state":
            (at.root / "state").write_text(f"bad, and good {self.tick}\n")
        what = ("-m", "reworded") if text == "line" else ("--no-edit",)
        at.run("commit", "-q", "--amend", "-a", "--allow-empty", *what, doors=doors, tick=self.tick)
        at.tidy()

    @step(clone=clones, branch=branches, onto=indices, doors=st.booleans())
    def rebase(self, clone: int, branch: str, onto: int, doors: bool) -> None:
        at = self._turn(clone, branch)
        at.run("rebase", "-q", "--empty=keep", self._pick(at, onto), doors=doors, tick=self.tick)
        at.tidy()

    @step(
        clone=clones,
        branch=branches,
        other=indices,
        way=st.sampled_from(["--no-ff", "--ff", "-Xours"]),
        doors=st.booleans(),
    )
    def merge(self, clone: int, branch: str, other: int, way: str, doors: bool) -> None:
        at = self._turn(clone, branch)
        at.run("merge", "-q", way, "-m", f"merge {self.tick}", self._pick(at, other), doors=doors, tick=self.tick)
        at.tidy()

    @step(clone=clones, branch=branches, other=indices, doors=st.booleans())
    def cherry_pick(self, clone: int, branch: str, other: int, doors: bool) -> None:
        at = self._turn(clone, branch)
        at.run("cherry-pick", "--allow-empty", self._pick(at, other), doors=doors, tick=self.tick)
        at.tidy()

    @step(clone=clones, branch=branches, other=indices, doors=st.booleans())
    def revert(self, clone: int, branch: str, other: int, doors: bool) -> None:
        at = self._turn(clone, branch)
        commit = self._pick(at, other)
        parents = self.git(at.root, "log", "-1", "--format=%P", commit)
        if not parents:
            return  # That would take the rules away, and then nothing can be told.
        merge = ("-m", "1") if " " in parents else ()
        if not at.run("revert", "--no-edit", *merge, commit, doors=doors, tick=self.tick):
            # Of an empty commit there is nothing to revert: then people write the words.
            at.tidy()
            at.run("commit", "-q", "--allow-empty", "-m", f"undo\n\nThis reverts commit {commit}.", tick=self.tick)
        at.tidy()

    @step(
        clone=clones,
        branch=branches,
        other=indices,
        way=st.sampled_from(["reset", "branch", "update-ref"]),
        doors=st.booleans(),
    )
    def move(self, clone: int, branch: str, other: int, way: str, doors: bool) -> None:
        at = self._turn(clone, branch if way == "reset" else "main" if branch != "main" else "b2")
        commit = self._pick(at, other)
        if way == "reset":
            at.run("reset", "-q", "--hard", commit, doors=doors)
        elif way == "branch":
            at.run("branch", "-q", "-f", branch, commit, doors=doors)
        else:
            at.run("update-ref", f"refs/heads/{branch}", commit, doors=doors)
        at.tidy()

    @step(clone=clones, branch=branches, force=st.booleans(), doors=st.booleans())
    def push(self, clone: int, branch: str, force: bool, doors: bool) -> None:
        at = self._turn(clone)
        at.run("push", "-q", *(["--force"] if force else []), "origin", branch, doors=doors)
        at.run("push", "-q", "origin", "refs/notes/conductor/*:refs/notes/conductor/*", doors=doors)

    @step(clone=clones, how=st.sampled_from([("fetch", "-q", "origin"), ("fetch", "-q", "--prune", "origin")]))
    def fetch(self, clone: int, how: tuple[str, ...]) -> None:
        self._turn(clone).run(*how)

    @step(clone=clones, how=st.sampled_from([("gc", "-q", "--prune=now"), ("pack-refs", "--all"), ("repack", "-adq")]))
    def housekeeping(self, clone: int, how: tuple[str, ...]) -> None:
        # May be refused, after a kill: git keeps to the locks of what died.
        self._turn(clone).run(*how)

    # What the product records.

    @step(clone=clones, about=targets, commit=indices)
    def validate(self, clone: int, about: Target, commit: int) -> None:
        self._validate(self._turn(clone), about, commit)

    @step(clone=clones, about=targets, good=st.booleans(), doors=st.booleans())
    def prove_and_claim(self, clone: int, about: Target, good: bool, doors: bool) -> None:
        """As `claim` does it, and as those who claim what failed, so that random walks get somewhere."""
        at, target = self._turn(clone, PLANS[about[0]].branch), about
        (at.root / "state").write_text("good\n" if good else "bad\n")
        at.run("commit", "-q", "-a", "-m", f"change {self.tick}", doors=doors, tick=self.tick)
        at.tidy()
        self._validate(at, target, at.commits().index(self.git(at.root, "rev-parse", "HEAD")))
        line = _line(target)
        at.run("commit", "-q", "--allow-empty", "-m", line, doors=doors, tick=self.tick)
        at.tidy()

    def _validate(self, at: Clone, target: Target, index: int) -> None:
        before = at.events()
        commit = self._pick(at, index)
        found = validate(
            at.repo,
            str(OurTarget(*target)),
            commit=commit,
            max_seconds=None,
            say=lambda _: None,
            terminal=False,
            now=NOW,
        )
        passed = "good" in self.git(at.root, "show", f"{commit}:state")
        assert (found.code == 0) == passed
        after = at.events()
        product = self._read(at).product(commit)
        for event in after.keys() - before.keys():
            (writer,) = after[event]
            self.proofs[event] = (writer, target, product, passed)
        at.kept |= after.keys()

    @step(clone=clones, writer=st.sampled_from(["agent-2", "agent-3", "conductor"]))
    def record(self, clone: int, writer: str) -> None:
        at = self._turn(clone)
        at.kept.add(append(at.repo, writer=writer, kind="memory", data={"key": str(self.tick)}, now=NOW).id)

    # What goes wrong.

    @step(clone=clones, after=st.integers(0, 160), what=st.sampled_from(["append", "claim", "gc"]))
    def kill(self, clone: int, after: int, what: str) -> None:
        """End it, and all that it started, after so many milliseconds."""
        at = self._turn(clone, "b2")
        argv = {
            "append": [sys.executable, "-c", APPEND, str(self.tick)],
            "claim": ["git", "commit", "-q", "--allow-empty", "-m", "✅ Wave 0 Complete"],
            "gc": ["git", "gc", "-q"],
        }[what]
        done = subprocess.Popen(
            argv, cwd=at.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            done.wait(after / 1000)
        except subprocess.TimeoutExpired:
            os.killpg(done.pid, signal.SIGKILL)
            done.wait()
        at.tidy()
        at.kept.add(append(at.repo, writer="agent-2", kind="memory", data={"key": f"after {self.tick}"}, now=NOW).id)

    @step(clone=clones, which=indices, how=st.sampled_from(["drop", "edit", "stray", "foreign", "rewind"]))
    def tamper(self, clone: int, which: int, how: str) -> None:
        """What plain git can do to a ledger ref that is one's own."""
        at = self._turn(clone)
        own = sorted(ref for ref in at.ledgers() if ref.startswith("refs/notes/conductor/"))
        if not own:
            return
        ref = own[which % len(own)]
        tree = at.git(at.root, "ls-tree", "-r", ref).split("\n")
        before = set(at.lines(at.ledgers()[ref]))
        if how == "rewind":
            at.run("update-ref", ref, f"{ref}^", doors=False)
        else:
            self._rewrite(at, ref, tree, which, how)
        # A copy may have it still, until the next push.
        self.dropped |= before - set(at.lines(at.ledgers()[ref]))

    def _rewrite(self, at: Clone, ref: str, tree: list[str], which: int, how: str) -> None:
        oid, _, path = tree[which % len(tree)].partition(" blob ")[2].partition("\t")
        if not oid:
            return  # Everything was dropped before.
        line = at.git(at.root, "cat-file", "blob", oid)
        env = {"GIT_INDEX_FILE": str(at.root / ".git/tampered")}
        at.git(at.root, "read-tree", ref, env=env)
        if how == "drop":
            at.git(at.root, "update-index", "--force-remove", path, env=env)
        else:
            # In another's name, and otherwise a good line: keys that nobody knows are left out.
            other = line.replace('"v":', f'"u":{self.tick},"v":').replace('"writer":"', '"writer":"not-')
            made = at.git(at.root, "hash-object", "-w", "--stdin", stdin=f"{other}\n")
            place = {"edit": path, "stray": f"stray-{self.tick}", "foreign": f"{made[:2]}/{made[2:]}"}[how]
            at.git(at.root, "update-index", "--add", "--cacheinfo", f"100644,{made},{place}", env=env)
        written = at.git(at.root, "write-tree", env=env)
        commit = at.git(at.root, "commit-tree", "-p", ref, "-m", f"tampered {self.tick}", written)
        at.run("update-ref", ref, commit, doors=False)
        self.tampered[commit] = {"foreign": "CG602", "stray": "CG605"}.get(how, "CG610")

    # What must hold.

    @invariant()
    def every_reader_agrees(self) -> None:
        for at in [self.clones[number] for number in sorted(self.touched)]:
            self.touched.clear()
            events = at.events()
            assert at.kept - self.dropped <= events.keys(), "an event was lost"
            at.kept |= events.keys()
            reading = self._read(at)
            board = fold(take(at.repo), NOW)
            assert board == fold(take(at.repo, use_cache=False), NOW), "the board depends on what was read before"
            for plan in board.plans:
                for wave in (*plan.waves, plan.claim):
                    target = (plan.plan, wave.wave)
                    proven = reading.proven(target)
                    if wave.wave is not None:
                        assert (wave.state == "complete") == bool(proven), (target, wave)
                    elif wave.state == "complete":
                        assert proven, (target, wave)
                    if wave.state == "complete":
                        # The very content, seen by no reader's eyes but git's.
                        assert wave.commit is not None
                        assert "good" in self.git(at.root, "show", f"{wave.commit}:state")

    @step(clone=clones)
    def audit(self, clone: int) -> None:
        self._audit(clone)

    def _audit(self, clone: int) -> None:
        at = self._turn(clone)
        found = audit_journey(lambda: at.repo, Asked(), say=lambda _: None, now=NOW).data
        assert isinstance(found, Audit)
        self._compare(at, found)

    def teardown(self) -> None:
        for clone in range(len(self.clones)):
            self._audit(clone)
        shutil.rmtree(self.place)

    def _compare(self, at: Clone, found: Audit) -> None:
        reading = self._read(at)
        cases = {case.name: case for case in found.cases if case.kind == "claim"}
        assert cases.keys() >= reading.claims.keys()
        for oid, target in reading.claims.items():
            assert cases[oid].state in self._states(at, reading, oid, target), (oid, target, cases[oid])
        named = {(each.commit, each.code) for case in found.cases if case.kind == "ledger" for each in case.findings}
        expected_names = {(oid, code) for oid, code in self.tampered.items() if code and self._in_ledger(at, oid)}
        assert expected_names <= named
        blamed = {commit for commit, code in named if code in ("CG602", "CG605", "CG610")}
        assert blamed <= self.tampered.keys()
        refs = at.ledgers()
        for ref, oid in refs.items():
            copy = refs.get(ref.replace("refs/notes/conductor/", "refs/notes/conductor-remotes/origin/"), oid)
            apart = not any(at.run("merge-base", "--is-ancestor", *pair) for pair in ((oid, copy), (copy, oid)))
            assert not apart or {(oid, "CG611"), (copy, "CG611")} & named

    def _states(self, at: Clone, reading: Reading, oid: str, target: Target | None) -> set[str]:
        """What the audit may say of a claim."""
        if target is None:
            return {"inert"}
        if reading.holds(oid, target):
            return {"proven"}
        once = {"proven then"} if oid in reading.landed and self._proves(at)(target, reading.product(oid)) else set()
        if not reading.stands_yet(oid, target):
            return {"taken back", *once}
        return {"made good" if reading.proven(target) else "unproven", *once}

    def _in_ledger(self, at: Clone, oid: str) -> bool:
        return any(at.run("merge-base", "--is-ancestor", oid, tip) for tip in at.ledgers().values())

    def _proves(self, at: Clone) -> Proven:
        visible = at.events()
        known = {
            (target, product)
            for event, (writer, target, product, passed) in self.proofs.items()
            if passed and writer in visible.get(event, ())
        }
        return lambda target, product: (target, product) in known

    def _read(self, at: Clone) -> Reading:
        return Reading(at.root, self.git, PLANS, self._proves(at), at.products)

    def _pick(self, at: Clone, index: int) -> str:
        commits = at.commits()
        return commits[index % len(commits)]


def _line(target: Target) -> str:
    return f"✅ PLAN {target[0]} COMPLETE" if target[1] is None else f"✅ Wave {target[1]} Complete"


def test_whatever_a_team_does(world: Path, tmp_path: Path, git: Git) -> None:
    """Random porcelain, plumbing, claims, validations, kills and forgeries; each step is judged by a second reader."""
    machine = type("OneTeam", (Team,), {"world": world, "folder": tmp_path, "git": staticmethod(git)})
    soak = settings.get_current_profile_name() == "soak"
    # A failure of a long run is told as it came; shrinking takes minutes, and kills come at their own time.
    chosen = settings(settings(), phases=[Phase.generate]) if soak else SHORT
    quiet = settings(chosen, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True)
    begun = time.monotonic()
    try:
        run_state_machine_as_test(machine, settings=quiet)
    finally:
        print("", _account(time.monotonic() - begun), sep="\n")


def _account(seconds: float) -> str:
    """What docs/SECURITY.md says of a long run: its figures, also where it was stopped half-way."""
    kinds = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in STEPS.most_common())
    text = f"{STEPS.total():,} steps in {WORLDS.total():,} worlds, in {seconds / 60:.0f} minutes ({kinds})"
    return textwrap.fill(text, 150)
