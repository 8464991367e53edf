"""Beginning: in every shape of repository, one command, nobody else's change, and the same again changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conductor_git.commands.init import init
from conductor_git.commands.outcome import DONE, NOT_YET, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.attestation import read
from conductor_git.core.events.demand import Trust
from conductor_git.core.hooktext.agentsfile import BEGIN, END, with_section
from conductor_git.core.planning.firstfiles import first_files
from conductor_git.core.planning.policy import Policy, ValidationPolicy
from conductor_git.core.planning.policyfile import parse_policy
from conductor_git.store.control.control import read_control
from conductor_git.store.control.mainline import find_mainline
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.notes.recording import record
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git
from tests.signed import Keys

SCRIPT = ".conductor/scripts/validate.sh"
FILES = [".conductor/conductor.toml", ".conductor/plans/.gitkeep", ".conductor/scripts/.gitkeep"]
DOORS = {"pre-commit", "commit-msg", "pre-merge-commit", "reference-transaction", "pre-push"}


def run(folder: Path, **how: Any) -> Outcome:
    """Init from a folder."""
    return init(discover(str(folder)), **{"say": lambda _: None, "now": 1_700_000_000, **how})


def policy_on(folder: Path, branch: str, git: Git) -> Policy:
    """The policy that was committed to a branch."""
    policy = parse_policy(git(folder, "show", f"{branch}:.conductor/conductor.toml"))
    assert isinstance(policy, Policy)
    return policy


def hooks(folder: Path, git: Git) -> set[str]:
    """The hooks that git would run in a worktree."""
    found = Path(git(folder, "rev-parse", "--path-format=absolute", "--git-path", "hooks"))
    return {path.name for path in found.iterdir() if os.access(path, os.X_OK) and path.suffix != ".sample"}


def state(folder: Path, git: Git) -> str:
    """Everything that a second run could change."""
    common = Path(git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    files = [common / "config", *sorted((common / "hooks").iterdir())]
    said = [git(folder, "for-each-ref"), git(folder, "status", "--porcelain", "--ignored")]
    return "\n".join([*said, *(f"{path.name}: {path.read_text()}" for path in files)])


def test_an_old_repository_gets_policy_doors_and_a_conductor(repo_dir: Path, git: Git) -> None:
    tip = git(repo_dir, "rev-parse", "main")
    outcome = run(repo_dir)
    assert outcome.code == DONE
    assert git(repo_dir, "diff", "--name-only", tip, "main").split("\n") == FILES
    policy = policy_on(repo_dir, "main", git)
    assert (policy.since, policy.integration, policy.control) == (tip, "main", "")
    assert len(policy.repository) == 16
    assert hooks(repo_dir, git) == DOORS
    assert whoami(discover(str(repo_dir))).name == "conductor"
    assert git(repo_dir, "status", "--porcelain") == ""
    lines = outcome.text.split("\n")
    assert lines[0] == f"found: integration branch 'main' (the only branch) at {tip[:12]}"
    assert lines[1].startswith("did:   committed '.conductor/conductor.toml' to 'main' as ")
    assert lines[-1] == "next: conductor-git delegate 'TITLE' --wave 'FIRST STEP'"


def test_again_changes_nothing_and_says_so(repo_dir: Path, git: Git) -> None:
    run(repo_dir, agents=True)
    before = state(repo_dir, git)
    outcome = run(repo_dir, agents=True)
    assert outcome.code == DONE
    assert state(repo_dir, git) == before
    assert "kept:  everything as it was" in outcome.text.split("\n")


def test_a_new_repository_with_an_unborn_branch(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk", "new")
    (tmp_path / "new" / "mine").write_text("mine\n")
    git(tmp_path / "new", "add", "mine")
    assert run(tmp_path / "new").code == DONE
    assert git(tmp_path / "new", "status", "--porcelain") == "A  mine"
    assert git(tmp_path / "new", "ls-tree", "-r", "--name-only", "trunk").split("\n") == FILES
    policy = policy_on(tmp_path / "new", "trunk", git)
    assert (policy.since, policy.integration) == ("", "trunk")


def test_a_clone_of_an_empty_repository(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(tmp_path, "clone", "-q", "hub.git", "new")
    assert run(tmp_path / "new").code == DONE
    specs = git(tmp_path / "new", "config", "--get-all", "remote.origin.fetch").split("\n")
    assert specs[1] == "+refs/notes/conductor/*:refs/notes/conductor-remotes/origin/*"


def test_what_others_have_staged_or_changed_is_left_alone(repo_dir: Path, git: Git) -> None:
    (repo_dir / "staged").write_text("staged\n")
    git(repo_dir, "add", "staged")
    (repo_dir / "README").write_text("changed\n")
    (repo_dir / "untracked").write_text("untracked\n")
    run(repo_dir)
    assert git(repo_dir, "status", "--porcelain").split("\n") == [" M README", "A  staged", "?? untracked"]
    assert git(repo_dir, "diff", "--name-only", "main~1", "main").split("\n") == FILES


def test_from_a_subfolder_and_from_a_linked_worktree(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    (repo_dir / "sub").mkdir()
    git(repo_dir, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    git(repo_dir, "config", "init.defaultBranch", "main")
    assert run(tmp_path / "side").code == DONE
    assert git(repo_dir, "status", "--porcelain") == ""
    assert git(repo_dir, "ls-files", ".conductor").split("\n") == FILES
    assert whoami(discover(str(tmp_path / "side"))).name == "conductor"
    assert run(repo_dir / "sub").code == DONE
    assert whoami(discover(str(repo_dir))).role == "user"


@pytest.mark.parametrize("where", ["proj/.bare", "proj/main"])
def test_a_bare_repository_with_worktrees(repo_dir: Path, git: Git, tmp_path: Path, where: str) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), "proj/.bare")
    git(tmp_path / "proj/.bare", "worktree", "add", "-q", "../main", "main")
    assert run(tmp_path / where).code == DONE
    assert git(tmp_path / "proj/main", "status", "--porcelain") == ""
    assert git(tmp_path / "proj/main", "ls-files", ".conductor").split("\n") == FILES
    assert hooks(tmp_path / "proj/main", git) == DOORS


@pytest.mark.parametrize("how", ["--depth=1", "--filter=blob:none"])
def test_shallow_and_partial_clones(repo_dir: Path, git: Git, tmp_path: Path, how: str) -> None:
    git(repo_dir, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", how, f"file://{repo_dir}", "clone")
    assert run(tmp_path / "clone").code == DONE
    assert policy_on(tmp_path / "clone", "main", git).since == git(repo_dir, "rev-parse", "main")


def test_a_second_clone_only_installs(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    run(repo_dir)
    git(tmp_path, "clone", "-q", str(repo_dir), "clone")
    before = git(tmp_path / "clone", "for-each-ref")
    outcome = run(tmp_path / "clone", validate="true")
    assert outcome.text.split("\n")[:1] == ["found: a policy on 'main', with 0 plans"]
    assert "kept:  a policy that names no validation, instead of 'true'" in outcome.text
    assert git(tmp_path / "clone", "for-each-ref") == before
    assert hooks(tmp_path / "clone", git) == DOORS
    assert whoami(discover(str(tmp_path / "clone"))).role == "user"


@pytest.mark.parametrize(
    ("heads", "current", "expected"),
    [
        (["dev"], "dev", ("dev", "the only branch")),
        (["dev", "main"], "dev", ("main", "init.defaultBranch")),
        (["dev", "master"], "dev", ("master", "by its name")),
        (["dev", "work"], "work", ("work", "checked out")),
    ],
)
def test_the_integration_branch_is_found(
    tmp_path: Path, git: Git, heads: list[str], current: str, expected: tuple[str, str]
) -> None:
    git(tmp_path, "init", "-q", "-b", heads[0], "r")
    git(tmp_path / "r", "commit", "-q", "--allow-empty", "-m", "first")
    for name in heads[1:]:
        git(tmp_path / "r", "branch", name)
    git(tmp_path / "r", "checkout", "-q", current)
    found = find_mainline(discover(str(tmp_path / "r")))
    assert (found.branch, found.why) == expected


def test_a_clone_of_a_feature_branch_begins_on_origins_head(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    git(repo_dir, "branch", "feature")
    git(tmp_path, "clone", "-q", "-b", "feature", str(repo_dir), "clone")
    run(tmp_path / "clone")
    assert policy_on(tmp_path / "clone", "main", git).integration == "main"
    assert git(tmp_path / "clone", "rev-parse", "main~1") == git(repo_dir, "rev-parse", "main")
    assert git(tmp_path / "clone", "ls-tree", "-r", "--name-only", "feature") == "README"


def test_an_unusual_branch_is_found_again(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "-b", "next/release", "r")
    run(tmp_path / "r")
    assert read_control(discover(str(tmp_path / "r"))).ref == "refs/heads/next/release"


def test_the_first_script_runs_at_once_and_its_proof_is_in_the_ledger(repo_dir: Path, git: Git) -> None:
    outcome = run(repo_dir, validate='test "$(cat README)" = hello')
    assert outcome.code == DONE
    script = repo_dir / ".conductor/scripts/validate.sh"
    assert script.read_text().split("\n")[-3:] == ["set -eu", 'test "$(cat README)" = hello', ""]
    assert git(repo_dir, "ls-files", "-s", str(script)).startswith("100755 ")
    assert policy_on(repo_dir, "main", git).validation.default == "validate.sh"
    (event,) = read_ledger(discover(str(repo_dir))).events
    proof = read(event)
    assert proof is not None
    assert (proof.passed, proof.writer, str(proof.target)) == (True, "conductor", "integration")
    assert proof.tree == git(repo_dir, "rev-parse", "main~1^{tree}")
    assert "'main' passed: tree '" in outcome.text
    assert f"proof: {proof.digest}" in outcome.text


def test_what_counts_no_tests_is_told_once(repo_dir: Path) -> None:
    told = run(repo_dir, validate="true").text
    assert "note: no tests were counted, so this proves nothing about deleted tests" in told
    assert "no tests were counted" not in run(repo_dir, validate="true").text


def test_a_policy_without_a_validation_gets_one(repo_dir: Path, git: Git) -> None:
    run(repo_dir)
    before = policy_on(repo_dir, "main", git)
    outcome = run(repo_dir, validate="test -e README")
    assert outcome.code == DONE
    assert git(repo_dir, "diff", "--name-only", "main~1", "main").split("\n") == [FILES[0], SCRIPT]
    assert replace(before.validation, default="validate.sh") == policy_on(repo_dir, "main", git).validation
    assert git(repo_dir, "status", "--porcelain") == ""
    assert "'main' passed: tree '" in outcome.text


@pytest.mark.parametrize("committed", [True, False])
def test_a_validation_that_is_there_is_kept_and_how_to_change_it_is_told(
    repo_dir: Path, git: Git, committed: bool
) -> None:
    run(repo_dir, validate="test -e README", commit=committed)
    outcome = run(repo_dir, validate="make test", commit=committed)
    assert outcome.code == DONE
    assert "make test" not in (repo_dir / SCRIPT).read_text()
    assert f"kept:  '{SCRIPT}' as the validation, instead of 'make test'" in outcome.text.split("\n")
    how = f"note: to change it: edit '{SCRIPT}' where 'main' is checked out, then conductor-git plan commit"
    assert how in outcome.text.split("\n")


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_validation_of_nothing_is_one_clear_error(repo_dir: Path, git: Git, blank: str) -> None:
    with pytest.raises(CannotRun, match="'--validate' names no command"):
        run(repo_dir, validate=blank)
    assert not (repo_dir / ".conductor").exists()


def test_the_integration_branch_can_be_named(repo_dir: Path, git: Git) -> None:
    git(repo_dir, "branch", "develop")
    with pytest.raises(CannotRun, match="there is no branch 'develp'"):
        run(repo_dir, integration="develp")
    assert run(repo_dir, integration="develop").text.startswith("found: integration branch 'develop' (as you say)")
    assert policy_on(repo_dir, "develop", git).integration == "develop"
    assert "kept:  integration branch 'develop', instead of 'main'" in run(repo_dir, integration="main").text


def test_the_first_proof_is_not_made_twice(repo_dir: Path) -> None:
    run(repo_dir, validate="true")
    assert "'main' is proven already" in run(repo_dir, validate="true").text
    assert len(read_ledger(discover(str(repo_dir))).events) == 1


def test_a_first_script_that_fails_is_told_and_everything_stands(repo_dir: Path, git: Git) -> None:
    outcome = run(repo_dir, validate="echo broken; exit 3")
    assert outcome.code == REFUSED
    assert "error: 'main' failed: tree '" in outcome.text
    assert "  | broken" in outcome.text.split("\n")
    assert hooks(repo_dir, git) == DOORS
    assert git(repo_dir, "status", "--porcelain") == ""


def test_a_first_run_that_takes_long_goes_on_and_is_attached_to(repo_dir: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    command = f"while ! test -e '{gate}'; do sleep 0.05; done"
    outcome = run(repo_dir, validate=command, max_seconds=0)
    assert outcome.code == NOT_YET
    assert "hint: conductor-git init --validate 'while" in outcome.text
    gate.touch()
    assert run(repo_dir, validate=command).code == DONE


def test_without_files_of_its_own_integration_is_not_validated(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "new")
    outcome = run(tmp_path / "new", validate="false")
    assert outcome.code == DONE
    assert "note: there is nothing to validate yet: integration has no files of its own" in outcome.text


def test_agents_learn_what_holds_and_their_file_keeps_its_text(repo_dir: Path, git: Git) -> None:
    (repo_dir / "AGENTS.md").write_text("# Ours\n")
    git(repo_dir, "add", "AGENTS.md")
    git(repo_dir, "commit", "-q", "-m", "agents")
    run(repo_dir, agents=True)
    lines = git(repo_dir, "show", "main:AGENTS.md").split("\n")
    assert lines[:3] == ["# Ours", "", BEGIN]
    assert lines[-1] == END
    assert len(lines[2:]) <= 15
    assert git(repo_dir, "status", "--porcelain") == ""


def test_a_change_of_agents_md_that_is_not_committed_stays_so(repo_dir: Path, git: Git) -> None:
    (repo_dir / "AGENTS.md").write_text("draft\n")
    outcome = run(repo_dir, agents=True)
    assert git(repo_dir, "status", "--porcelain") == "?? AGENTS.md"
    assert (repo_dir / "AGENTS.md").read_text().startswith("draft\n\n" + BEGIN)
    assert "to share it: git add AGENTS.md && git commit -m 'Change AGENTS.md' -- AGENTS.md" in outcome.text


@pytest.mark.parametrize("text", ["", "# Ours\n", "no newline", f"a\n{BEGIN}\nold\n{END}\nz\n", f"{BEGIN} alone"])
def test_the_section_is_put_in_once(text: str) -> None:
    once = with_section(text)
    assert with_section(once) == once
    assert (once.count(END), "old" in once) == (1, False)
    assert once.startswith(text[:1])


def test_no_commit_leaves_everything_in_the_working_tree(repo_dir: Path, git: Git) -> None:
    before = git(repo_dir, "for-each-ref")
    outcome = run(repo_dir, commit=False, validate="true", agents=True)
    assert git(repo_dir, "for-each-ref") == before
    assert git(repo_dir, "status", "--porcelain") == "?? .conductor/\n?? AGENTS.md"
    assert os.access(repo_dir / ".conductor/scripts/validate.sh", os.X_OK)
    assert outcome.text.split("\n")[-1].startswith("next: git add .conductor && git commit -m ")


def test_what_no_commit_wrote_is_committed_as_it_is_now(repo_dir: Path, git: Git) -> None:
    run(repo_dir, commit=False)
    policy = repo_dir / ".conductor/conductor.toml"
    policy.write_text(policy.read_text() + "# mine\n")
    outcome = run(repo_dir)
    assert "kept:  '.conductor/conductor.toml' of the working tree" in outcome.text
    assert git(repo_dir, "show", "main:.conductor/conductor.toml").endswith("# mine")
    assert git(repo_dir, "status", "--porcelain") == ""


def test_control_on_a_branch_of_its_own(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    tip = git(repo_dir, "rev-parse", "main")
    assert run(repo_dir, control="rules/all", validate="true").code == DONE
    assert git(repo_dir, "rev-parse", "main") == tip
    assert git(repo_dir, "rev-list", "--count", "rules/all") == "1"
    assert git(repo_dir, "ls-tree", "--name-only", "rules/all") == ".conductor"
    assert git(repo_dir, "config", "conductor.control") == "rules/all"
    control = read_control(discover(str(repo_dir)))
    assert (control.ref, control.policy.integration) == ("refs/heads/rules/all", "main")
    before = state(repo_dir, git)
    assert run(repo_dir).code == DONE
    assert state(repo_dir, git) == before


def test_a_clone_is_told_once_where_control_is(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    run(repo_dir, control="rules")
    git(tmp_path, "clone", "-q", str(repo_dir), "clone")
    assert run(tmp_path / "clone", control="rules").code == DONE
    assert read_control(discover(str(tmp_path / "clone"))).ref == "refs/remotes/origin/rules"
    assert git(tmp_path / "clone", "for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/main"


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """pre-commit and our own commands can be found."""
    monkeypatch.setenv("PATH", f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")


@pytest.mark.usefixtures("tools")
def test_pre_commit_gets_entries_and_its_own_installation(repo_dir: Path, git: Git) -> None:
    config = repo_dir / ".pre-commit-config.yaml"
    config.write_text("# ours\nrepos: []\n")
    git(repo_dir, "add", ".")
    git(repo_dir, "commit", "-q", "-m", "config")
    outcome = run(repo_dir, pre_commit=True)
    assert outcome.code == DONE
    text = git(repo_dir, "show", "main:.pre-commit-config.yaml")
    assert text.startswith("# ours\n")
    assert text.count("entry: conductor-git-hook ") == 3
    for door in DOORS - {"reference-transaction", "pre-push"}:
        assert "File generated by pre-commit" in (repo_dir / ".git/hooks" / door).read_text()
    assert git(repo_dir, "status", "--porcelain") == ""
    before = state(repo_dir, git)
    run(repo_dir, pre_commit=True)
    assert state(repo_dir, git) == before
    # The hook beneath pre-commit's and our entry both refuse; it is said once, each time.
    for _ in range(2):
        said = subprocess.run(
            ["git", "commit", "--allow-empty", "-m", "Wave 1 done"],
            cwd=repo_dir,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (said.returncode, (said.stdout + said.stderr).count("is not a claim")) == (1, 1)


@pytest.mark.usefixtures("tools")
def test_pre_commit_that_refuses_is_a_finding(repo_dir: Path, git: Git) -> None:
    git(repo_dir, "config", "core.hooksPath", "own-hooks")
    outcome = run(repo_dir, pre_commit=True)
    assert outcome.code == REFUSED
    assert "install' failed: " in outcome.findings[0].message


def test_a_detached_head_is_one_clear_error(repo_dir: Path, git: Git) -> None:
    git(repo_dir, "checkout", "-q", "--detach")
    with pytest.raises(CannotRun, match="HEAD is detached") as caught:
        run(repo_dir)
    assert (caught.value.hint, caught.value.detail) == ("git switch main", "nothing was changed")
    assert not (repo_dir / ".conductor").exists()


def test_where_a_policy_is_a_detached_head_can_install(repo_dir: Path, git: Git) -> None:
    run(repo_dir)
    git(repo_dir, "checkout", "-q", "--detach")
    assert run(repo_dir).code == DONE


def test_without_an_identity_nothing_is_written(repo_dir: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    git(repo_dir, "config", "user.useConfigOnly", "true")
    with pytest.raises(CannotRun, match="git does not know who you are"):
        run(repo_dir, agents=True)
    assert git(repo_dir, "status", "--porcelain") == ""
    assert hooks(repo_dir, git) == set()


def test_inside_a_git_directory_is_one_clear_error(repo_dir: Path) -> None:
    with pytest.raises(CannotRun, match="this is inside a git directory") as caught:
        run(repo_dir / ".git")
    assert caught.value.hint == f"cd {repo_dir}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_repository_is_one_clear_error(repo_dir: Path) -> None:
    os.chmod(repo_dir / ".git", 0o555)
    try:
        with pytest.raises(CannotRun, match="cannot be locked: Permission denied"):
            run(repo_dir)
    finally:
        os.chmod(repo_dir / ".git", 0o755)


def test_a_git_directory_that_takes_nothing_is_one_clear_error(repo_dir: Path, git: Git) -> None:
    # Root is refused too: a file stands where our folder would be made.
    (repo_dir / ".git/conductor").write_text("")
    with pytest.raises(CannotRun, match="cannot be locked"):
        run(repo_dir)
    assert git(repo_dir, "rev-list", "--count", "main") == "1"


@pytest.mark.parametrize(
    ("how", "wrong"),
    [
        ({"control": "a..b"}, r"'a\.\.b' can be no branch"),
        ({"control": "side"}, "branch 'side' exists and has no policy"),
        ({"control": "rules", "commit": False}, "the policy belongs on branch 'rules', which is not checked out here"),
    ],
)
def test_a_control_branch_that_cannot_be(repo_dir: Path, git: Git, how: dict[str, Any], wrong: str) -> None:
    git(repo_dir, "branch", "side")
    git(repo_dir, "config", "init.defaultBranch", "main")
    with pytest.raises(CannotRun, match=wrong):
        run(repo_dir, **how)
    assert git(repo_dir, "for-each-ref", "--format=%(refname)") == "refs/heads/main\nrefs/heads/side"


def test_a_broken_policy_in_the_working_tree_is_not_committed(repo_dir: Path, git: Git) -> None:
    (repo_dir / ".conductor").mkdir()
    (repo_dir / ".conductor/conductor.toml").write_text("format = 1\nintegratoin = 'x'\n")
    with pytest.raises(CannotRun, match="the policy in the working tree cannot be obeyed"):
        run(repo_dir)
    assert git(repo_dir, "rev-list", "--count", "main") == "1"


def test_of_ten_at_once_one_founds_and_all_end_well(repo_dir: Path, git: Git) -> None:
    script = (
        "from conductor_git.commands.init import init; from conductor_git.store.plumbing.repository import discover;"
        "init(discover(), say=lambda _: None, now=0)"
    )
    started = [subprocess.Popen([sys.executable, "-c", script], cwd=repo_dir) for _ in range(10)]
    assert [process.wait() for process in started] == [0] * 10
    assert git(repo_dir, "rev-list", "--count", "main") == "2"


def test_a_copied_repository_is_another_clone_with_the_same_policy(repo_dir: Path, tmp_path: Path) -> None:
    run(repo_dir)
    shutil.copytree(repo_dir, tmp_path / "copy")
    assert run(tmp_path / "copy").text.startswith("found: a policy on 'main', with 0 plans\n")


def test_the_first_files_say_what_they_are_for() -> None:
    policy = Policy("a1b2c3d4", validation=ValidationPolicy(default="validate.sh"))
    files = first_files(policy, "pytest -q\n")
    assert list(files) == [*FILES[:2], ".conductor/scripts/validate.sh"]
    assert files[".conductor/scripts/validate.sh"].startswith(b"#!/bin/sh\n# ")
    assert parse_policy(files[FILES[0]]) == policy


def test_with_a_key_only_what_it_signs_is_the_conductors_word(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    key = Keys(tmp_path).path("boss")
    before = git(repo_dir, "rev-parse", "HEAD")
    outcome = run(repo_dir, sign=str(key))
    assert f"the conductor signs with '{key}' here" in outcome.text
    assert "note: results are not signed yet. Each agent" in outcome.text
    control = read_control(discover(str(repo_dir)))
    assert (control.policy.trust, control.policy.since) == (Trust(conductor=True), before)
    public = Keys(tmp_path).public("boss")
    assert control.signers.text == f'conductor namespaces="conductor-git/conductor@v1" {public}\n'
    again = run(repo_dir, sign=str(key))
    assert "kept:  everything as it was" in again.text
    repo = discover(str(repo_dir))
    said = {"commit": before, "reason": "known"}
    assert record(repo, control.policy, writer="conductor", kind="acceptance", data=said, now=1).sealed is not None
    assert record(repo, control.policy, writer="agent-2", kind="blocker", data={}, now=1).sealed is None
    git(repo_dir, "config", "--unset", "conductor.signingKey")
    with pytest.raises(CannotRun, match="wants 'conductor' to sign this acceptance, and no key is configured"):
        record(repo, control.policy, writer="conductor", kind="acceptance", data=said, now=2)


def test_a_key_where_a_policy_stands_exempts_what_was_there(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    run(repo_dir)
    git(repo_dir, "commit", "-q", "--allow-empty", "-m", "work")
    tip = git(repo_dir, "rev-parse", "HEAD")
    run(repo_dir, sign=str(Keys(tmp_path).path("boss")))
    assert read_control(discover(str(repo_dir))).policy.trust == Trust(conductor=True, since=tip)
    # Whoever does not conduct, or would change what is there, changes nothing.
    other = run(repo_dir, sign=str(Keys(tmp_path).path("other")))
    assert "kept:  '[trust]' and '.conductor/allowed_signers' as they are on 'main'" in other.text
    with pytest.raises(CannotRun, match="there is no key"):
        run(repo_dir, sign=str(tmp_path / "none"))
