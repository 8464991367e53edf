"""Rows about many agents: fifty at work at once, and the board of a thousand plans with a hundred thousand events."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from functools import cache
from pathlib import Path

import crowd
from pairs import Planned, Row, Side
from place import Place
from scenes import coordinated, worktree_of

_AGENTS = 50
_MEMORIES = 2
"""What each agent writes down before it completes a wave."""
_WAVES = 40

_SIZE = f"{crowd.PLANS:,} plans x {crowd.WAVES} waves, {crowd.EVENTS:,} events"


def rows(place: Place) -> list[Planned]:
    """Fifty at once, what others see of it, and reports over very many plans."""

    @cache
    def team() -> _Team:
        return _Team(place)

    @cache
    def large() -> _Plumbing:
        return _Plumbing(place, crowd.crowd(place, "crowd"))

    return [
        (
            f"{_AGENTS} agents at once: {_MEMORIES} events and a wave each",
            lambda: Row(
                Side("`memory write`, `claim`", team().all_at_once),
                Side("`git notes append` under flock, `git commit`", _Plain(place).all_at_once),
                None,
                team().notes,
            ),
        ),
        (
            "from a completion until `wait` elsewhere ends",
            lambda: Row(
                Side("`wait`", team().until_waited),
                Side("a loop of `git for-each-ref` and `sleep 1`", team().until_looped),
                None,
            ),
        ),
        (
            f"first status after a completion, {_AGENTS} plans",
            lambda: Row(
                Side("`log-status`", team().until_shown), Side("the same, unchanged", team().shown_again), None
            ),
        ),
        *(
            (f"`{command}` of {_SIZE}, {state}", lambda c=command, s=state: _over(place, large(), c, s))
            for command in ("log-status", "ready")
            for state in ("cold", "unchanged")
        ),
    ]


class _Team:
    """Agents in worktrees of one repository. Each turn completes the next wave of each."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.root = coordinated(place, "team")
        self.notes: list[str] = []
        waves = "".join(f"  {wave}: {{title: Step {wave}}}\n" for wave in range(1, _WAVES + 1))
        for plan in range(1, _AGENTS + 1):
            text = f"---\nplan: {plan}\ntitle: Part {plan}\nwaves:\n{waves}---\n"
            (self.root / ".conductor" / "plans" / f"{plan}.md").write_text(text)
        place.ours(self.root, "plan", "commit")
        for plan in range(1, _AGENTS + 1):
            place.ours(self.root, "delegate", str(plan))
        self.worktrees = [worktree_of(place, self.root, plan) for plan in range(1, _AGENTS + 1)]
        self.done = dict.fromkeys(range(1, _AGENTS + 1), 0)

    def all_at_once(self, turn: int) -> float:
        """The seconds until the last one is done. Fails where an event or a wave is lost."""
        before = self._events()
        ours = self.place.conductor
        writes = "".join(f"{ours} memory write note-{number} {turn} && " for number in range(_MEMORIES))
        seconds = _together(
            self.place,
            {
                worktree: f"{writes}{ours} claim {plan}.{self._next(plan)}"
                for plan, worktree in enumerate(self.worktrees, 1)
            },
        )
        # A wave that is completed is one event too: its proof.
        kept, said = self._events() - before, _AGENTS * (_MEMORIES + 1)
        complete = len(self._complete())
        note = f"{said} events reported as written, {kept} kept; {complete} of {_AGENTS} waves complete"
        if kept != said or complete != _AGENTS:
            raise RuntimeError(note)
        if note not in self.notes:
            self.notes.append(note)
        return seconds

    def until_waited(self, turn: int) -> float:
        """The seconds from where a claim stands until who waits for it elsewhere has been told."""
        target = f"1.{self._proven(1)}"
        waiting = self._start(self.worktrees[1], self.place.conductor, "wait", target, "--max", "60")
        assert waiting.stderr is not None
        waiting.stderr.readline()
        # It has looked once; a completion comes at any moment after that.
        time.sleep(0.3 + turn % 5 / 5)
        self._commit(1)
        began = time.perf_counter()
        if waiting.wait():
            raise RuntimeError(f"wait {target} ended with {waiting.returncode}")
        return time.perf_counter() - began

    def until_looped(self, turn: int) -> float:
        """The same for a shell that looks once a second."""
        wave = self._proven(3)
        asked = "git for-each-ref '--format=%(subject)' refs/heads/agent-3"
        loop = f"until {asked} | grep -q 'Wave {wave} Complete'; do sleep 1; done"
        waiting = self._start(self.worktrees[1], "sh", "-c", loop)
        time.sleep(0.3 + turn % 5 / 5)
        self._commit(3)
        began = time.perf_counter()
        waiting.wait()
        return time.perf_counter() - began

    def until_shown(self, turn: int) -> float:
        """The seconds of the first report that shows a completion."""
        self._proven(2)
        self._commit(2)
        seconds = self.shown_again(turn)
        if 2 not in self._complete():
            raise RuntimeError("a completed wave is not shown")
        return seconds

    def shown_again(self, turn: int) -> float:
        """The seconds of a report."""
        return self.place.time(self.place.conductor, "log-status", "--json", cwd=self.root)

    def _next(self, plan: int) -> int:
        self.done[plan] += 1
        return self.done[plan]

    def _proven(self, plan: int) -> int:
        """The plan's next wave, validated and not claimed yet."""
        wave = self._next(plan)
        self.place.ours(self.worktrees[plan - 1], "validate", f"{plan}.{wave}")
        return wave

    def _commit(self, plan: int) -> None:
        line = f"✅ Wave {self.done[plan]} Complete"
        self.place.git(self.worktrees[plan - 1], "commit", "-q", "--allow-empty", "-m", line)

    def _start(self, cwd: Path, *argv: str) -> subprocess.Popen[bytes]:
        null = subprocess.DEVNULL
        return subprocess.Popen(
            argv, cwd=cwd, env=self.place.environment, stdin=null, stdout=null, stderr=subprocess.PIPE
        )

    def _events(self) -> int:
        from conductor_git.store.notes.ledger_reader import read_ledger
        from conductor_git.store.plumbing.repository import discover

        return len(read_ledger(discover(str(self.root)), use_cache=False).events)

    def _complete(self) -> set[int]:
        """The plans whose newest wave is complete, as an agent sees it."""
        board = json.loads(self.place.ours(self.worktrees[0], "log-status", "--json"))
        states = {(int(plan["plan"]), wave["wave"]): wave["state"] for plan in board["plans"] for wave in plan["waves"]}
        return {plan for plan, wave in self.done.items() if states.get((plan, wave)) == "complete"}


class _Plain:
    """As many worktrees without conductor-git: the same lines and commits by git alone."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.root = place.new_repository("plain-team")
        self.worktrees = [self.root.parent / "plain-worktrees" / str(number) for number in range(_AGENTS)]
        for number, worktree in enumerate(self.worktrees):
            place.git(self.root, "worktree", "add", "-q", "-b", f"agent-{number}", str(worktree))

    def all_at_once(self, turn: int) -> float:
        """The seconds until the last one is done."""
        lock = self.root / ".git" / "notes-lock"
        note = f"flock {lock} git notes append -m '{'x' * 400}' HEAD && "
        script = note * (_MEMORIES + 1) + f"git commit -q --allow-empty -m 'Complete step {turn}'"
        return _together(self.place, dict.fromkeys(self.worktrees, script))


def _together(place: Place, scripts: dict[Path, str]) -> float:
    """Run a shell script in each folder, all at once; the seconds until the last one ends. Each must succeed."""
    began = time.perf_counter()
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    started = [
        subprocess.Popen(("sh", "-c", script), cwd=cwd, env=place.environment, stdin=null, stdout=null, stderr=pipe)
        for cwd, script in scripts.items()
    ]
    said = [process.communicate()[1] for process in started]
    seconds = time.perf_counter() - began
    for process, error in zip(started, said, strict=True):
        if process.returncode:
            raise RuntimeError(f"exit code {process.returncode}: " + error.decode("utf-8", "replace"))
    return seconds


def _over(place: Place, plumbing: _Plumbing, command: str, state: str) -> Row:
    root = plumbing.root

    def forget(turn: int) -> None:
        if state == "cold":
            shutil.rmtree(root / ".git" / "conductor" / "cache", ignore_errors=True)

    place.ours(root, command, "--json")
    ours = Side(f"`{command}`", lambda turn: place.time(place.conductor, command, cwd=root), forget)
    peer = Side("`git log`, `cat-file --batch`, `for-each-ref`", plumbing.all)
    return Row(ours, peer, None, plumbing.notes)


class _Plumbing:
    """The same commits, events and refs, read by git and thrown away."""

    def __init__(self, place: Place, root: Path) -> None:
        self.place = place
        self.root = root
        self.events = root.parent / "events.txt"
        ledgers = place.git(root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor/").splitlines()
        oids = [line.split()[2] for ref in ledgers for line in place.git(root, "ls-tree", "-r", ref).splitlines()]
        self.events.write_text("".join(f"{oid}\n" for oid in oids))
        self.notes: list[str] = []

    def all(self, turn: int) -> float:
        """The seconds of the three, one after the other."""
        log = self.place.time("git", "log", "-z", "--format=%H %T %ct %P%n%B", "--branches", cwd=self.root)
        read = self.place.time("sh", "-c", f"git cat-file --batch <{self.events}", cwd=self.root)
        refs = self.place.time("git", "for-each-ref", cwd=self.root)
        each = ", ".join(
            f"`{name}` {seconds * 1000:.0f} ms"
            for name, seconds in (("git log", log), ("cat-file --batch", read), ("for-each-ref", refs))
        )
        self.notes[:] = [f"the last time: {each}"]
        return log + read + refs
