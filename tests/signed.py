"""A team whose ledger is signed: real keys, allowed signers on the control branch, and lines written by hand."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.events.canonical import canonical
from conductor_git.core.events.event import Kind, line_fields, render_signed
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.rules import RuleSet, rules_of
from conductor_git.core.reporting.board import Board, WaveStatus
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Oid, Target
from conductor_git.store.notes.ledger import ledger_ref
from conductor_git.store.notes.ledger_writer import Commit, prepare, publish
from conductor_git.store.notes.signing import Signing
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.plumbing.staged import product_of
from conductor_git.store.snapshot import take
from conductor_git.store.validation.platform import platform_tag
from tests.team import CLAIM, Team

REPOSITORY = "0123456789abcdef"
NOW = 1_800_000_000
POLICY = f'format = 1\nrepository = "{REPOSITORY}"\n'


@cache
def _make_key(folder: str, name: str, kind: str) -> Path:
    path = Path(folder) / name
    if not path.exists():
        command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


class Keys:
    """Keys by name, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str, kind: str = "ed25519") -> Path:
        return _make_key(str(self.folder), name, kind)

    def public(self, name: str, kind: str = "ed25519") -> str:
        return " ".join(self.path(name, kind).with_suffix(".pub").read_text().split()[:2])

    def signing(self, name: str, role: str = "agent", *, kind: str = "ed25519", repo: str = REPOSITORY) -> Signing:
        return Signing(str(self.path(name, kind)), f"conductor-git/{role}@v1", repo, required=True)


class SignedTeam:
    """Plan 2's branch with a claim of wave 0, and a ledger that tests write as attackers would."""

    def __init__(self, team: Team, keys: Keys) -> None:
        self.team = team
        self.keys = keys
        self.clock = 0
        team.git(team.root, "commit", "-q", "--no-verify", "--allow-empty", "-m", CLAIM)

    @property
    def repo(self) -> Repository:
        return discover(str(self.team.root))

    def line(self, principals: str, key: str, role: str = "", *, options: str = "", kind: str = "ed25519") -> str:
        """A line of the allowed signers."""
        given = [f'namespaces="conductor-git/{role}@v1"'] if role else []
        given += [options] if options else []
        return " ".join(filter(None, [principals, ",".join(given), self.keys.public(key, kind)])) + "\n"

    def rule(self, trust: str, *lines: str, attested_by: str = "agent") -> None:
        """Put policy and allowed signers on the control branch."""
        self.team.git(self.team.root, "checkout", "-q", "main")
        policy = f'{POLICY}[validation]\ndefault = "verify.sh"\nattested-by = "{attested_by}"\n'
        (self.team.root / ".conductor/conductor.toml").write_text(f"{policy}[trust]\n{trust}\n" if trust else policy)
        (self.team.root / ".conductor/allowed_signers").write_text("".join(lines))
        self.team.git(self.team.root, "add", ".conductor")
        self.team.git(self.team.root, "commit", "-q", "--no-verify", "--allow-empty", "-m", "rules")
        self.team.git(self.team.root, "checkout", "-q", "b2")

    def statement(self, writer: str = "agent-2", wave: int = 0, **changes: Any) -> dict[str, Any]:
        """A passing attestation of what HEAD has, under the rules of now."""
        snapshot = take(self.repo)
        target = Target("2", wave)
        plan = snapshot.plan("2")
        assert plan is not None
        rules = rules_of(snapshot.policy, plan, target, snapshot.scripts)
        assert isinstance(rules, RuleSet)
        tree = self.repo.resolve("HEAD", kind="tree")
        assert tree is not None
        made = Attestation(
            target=target,
            tree=product_of(self.repo, tree).oid,
            passed=True,
            outcome="passed",
            repository=REPOSITORY,
            rules=rules.digest,
            script=rules.script,
            script_digest=rules.script_digest,
            control=snapshot.control,
            platform=platform_tag(),
            writer=writer,
            started=NOW,
            ended=NOW,
            role="runner" if writer.startswith("runner-") else "agent",
        )
        return attestation.statement(msgspec.structs.replace(made, **changes))

    def fields(
        self,
        kind: Kind,
        data: dict[str, Any],
        writer: str = "agent-2",
        *,
        wave: int | None = 0,
    ) -> dict[str, Any]:
        """What a line says."""
        self.clock += 1
        return line_fields(clock=self.clock, writer=writer, kind=kind, time=NOW, data=data, target=Target("2", wave))

    def write(self, raw: bytes, writer: str = "agent-2") -> Oid:
        """Put a line into a writer's ledger, whoever signed it."""
        ref = ledger_ref(writer, "0a1b2c3d")
        id = self.repo.hash("blob", raw)
        commit = Commit(ref, f"conductor: clock {self.clock} known {self.clock}", {id: raw}, (), NOW)
        assert publish(self.repo, commit, prepare(self.repo, commit))
        return id

    def attest(self, signing: Signing | None = None, writer: str = "agent-2", *, wave: int = 0, **changes: Any) -> Oid:
        """Record an attestation, signed or not."""
        said = {"statement": self.statement(writer, wave, **changes)}
        fields = self.fields("attestation", said, writer, wave=wave)
        return self.write(self.rendered(fields, signing), writer)

    def rendered(self, fields: dict[str, Any], signing: Signing | None) -> bytes:
        """The bytes of a line."""
        if signing is None:
            return canonical(fields).encode() + b"\n"
        return render_signed(fields, repository=signing.repository, sign=signing)

    def snapshot(self) -> Snapshot:
        return take(self.repo)

    def board(self) -> Board:
        return fold(self.snapshot(), NOW)

    def wave(self, number: int = 0) -> WaveStatus:
        plan = self.board().plan("2")
        assert plan is not None
        return next(wave for wave in plan.waves if wave.wave == number)

    def verdict(self) -> tuple[str, str | None, list[str]]:
        """State and basis of wave 0, and the codes that it has."""
        wave = self.wave()
        return wave.state, wave.basis, [finding.code for finding in wave.findings]


def count_calls(folder: Path, program: str) -> Path:
    """Put a stand-in for a program first on PATH that notes each call, and calls it; the path of its notes."""
    real = subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True, text=True, check=True).stdout
    folder.mkdir()
    shim = folder / program
    shim.write_text(f'#!/bin/sh\necho "$*" >>"{folder}/calls"\nexec {real.strip()} "$@"\n')
    shim.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return folder / "calls"
