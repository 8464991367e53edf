"""Odd repositories: where they stand, how they are laid out, what branches are called, and what became of them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import IDENTITY, Git
from tests.outside import PAST, commit_to_main, findings, refused, run, say, states, works
from tests.team import CLAIM, Team

pytestmark = pytest.mark.long

PLAN = ".conductor/plans/3.md"
CONDUCTOR: dict[str, str | None] = {"CONDUCTOR_WRITER": "conductor"}


@pytest.fixture(scope="session")
def proven_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The team's repository with work and all claims of plan 2 on b2, tagged `claimed-2.0` and so on. Built once."""
    folder = tmp_path_factory.mktemp("proven")
    root = Path(shutil.copytree(template, folder / "shop"))
    env: dict[str, str | None] = {name: None for name in os.environ if name.startswith(("GIT_", "CONDUCTOR_"))}
    env |= IDENTITY | {"HOME": str(folder), "CONDUCTOR_CACHE": str(folder / "cache"), "GIT_CONFIG_NOSYSTEM": "1"}
    env["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    works(root, "install", env=env)
    (root / "mine").touch()
    run(root, "git", "add", "mine", env=env)
    run(root, "git", "commit", "-q", "-m", "mine", env=env)
    for target in ("2.0", "2.1", "2"):
        works(root, "claim", target, env=env)
        run(root, "git", "tag", f"claimed-{target}", env=env)
    return root


@pytest.fixture
def proven(proven_template: Path, tmp_path: Path) -> Path:
    """A copy of it: another clone, to which the ledger came along."""
    return Path(shutil.copytree(proven_template, tmp_path / "shop"))


@pytest.fixture
def claimed(proven: Path, git: Git) -> Path:
    """The same with only the first wave claimed."""
    git(proven, "reset", "-q", "--hard", "claimed-2.0")
    return proven


def work(worktree: Path, path: str = "docs/x") -> int:
    """Commit a file, through the hooks; the exit code of git."""
    (worktree / path).parent.mkdir(parents=True, exist_ok=True)
    (worktree / path).write_text("work\n")
    run(worktree, "git", "add", "-A")
    return run(worktree, "git", "commit", "-q", "-m", f"work on {path}").code


def land(root: Path, branch: str, *how: str) -> None:
    """Merge into main as the conductor, and stay there."""
    assert run(root, "git", "checkout", "-q", "main").code == 0
    done = run(root, "git", "merge", "-q", *(how or ("--no-ff", "-m", "land")), branch, env=CONDUCTOR)
    assert done.code == 0, done.err


def goes_all_the_way(root: Path, worktree: Path) -> None:
    """Delegate plan 3 from `root`; let its agent be refused, and claim in `worktree`; see it from `root`."""
    works(root, "delegate", "3")
    assert work(worktree) == 0
    assert work(worktree, "elsewhere") != 0
    run(worktree, "git", "reset", "-q", "--hard")
    works(worktree, "claim")
    assert "10 of 10 doors answer" in works(worktree, "doctor").out
    assert (states(root)["3"], states(root)["3.0"]) == ("active", "complete")


class TestPaths:
    def test_any_bytes(self, template: Path, tmp_path: Path) -> None:
        name = b"-a 'b' \"c\" $(touch pwned) \\ `d`\n#e \xc3\xbc \xff\n"
        root = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))
        try:
            shutil.copytree(template, root)
        except OSError:
            pytest.skip("this file system takes no such name")
        works(root, "install")
        assert works(root, "doctor", "--json").data["findings"] == []
        worktree = root.parent / f"{root.name}.worktrees" / "b3"
        goes_all_the_way(root, worktree)
        works(worktree, "claim")
        land(root, "b3")
        assert states(root)["3"] == "merged"
        assert (findings(root), list(tmp_path.glob("**/pwned"))) == ([], [])

    def test_a_subfolder_and_a_linked_worktree(self, team: Team, tmp_path: Path, git: Git) -> None:
        below = team.root / "a/b"
        below.mkdir(parents=True)
        works(below, "claim")
        works(below, "plan", "new", "Deep")
        assert (team.root / ".conductor/plans/4-deep.md").exists()
        assert "commit it" not in works(below, "plan", "check").err
        (team.root / ".conductor/x").touch()
        git(team.root, "add", ".conductor/x")
        code, said = team.commit("-m", "x", at=below)
        hint = next(line.removeprefix("hint: ") for line in said.splitlines() if line.startswith("hint: "))
        assert (code, run(below, "sh", "-c", hint).code) == (1, 0)
        assert git(team.root, "diff", "--cached", "--name-only") == ""
        git(team.root, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "b3")
        assert work(tmp_path / "linked") == 0
        assert work(tmp_path / "linked", "elsewhere") != 0
        assert works(tmp_path / "linked", "whoami").out.startswith("agent-3: ")


class TestLayouts:
    def test_a_bare_repository_with_worktrees(self, template: Path, tmp_path: Path, git: Git) -> None:
        home = tmp_path / "shop"
        bare = home / ".bare"
        git(tmp_path, "clone", "-q", "--bare", "--branch=main", str(template), str(bare))
        git(bare, "remote", "remove", "origin")
        git(bare, "worktree", "add", "-q", str(home / "b2"), "b2")
        (home / ".git").write_text("gitdir: ./.bare\n")
        works(bare, "install")
        refused(say(bare, "claim", "2.0"), "there is no worktree here")
        goes_all_the_way(home / "b2", tmp_path / "shop.worktrees/b3")
        # From here on git lists the bare repository as if it had its HEAD, main, checked out.
        assert f"{bare} " in git(home / "b2", "worktree", "list")
        works(home / "b2", "plan", "new", "More")
        assert works(home / "b2", "plan", "commit").out.startswith("committed to 'main'")
        works(bare, "log-status")

    def test_a_submodule_inside(self, team: Team, tmp_path: Path, git: Git) -> None:
        git(tmp_path, "init", "-q", "lib")
        git(tmp_path / "lib", "commit", "-q", "--allow-empty", "-m", "lib")
        git(team.root, "submodule", "--quiet", "add", "../lib", "lib")
        git(team.root, "commit", "-q", "-m", "lib")
        refused(say(team.root, "claim"), "the product tree has submodules: 'lib'", "nothing was run")
        refused(say(team.root / "lib", "log-status"), "there is no policy")
        policy = (team.root / ".conductor/conductor.toml").read_text()
        commit_to_main(team.root, {".conductor/conductor.toml": policy + 'submodules = "fill"\n'})
        works(team.root, "claim")
        assert states(team.root)["2.0"] == "complete"

    def test_a_repository_that_is_a_submodule(self, template: Path, tmp_path: Path, git: Git) -> None:
        git(tmp_path, "init", "-q", "super")
        git(tmp_path / "super", "submodule", "--quiet", "add", str(template), "shop")
        shop = tmp_path / "super/shop"
        git(shop, "remote", "remove", "origin")
        git(shop, "branch", "-q", "main", "HEAD")
        works(shop, "install")
        assert work(shop, "x") == 0
        works(shop, "plan", "new", "More")
        works(shop, "plan", "commit")
        assert "5 of 5 doors answer" in works(shop, "doctor").out

    @pytest.mark.parametrize("how", [["--object-format=sha256"], ["--ref-format=reftable"]], ids=["sha256", "reftable"])
    def test_other_formats(self, tmp_path: Path, git: Git, how: list[str]) -> None:
        if run(tmp_path, "git", "init", "-q", "-b", "trunk", *how, "shop").code:
            pytest.skip("this git has no such format")
        root = tmp_path / "shop"
        (root / "state").write_text("good\n")
        git(root, "add", "state")
        git(root, "commit", "-q", "-m", "begin")
        works(root, "init", "--validate", "grep -q good state")
        works(root, "delegate", "A thing", "--wave", "One")
        agent = root.parent / "shop.worktrees/agent-1-a-thing"
        works(agent, "claim")
        works(agent, "claim")
        git(root, "merge", "-q", "--no-ff", "-m", "land", "agent-1/a-thing")
        git(root, "pack-refs", "--all", "--prune")
        git(root, "gc", "-q", "--prune=now")
        shutil.rmtree(root / ".git/conductor/cache")
        assert (states(root), findings(root)) == ({"1": "merged", "1.1": "complete"}, [])
        assert run(agent, "git", "commit", "-q", "--allow-empty", "-m", CLAIM.replace("0", "1")).code == 0

    def test_an_integration_branch_of_another_name(self, repo_dir: Path, git: Git) -> None:
        branch = "team/main"
        git(repo_dir, "branch", "-q", "-m", "main", branch)
        works(repo_dir, "init")
        works(repo_dir, "plan", "new", "T")
        git(repo_dir, "add", ".conductor")
        git(repo_dir, "commit", "-q", "-m", "plan 1")
        board = works(repo_dir, "log-status", "--json").data
        assert (board["integration"], [plan["branch"] for plan in board["plans"]]) == (branch, ["agent-1/t"])

    def test_no_commits_and_the_rules_in_the_working_tree(self, template: Path, tmp_path: Path, git: Git) -> None:
        git(tmp_path, "init", "-q", "new")
        shutil.copytree(template / ".conductor", tmp_path / "new/.conductor")
        works(tmp_path / "new", "init")
        assert git(tmp_path / "new", "rev-list", "--count", "main") == "1"
        assert states(tmp_path / "new") == {
            "2": "ready",
            "2.0": "ready",
            "2.1": "waiting",
            "3": "ready",
            "3.0": "ready",
        }


class TestBranchNames:
    def test_legal_and_nasty(self, team: Team) -> None:
        branch = "refs/heads/$(touch,pwned)/`id`;a'b\"c&|d-ünï✅"
        text = (team.root / PLAN).read_text().replace("branch: b3", f"branch: '{branch.replace(chr(39), chr(39) * 2)}'")
        commit_to_main(team.root, {PLAN: text})
        works(team.root, "delegate", "3")
        listed = run(team.root, "git", "worktree", "list", "--porcelain", "-z").out.split("\0")
        worktree = Path([line.removeprefix("worktree ") for line in listed if line.startswith("worktree ")][-1])
        assert run(worktree, "git", "symbolic-ref", "HEAD").out == f"refs/heads/{branch}\n"
        assert (work(worktree), work(worktree, "elsewhere")) == (0, 1)
        run(worktree, "git", "reset", "-q", "--hard")
        works(worktree, "claim", "3.0")
        works(worktree, "claim", "3")
        command = [
            step["command"] for step in works(team.root, "log-status", "--json").data["next"] if "land" in step["step"]
        ]
        run(team.root, "git", "checkout", "-q", "main")
        assert run(team.root, "sh", "-c", command[0], env=CONDUCTOR).code == 0
        assert states(team.root)["3"] == "merged"
        assert list(team.root.parent.glob("**/pwned")) == []

    def test_refs_that_look_like_options_or_are_no_text_stop_nobody(self, team: Team, git: Git) -> None:
        for name in (b"--help", b"-rf", b"$(touch pwned)".replace(b" ", b","), b"\xff\xfe", "\u202egnp.exe".encode()):
            head = git(team.root, "rev-parse", "HEAD").encode()
            packed = team.root / ".git/packed-refs"
            packed.write_bytes(
                (packed.read_bytes() if packed.exists() else b"") + head + b" refs/heads/" + name + b"\n"
            )
        works(team.root, "claim")
        assert (findings(team.root), states(team.root)["2.0"]) == ([], "complete")
        run(team.root, "git", "symbolic-ref", "HEAD", "refs/heads/--help")
        said = refused(say(team.root, "claim", "2.1"), "branch '--help' belongs to no plan", code=1)
        assert run(team.root, "sh", "-c", said.hint).code == 0


class TestTwoClones:
    @pytest.fixture
    def clones(self, proven: Path, tmp_path: Path, git: Git) -> tuple[Path, Path]:
        """One that has pushed all, and a clone of its remote."""
        git(tmp_path, "init", "-q", "--bare", "hub.git")
        git(proven, "remote", "add", "origin", "../hub.git")
        works(proven, "install")
        git(proven, "push", "-q", "-u", "origin", "main", "b2")
        git(proven, "push", "-q", "origin", "refs/notes/conductor/*")
        git(tmp_path, "clone", "-q", "hub.git", "other")
        git(tmp_path / "other", "checkout", "-q", "main")
        return proven, tmp_path / "other"

    def test_what_one_proved_is_complete_in_the_other_once_the_ledger_is_fetched(
        self, clones: tuple[Path, Path], git: Git
    ) -> None:
        one, other = clones
        assert states(other)["2"] == "claimed"
        assert ("CG604", "warning") in {(code, severity) for code, severity, _ in findings(other)}
        step = works(other, "log-status", "--json").data["next"][0]
        assert (step["who"], step["command"]) == ("you", "conductor-git install && git fetch")
        assert run(other, "sh", "-c", step["command"]).code == 0
        assert (states(other), findings(other)) == (states(one), [])
        assert states(other)["2"] == "complete"
        git(other, "checkout", "-q", "-b", "b3")
        assert work(other) == 0
        works(other, "claim")
        git(other, "push", "-q", "origin", "b3", "refs/notes/conductor/*")
        git(one, "fetch", "-q")
        assert (states(one)["3.0"], states(one)) == ("complete", states(other))
        git(one, "fetch", "-q", "--prune")
        assert states(one)["2"] == "complete"

    def test_a_clone_without_the_ledger_raises_no_alarm(self, clones: tuple[Path, Path], git: Git) -> None:
        one, other = clones
        land(one, "b2")
        git(one, "push", "-q", "origin", "main")
        git(other, "pull", "-q")
        # It has a ledger of its own, which is not that of the others.
        works(other, "validate", "3.0", "--commit", "HEAD")
        told = [(code, severity) for code, severity, _ in findings(other)]
        assert [severity for _, severity in told if severity == "alarm"] == []
        assert {("CG503", "warning"), ("CG604", "warning")} <= set(told)
        works(other, "install")
        git(other, "fetch", "-q")
        assert (findings(other), states(other)["2"]) == ([], "merged")


class TestWhatBecameOfThem:
    """`log-status` over what people do to branches. Each ends with what is shown then."""

    def test_a_plan_without_a_branch(self, team: Team, git: Git) -> None:
        git(team.root, "checkout", "-q", "main")
        git(team.root, "branch", "-q", "-D", "b2")
        assert (states(team.root)["2"], findings(team.root)) == ("ready", [])

    def test_a_branch_that_was_deleted_unmerged_is_worked_on_no_more(self, team: Team, git: Git) -> None:
        works(team.root, "delegate", "3")
        worktree = team.root.parent / "shop.worktrees/b3"
        assert work(worktree) == 0
        works(worktree, "claim")
        git(team.root, "worktree", "remove", "-f", "-f", str(worktree))
        git(team.root, "branch", "-q", "-D", "b3")
        shown = states(team.root)
        assert (shown["3"], shown["3.0"]) == ("active", "active")
        works(team.root, "delegate", "3", "--resume")
        assert run(worktree, "git", "log", "-1", "--format=%s").out == "▶ PLAN 3 START - agent-3\n"

    def test_merged_and_the_branch_is_gone(self, proven: Path, git: Git) -> None:
        land(proven, "b2")
        git(proven, "branch", "-q", "-d", "b2")
        assert (states(proven)["2"], findings(proven)) == ("merged", [])

    def test_rebased_over_nothing_new_and_over_new_content(self, claimed: Path, git: Git) -> None:
        commit_to_main(claimed, {".conductor/plans/5.md": "---\nplan: 5\ntitle: F\nwaves: {0: }\n---\n"})
        git(claimed, "rebase", "-q", "main")
        assert states(claimed)["2.0"] == "complete"
        git(claimed, "checkout", "-q", "main")
        (claimed / "theirs").touch()
        git(claimed, "add", "theirs")
        git(claimed, "commit", "-q", "-m", "theirs")
        git(claimed, "checkout", "-q", "b2")
        git(claimed, "rebase", "-q", "main")
        assert states(claimed)["2.0"] == "claimed"
        assert [code for code, _, _ in findings(claimed)] == ["CG211"]
        step = works(claimed, "log-status", "--json").data["next"][0]
        assert run(claimed, "sh", "-c", step["command"]).code == 0
        assert (states(claimed)["2.0"], findings(claimed)) == ("complete", [])

    def test_amended_with_and_without_content(self, claimed: Path, git: Git) -> None:
        git(claimed, "commit", "-q", "--amend", "--allow-empty", "--no-edit")
        assert states(claimed)["2.0"] == "complete"
        (claimed / "more").touch()
        git(claimed, "add", "more")
        assert run(claimed, "git", "commit", "--amend", "--no-edit").code == 1
        git(claimed, *PAST, "commit", "-q", "--amend", "--no-edit")
        assert (states(claimed)["2.0"], [code for code, _, _ in findings(claimed)]) == ("claimed", ["CG211"])

    def test_integration_that_was_reset_gives_the_landing_back(self, proven: Path, git: Git) -> None:
        land(proven, "b2")
        assert states(proven)["2"] == "merged"
        git(proven, *PAST, "reset", "-q", "--hard", "HEAD~1")
        assert (states(proven)["2"], findings(proven)) == ("complete", [])

    def test_integration_that_was_forwarded_onto_a_plan_is_an_alarm(self, team: Team, git: Git) -> None:
        works(team.root, "delegate", "3")
        root, branch = team.root.parent / "shop.worktrees/b3", "b3"
        assert work(root) == 0
        git(root, "commit", "-q", "--allow-empty", "--no-verify", "-m", CLAIM)
        land(team.root, branch, "--ff-only")
        self.alarms(team.root, "CG502")

    def test_unproven_work_that_was_merged_is_an_alarm(self, team: Team, git: Git) -> None:
        works(team.root, "delegate", "3")
        root, branch = team.root.parent / "shop.worktrees/b3", "b3"
        git(root, "commit", "-q", "--allow-empty", "--no-verify", "-m", CLAIM)
        land(team.root, branch, "--no-ff", "--no-verify", "-m", "land")
        self.alarms(team.root, "CG503")

    def alarms(self, root: Path, code: str) -> None:
        shown = works(root, "log-status")
        assert shown.out.startswith("alarm: "), shown.out
        assert f"[{code}]" in shown.out.splitlines()[0]
        assert say(root, "log-status", "--check").code == 1
        assert works(root, "log-status", "--json").data["next"][0]["who"] == "conductor"

    def test_a_squash_lands_what_was_proven_and_its_claims_outlive_the_branch(self, proven: Path, git: Git) -> None:
        git(proven, "checkout", "-q", "main")
        git(proven, "merge", "-q", "--squash", "b2")
        git(proven, "commit", "-q", "-m", "all of plan 2")
        assert (states(proven)["2"], findings(proven)) == ("merged", [])
        works(proven, "clean", env=CONDUCTOR)
        assert run(proven, "git", "rev-parse", "--verify", "-q", "b2").code != 0
        assert (states(proven)["2"], findings(proven)) == ("merged", [])
