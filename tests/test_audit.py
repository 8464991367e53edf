"""`audit`: what fools a reader, or git, that trusts its clone does not fool it, and it names commit and code."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from junitparser import Failure, JUnitXml

from conductor_git.commands.audit import Asked
from conductor_git.commands.audit import audit as journey
from conductor_git.commands.status import status
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.attestation import statement
from conductor_git.core.events.canonical import canonical
from conductor_git.core.judgement.evidence import Attestations
from conductor_git.core.planning.rules import RuleSet, rules_of
from conductor_git.core.reporting.audit import Audit, Located
from conductor_git.core.reporting.board import Board
from conductor_git.core.targets import Oid, Target
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.notes.ledger import append
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.plumbing.staged import product_of
from conductor_git.store.snapshot import take
from tests.conftest import IDENTITY, Git
from tests.outside import findings
from tests.signed import Keys, SignedTeam
from tests.team import CLAIM, Team
from tests.test_landings import land, put

NOW = 2_000_000_000


@pytest.fixture(scope="session")
def worked(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wave 2.0 failed once, was mended, proven and claimed, and has landed. Built once and copied."""
    root = tmp_path_factory.mktemp("worked") / "shop"
    shutil.copytree(template, root, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        own = {"HOME": str(home), "CONDUCTOR_CACHE": str(home / "cache"), "PATH": path}
        for name, value in {**IDENTITY, **own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}.items():
            patch.setenv(name, value)
        team = Team(root, run_git)
        install_doors(discover(str(root)), read(root))
        (root / ".git/hooks/reference-transaction").unlink()
        (root / "state").write_text("bad\n")
        put(team, "work")
        put(team, "state", "bad\n")
        assert team.run("conductor-git", "validate", "2.0")[0] == 1
        put(team, "state", "good\n")
        team.prove("2.0")
        assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
        land(team, "b2")
    return root


def run_git(folder: Path | str, *args: str, **how: Any) -> str:
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def read(root: Path) -> Control:
    return read_control(discover(str(root)))


@pytest.fixture
def shop(worked: Path, tmp_path: Path, git: Git) -> Team:
    root = tmp_path / "shop"
    shutil.copytree(worked, root, symlinks=True)
    return Team(root, git)


def audit(at: Path, **asked: Any) -> Audit:
    said: list[str] = []
    found = journey(lambda: discover(str(at)), Asked(**asked), say=said.append, now=NOW).data
    assert isinstance(found, Audit)
    return found


def faults(at: Path, **asked: Any) -> list[tuple[str, str]]:
    """Code and commit (abbreviated) of all that makes an audit fail."""
    return [(found.code, (found.commit or "")[:12]) for found in refusing(audit(at, **asked))]


def refusing(found: Audit) -> list[Located]:
    return [each for case in found.cases for each in case.findings if each.refuses]


def alarms(at: Path) -> list[str]:
    """The codes of what the report finds wrong with integration and ledger."""
    board = status(discover(str(at)), now=NOW).data
    assert isinstance(board, Board)
    return [found.code for found in board.findings if found.refuses]


def wave(at: Path, plan: int = 0) -> str:
    board = status(discover(str(at)), now=NOW).data
    assert isinstance(board, Board)
    return board.plans[plan].waves[0].state


def tell(at: Path, **asked: Any) -> CannotRun:
    """Why it cannot be told."""
    with pytest.raises(CannotRun) as caught:
        audit(at, **asked)
    return caught.value


def rev(team: Team, name: str) -> str:
    return team.git(team.root, "rev-parse", name)[:12]


def ledger(team: Team) -> str:
    """The ledger ref that has the proofs."""
    return team.git(team.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor/agent-2.*")


def rewrite(team: Team, change: Callable[[Path], None], *, ref: str = "") -> str:
    """Commit a changed tree on top of a ledger, as anybody can with plain git; the commit."""
    ref = ref or ledger(team)
    folder = team.root.parent / "rewrite"
    team.git(team.root, "worktree", "add", "-q", "--detach", str(folder), ref)
    change(folder)
    team.git(folder, "add", "-A", "--force")
    tree = team.git(folder, "write-tree")
    env = {"GIT_AUTHOR_NAME": "Mallory", "GIT_AUTHOR_EMAIL": "m@example.org"}
    made = team.git(team.root, "commit-tree", "-p", ref, "-m", "conductor: clock 9 known 9", tree, env=env)
    team.git(team.root, "update-ref", ref, made)
    team.git(team.root, "worktree", "remove", "--force", str(folder))
    return made


def lines(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in folder.glob("??/*")}


def test_what_is_in_order_is_clean_wherever_it_is_asked(shop: Team, tmp_path: Path) -> None:
    found = audit(shop.root)
    assert refusing(found) == []
    assert {kind: count.states for kind, count in found.counts.items()} == {
        "objects": {"whole": 1},
        "rules": {"obeyed": 1},
        "ledger": {"whole": 1},
        "claim": {"proven": 1},
        "step": {"direct": 1, "landing": 1},
        "commit": {"within bounds": 4},
    }
    (claim,) = [case for case in found.cases if case.kind == "claim"]
    assert (claim.plan, claim.wave, claim.basis, len(claim.proofs)) == ("2", 0, "self", 1)
    before = shop.git(shop.root, "for-each-ref")
    (shop.root / "docs").mkdir()
    assert audit(shop.root / "docs").clean
    linked = tmp_path / "linked"
    shop.git(shop.root, "worktree", "add", "-q", "--detach", str(linked))
    assert audit(linked).clean
    bare = tmp_path / "bare.git"
    shop.git(tmp_path, "clone", "-q", "--mirror", str(shop.root), str(bare))
    assert audit(bare).clean
    fetched = audit(Path(os.devnull), url=str(bare))
    assert (fetched.clean, fetched.counts) == (True, found.counts)
    assert shop.git(shop.root, "for-each-ref") == before


def test_a_replace_ref_and_a_graft_hide_nothing(shop: Team) -> None:
    shop.git(shop.root, "checkout", "-q", "-b", "evil", "main")
    put(shop, "smuggled")
    shop.git(shop.root, "checkout", "-q", "main")
    good, parents = rev(shop, "main"), ("-p", "main^1", "-p", "main^2")
    tree = shop.git(shop.root, "rev-parse", "evil^{tree}")
    evil = shop.git(shop.root, "commit-tree", *parents, "-m", "land", tree)
    shop.git(shop.root, "update-ref", "refs/heads/main", evil)
    expected = [("CG505", evil[:12]), ("CG504", evil[:12])]
    assert faults(shop.root) == expected
    # Control: git shows the good one in its place, and a graft takes the merged side away from every reader.
    shop.git(shop.root, "replace", evil, good)
    assert "smuggled" not in shop.git(shop.root, "ls-tree", "--name-only", "main")
    assert faults(shop.root) == expected
    (shop.root / ".git/info").mkdir(exist_ok=True)
    (shop.root / ".git/info/grafts").write_text(f"{evil} {shop.git(shop.root, 'rev-parse', evil + '^1')}\n")
    shutil.rmtree(shop.root / ".git/conductor/cache")
    assert alarms(shop.root) == []
    assert faults(shop.root) == expected


def test_a_poisoned_memo_is_not_read(shop: Team) -> None:
    shop.git(shop.root, "checkout", "-q", "-b", "b3", "main")
    assert shop.commit("--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
    claim = rev(shop, "HEAD")
    assert faults(shop.root) == [("CG201", claim)]
    assert wave(shop.root, 1) == "claimed"
    memo = shop.root / ".git/conductor/cache/board"
    memo.write_bytes(memo.read_bytes().replace(b"\xa7claimed", b"\xa8complete"))
    assert wave(shop.root, 1) == "complete"
    assert faults(shop.root) == [("CG201", claim)]


def test_a_dropped_line_is_found_though_what_is_left_is_a_good_ledger(shop: Team) -> None:
    def drop_all_but_failures(folder: Path) -> None:
        for path, line in lines(folder).items():
            if '"result":"FAILED"' in line:
                path.unlink()

    made = rewrite(shop, drop_all_but_failures)
    assert alarms(shop.root) == []
    (fault,) = refusing(audit(shop.root))
    assert (fault.code, fault.commit) == ("CG610", made)
    assert "a line was dropped by commit" in fault.message
    assert "attestation 2.0" in fault.message


def test_an_edited_line_is_found(shop: Team) -> None:
    def pass_what_failed(folder: Path) -> None:
        for path, line in lines(folder).items():
            path.write_text(line.replace("FAILED", "PASSED"))

    made = rewrite(shop, pass_what_failed)
    assert alarms(shop.root) == []
    assert ("CG610", made[:12]) in faults(shop.root)
    fault = next(found for found in signed_by(shop, made) if found.code == "CG610")
    assert fault.author == "Mallory <m@example.org>"


def signed_by(shop: Team, commit: str) -> list[Located]:
    return [found for found in refusing(audit(shop.root)) if found.commit == commit]


def test_a_forged_and_a_backdated_line_are_found(shop: Team) -> None:
    line = next(iter(shop.git(shop.root, "ls-tree", "-r", ledger(shop)).splitlines()))
    event = msgspec.json.decode(shop.git(shop.root, "cat-file", "blob", line.split()[2]))

    def add(**changes: Any) -> Callable[[Path], None]:
        raw = msgspec.json.encode({**event, **changes}, order="sorted") + b"\n"
        oid = shop.git(shop.root, "hash-object", "-w", "--stdin", stdin=raw.decode())

        def write(folder: Path) -> None:
            (folder / oid[:2]).mkdir(exist_ok=True)
            (folder / oid[:2] / oid[2:]).write_bytes(raw)

        return write

    forged = rewrite(shop, add(writer="conductor", clock=20))
    early = rewrite(shop, add(clock=1, time=1))
    late = rewrite(shop, add(clock=5_000))
    stray = rewrite(shop, lambda folder: (folder / "stray").touch())
    assert alarms(shop.root) == []
    assert faults(shop.root) == [
        ("CG602", forged[:12]),
        ("CG612", early[:12]),
        ("CG603", late[:12]),
        ("CG605", stray[:12]),
    ]


def test_what_went_back_since_a_checkpoint_is_found_until_it_is_mended(shop: Team, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    refs = {ref: rev(shop, ref) for ref in ("refs/heads/main", ledger(shop))}
    assert faults(shop.root, checkpoint=str(file)) == []
    begun = file.read_bytes()
    for ref in refs:
        shop.git(shop.root, "update-ref", ref, f"{ref}^")
    shop.git(shop.root, "update-ref", "-d", "refs/heads/b2")
    assert alarms(shop.root) == []
    assert faults(shop.root) == []
    assert [code for code, _ in faults(shop.root, checkpoint=str(file))] == ["CG611", "CG508"]
    assert file.read_bytes() == begun
    shop.git(shop.root, "update-ref", "-d", ledger(shop))
    assert [code for code, _ in faults(shop.root, checkpoint=str(file))] == ["CG611", "CG508"]
    for ref, oid in refs.items():
        shop.git(shop.root, "update-ref", ref, oid)
    shop.git(shop.root, "checkout", "-q", "-f", "main")
    put(shop, "more")
    assert faults(shop.root, checkpoint=str(file), update=False) == []
    assert file.read_bytes() == begun
    assert faults(shop.root, checkpoint=str(file)) == []
    assert rev(shop, "main") in file.read_text()


def test_a_proven_claim_that_is_gone_since_a_checkpoint_is_found(shop: Team, tmp_path: Path) -> None:
    file = str(tmp_path / "checkpoint")
    shop.git(shop.root, "checkout", "-q", "b2")
    shop.git(shop.root, "merge", "-q", "main")
    shop.prove("2.1")
    assert shop.commit("-q", "--allow-empty", "-m", "✅ Wave 1 Complete")[0] == 0
    claim = rev(shop, "HEAD")
    assert faults(shop.root, checkpoint=file) == []
    shop.git(shop.root, "reset", "-q", "--hard", "HEAD^")
    assert faults(shop.root) == [], "without a checkpoint nobody can know"
    for _ in range(2):
        assert [code for code, _ in faults(shop.root, checkpoint=file)] == ["CG655"]
    # Said again, as after a rebase, or back where it was: both mend it.
    put(shop, "more")
    assert shop.commit("-q", "--allow-empty", "--no-verify", "-m", "✅ Wave 1 Complete")[0] == 0
    assert [code for code, _ in faults(shop.root, checkpoint=file, update=False)] == ["CG201"]
    shop.git(shop.root, "reset", "-q", "--hard", claim)
    assert faults(shop.root, checkpoint=file) == []


def test_a_ledger_that_was_written_anew_is_told_by_its_copy(shop: Team) -> None:
    ref = ledger(shop)
    copy = ref.replace("refs/notes/conductor/", "refs/notes/conductor-remotes/origin/")
    shop.git(shop.root, "update-ref", copy, ref)
    tree = shop.git(shop.root, "rev-parse", f"{ref}^{{tree}}")
    anew = shop.git(shop.root, "commit-tree", "-m", "conductor: clock 2 known 2", tree)
    shop.git(shop.root, "update-ref", ref, anew)
    assert alarms(shop.root) == []
    assert faults(shop.root) == [("CG611", rev(shop, ref))]


NEWER = '{"format":2,"repository":"x","since":"","control":{"ref":"a","tip":"b"},"integration":null,"ledgers":{}}'


@pytest.mark.parametrize("content", ["", "garbage", '{"format":1}', NEWER])
def test_a_damaged_checkpoint_is_one_clear_error_and_stays(shop: Team, tmp_path: Path, content: str) -> None:
    file = tmp_path / "check point"
    file.write_text(content)
    error = tell(shop.root, checkpoint=str(file))
    assert error.what.startswith(f"checkpoint '{file}' cannot be read: ")
    assert error.hint.startswith(f"mv -- '{file}' '{file}.damaged'")
    assert file.read_text() == content


def test_a_checkpoint_of_another_repository_or_in_no_folder_is_refused(shop: Team, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    audit(shop.root, checkpoint=str(file))
    file.write_text(file.read_text().replace("0123456789abcdef", "another"))
    assert "is of repository 'another'" in tell(shop.root, checkpoint=str(file)).what
    assert "cannot be written" in tell(shop.root, checkpoint=str(tmp_path / "none" / "file")).what


def test_configuration_chooses_no_rules(shop: Team) -> None:
    assert shop.run("git", "-c", "core.hooksPath=/dev/null", "checkout", "-q", "-b", "lenient", "main")[0] == 0
    policy = shop.root / ".conductor/conductor.toml"
    policy.write_text(f'control = "lenient"\n{policy.read_text()}')
    (shop.root / ".conductor/scripts/verify.sh").write_text("#!/bin/sh\nexit 0\n")
    shop.git(shop.root, "commit", "-q", "--no-verify", "-a", "-m", "rules of mine")
    shop.git(shop.root, "config", "conductor.control", "lenient")
    board = status(discover(str(shop.root)), now=NOW).data
    assert isinstance(board, Board)
    assert board.control == "refs/heads/lenient"
    found = audit(shop.root)
    assert found.control == "refs/heads/main"
    assert [fault.code for fault in refusing(found)] == ["CG731"]
    assert audit(shop.root, control="lenient").control == "refs/heads/lenient"


def test_an_object_that_was_changed_on_disk_is_found(shop: Team) -> None:
    names = {
        shop.git(shop.root, "cat-file", "blob", line.split()[2]): line.split()[2]
        for line in shop.git(shop.root, "ls-tree", "-r", ledger(shop)).splitlines()
    }
    failed = next(oid for line, oid in names.items() if "FAILED" in line)
    raw = next(line for line in names if "FAILED" in line).replace("FAILED", "PASSED") + "\n"
    other = shop.git(shop.root, "hash-object", "-w", "--stdin", stdin=raw)
    place = shop.root / ".git/objects" / failed[:2] / failed[2:]
    place.unlink()
    shutil.copy(shop.root / ".git/objects" / other[:2] / other[2:], place)
    assert "PASSED" in shop.git(shop.root, "cat-file", "blob", failed)
    assert alarms(shop.root) == []
    assert [(fault.code, fault.subject) for fault in refusing(audit(shop.root))] == [("CG901", failed)]


def test_what_went_round_the_doors_is_listed_all_of_it(shop: Team) -> None:
    shop.git(shop.root, "checkout", "-q", "-b", "b3", "main")
    env = {"GIT_AUTHOR_NAME": "Mallory", "GIT_AUTHOR_EMAIL": "m@example.org"}
    claims = []
    for name, path in (("outside", "src.txt"), ("rules", ".conductor/plans/9.md")):
        (shop.root / path).write_text("x\n")
        shop.git(shop.root, "add", path)
        assert shop.commit("-q", "--no-verify", "-m", f"change {name}", env=env)[0] == 0
        claims.append(rev(shop, "HEAD"))
        assert shop.commit("-q", "--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
        claims.append(rev(shop, "HEAD"))
    assert shop.commit("-q", "--allow-empty", "--no-verify", "-m", "Wave 0 done")[0] == 0
    found = audit(shop.root)
    assert [(each.code, (each.commit or "")[:12]) for each in refusing(found)] == [
        ("CG201", claims[1]),
        ("CG201", claims[3]),
        ("CG401", claims[0]),
        ("CG403", claims[2]),
    ]
    assert refusing(found)[-1].author == "Mallory <m@example.org>"
    inert = [case for case in found.cases if case.state == "inert"]
    assert [(case.findings[0].code, case.findings[0].severity) for case in inert] == [("CG102", "warning")]
    low = claims[1]
    assert faults(shop.root, range=f"{low}..b3") == [("CG201", claims[3]), ("CG403", claims[2])]
    assert "is no range" in tell(shop.root, range="b3").what
    assert tell(shop.root, range="nothing..b3").what == "'nothing' is no commit here"


def test_what_the_conductor_accepted_is_settled(shop: Team) -> None:
    shop.git(shop.root, "checkout", "-q", "-b", "b3", "main")
    put(shop, "outside")
    commit = shop.git(shop.root, "rev-parse", "HEAD")
    assert faults(shop.root) == [("CG401", commit[:12])]
    append(discover(str(shop.root)), writer="conductor", kind="acceptance", data={"commit": commit}, now=NOW)
    assert faults(shop.root) == []


def test_a_landing_that_the_ledger_records_and_integration_lost_is_an_alarm(shop: Team) -> None:
    landing = shop.git(shop.root, "rev-parse", "main")
    data = {"commit": landing}
    append(discover(str(shop.root)), writer="conductor", kind="landing", data=data, target=Target("2"), now=NOW)
    assert faults(shop.root) == []
    shop.git(shop.root, "update-ref", "refs/heads/main", "main^1")
    assert [fault.subject for fault in refusing(audit(shop.root)) if fault.code == "CG508"] == [landing]


def test_where_something_is_missing_it_cannot_be_told(shop: Team, tmp_path: Path) -> None:
    notes = "+refs/notes/conductor/*:refs/notes/conductor-remotes/origin/*"
    url = f"file://{shop.root}"
    shop.git(shop.root, "config", "uploadpack.allowFilter", "true")
    whole = tmp_path / "whole"
    shop.git(tmp_path, "clone", "-q", url, str(whole))
    assert tell(whole).what.startswith("cannot tell: this clone never fetched a ledger")
    shop.git(whole, "fetch", "-q", "origin", notes)
    assert audit(whole).clean
    shallow = tmp_path / "shallow"
    shop.git(tmp_path, "clone", "-q", "--depth=1", url, str(shallow))
    shop.git(shallow, "fetch", "-q", "origin", notes)
    error = tell(shallow)
    assert error.what.startswith("cannot tell: ")
    assert error.hint.startswith("git fetch --unshallow origin ")
    assert shop.run("sh", "-c", error.hint, at=shallow)[0] == 0
    assert audit(shallow).clean
    partial = tmp_path / "partial"
    shop.git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", url, str(partial))
    shop.git(partial, "fetch", "-q", "origin", notes)
    assert tell(partial).hint == 'conductor-git audit --from "$(git remote get-url origin)"'
    assert audit(partial, url=url).clean


def test_a_list_of_shallow_commits_made_by_hand_hides_nothing(shop: Team) -> None:
    shop.git(shop.root, "checkout", "-q", "-b", "b3", "main")
    assert shop.commit("-q", "--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
    claim = rev(shop, "HEAD")
    put(shop, "docs/one")
    tip = shop.git(shop.root, "rev-parse", "HEAD")
    (shop.root / ".git/shallow").write_text(f"{tip}\n")
    assert shop.git(shop.root, "rev-list", "--count", "b3") == "1"
    assert faults(shop.root) == [("CG201", claim)]


def test_a_commit_graph_that_lies_is_not_asked(shop: Team) -> None:
    shop.git(shop.root, "checkout", "-q", "-b", "b3", "main")
    assert shop.commit("-q", "--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
    claim = rev(shop, "HEAD")
    put(shop, "docs/one")
    tip = shop.git(shop.root, "rev-parse", "HEAD")
    place = shop.root / ".git/objects" / tip[:2] / tip[2:]
    true = place.read_bytes()
    parent = shop.git(shop.root, "rev-parse", f"{tip}^")
    body = shop.git(shop.root, "cat-file", "commit", tip).replace(parent, shop.git(shop.root, "rev-parse", "main"))
    place.chmod(0o644)
    place.write_bytes(zlib.compress(b"commit %d\0" % (len(body) + 1) + body.encode() + b"\n"))
    shop.git(shop.root, "commit-graph", "write", "--reachable")
    place.write_bytes(true)
    assert parent not in shop.git(shop.root, "rev-list", "b3")
    assert wave(shop.root, 1) != "claimed"
    assert faults(shop.root) == [("CG201", claim)]


def test_names_that_are_no_text_end_no_audit(shop: Team, tmp_path: Path) -> None:
    ref = os.fsencode("refs/notes/conductor/") + b"agent-\xff.12345678"
    subprocess.run(["git", "update-ref", ref, ledger(shop)], cwd=shop.root, check=True)
    file = tmp_path / "checkpoint"
    assert ("CG602", rev(shop, ledger(shop))) in faults(shop.root, checkpoint=str(file))
    assert "agent-\\\\udcff" in file.read_text()
    assert faults(shop.root, checkpoint=str(file), format="junit") == faults(shop.root)
    code, said = shop.run("conductor-git", "audit", "--json")
    assert (code, msgspec.json.decode(said)["clean"]) == (1, False)


def test_a_broken_ref_is_not_passed_over(shop: Team) -> None:
    ref = "refs/notes/conductor/runner-linux.12345678"
    (shop.root / ".git" / ref).write_text("garbage\n")
    assert alarms(shop.root) == []
    assert tell(shop.root).what == f"'{ref}' is broken: git passes it over"
    (shop.root / ".git" / ref).write_text("1" * 40 + "\n")
    assert tell(shop.root).what == f"'{ref}' points to '{'1' * 40}', which is not here"


def test_what_is_printed(shop: Team, tmp_path: Path) -> None:
    shop.git(shop.root, "checkout", "-q", "-b", "b3", "main")
    assert shop.commit("-q", "--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
    claim = shop.git(shop.root, "rev-parse", "HEAD")
    said = journey(lambda: discover(str(shop.root)), Asked(), say=print, now=NOW).text
    first, detail, *_ = said.splitlines()
    assert re.fullmatch(r"error: tree '[0-9a-f]{7}' has no passing validation \[CG201\]", first)
    assert f"commit {claim} by Ada <ada@example.org>" in detail
    assert f"audit of {shop.root}: 1 of " in said
    assert "  2 claims: 1 proven, 1 unproven (1 self)" in said
    code, said = shop.run("conductor-git", "audit", "--json")
    data = msgspec.json.decode(said)
    assert (code, data["schema"], data["clean"], data["level"]) == (1, 1, False, "L0")
    assert [case["name"] for case in data["cases"] if case["state"] == "unproven"] == [claim]
    code, said = shop.run("conductor-git", "audit", "--format", "junit")
    suites = JUnitXml.fromstring(said.encode())
    assert (code, suites.tests, suites.failures) == (1, len(data["cases"]), 1)
    failed = [case for suite in suites for case in suite if any(isinstance(each, Failure) for each in case.result)]
    assert [(case.classname, case.name, case.result[0].type) for case in failed] == [
        ("audit.claim", f"3.0 {claim}", "CG201")
    ]


def test_level_and_bases_are_told_alike_wherever_they_are_printed(shop: Team) -> None:
    for reader, basis in (("log-status", "self, tree"), ("doctor", "complete: 1 self"), ("audit", "(1 self)")):
        said = shop.run("conductor-git", reader)[1]
        lines = [line.strip() for line in said.splitlines()]
        assert "L0: doors advise, each writer vouches for itself" in lines, reader
        assert basis in said, said
        if reader != "log-status":
            assert "no hub enforces for 'main'; the policy asks for no signed results" in lines, reader


def test_a_sha256_repository_is_audited(tmp_path: Path, git: Git, template: Path) -> None:
    root = tmp_path / "shop"
    git(tmp_path, "init", "-q", "--object-format=sha256", str(root))
    shutil.copytree(template / ".conductor", root / ".conductor")
    (root / "state").write_text("good\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "begin")
    git(root, "checkout", "-q", "-b", "b2")
    assert Team(root, git).commit("--allow-empty", "-m", CLAIM)[0] == 0
    assert [code for code, _ in faults(root)] == ["CG201"]
    assert [code for code, _ in faults(tmp_path, url=str(root))] == ["CG201"]


def test_a_validation_that_is_run_again_must_give_what_was_attested(shop: Team) -> None:
    def reruns(**asked: Any) -> list[tuple[str, list[str]]]:
        found = audit(shop.root, rerun=True, **asked)
        return [(case.state, [each.code for each in case.findings]) for case in found.cases if case.kind == "rerun"]

    assert reruns() == [("same", [])]
    # A wave is claimed that nothing was run for: its attestation is a copy of the other one's, with another subject.
    shop.git(shop.root, "checkout", "-q", "-b", "b3", "main")
    put(shop, "docs/new")
    put(shop, "state", "bad\n")
    repo = discover(str(shop.root))
    (proven,) = [case for case in audit(shop.root).cases if case.kind == "claim"]
    snapshot = take(repo)
    copied = Attestations(snapshot.ledger).by_digest[proven.proofs[0]]
    rules = rules_of(snapshot.policy, snapshot.plans[1], Target("3", 0), snapshot.scripts)
    assert isinstance(rules, RuleSet)
    tree = product_of(repo, Oid(shop.git(shop.root, "rev-parse", "HEAD^{tree}"))).oid
    forged = msgspec.structs.replace(
        copied, target=Target("3", 0), tree=tree, rules=rules.digest, writer="agent-3", log_digest=""
    )
    append(
        repo,
        writer="agent-3",
        kind="attestation",
        data={"statement": statement(forged)},
        target=Target("3", 0),
        now=NOW,
    )
    assert shop.commit("-q", "--allow-empty", "-m", CLAIM)[0] == 0
    assert wave(shop.root, 1) == "complete"
    assert reruns() == [("same", []), ("other", ["CG902"])]
    script = shop.root / ".conductor/scripts/verify.sh"
    assert reruns(range="main..b3") == [("other", ["CG902"])]
    # What was proven is run by the rules of its time.
    shop.git(shop.root, "checkout", "-q", "main")
    script.write_text("#!/bin/sh\nexit 1\n")
    shop.git(shop.root, "commit", "-q", "-a", "--no-verify", "-m", "another script")
    assert reruns()[0] == ("same", [])


def test_a_foreign_merge_is_named_on_the_branch_and_after_it_has_landed(shop: Team) -> None:
    shop.git(shop.root, "checkout", "-q", "b2")
    shop.git(shop.root, "merge", "-q", "main")
    shop.git(shop.root, "checkout", "-q", "-b", "b3", "main")
    put(shop, "docs/new")
    assert shop.commit("-q", "--allow-empty", "--no-verify", "-m", CLAIM, "-m", "Conductor-Plan: 3")[0] == 0
    claim = rev(shop, "HEAD")
    shop.git(shop.root, "checkout", "-q", "b2")
    shop.git(shop.root, "merge", "-q", "--no-ff", "--no-verify", "-m", "take", "b3")
    merge = rev(shop, "HEAD")
    assert faults(shop.root) == [("CG201", claim), ("CG406", merge)]
    said = [(code, text[:7]) for code, _, text in findings(shop.root)]
    assert ("CG406", merge[:7]) in said, "the report says so too"
    shop.prove("2.1")
    assert shop.commit("-q", "--allow-empty", "-m", "✅ Wave 1 Complete")[0] == 0
    land(shop, "b2")
    shop.git(shop.root, "branch", "-q", "-D", "b2")
    assert ("CG406", merge) in faults(shop.root)


def test_a_forged_signature_is_named_with_the_commit_that_brought_it(team: Team, tmp_path: Path) -> None:
    signed = SignedTeam(team, Keys(tmp_path))
    signed.rule('attestations = "agent"', signed.line("agent-2", "agent", "agent"))
    failed = signed.statement(passed=False, outcome="failed")
    raw = signed.rendered(signed.fields("attestation", {"statement": failed}), signed.keys.signing("agent"))
    line = msgspec.json.decode(raw)
    payload = base64.b64decode(line["payload"]).replace(b'"FAILED"', b'"PASSED"').replace(b'"failed"', b'"passed"')
    forged = {**line, "payload": base64.b64encode(payload).decode()}
    signed.write(canonical(forged).encode() + b"\n")
    # The line, and the claim that would stand on it.
    assert faults(team.root) == [("CG622", rev(team, ledger(team))), ("CG622", rev(team, "b2"))]
    signed.attest()
    unsigned = next(case for case in audit(team.root).cases if case.kind == "ledger").findings[-1]
    assert (unsigned.code, unsigned.severity, unsigned.commit) == (
        "CG621",
        "warning",
        team.git(team.root, "rev-parse", ledger(team)),
    )


def test_trust_that_was_taken_back_is_found_by_a_checkpoint_only(team: Team, tmp_path: Path) -> None:
    signed, file = SignedTeam(team, Keys(tmp_path)), str(tmp_path / "checkpoint")
    boss, agent = signed.line("conductor", "boss", "conductor"), signed.line("agent-2", "agent", "agent")
    trust = 'attestations = "agent"\nconductor = true'
    signed.rule(trust, boss, agent)
    signed.attest(signing=signed.keys.signing("agent"))
    assert (faults(team.root, checkpoint=file), audit(team.root).level) == ([], "L2")
    for lower in (("", boss, agent), (trust, boss, agent, signed.line("conductor", "thief", "conductor"))):
        signed.rule(*lower)
        # Control: for whoever looks for the first time all is in order, by a key or a word of anybody's.
        assert faults(team.root) == []
        for _ in range(2):
            assert {code for code, _ in faults(team.root, checkpoint=file)} == {"CG734"}, "until it is mended"
    signed.rule(trust, boss, agent)
    assert faults(team.root, checkpoint=file) == []
