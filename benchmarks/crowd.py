"""The repository of a very large team: a thousand plans, ten thousand proven claims, a hundred thousand events.

Its plans, branches and ledgers are written by `git fast-import`, and every line of a ledger by the product's own
functions, so that readers believe all of it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from place import Place
from scenes import coordinated

from conductor_git.core.events.attestation import Attestation, digest, statement
from conductor_git.core.events.delegation import render_delegation
from conductor_git.core.events.event import Kind, render_line
from conductor_git.core.events.memory import render_memory
from conductor_git.core.planning.rules import RuleSet, rules_of
from conductor_git.core.targets import Oid, Target
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.plumbing.repository import discover

PLANS = 1_000
WAVES = 20
CLAIMED = 10
"""Waves of each plan that are complete."""
EVENTS = 100_000

_BEGINNING = int(time.time()) - 3_600
"""An hour ago: nobody is silent yet, and no blocker unanswered for too long."""
_AUTHOR = b"committer Ada <ada@example.org> %d +0000\n"
_OF_EACH = EVENTS // PLANS - 1
"""Events in each agent's ledger; its delegation is the conductor's."""


def crowd(place: Place, name: str) -> Path:
    """The repository. Each plan's last wave needs the last one of the plan before it."""
    root = coordinated(place, name)
    _import(place, root, _declared())
    control = read_control(discover(str(root)), use_cache=False)
    trunk = place.git(root, "rev-parse", "main")
    files = _files(place, root)
    team = _Team(control, trunk, files)
    _import(place, root, team.stream())
    place.git(root, "pack-refs", "--all")
    return root


def _import(place: Place, root: Path, stream: Iterator[bytes]) -> None:
    # No door is asked: a hundred agents would have been, each in its turn.
    place.run("git", "-c", "core.hooksPath=/dev/null", "fast-import", "--quiet", cwd=root, stdin=b"".join(stream))
    place.git(root, "reset", "-q", "--hard")


def _declared() -> Iterator[bytes]:
    """One commit on main with every plan file."""
    yield (
        b"commit refs/heads/main\n" + _AUTHOR % _BEGINNING + _data(b"Declare every plan") + b"from refs/heads/main^0\n"
    )
    for plan in range(1, PLANS + 1):
        yield b"M 100644 inline .conductor/plans/%d.md\n" % plan + _data(_plan_file(plan).encode())


def _plan_file(plan: int) -> str:
    waves = "".join(f"  {wave}: {{title: Step {wave}}}\n" for wave in range(1, WAVES))
    last = f"  {WAVES}: {{title: Together" + (f", needs: [{plan - 1}.{WAVES}]" if plan > 1 else "") + "}\n"
    head = f"plan: {plan}\ntitle: Part {plan}\nagent: agent-{plan}\nbranch: {_branch(plan)}\n"
    return f"---\n{head}scope: ['part{plan}/**']\nwaves:\n{waves}{last}---\n"


def _branch(plan: int) -> str:
    return f"agent-{plan}/work"


def _files(place: Place, root: Path) -> dict[bytes, bytes]:
    """What main has at its root, without the control tree: by name, mode and oid as a tree object has them."""
    found = {}
    for line in place.git(root, "ls-tree", "main").splitlines():
        meta, _, name = line.partition("\t")
        mode, _, oid = meta.split(" ")
        found[name.encode()] = _entry(mode.lstrip("0").encode(), name.encode(), oid)
    del found[b".conductor"]
    return found


class _Team:
    """Everything that the agents did, as a stream for fast-import."""

    def __init__(self, control: Control, trunk: str, files: dict[bytes, bytes]) -> None:
        self.control = control
        self.trunk = trunk
        self.files = files
        self.plans = {plan.plan: plan for plan in control.plans}

    def stream(self) -> Iterator[bytes]:
        """Branches and ledgers."""
        delegations = [self._delegation(plan) for plan in range(1, PLANS + 1)]
        yield from self._ledger("conductor", delegations)
        for plan, delegation in enumerate(delegations, 1):
            yield from self._work(plan, _hash(b"blob", delegation))
            yield from self._ledger(f"agent-{plan}", self._said(plan))

    def _work(self, plan: int, delegation: str) -> Iterator[bytes]:
        start = f"▶ PLAN {plan} START - agent-{plan}\n\nConductor-Plan: {plan}\nConductor-Delegation: {delegation}\n"
        yield self._commit(plan, 0, start) + f"from {self.trunk}\n".encode()
        for wave in range(1, CLAIMED + 1):
            work = b"M 100644 inline part%d/%d\n" % (plan, wave) + _data(b"%d\n" % wave)
            yield self._commit(plan, wave, f"Do step {wave}\n") + work
            trailers = f"Conductor-Plan: {plan}\nConductor-Wave: {wave}\nConductor-Rules: {self._rules(plan).digest}\n"
            yield self._commit(plan, wave, f"✅ Wave {wave} Complete\n\n{trailers}")

    def _commit(self, plan: int, wave: int, message: str) -> bytes:
        at = _AUTHOR % (_BEGINNING + 60 * wave)
        return f"commit refs/heads/{_branch(plan)}\n".encode() + at + _data(message.encode())

    def _ledger(self, writer: str, lines: list[bytes]) -> Iterator[bytes]:
        ref = f"refs/notes/conductor/{writer}.0000c10e".encode()
        subject = b"conductor: clock %d known %d" % (len(lines), len(lines))
        yield b"commit " + ref + b"\n" + _AUTHOR % _BEGINNING + _data(subject)
        for line in lines:
            oid = _hash(b"blob", line)
            yield f"M 100644 inline {oid[:2]}/{oid[2:]}\n".encode() + _data(line)

    def _delegation(self, plan: int) -> bytes:
        said = render_delegation(
            agent=f"agent-{plan}", agent_kind="", branch=_branch(plan), workspace=f"../work-{plan}", brief=""
        )
        return _line(plan, "conductor", "delegation", said, Target(str(plan)))

    def _said(self, plan: int) -> list[bytes]:
        """What the agent of a plan said: proofs, now and then a blocker, and what it wants remembered."""
        writer = f"agent-{plan}"
        said: list[tuple[Kind, dict[str, Any], Target | None]] = [
            ("attestation", {"statement": self._statement(plan, wave)}, Target(str(plan), wave))
            for wave in range(1, CLAIMED + 1)
        ]
        if plan % 50 == 0:
            said.append(("blocker", {"level": "low", "message": "which limit?"}, Target(str(plan), CLAIMED + 1)))
        said += [
            ("memory", render_memory(f"{writer}/{number % 10}", {"done": number}), Target(str(plan)))
            for number in range(_OF_EACH - len(said))
        ]
        return [_line(clock, writer, *each) for clock, each in enumerate(said, 1)]

    def _statement(self, plan: int, wave: int) -> dict[str, Any]:
        rules, at = self._rules(plan), _BEGINNING + 60 * wave
        return statement(
            Attestation(
                target=Target(str(plan), wave),
                tree=self._product(plan, wave),
                passed=True,
                outcome="passed",
                repository=self.control.policy.repository,
                rules=rules.digest,
                script=rules.script,
                script_digest=rules.script_digest,
                control=self.control.oid,
                platform="linux-x86_64",
                writer=f"agent-{plan}",
                started=at - 20,
                ended=at,
                exit_code=0,
                log_digest=digest(f"{plan}.{wave}"),
            )
        )

    def _rules(self, plan: int) -> RuleSet:
        rules = rules_of(self.control.policy, self.plans[str(plan)], Target(str(plan), 1), self.control.scripts)
        assert isinstance(rules, RuleSet), rules
        return rules

    def _product(self, plan: int, wave: int) -> Oid:
        """The product tree of a plan's branch when a wave was done."""
        names = sorted(b"%d" % number for number in range(1, wave + 1))
        part = b"".join(_entry(b"100644", name, _hash(b"blob", name + b"\n")) for name in names)
        folder = b"part%d" % plan
        entries = {**self.files, folder: _entry(b"40000", folder, _hash(b"tree", part))}
        return Oid(_hash(b"tree", b"".join(entries[name] for name in sorted(entries))))


def _line(clock: int, writer: str, kind: Kind, data: dict[str, Any], target: Target | None) -> bytes:
    return render_line(clock=clock, writer=writer, kind=kind, time=_BEGINNING + clock, data=data, target=target)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _entry(mode: bytes, name: bytes, oid: str) -> bytes:
    return mode + b" " + name + b"\0" + bytes.fromhex(oid)


def _hash(kind: bytes, content: bytes) -> str:
    return hashlib.sha1(kind + b" %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
