"""The five plans of examples/, played by processes that run at the same time, in three clones over one remote."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from conductor_git.commands.demo.play import FILES
from conductor_git.store.validation.platform import platform_tag
from tests.conftest import Git
from tests.outside import Said, run, say, works

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLATFORMS = {
    "linux-x86_64": ("Linux", "x86_64"),
    "macos-arm64": ("Darwin", "arm64"),
    "windows-x86_64": ("Windows", "x86_64"),
}
"""What plan 3 wants for its last wave, and what `uname` says there."""
# The product itself, on a system that calls itself otherwise: everything else is as on this machine.
ELSEWHERE = """\
import os, sys
os.uname = lambda: os.uname_result((sys.argv[1], 'there', '1', '1', sys.argv[2]))
from conductor_git.cli import main
sys.exit(main(sys.argv[3:]))
"""
NODE = "crates/core/src/node.txt"
EXPLAIN = "crates/core/src/explain.rs"
PROTECTED = "bench/node.sh"
SEPARABLE = "tests/ode/separable.sh"
STOPPED = Event()
"""Somebody failed: nobody waits for them."""
NEWS = 300.0
"""Seconds that somebody looks out for news; never what is measured."""


class Agent:
    """Somebody who works in one folder of one clone, and what they saw there."""

    def __init__(self, name: str, at: Path) -> None:
        self.name, self.at = name, at
        self.saw: dict[str, str] = {}
        """Target -> the commit of the claim that this agent made of it."""
        self.env: dict[str, str | None] = {f"GIT_{role}_NAME": name for role in ("AUTHOR", "COMMITTER")}

    def ours(self, *args: str) -> Said:
        return works(self.at, *args, env=self.env)

    def git(self, *args: str) -> str:
        done = run(self.at, "git", *args, env=self.env)
        assert done.code == 0, f"{self.name}: git {' '.join(args)}: {done.err}{done.out}"
        return done.out.strip()

    def not_allowed(self, code: str, *args: str) -> str:
        """A command of ours or of git's that is refused, with this code, and leaves HEAD where it was."""
        before = self.git("rev-parse", "HEAD")
        said = run(self.at, *args, env=self.env)
        # 128 is git's own, where a hook did not let a ref be moved.
        assert (said.code in (1, 128), f"[{code}]" in said.out + said.err) == (True, True), (
            f"{self.name}: {args}: {said}"
        )
        assert self.git("rev-parse", "HEAD") == before
        return said.out + said.err

    def change(self, path: str, text: str) -> None:
        """Add a line to a file, and stage it."""
        file = self.at / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as opened:
            opened.write(f"{text}\n")
        self.git("add", path)

    def work(self, path: str, text: str = "done") -> None:
        self.change(path, text)
        self.git("commit", "-q", "-m", f"{path}: {text}")

    def claim(self, *targets: str) -> None:
        """Prove and claim, tell the others, and remember which commit it is."""
        for target in targets:
            self.ours("claim", target, "--max", "5m")
            self.saw[target] = self.git("rev-parse", "HEAD")
        self.ours("sync")

    def wait(self, target: str) -> str:
        """Wait for somebody's claim, and take it in where it is missing: its commit."""
        until = self._patience(f"{self.name} waits for {target}")
        while (said := say(self.at, "wait", target, "--max", "20s", "--json", env=self.env)).code == 4:
            until()
        assert said.code == 0, said
        return str(said.data["commit"])

    def take_in(self, target: str) -> None:
        self.git("merge", "-q", "--no-edit", self.wait(target))

    def plan(self, plan: str) -> Any:
        (found,) = self.ours("log-status", plan, "--json").data["plans"]
        return found

    def look_out(self, plan: str, seen: Callable[[Any], Any]) -> Any:
        """Look at a plan, with what others pushed, until there is something to see."""
        until = self._patience(f"{self.name} looks at plan {plan}")
        while not (found := seen(self.plan(plan))):
            until()
            time.sleep(0.5)
            self.ours("sync")
        return found

    def _patience(self, what: str) -> Callable[[], None]:
        """Raises once nothing can come any more."""
        end = time.monotonic() + NEWS

        def check() -> None:
            assert not STOPPED.is_set(), "somebody else failed"
            assert time.monotonic() < end, f"{what}, in vain"

        return check

    def elsewhere(self, platform: str, *args: str) -> None:
        """Run the product as a runner on another platform."""
        env = {**self.env, "CONDUCTOR_WRITER": f"runner-{platform}"}
        done = run(self.at, sys.executable, "-c", ELSEWHERE, *PLATFORMS[platform], *args, env=env)
        assert done.code == 0, done


def wave(plan: Any, number: str) -> Any:
    return next(each for each in plan["waves"] if each["wave"] == int(number))


class Team:
    """One remote, three clones, and everybody's part."""

    def __init__(self, root: Path, git: Git) -> None:
        self.lead = Agent("conductor", root / "lead")
        self._found(root, git)
        self.bindings, self.solvers = (self._clone(root, git, name) for name in ("bindings", "solvers"))
        self.one, self.two = self._delegated("1"), self._delegated("2")
        self.three = self._joined("agent-3", self.bindings, "codex/python", "3")
        node = root / "node"
        git(self.bindings, "worktree", "add", "-q", "--detach", str(node), "origin/main")
        self.four = self._joined("agent-4", node, "codex/node", "4")
        self.seven = self._joined("agent-7", self.solvers, "claude/ode", "7")
        self.runner = Agent("runner", self.solvers)
        self.died = Event()

    def _found(self, root: Path, git: Git) -> None:
        """The library, the rules, and the remote that everybody meets at."""
        at = self.lead.at
        for name, text in FILES.items():
            (at / name).parent.mkdir(parents=True, exist_ok=True)
            (at / name).write_text(text)
        self.lead.at.joinpath(NODE).write_text("left 16\nright 16\nhash 8\n")
        git(root, "init", "-q", "--bare", "hub.git")
        for args in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "A small maths library")):
            git(at, *args)
        git(at, "remote", "add", "origin", str(root / "hub.git"))
        git(at, "push", "-q", "-u", "origin", "main")
        self.lead.ours("init")
        for folder in ("plans", "scripts"):
            shutil.copytree(EXAMPLES / folder, at / ".conductor" / folder, dirs_exist_ok=True)
        policy = at / ".conductor/conductor.toml"
        policy.write_text(f'protect = ["bench/**"]\n{policy.read_text()}')
        self.lead.ours("plan", "check")
        self.lead.ours("plan", "commit")
        git(at, "push", "-q", "origin", "main")

    def _clone(self, root: Path, git: Git, name: str) -> Path:
        git(root, "clone", "-q", str(root / "hub.git"), name)
        return root / name

    def _delegated(self, plan: str) -> Agent:
        return Agent(f"agent-{plan}", Path(self.lead.ours("delegate", plan, "--json").data["workspace"]))

    def _joined(self, name: str, at: Path, branch: str, plan: str) -> Agent:
        agent = Agent(name, at)
        agent.git("switch", "-q", "-c", branch)
        agent.ours("join", plan)
        return agent

    def play(self) -> None:
        """Everybody at once; whoever fails is heard."""
        parts = (
            self.conducts,
            self.recovers,
            self.explains,
            self.binds_python,
            self.binds_node,
            self.solves,
            self.runs,
        )
        STOPPED.clear()
        with ThreadPoolExecutor(len(parts)) as pool:
            going = [pool.submit(part) for part in parts]
            done, _ = wait(going, return_when=FIRST_EXCEPTION)
            if any(part.exception() for part in done):
                STOPPED.set()
        for part in (*done, *going):
            part.result()

    def conducts(self) -> None:
        """The conductor waives, guides, lands, and replaces whoever is gone."""
        lead = self.lead
        (asked,) = lead.look_out("1", lambda plan: plan["blockers"])
        lead.ours("waive", "CG404", "1", "--reason", "it measures the same", "--for", "2h")
        lead.ours("resolve", asked["id"], "-m", "waived")
        lead.wait("1")
        lead.ours("merge", "1", "--max", "5m")
        (stuck,) = lead.look_out("7", lambda plan: plan["blockers"])
        assert (stuck["target"], stuck["level"]) == ("7.1", "critical")
        lead.ours("guide", stuck["id"], "-m", "divide by x before you integrate")
        lead.look_out("4", lambda plan: self.died.is_set())
        lead.wait("4.2")
        taken = lead.ours("delegate", "4", "--take-over", "--to", "agent-8", "--reason", "agent-4 is gone", "--json")
        self.eight = Agent("agent-8", Path(taken.data["workspace"]))
        self.binds_node_on()
        for plan in ("2", "3", "7"):
            lead.wait(plan)
        lead.ours("merge", "--max", "5m")

    def recovers(self) -> None:
        """Plan 1: a number that got worse than its baseline, and a protected path."""
        one = self.one
        one.work("docs/performance/notes.md", "simplify() copies its argument")
        one.claim("1.1")
        one.work(NODE, "cache 8")
        said = one.not_allowed("CG204", "conductor-git", "claim", "1.2", "--max", "5m")
        assert "bench.* at most 1 of baseline" in said, said
        one.git("revert", "--no-edit", "HEAD")
        one.claim("1.2", "1.3")
        one.change(PROTECTED, "echo 'ok - and that is all'")
        one.not_allowed("CG404", "git", "commit", "-m", "bench: say that it is all")
        one.ours("block", "1.4", "--level", "low", "-m", "the benchmark needs one more line")
        one.look_out("1", lambda plan: not plan["blockers"])
        one.git("commit", "-q", "-m", "bench: say that it is all")
        one.claim("1.4", "1")

    def explains(self) -> None:
        """Plan 2: an executor, somebody else's file, a frozen interface, and what people say."""
        two = self.two
        two.take_in("1")
        two.claim("2.0")
        given = two.ours("delegate", "2.1", "--to", "bob", "--task", "the linear solver", "--json").data
        bob = Agent("bob", Path(given["workspace"]))
        bob.work("crates/core/src/educational/steps.rs", "// steps of the linear solver")
        bob.not_allowed("CG107", "git", "commit", "--allow-empty", "-m", "✅ Wave 1 Complete")
        bob.ours("sync")
        two.git("merge", "-q", "--no-edit", given["branch"])
        two.claim("2.1", "2.2")
        two.change("bindings/python/stubs.pyi", "# mine")
        assert "plan 3" in two.not_allowed("CG402", "git", "commit", "-m", "python: change the stubs")
        two.git("reset", "-q", "--hard")
        two.work(EXPLAIN, "pub fn explain() {}")
        two.claim("2.3")
        two.change(EXPLAIN, "pub fn explain_more() {}")
        two.not_allowed("CG405", "git", "commit", "-m", "core: explain more")
        two.git("reset", "-q", "--hard")
        two.ours("attest", "2.4", "--manual", "--scores", "8,7,9")
        two.claim("2.4", "2.5", "2")

    def binds_python(self) -> None:
        """Plan 3: waits for another plan, and for platforms that this machine is not."""
        three = self.three
        three.take_in("1")
        for target in ("3.1", "3.2", "3.3"):
            three.work("bindings/python/stubs.pyi", f"# {target}")
            three.claim(target)
        early = say(three.at, "claim", "3.4", env=three.env)
        assert early.code == 0 or "[CG302]" in early.err or "[CG303]" in early.err, early
        three.take_in("2.3")
        three.claim("3.4", "3.5")
        three.wait("3.5")
        three.claim("3")

    def runs(self) -> None:
        """The runners: each proves what was claimed, on its platform."""
        missing = [name for name in PLATFORMS if name != platform_tag()]
        claimed = self.runner.look_out("3", lambda plan: wave(plan, "5")["awaiting"] and wave(plan, "5"))
        assert (claimed["state"], sorted(claimed["awaiting"])) == ("claimed", sorted(missing))
        for platform in missing:
            self.runner.elsewhere(platform, "validate", "3.5", "--commit", claimed["commit"], "--max", "5m")
        self.runner.ours("sync")

    def binds_node(self) -> None:
        """Plan 4, until its agent dies while it waits."""
        four = self.four
        four.take_in("1")
        four.work("bindings/node/module.ts", "export {}")
        four.claim("4.1", "4.2")
        with subprocess.Popen(["conductor-git", "wait", "4.3"], cwd=four.at, stderr=subprocess.PIPE, text=True) as dies:
            assert dies.stderr is not None
            assert dies.stderr.readline().startswith("waiting for 4.3")
            dies.kill()
        self.died.set()

    def binds_node_on(self) -> None:
        """Plan 4 in the hands of agent-8; agent-4 comes back and has nothing to say any more."""
        eight = self.eight
        eight.take_in("2.3")
        self.four.ours("sync")
        assert "agent-8" in self.four.not_allowed("CG801", "conductor-git", "join", "4", "--resume")
        eight.work("bindings/node/module.ts", "export function explain() {}")
        eight.claim("4.3", "4.4", "4")

    def solves(self) -> None:
        """Plan 7: stuck, guided, and through."""
        seven = self.seven
        seven.take_in("1")
        seven.work(SEPARABLE, "echo 'not ok - separable 3'")
        assert say(seven.at, "claim", "7.1", "--max", "5m", env=seven.env).code == 1
        seven.ours("block", "7.1", "--level", "critical", "-m", "separable 3 fails", "--context", "tried twice")
        (stuck,) = seven.look_out("7", lambda plan: [each for each in plan["blockers"] if each["guidance"]])
        assert [said["message"] for said in stuck["guidance"]] == ["divide by x before you integrate"]
        seven.not_allowed("CG305", "conductor-git", "claim", "7.1", "--max", "5m")
        seven.ours("resolve", stuck["id"], "-m", "it is the division")
        seven.git("revert", "--no-edit", "HEAD")
        seven.claim(*(f"7.{number}" for number in range(1, 7)), "7")

    @property
    def agents(self) -> tuple[Agent, ...]:
        return self.one, self.two, self.three, self.four, self.seven, self.eight


def test_five_plans_end_the_same_in_every_clone(tmp_path: Path, git: Git) -> None:
    team = Team(tmp_path, git)
    team.play()
    clones = [Agent(at.name, at) for at in (team.lead.at, team.bindings, team.solvers)]
    for _ in range(2):
        for clone in clones:
            clone.ours("sync")
    boards = [clone.ours("log-status", "--json").data for clone in clones]
    for board in boards:
        assert board.pop("view")["remote"] == "origin"
    assert boards[0] == boards[1] == boards[2]

    shown: dict[str, str] = {}
    for plan in boards[0]["plans"]:
        assert plan["state"] == "merged", plan
        shown |= {f"{plan['plan']}.{each['wave']}": each["commit"] for each in plan["waves"]}
        assert [each["state"] for each in plan["waves"]] == ["complete"] * len(plan["waves"]), plan
        shown[plan["plan"]] = plan["claim"]["commit"]
    seen: dict[str, str] = {}
    for agent in team.agents:
        seen |= agent.saw
    assert shown == seen
    assert [(each["target"], each["rule"]) for each in boards[0]["waivers"]] == [("1", "CG404")]
    assert boards[0]["findings"] == []
