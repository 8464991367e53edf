"""`validate` from end to end: real repositories, real scripts, the real runner, the ledger afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from conductor_git.commands.claim import claim
from conductor_git.commands.outcome import Outcome
from conductor_git.commands.validate import validate
from conductor_git.core.errors import CannotRun
from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation, Counts
from conductor_git.core.planning.policy import Policy, ValidationPolicy
from conductor_git.core.planning.policytext import render_policy
from conductor_git.store.notes.ledger import read_ledger
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.plumbing.staged import beside_index, index_tree, product_of
from tests.conftest import Git
from tests.jobs import PATIENCE, until

NOW = 2_000_000_000
POLICY = Policy(repository="0123456789abcdef", validation=ValidationPolicy(default="verify.sh"))
PLAN = """\
---
plan: 2
title: Shop
branch: agent-2/shop
criteria:
  - {metric: size, at-most: 48}
waves:
  1: {title: First}
  2: {title: Second, validation: missing.sh}
---
"""
# As many passed tests as `tests` says, and the size that `size` says.
SCRIPT = """\
#!/bin/sh
echo "checking $CONDUCTOR_PLAN.$CONDUCTOR_WAVE"
echo run >> RUNS
for test in $(seq "$(cat tests)"); do echo "<testcase name='t$test'/>"; done > cases
{ echo '<testsuite>'; cat cases; echo '</testsuite>'; } > "$CONDUCTOR_RESULTS/junit.xml"
printf '{"size": %s}' "$(cat size)" > "$CONDUCTOR_RESULTS/metrics.json"
test "$(cat README)" = hello || { echo 'README is wrong'; exit 1; }
"""


class Shop:
    """A repository with a policy, one plan, its branch checked out, and a script that counts its runs."""

    def __init__(self, folder: Path, git: Git) -> None:
        self.folder = folder
        self.git = git
        self.runs = folder.parent / "runs"
        self.said: list[str] = []

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def commit(self, message: str = "work") -> str:
        self.git(self.folder, "add", "-A", ":!untracked")
        self.git(self.folder, "commit", "-q", "--allow-empty", "-m", message)
        return self.git(self.folder, "rev-parse", "HEAD")

    def control(self, policy: Policy = POLICY, plan: str = PLAN, script: str = SCRIPT) -> None:
        """Put policy, plan and script on main, from wherever we are."""
        here = self.git(self.folder, "symbolic-ref", "--short", "HEAD")
        self.git(self.folder, "checkout", "-q", "main")
        for path, text in (("conductor.toml", render_policy(policy)), ("plans/2.md", plan)):
            place = self.folder / ".conductor" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        place = self.folder / ".conductor" / "scripts" / "verify.sh"
        place.parent.mkdir(exist_ok=True)
        place.write_text(script.replace("RUNS", str(self.runs)))
        place.chmod(0o755)
        self.commit("control")
        self.git(self.folder, "checkout", "-q", here)

    def validate(self, target: str = "", **how: object) -> Outcome:
        asked = {"max_seconds": PATIENCE, "say": self.said.append, "terminal": False, "now": NOW, **how}
        return validate(discover(str(self.folder)), target, **asked)  # type: ignore[arg-type]

    def claim(self, target: str) -> Outcome:
        repo = discover(str(self.folder))
        return claim(repo, target, max_seconds=PATIENCE, say=self.said.append, terminal=False, now=NOW)

    def ran(self) -> int:
        return len(self.runs.read_text().splitlines()) if self.runs.exists() else 0

    def attestations(self) -> list[Attestation]:
        events = read_ledger(discover(str(self.folder))).events
        return [made for event in events if (made := attestation.read(event)) is not None]


@pytest.fixture
def shop(repo_dir: Path, git: Git) -> Shop:
    shop = Shop(repo_dir, git)
    shop.write(tests="3\n", size="48\n")
    shop.commit("start")
    shop.control()
    git(repo_dir, "checkout", "-q", "-b", "agent-2/shop")
    return shop


Lines = Callable[[Outcome], list[str]]


def lines(outcome: Outcome) -> list[str]:
    return outcome.text.splitlines()


class TestPassed:
    def test_the_proof_is_in_the_ledger_and_its_digest_is_printed(self, shop: Shop) -> None:
        outcome = shop.validate()
        (made,) = shop.attestations()
        assert outcome.code == 0
        assert (str(made.target), made.passed, made.counts) == ("2.1", True, Counts(3, 0, 0))
        assert made.metrics["size"] == 48.0
        assert made.repository == "0123456789abcdef"
        said = lines(outcome)
        assert said[0].startswith(f"wave 2.1 passed: tree '{made.tree[:7]}', verify.sh, {made.platform}, ")
        assert said[1:3] == ["3 tests passed", f"proof: {made.digest}"]
        assert said[-1].startswith("log: ")
        assert Path(said[-1].removeprefix("log: ")).read_text() == "[verify.sh]\nchecking 2.1\n"

    def test_the_tree_is_the_product(self, shop: Shop) -> None:
        before = shop.git(shop.folder, "rev-parse", "HEAD^{tree}")
        shop.validate()
        (made,) = shop.attestations()
        assert made.tree != before
        names = shop.git(shop.folder, "ls-tree", "--name-only", "HEAD").splitlines()
        assert names == [".conductor", "README", "size", "tests"]
        assert made.tree == product_of(discover(str(shop.folder)), index_tree(discover(str(shop.folder)))).oid

    def test_it_is_reused_and_not_run_again(self, shop: Shop) -> None:
        shop.validate()
        again = shop.validate("2.1")
        (made,) = shop.attestations()
        assert (again.code, shop.ran()) == (0, 1)
        assert lines(again)[0].startswith(f"wave 2.1 is proven already: tree '{made.tree[:7]}'")
        assert again.data["reused"] is True  # type: ignore[index]
        assert shop.validate("2.1", rerun=True).code == 0
        assert shop.ran() == 2

    def test_it_survives_a_commit_an_amend_and_a_new_plan_text_but_not_new_content(self, shop: Shop) -> None:
        shop.validate("2.1")
        shop.commit("empty")
        shop.git(shop.folder, "commit", "-q", "--amend", "--allow-empty", "-m", "reworded")
        shop.control(plan=PLAN.replace("title: Shop", "title: The shop"))
        assert shop.validate("2.1").data["reused"] is True  # type: ignore[index]
        shop.write(new="content\n")
        shop.commit("content")
        assert shop.validate("2.1").data["reused"] is False  # type: ignore[index]
        shop.control(script=SCRIPT + "true\n")
        assert shop.validate("2.1").data["reused"] is False  # type: ignore[index]
        assert shop.ran() == 3

    def test_a_proof_of_another_wave_or_of_a_later_failure_is_none(self, shop: Shop) -> None:
        shop.validate("2.1")
        assert shop.validate("2").data["reused"] is False  # type: ignore[index]
        shop.control(script=SCRIPT + "test ! -e /broken\n")
        assert shop.ran() == 2


class TestContent:
    def test_what_is_staged_is_validated_and_the_rest_is_named(self, shop: Shop) -> None:
        shop.write(README="bye\n", untracked="x")
        outcome = shop.validate("2.1")
        assert outcome.code == 0
        assert "note: not part of it: 'README' (not staged), 'untracked' (untracked)" in lines(outcome)
        shop.git(shop.folder, "add", "README")
        shop.write(README="hello\n")
        outcome = shop.validate("2.1")
        assert outcome.code == 1
        assert lines(outcome)[0].startswith("error: wave 2.1 failed: tree '")

    def test_looking_leaves_the_index_alone(self, shop: Shop) -> None:
        shop.write(README="bye\n", new="x")
        shop.git(shop.folder, "add", "-A")
        index = shop.folder / ".git" / "index"
        before = (index.read_bytes(), index.stat().st_mtime_ns)
        repo = discover(str(shop.folder))
        assert shop.git(shop.folder, "ls-tree", "--name-only", index_tree(repo)).splitlines() == [
            ".conductor",
            "README",
            "new",
            "size",
            "tests",
        ]
        assert beside_index(repo).unstaged == ()
        assert (index.read_bytes(), index.stat().st_mtime_ns) == before
        tree = index_tree(repo)
        (shop.folder / ".git" / "index.lock").touch()
        with pytest.raises(AssertionError, match=r"index\.lock"):
            shop.git(shop.folder, "write-tree")
        assert index_tree(repo) == tree

    def test_an_older_commit_and_a_tree(self, shop: Shop) -> None:
        good = shop.commit("good")
        shop.write(README="bye\n")
        bad = shop.commit("bad")
        assert shop.validate("2.1").code == 1
        assert shop.validate("2.1", commit=good).code == 0
        assert shop.validate("2.1", commit="HEAD").code == 1
        assert shop.validate("2.1", tree=f"{good}^{{tree}}").data["reused"] is True  # type: ignore[index]
        assert "untracked" not in shop.validate("2.1", commit=bad).text

    def test_a_linked_worktree_has_an_index_of_its_own(self, shop: Shop, tmp_path: Path) -> None:
        linked = tmp_path / "linked"
        shop.git(shop.folder, "worktree", "add", "-q", str(linked), "main")
        (linked / "new").write_text("x\n")
        shop.git(linked, "add", "new")
        tree = index_tree(discover(str(linked)))
        assert "new" in shop.git(linked, "ls-tree", "--name-only", tree).splitlines()
        assert "new" not in shop.git(linked, "ls-tree", "--name-only", index_tree(discover(str(shop.folder))))

    def test_a_conflict_cannot_run(self, shop: Shop) -> None:
        shop.write(README="ours\n")
        shop.commit("ours")
        shop.git(shop.folder, "checkout", "-q", "-b", "other", "HEAD^")
        shop.write(README="theirs\n")
        shop.commit("theirs")
        with pytest.raises(AssertionError, match="CONFLICT"):
            shop.git(shop.folder, "merge", "agent-2/shop")
        with pytest.raises(CannotRun, match="the index cannot be committed as it is") as caught:
            shop.validate("2.1")
        assert "README" in caught.value.detail

    @pytest.mark.parametrize(
        ("named", "why"),
        [
            ({"commit": "no-such"}, "'no-such' is no commit"),
            ({"tree": "HEAD:README"}, "'HEAD:README' is no tree"),
            ({"commit": "--help"}, "'--help' is no commit"),
            ({"commit": "HEAD", "tree": "HEAD"}, "one of them only"),
            ({"commit": "HEAD", "rebased": True}, "finds the commits by itself"),
        ],
    )
    def test_what_cannot_be_found_cannot_run(self, shop: Shop, named: dict[str, object], why: str) -> None:
        with pytest.raises(CannotRun, match=why):
            shop.validate("2.1", **named)

    def test_a_bare_repository_needs_a_commit(self, shop: Shop, tmp_path: Path) -> None:
        bare = tmp_path / "bare.git"
        shop.git(tmp_path, "clone", "-q", "--bare", str(shop.folder), str(bare))
        repo = discover(str(bare))
        how = {"max_seconds": PATIENCE, "say": print, "terminal": False, "now": NOW}
        with pytest.raises(CannotRun, match="no worktree here"):
            validate(repo, "2.1", **how)  # type: ignore[arg-type]
        assert validate(repo, "2.1", commit="agent-2/shop", **how).code == 0  # type: ignore[arg-type]


class TestTarget:
    def test_of_nothing_it_is_the_lowest_open_wave_of_the_branch(self, shop: Shop) -> None:
        assert shop.validate().data["target"] == "2.1"  # type: ignore[index]

    @pytest.mark.parametrize(
        ("target", "why"),
        [
            ("3", "there is no plan '3'"),
            ("2.9", "declares no wave 9"),
            ("2.x", "is no plan or wave"),
        ],
    )
    def test_what_is_not_declared_cannot_run(self, shop: Shop, target: str, why: str) -> None:
        with pytest.raises(CannotRun, match=why):
            shop.validate(target)

    def test_a_broken_plan_says_where(self, shop: Shop) -> None:
        shop.control(plan=PLAN.replace("branch:", "brnch:"))
        with pytest.raises(CannotRun, match="plan '2' cannot be read") as caught:
            shop.validate("2.1")
        assert "2.md:4" in caught.value.detail

    def test_a_branch_of_no_plan_must_name_one(self, shop: Shop) -> None:
        shop.git(shop.folder, "checkout", "-q", "-b", "other")
        with pytest.raises(CannotRun, match="belongs to no plan"):
            shop.validate()
        assert shop.validate("2.1").code == 0


class TestFailed:
    def test_failures_come_first_and_the_log_last(self, shop: Shop) -> None:
        shop.write(README="bye\n")
        shop.commit()
        outcome = shop.validate("2.1")
        (made,) = shop.attestations()
        said = lines(outcome)
        assert outcome.code == 1
        assert said[0].startswith(f"error: wave 2.1 failed: tree '{made.tree[:7]}', {made.platform}: verify.sh ended")
        assert said[0].endswith(" [CG202]")
        assert "  | README is wrong" in said
        assert said[-2:] == [f"recorded: {made.digest}", f"log: {outcome.data['log']}"]  # type: ignore[index]

    def test_it_is_run_again_when_it_is_asked_for_again(self, shop: Shop) -> None:
        shop.write(README="bye\n")
        shop.commit()
        assert [shop.validate("2.1").code for _ in range(2)] == [1, 1]
        assert shop.ran() == 2

    def test_criteria(self, shop: Shop) -> None:
        shop.write(size="49\n")
        shop.commit()
        outcome = shop.validate("2.1")
        assert outcome.code == 1
        assert lines(outcome)[0].endswith("verify.sh passed, and its numbers do not [CG204]")
        assert lines(outcome)[1] == "       size at most 48: 'size' is 49"

    def test_tracked_files_changed(self, shop: Shop) -> None:
        shop.control(script=SCRIPT + "echo x >> README\n")
        outcome = shop.validate("2.1")
        assert outcome.code == 1
        assert "changed tracked files [CG202]" in lines(outcome)[0]
        assert lines(outcome)[1] == "       changed: 'README'"

    def test_at_most_25_lines_however_much_failed(self, shop: Shop) -> None:
        noise = "seq 1 500; for n in $(seq 60); do echo \"<testcase name='f$n'><failure/></testcase>\"; done > cases\n"
        report = "{ echo '<testsuite>'; cat cases; echo '</testsuite>'; } > \"$CONDUCTOR_RESULTS/junit.xml\"; exit 1\n"
        shop.control(script=SCRIPT + noise + report)
        shop.write(**{f"untracked{number}": "" for number in range(30)})
        outcome = shop.validate("2.1")
        assert outcome.code == 1
        assert len(lines(outcome)) <= 25
        assert "60 of 60 tests failed" in lines(outcome)[0]
        assert "       and 45 more" in lines(outcome)
        assert "  | 500" in lines(outcome)


class TestCouldNotRun:
    def test_no_script(self, shop: Shop) -> None:
        outcome = shop.validate("2.2")
        assert (outcome.code, outcome.findings[0].code) == (2, "CG703")
        assert shop.attestations() == []

    def test_a_script_that_cannot_be_started_records_nothing(self, shop: Shop) -> None:
        shop.control(script="no interpreter\n")
        with pytest.raises(CannotRun, match=r"script 'verify\.sh' cannot be started"):
            shop.validate("2.1")
        assert shop.attestations() == []

    def test_a_set_up_that_fails_records_nothing(self, shop: Shop) -> None:
        policy = msgspec.structs.replace(POLICY, validation=ValidationPolicy(default="verify.sh", setup="exit 9"))
        shop.control(policy)
        with pytest.raises(CannotRun, match="the set-up 'exit 9' ended with exit code 9"):
            shop.validate("2.1")
        assert shop.attestations() == []


class TestNotYet:
    def test_the_same_command_attaches_again(self, shop: Shop, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        shop.control(script=f"{SCRIPT}while ! test -e '{gate}'; do sleep 0.02; done\n")
        outcome = shop.validate("2.1", max_seconds=0.1)
        assert outcome.code == 4
        said = lines(outcome)
        assert said[0].startswith("wave 2.1 is not validated yet: verify.sh has run for ")
        assert said[1] == "hint: conductor-git validate 2.1    # attaches to it"
        assert said[-1] == f"log: {outcome.data['log']}"  # type: ignore[index]
        assert f"validate 2.1 --commit {shop.git(shop.folder, 'rev-parse', 'HEAD')}" in (
            shop.validate("2.1", commit="HEAD", max_seconds=0).text
        )
        gate.touch()
        assert shop.validate("2.1").code == 0
        assert shop.ran() == 1

    def test_nobody_waits_and_it_is_proven_all_the_same(self, shop: Shop) -> None:
        assert shop.validate("2.1", max_seconds=0).code in (0, 4)
        until(lambda: len(shop.attestations()) == 1)
        assert shop.validate("2.1").code == 0
        assert shop.ran() == 1


class TestBaseline:
    """Not fewer tests passed than on integration, and criteria `of: baseline`."""

    def on_integration(self, shop: Shop) -> None:
        """Prove what integration holds, as a landing's validation would."""
        assert shop.validate("2.1", commit="main").code == 0

    def test_fewer_tests_than_on_integration_fail(self, shop: Shop) -> None:
        self.on_integration(shop)
        shop.write(tests="2\n")
        shop.commit()
        outcome = shop.validate("2.1")
        assert outcome.code == 1
        assert lines(outcome)[1] == "       2 tests passed, 3 on integration"

    def test_proofs_of_content_that_is_not_on_integration_do_not_count(self, shop: Shop) -> None:
        shop.write(tests="9\n")
        shop.commit()
        assert shop.validate("2.1").code == 0
        shop.write(tests="2\n")
        shop.commit()
        assert shop.validate("2.1").code == 0

    def test_another_script_s_tests_do_not_count(self, shop: Shop) -> None:
        self.on_integration(shop)
        folder = shop.folder / ".conductor" / "scripts"
        shop.git(shop.folder, "checkout", "-q", "main")
        (folder / "missing.sh").write_text('#!/bin/sh\necho \'{"size": 1}\' > "$CONDUCTOR_RESULTS/metrics.json"\n')
        (folder / "missing.sh").chmod(0o755)
        shop.commit("another script")
        assert shop.validate("2.2").code == 0

    def test_a_metric_that_got_worse_fails_and_one_without_a_baseline_is_told(self, shop: Shop) -> None:
        shop.control(plan=PLAN.replace("{metric: size, at-most: 48}", "{metric: size, at-most: 1, of: baseline}"))
        first = shop.validate("2.1", commit="main")
        assert first.code == 0
        assert "note: not judged: size at most 1 of baseline: no baseline yet" in lines(first)
        shop.write(size="96\n")
        shop.commit()
        outcome = shop.validate("2.1")
        assert outcome.code == 1
        assert lines(outcome)[1] == "       size at most 1 of baseline: 'size' is 2"

    def test_the_wave_that_records_the_baseline_sets_it_with_the_run_that_it_was_claimed_with(self, shop: Shop) -> None:
        plan = PLAN.replace("{metric: size, at-most: 48}", "{metric: size, at-most: 1, of: baseline}")
        plan = plan.replace("{title: First}", "{title: First, records-baseline: true}")
        shop.control(plan=plan.replace(", validation: missing.sh", ""))
        shop.write(measured="here, not on integration\n")
        shop.commit()
        assert shop.claim("2.1").code == 0
        shop.write(size="96\n")
        shop.commit()
        assert shop.validate("2.1").code == 0, "its own baseline is no bar for it"
        outcome = shop.validate("2.2")
        assert outcome.code == 1
        assert lines(outcome)[1] == "       size at most 1 of baseline: 'size' is 2"


class TestRebased:
    def test_each_claim_whose_content_changed_is_proven_again(self, shop: Shop) -> None:
        shop.control(plan=PLAN.replace(", validation: missing.sh", ""))
        for target in ("2.1", "2.2"):
            shop.write(**{f"work{target[-1]}": "done\n"})
            shop.commit()
            assert shop.claim(target).code == 0
        assert lines(shop.validate("2.1", rebased=True)) == ["no claim of plan 2 was rewritten"]
        shop.git(shop.folder, "checkout", "-q", "main")
        shop.write(news="x\n")
        shop.commit()
        shop.git(shop.folder, "checkout", "-q", "agent-2/shop")
        shop.git(shop.folder, "rebase", "-q", "main")
        before = shop.ran()
        outcome = shop.validate("2", rebased=True)
        assert (outcome.code, shop.ran()) == (0, before + 2)
        assert [line[:15] for line in lines(outcome) if "passed:" in line] == ["wave 2.1 passed", "wave 2.2 passed"]
        assert lines(shop.validate("2", rebased=True)) == ["no claim of plan 2 was rewritten"]

    def test_the_first_that_fails_ends_it(self, shop: Shop) -> None:
        shop.control(plan=PLAN.replace(", validation: missing.sh", ""))
        for target in ("2.1", "2.2"):
            shop.write(**{f"work{target[-1]}": "done\n"})
            shop.commit()
            assert shop.claim(target).code == 0
        shop.git(shop.folder, "checkout", "-q", "main")
        shop.write(README="bye\n")
        shop.commit()
        shop.git(shop.folder, "checkout", "-q", "agent-2/shop")
        shop.git(shop.folder, "rebase", "-q", "main")
        before = shop.ran()
        outcome = shop.validate("2", rebased=True)
        assert (outcome.code, shop.ran()) == (1, before + 1)
        assert lines(outcome)[0].startswith("error: wave 2.1 failed")


class TestLanguage:
    def test_the_command_line_and_its_exit_codes(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        from conductor_git.cli import main

        monkeypatch.chdir(shop.folder)
        monkeypatch.setattr(sys, "argv", ["conductor-git"])
        assert main(["validate", "2.1", "--max", "30s"]) == 0
        assert main(["validate", "2.2"]) == 2
        assert main(["validate", "7"]) == 2
        shop.write(README="bye\n")
        shop.commit()
        assert main(["validate", "--max", "30s"]) == 1

    def test_a_hook_s_environment_does_not_disturb(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        repo = discover(str(shop.folder))
        monkeypatch.setenv("GIT_DIR", "/nowhere")
        monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
        how = {"max_seconds": PATIENCE, "say": print, "terminal": False, "now": NOW}
        assert validate(repo, "2.1", **how).code == 0  # type: ignore[arg-type]
        assert os.environ["GIT_DIR"] == "/nowhere"
