"""Which rules of an earlier time are believed, and that nobody's word about them can harm a reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.targets import Oid, Target
from conductor_git.store.notes.ledger import append
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.snapshot import take
from tests.outside import counting
from tests.team import CLAIM, Team


def wave(team: Team) -> dict[str, Any]:
    code, said = team.run("conductor-git", "log-status", "--json")
    assert code == 0, said
    found: dict[str, Any] = json.loads(said)["plans"][0]["waves"][0]
    return found


def change_rules(team: Team, text: str) -> None:
    """Commit another script on main, and go back to the plan's branch."""
    team.git(team.root, "checkout", "-q", "main")
    (team.root / ".conductor" / "scripts" / "verify.sh").write_text(f"#!/bin/sh\n{text}\n")
    team.git(team.root, "commit", "-q", "-a", "--no-verify", "-m", "other rules", env={"CONDUCTOR_WRITER": "conductor"})
    team.git(team.root, "checkout", "-q", "b2")


def claimed(team: Team) -> Attestation:
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    (event,) = read_ledger(discover(str(team.root))).events
    proof = attestation.read(event)
    assert proof is not None
    return proof


def attest(team: Team, proof: Attestation, **changes: Any) -> None:
    """What a hostile agent writes into its own ledger."""
    made = msgspec.structs.replace(proof, writer="agent-9", **changes)
    data = {"statement": attestation.statement(made)}
    append(discover(str(team.root)), writer="agent-9", kind="attestation", data=data, target=Target("2", 0), now=1)


def test_a_claim_that_was_proven_under_older_rules_stays_complete_and_says_so(team: Team) -> None:
    claimed(team)
    change_rules(team, "exit 0")
    assert (wave(team)["state"], wave(team)["drift"]) == ("complete", True)
    team.git(team.root, "checkout", "-q", "main")
    team.git(team.root, "reset", "-q", "--hard", "HEAD~1")
    assert (wave(team)["state"], wave(team)["drift"]) == ("complete", False)


def test_rules_of_a_control_commit_that_is_gone_are_believed_no_more(team: Team) -> None:
    change_rules(team, "exit 0")
    claimed(team)
    change_rules(team, "exit 1")
    assert wave(team)["state"] == "complete"
    team.git(team.root, "checkout", "-q", "main")
    team.git(team.root, "reset", "-q", "--hard", "HEAD~2")
    assert (wave(team)["state"], wave(team)["findings"][0]["code"]) == ("claimed", "CG203")


@pytest.mark.parametrize(
    "control",
    ["--all", "-h", "", "HEAD", "main", "b2\n", "a\0b", "0" * 40, "{tree}", "{bare}", "{stray}"],
)
def test_whatever_a_proof_names_as_its_control_commit_is_no_harm(team: Team, control: str) -> None:
    proof = claimed(team)
    forged = {
        "{tree}": "main^{tree}",
        "{bare}": team.git(team.root, "commit-tree", "-m", "no policy", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
        "{stray}": team.git(team.root, "commit-tree", "-m", "not on control", "main^{tree}"),
    }
    named = team.git(team.root, "rev-parse", forged[control]) if control in forged else control
    attest(team, proof, control=Oid(named), rules="sha256:" + "7" * 64)
    assert wave(team)["state"] == "complete"
    assert take(discover(str(team.root))).past_rules == {}


def test_a_commit_before_the_policy_had_no_rules(team: Team, tmp_path: Path) -> None:
    proof = claimed(team)
    first = team.git(team.root, "commit-tree", "-m", "before", "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
    joined = team.git(team.root, "commit-tree", "-p", "main", "-p", first, "-m", "join", "main^{tree}")
    team.git(team.root, "update-ref", "refs/heads/main", joined)
    attest(team, proof, control=Oid(first), rules="sha256:" + "7" * 64)
    assert wave(team)["state"] == "complete"


def test_however_many_commits_proofs_name_each_control_tree_is_read_once(team: Team, tmp_path: Path) -> None:
    proof = claimed(team)
    team.git(team.root, "checkout", "-q", "main")
    for number in range(12):
        team.git(team.root, "commit", "-q", "--allow-empty", "-m", f"step {number}")
        attest(team, proof, control=Oid(team.git(team.root, "rev-parse", "HEAD")), rules=f"sha256:{number:064}")
    env = counting(tmp_path)
    assert team.run("conductor-git", "log-status", env=env)[0] == 0
    assert len((tmp_path / "calls").read_text().splitlines()) < 24
