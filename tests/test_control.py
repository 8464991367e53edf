"""Reading the control branch, and committing to it without disturbing anybody."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conductor_git.commands.init import init
from conductor_git.core.errors import CannotRun
from conductor_git.core.planning import planfile
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.policytext import render_policy
from conductor_git.core.planning.rules import Script
from conductor_git.core.targets import Oid
from conductor_git.store.control.control import read_control
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git

POLICY = Policy("r-1")


def plan_file(plan: str, title: str = "T", extra: str = "") -> str:
    """The text of a small plan file."""
    return f"---\nplan: {plan}\ntitle: {title}\nwaves: {{1: {{title: One}}}}\n{extra}---\n"


def put(folder: Path, git: Git, files: Mapping[str, str | None], message: str = "change") -> str:
    """Write or delete files, commit them, and return the commit."""
    for path, text in files.items():
        if text is None:
            (folder / path).unlink()
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def ruled(repo_dir: Path, git: Git) -> Path:
    """A repository with a policy, two plans and a script on main."""
    script = repo_dir / ".conductor/scripts/verify.sh"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    put(
        repo_dir,
        git,
        {
            ".conductor/conductor.toml": render_policy(POLICY),
            ".conductor/plans/b.md": plan_file("2", "Two"),
            ".conductor/plans/a.md": plan_file("10", "Ten"),
            ".conductor/plans/notes.txt": "not a plan",
            ".conductor/scripts/lib/more.txt": "data",
        },
    )
    return repo_dir


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The verbs of every git process that is started, in order."""
    verbs: list[str] = []
    real = subprocess.Popen

    def counted(argv: list[str], **how: Any) -> Any:
        verbs.append(next(word for word in argv[1:] if not word.startswith(("-", "/"))))
        return real(argv, **how)

    monkeypatch.setattr(subprocess, "Popen", counted)
    return verbs


def read(folder: Path) -> list[str]:
    """The plans that are read from a repository."""
    return [plan.plan for plan in read_control(discover(str(folder))).plans]


def test_policy_plans_and_scripts_are_read_from_the_tip(ruled: Path, git: Git) -> None:
    control = read_control(discover(str(ruled)))
    assert control.ref == "refs/heads/main"
    assert control.oid == git(ruled, "rev-parse", "HEAD")
    assert control.policy == POLICY
    assert [(plan.plan, plan.path) for plan in control.plans] == [
        ("2", ".conductor/plans/b.md"),
        ("10", ".conductor/plans/a.md"),
    ]
    assert control.broken == ()
    assert control.scripts.folder == git(ruled, "rev-parse", "HEAD:.conductor/scripts")
    assert control.scripts.files == {
        "verify.sh": Script("100755", Oid(git(ruled, "rev-parse", "HEAD:.conductor/scripts/verify.sh"))),
        "lib/more.txt": Script("100644", Oid(git(ruled, "rev-parse", "HEAD:.conductor/scripts/lib/more.txt"))),
    }


def test_what_is_not_committed_does_not_count(ruled: Path, git: Git) -> None:
    (ruled / ".conductor/plans/c.md").write_text(plan_file("3"))
    git(ruled, "add", ".")
    git(ruled, "checkout", "-q", "-b", "agent-2/two")
    put(ruled, git, {".conductor/plans/b.md": plan_file("4")})
    assert read(ruled) == ["2", "10"]


def test_unchanged_control_costs_one_git_process_beside_the_refs(ruled: Path, calls: list[str]) -> None:
    repo = discover(str(ruled))
    cold = read_control(repo)
    calls.clear()
    assert read_control(repo) == cold
    assert calls == ["for-each-ref", "config"]
    refs = read_refs(repo)
    calls.clear()
    assert read_control(repo, refs=refs) == cold
    assert calls == ["config"]


def test_cold_control_costs_four_git_processes(ruled: Path, calls: list[str]) -> None:
    repo = discover(str(ruled))
    calls.clear()
    read_control(repo)
    assert sorted(calls) == ["cat-file", "config", "for-each-ref", "ls-tree"]


def test_only_changed_plans_are_parsed_again(ruled: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = discover(str(ruled))
    read_control(repo)
    put(ruled, git, {".conductor/plans/a.md": plan_file("11")})
    parsed: list[str] = []
    real = planfile.parse_plan

    def noted(source: bytes, path: str) -> object:
        parsed.append(path)
        return real(source, path)

    monkeypatch.setattr(planfile, "parse_plan", noted)
    assert [plan.plan for plan in read_control(repo).plans] == ["2", "11"]
    assert parsed == [".conductor/plans/a.md"]


def test_nothing_that_parses_is_imported_when_nothing_changed(ruled: Path) -> None:
    read(ruled)
    code = (
        "import sys; from conductor_git.store.control.control import read_control\n"
        "from conductor_git.store.plumbing.repository import discover\n"
        "assert [plan.plan for plan in read_control(discover()).plans] == ['2', '10']\n"
        "print(sorted({'yaml', 'markdown_it', 'tomllib', 'difflib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ruled, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("damage", [b"", b"garbage", b"0.0.0\n\x80", None])
def test_a_broken_cache_is_as_if_it_were_not_there(ruled: Path, damage: bytes | None) -> None:
    first = read_control(discover(str(ruled)))
    (cache,) = (ruled / ".git/conductor/cache").iterdir()
    whole = cache.read_bytes()
    cache.write_bytes(whole[:-9] if damage is None else damage)
    assert read_control(discover(str(ruled))) == first
    assert cache.read_bytes() == whole


def test_without_the_cache_nothing_is_read_from_it_or_written_to_it(ruled: Path) -> None:
    repo = discover(str(ruled))
    first = read_control(repo, use_cache=False)
    assert not (ruled / ".git/conductor").exists()
    read_control(repo)
    (cache,) = (ruled / ".git/conductor/cache").iterdir()
    cache.write_bytes(cache.read_bytes().replace(b"Two", b"Bad"))
    assert [plan.title for plan in read_control(repo).plans] == ["Bad", "Ten"]
    assert read_control(repo, use_cache=False) == first


def test_a_broken_plan_blocks_only_itself(ruled: Path, git: Git) -> None:
    put(ruled, git, {".conductor/plans/b.md": plan_file("2", extra="titel: x\n"), ".conductor/plans/c.md": "none"})
    for _ in range(2):
        control = read_control(discover(str(ruled)))
        assert [plan.plan for plan in control.plans] == ["10"]
        assert [(broken.plan, str(broken.errors[0])) for broken in control.broken] == [
            ("2", ".conductor/plans/b.md:5: unknown key 'titel'; did you mean 'title'?"),
            (None, ".conductor/plans/c.md:1: no front matter: the first line must be '---'"),
        ]


def test_a_plan_in_two_files_counts_in_neither(ruled: Path, git: Git) -> None:
    put(ruled, git, {".conductor/plans/a-copy.md": plan_file("2", "Other")})
    control = read_control(discover(str(ruled)))
    assert [plan.plan for plan in control.plans] == ["10"]
    assert [str(broken.errors[0]) for broken in control.broken] == [
        ".conductor/plans/a-copy.md:1: plan '2' is declared in '.conductor/plans/b.md' too",
        ".conductor/plans/b.md:1: plan '2' is declared in '.conductor/plans/a-copy.md' too",
    ]


def test_links_and_odd_names_are_broken_plans(ruled: Path, git: Git) -> None:
    (ruled / ".conductor/plans/link.md").symlink_to("b.md")
    with open(bytes(ruled) + b"/.conductor/plans/\xff.md", "w") as file:
        file.write(plan_file("7"))
    with open(bytes(ruled) + b"/.conductor/scripts/\xff.sh", "w") as file:
        file.write("")
    put(ruled, git, {".conductor/plans/a b\n.md": plan_file("8")})
    for _ in range(2):
        control = read_control(discover(str(ruled)))
        assert [plan.plan for plan in control.plans] == ["2", "8", "10"]
        assert [str(broken.errors[0]) for broken in control.broken] == [
            ".conductor/plans/\\xff.md:1: the name of the plan file is not UTF-8",
            ".conductor/plans/link.md:1: the plan file is a symbolic link",
        ]
        assert sorted(control.scripts.files) == ["lib/more.txt", "verify.sh"]


@pytest.mark.parametrize("plans", ["docs/plans/PLAN_*.md", "**/PLAN_*.md", "PLAN_*.md"])
def test_plans_and_scripts_can_stay_where_they_are(repo_dir: Path, git: Git, plans: str) -> None:
    folder = plans.rpartition("/")[0].replace("**", "deep/er")
    put(
        repo_dir,
        git,
        {
            ".conductor/conductor.toml": render_policy(Policy("r", plans=plans, scripts="ci/checks")),
            ".conductor/plans/1.md": plan_file("1"),
            f"{folder}/PLAN_5.md".lstrip("/"): plan_file("5"),
            f"{folder}/README.md".lstrip("/"): "no plan",
            "ci/checks/v.sh": "",
            "ci/checks.sh": "",
        },
    )
    for _ in range(2):
        control = read_control(discover(str(repo_dir)))
        assert [plan.plan for plan in control.plans] == ["5"]
        assert sorted(control.scripts.files) == ["v.sh"]


def test_a_policy_without_plans_and_scripts(repo_dir: Path, git: Git) -> None:
    put(repo_dir, git, {".conductor/conductor.toml": render_policy(POLICY)})
    control = read_control(discover(str(repo_dir)))
    assert (control.plans, control.broken, control.scripts.folder) == ((), (), None)


def test_a_broken_policy_stops_everything_and_says_where(repo_dir: Path, git: Git) -> None:
    put(repo_dir, git, {".conductor/conductor.toml": 'format = 1\nrepository = "r"\ndierct = 1\n[limits]\nx = 1\n'})
    with pytest.raises(CannotRun) as stopped:
        read_control(discover(str(repo_dir)))
    assert stopped.value.what == (
        "the policy cannot be obeyed: .conductor/conductor.toml:3: unknown key 'dierct'; did you mean 'direct'?"
    )
    assert ".conductor/conductor.toml:5: unknown key 'x'" in stopped.value.detail


def test_an_older_commit_can_be_read(ruled: Path, git: Git) -> None:
    old = git(ruled, "rev-parse", "HEAD")
    put(ruled, git, {".conductor/plans/b.md": None})
    repo = discover(str(ruled))
    now = read_control(repo)
    control = read_control(repo, commit=Oid(old))
    assert (control.ref, control.oid, [plan.plan for plan in control.plans]) == ("", old, ["2", "10"])
    assert read_control(repo) == now
    with pytest.raises(CannotRun, match="has no policy"):
        read_control(repo, commit=Oid(git(ruled, "rev-parse", "HEAD~2")))


@pytest.fixture
def clone(ruled: Path, git: Git, tmp_path: Path) -> Path:
    """A clone whose origin is the ruled repository."""
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(ruled), str(folder))
    return folder


def test_the_upstream_counts_where_it_has_more(ruled: Path, clone: Path, git: Git) -> None:
    put(ruled, git, {".conductor/plans/c.md": plan_file("3")})
    git(clone, "fetch", "-q")
    control = read_control(discover(str(clone)))
    assert (control.ref, [plan.plan for plan in control.plans]) == ("refs/remotes/origin/main", ["2", "3", "10"])


def test_the_local_branch_counts_where_it_has_more(clone: Path, git: Git) -> None:
    put(clone, git, {".conductor/plans/c.md": plan_file("3")})
    control = read_control(discover(str(clone)))
    assert (control.ref, [plan.plan for plan in control.plans]) == ("refs/heads/main", ["2", "3", "10"])
    assert control.findings == ()


def test_a_diverged_control_branch_is_a_finding(ruled: Path, clone: Path, git: Git) -> None:
    put(ruled, git, {".conductor/plans/c.md": plan_file("3")})
    put(clone, git, {".conductor/plans/d.md": plan_file("4")})
    git(clone, "fetch", "-q")
    control = read_control(discover(str(clone)))
    assert [plan.plan for plan in control.plans] == ["2", "4", "10"]
    assert [(finding.code, finding.severity, finding.subject, finding.message) for finding in control.findings] == [
        (
            "CG709",
            "warning",
            "refs/heads/main",
            "'main' and 'origin/main' have each what the other lacks; rules are read from 'main'",
        )
    ]


def test_a_detached_clone_without_a_local_branch_reads_the_remote_s(clone: Path, git: Git) -> None:
    git(clone, "checkout", "-q", "--detach")
    git(clone, "branch", "-q", "-D", "main")
    assert read_control(discover(str(clone))).ref == "refs/remotes/origin/main"


def test_a_clone_without_the_control_branch_names_the_fetch_that_brings_it(
    ruled: Path, git: Git, tmp_path: Path
) -> None:
    git(ruled, "branch", "-q", "agent-2/two", "HEAD~1")
    job = tmp_path / "job"
    git(tmp_path, "clone", "-q", "--depth=1", "--single-branch", "-b", "agent-2/two", f"file://{ruled}", str(job))
    with pytest.raises(CannotRun) as stopped:
        read_control(discover(str(job)))
    assert stopped.value.what == "branch 'main' is not in this clone"
    assert stopped.value.hint == "git fetch --depth=1 origin +refs/heads/main:refs/remotes/origin/main"
    git(job, *stopped.value.hint.split()[1:], "-q")
    assert read_control(discover(str(job))).ref == "refs/remotes/origin/main"


def test_no_policy_at_all_says_init(repo_dir: Path, tmp_path: Path, git: Git) -> None:
    with pytest.raises(CannotRun, match="there is no policy on 'main'") as stopped:
        read_control(discover(str(repo_dir)))
    assert stopped.value.hint == "conductor-git init"
    git(tmp_path, "init", "-q", str(tmp_path / "unborn"))
    with pytest.raises(CannotRun, match=r"there is no policy$"):
        read_control(discover(str(tmp_path / "unborn")))


OWN = Policy("r-1", control="conductor")


@pytest.fixture
def own_branch(repo_dir: Path, git: Git) -> Path:
    """A repository whose control branch is `conductor`, not checked out."""
    git(repo_dir, "checkout", "-q", "-b", "conductor")
    put(repo_dir, git, {".conductor/conductor.toml": render_policy(OWN), ".conductor/plans/1.md": plan_file("1")})
    git(repo_dir, "checkout", "-q", "main")
    return repo_dir


@pytest.mark.parametrize("configured", [True, False])
def test_the_control_branch_can_be_another(own_branch: Path, git: Git, configured: bool) -> None:
    if configured:
        git(own_branch, "config", "conductor.control", "conductor")
    control = read_control(discover(str(own_branch)))
    assert (control.ref, control.policy.control) == ("refs/heads/conductor", "conductor")


def test_a_policy_that_names_another_branch_is_followed_there(own_branch: Path, git: Git) -> None:
    put(own_branch, git, {".conductor/conductor.toml": render_policy(OWN), ".conductor/plans/9.md": plan_file("9")})
    assert read(own_branch) == ["1"]


def test_policies_that_name_each_other_are_told(own_branch: Path, git: Git) -> None:
    put(own_branch, git, {".conductor/conductor.toml": render_policy(Policy("r", control="trunk"))})
    git(own_branch, "branch", "-q", "trunk", "conductor")
    with pytest.raises(CannotRun) as stopped:
        read(own_branch)
    assert stopped.value.what == (
        "the control branch is not clear: the policy on 'refs/heads/main' names 'refs/heads/trunk', "
        "and that names 'refs/heads/conductor' instead"
    )


def test_an_unusual_branch_is_found_through_origin_s_head(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    git(repo_dir, "branch", "-q", "-m", "stem")
    put(repo_dir, git, {".conductor/conductor.toml": render_policy(Policy("r", integration="stem"))})
    git(tmp_path, "clone", "-q", str(repo_dir), str(tmp_path / "clone"))
    assert read_control(discover(str(tmp_path / "clone"))).ref == "refs/heads/stem"
    git(repo_dir, "config", "init.defaultBranch", "stem")
    assert read_control(discover(str(repo_dir))).ref == "refs/heads/stem"


@pytest.mark.parametrize("layout", ["bare", "sha256"])
def test_bare_and_sha256_repositories(ruled: Path, git: Git, tmp_path: Path, layout: str) -> None:
    folder = tmp_path / "other"
    if layout == "bare":
        git(tmp_path, "clone", "-q", "--bare", str(ruled), str(folder))
    else:
        git(tmp_path, "init", "-q", "--object-format=sha256", str(folder))
        put(
            folder,
            git,
            {".conductor/conductor.toml": render_policy(POLICY)}
            | {f".conductor/plans/{plan}.md": plan_file(plan) for plan in ("2", "10")},
        )
    for _ in range(2):
        assert read(folder) == ["2", "10"]


def test_a_blobless_clone_fetches_what_it_needs(ruled: Path, git: Git, tmp_path: Path) -> None:
    git(ruled, "config", "uploadpack.allowFilter", "true")
    folder = tmp_path / "partial"
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{ruled}", str(folder))
    assert read(folder) == ["2", "10"]


def test_what_was_founded_elsewhere_is_not_founded_again(tmp_path: Path, git: Git) -> None:
    """An agent's branch is on the remote, and the branch with the policy is not yet."""
    first, second = tmp_path / "first", tmp_path / "second"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "hub.git")
    git(tmp_path, "clone", "-q", "hub.git", "first")
    git(first, "commit", "-q", "--allow-empty", "-m", "begin")
    git(first, "push", "-q", "origin", "HEAD:main")
    put(first, git, {".conductor/conductor.toml": render_policy(POLICY)})
    git(first, "push", "-q", "origin", "HEAD:agent-1/work")
    git(tmp_path, "clone", "-q", "hub.git", "second")
    repo = discover(str(second))
    with pytest.raises(CannotRun, match="'origin/agent-1/work' was begun under one") as stopped:
        read_control(repo)
    assert stopped.value.hint.startswith("git fetch origin")
    with pytest.raises(CannotRun, match="'origin/agent-1/work' was begun under one"):
        init(repo, say=print, terminal=False, now=0)
    assert git(second, "status", "--porcelain") == ""
    git(first, "push", "-q", "origin", "HEAD:main")
    git(second, "pull", "-q", "--ff-only")
    assert read_control(repo).policy == POLICY
