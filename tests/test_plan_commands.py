"""`plan new|list|show|check|graph|commit`, in real repositories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conductor_git.commands import plan as journeys
from conductor_git.commands.outcome import Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.edits import Version, compare
from conductor_git.core.planning.policy import Policy, ValidationPolicy
from conductor_git.core.planning.policytext import render_policy
from conductor_git.core.targets import Oid
from conductor_git.store.control.control import read_control
from conductor_git.store.plumbing.repository import Repository, discover
from tests.conftest import Git

POLICY = Policy("r-1", validation=ValidationPolicy(default="verify.sh"))
FOLDER = ".conductor/plans"


def plan_file(plan: str, title: str = "T", extra: str = "") -> str:
    """The text of a small plan file."""
    return f"---\nplan: {plan}\ntitle: {title}\nwaves: {{1: {{title: One}}}}\n{extra}---\n"


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """Write or delete files of a working tree."""
    for path, text in files.items():
        if text is None:
            (folder / path).unlink()
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)


@pytest.fixture
def ruled(repo_dir: Path, git: Git) -> Path:
    """A repository with a policy, a script and plans 1 and 2 on main."""
    write(
        repo_dir,
        {
            ".conductor/conductor.toml": render_policy(POLICY),
            ".conductor/scripts/verify.sh": "#!/bin/sh\n",
            f"{FOLDER}/1.md": plan_file("1", "Base"),
            f"{FOLDER}/2.md": plan_file("2", "Next", "needs: [1]\nscope: [src]\n"),
        },
    )
    (repo_dir / ".conductor/scripts/verify.sh").chmod(0o755)
    git(repo_dir, "add", ".")
    git(repo_dir, "commit", "-q", "-m", "rules")
    return repo_dir


def repo(folder: Path) -> Repository:
    """The repository at a folder."""
    return discover(str(folder))


def told(outcome: Outcome) -> list[tuple[str, str, str]]:
    """Code, severity and message of each finding."""
    return [(finding.code, finding.severity, finding.message) for finding in outcome.findings]


def on_control(folder: Path) -> list[tuple[str, str]]:
    """Id and title of the plans that are read from the control branch."""
    return [(plan.plan, plan.title) for plan in read_control(repo(folder)).plans]


def test_list_shows_every_plan(ruled: Path) -> None:
    outcome = journeys.list_plans(repo(ruled))
    assert outcome.text.splitlines() == [
        "plan  title  agent    branch        waves  needs",
        "1     Base   agent-1  agent-1/base  1      -",
        "2     Next   agent-2  agent-2/next  1      1",
    ]
    data: Any = outcome.data
    assert (data["schema"], data["control"]) == (1, "refs/heads/main")
    assert [(plan["plan"], plan["needs"]) for plan in data["plans"]] == [("1", []), ("2", ["1"])]
    assert msgspec.json.encode(data)


def test_list_shows_broken_plans_too(ruled: Path, git: Git) -> None:
    write(ruled, {f"{FOLDER}/2.md": "---\nplan: 2\n---\n", f"{FOLDER}/1.md": None})
    git(ruled, "commit", "-q", "-a", "-m", "break")
    assert journeys.list_plans(repo(ruled)).text.splitlines()[1:] == [
        f"2     (broken)  -      -       -      {FOLDER}/2.md"
    ]


def test_show_tells_what_judges_each_wave(ruled: Path, git: Git) -> None:
    text = """---
plan: 2
title: Next
agent: {name: ada, kind: rust-engineer}
workspace: ../w
needs: [1]
scope: [src, docs]
criteria: [{metric: tests.passed, at-least: 676}]
waves:
  0: {title: Audit}
  3:
    title: API
    needs: [1.1]
    freezes: [src/api.rs]
    validation: {script: verify.sh, args: [--api]}
    platforms: [macos-arm64]
  4: {manual: {people: 3, at-least: 7}, after: none, records-baseline: true}
  5: {validation: gone.sh}
---
"""
    write(ruled, {f"{FOLDER}/2.md": text})
    git(ruled, "commit", "-q", "-a", "-m", "more")
    outcome = journeys.show(repo(ruled), "2")
    assert outcome.text == (
        """plan 2: Next
  file       .conductor/plans/2.md
  agent      ada (rust-engineer)
  branch     ada/next
  workspace  ../w
  needs      1
  scope      src, docs
  proof      verify.sh
  criteria   tests.passed at least 676
  wave 0: Audit
    criteria   tests.passed at least 676
  wave 3: API
    needs      1.1
    freezes    src/api.rs
    proof      verify.sh --api
    criteria   tests.passed at least 676
    platforms  macos-arm64
  wave 4
    needs      (not the wave before)
    people     3 give at least 7 on average
    baseline   recorded here
    criteria   tests.passed at least 676
  wave 5
    proof      script '.conductor/scripts/gone.sh' is not on the control ref [CG703]"""
    )
    data: Any = outcome.data
    assert [(rule["target"], rule.get("script"), rule.get("code")) for rule in data["rules"]] == [
        ("2.0", "verify.sh", None),
        ("2.3", "verify.sh", None),
        ("2.4", "verify.sh", None),
        ("2.5", None, "CG703"),
        ("2", "verify.sh", None),
    ]
    assert [wave["needs"] for wave in data["plan"]["waves"]] == [[], ["1.1"], [], []]
    with pytest.raises(CannotRun, match="plan '7' is not on 'main'"):
        journeys.show(repo(ruled), "7")


def test_graph_shows_phases_waits_and_mermaid(ruled: Path, git: Git) -> None:
    write(ruled, {f"{FOLDER}/3.md": "---\nplan: 3\ntitle: C\nneeds: [1]\nwaves: {1: , 4: {needs: [2.1]}}\n---\n"})
    git(ruled, "add", ".")
    git(ruled, "commit", "-q", "-m", "more")
    outcome = journeys.graph(repo(ruled))
    assert outcome.text == "phase 1: 1\nphase 2: 2, 3\n3.4 waits for 2.1"
    data: Any = outcome.data
    assert (data["phases"], data["steps"]) == ([["1"], ["2", "3"]], [["1.1"], ["2.1", "3.1"], ["3.4"]])
    assert journeys.graph(repo(ruled), format="mermaid").text + "\n" == data["mermaid"]


def test_check_of_what_is_on_control_is_clean(ruled: Path) -> None:
    outcome = journeys.check(repo(ruled))
    assert (outcome.code, outcome.text, outcome.findings) == (0, "2 plans checked: they can be obeyed", ())


def test_check_reads_the_working_tree_and_says_what_is_not_on_control_yet(ruled: Path) -> None:
    write(
        ruled,
        {
            f"{FOLDER}/1.md": plan_file("1", "Other"),
            f"{FOLDER}/2.md": None,
            f"{FOLDER}/3.md": plan_file("3"),
            f"{FOLDER}/notes.txt": "not a plan",
        },
    )
    outcome = journeys.check(repo(ruled))
    assert (outcome.code, outcome.text) == (0, "2 plans checked: they can be obeyed")
    assert told(outcome) == [
        ("CG702", "warning", f"'{FOLDER}/1.md' differs from 'main'"),
        ("CG702", "warning", f"'{FOLDER}/2.md' is gone here and still on 'main'"),
        ("CG702", "warning", f"'{FOLDER}/3.md' is not on 'main' yet"),
    ]


def test_check_refuses_what_cannot_be_obeyed(ruled: Path) -> None:
    write(
        ruled,
        {
            f"{FOLDER}/1.md": plan_file("1", extra="vaildation: x\n"),
            f"{FOLDER}/2.md": plan_file("2", extra="needs: [9]\n"),
        },
    )
    outcome = journeys.check(repo(ruled))
    assert (outcome.code, outcome.text) == (1, "2 plans checked")
    assert told(outcome)[:2] == [
        ("CG701", "error", f"{FOLDER}/1.md:5: unknown key 'vaildation'; did you mean 'validation'?"),
        ("CG704", "error", "2 needs '9', which no plan declares"),
    ]


def test_check_sees_the_mode_of_scripts(ruled: Path, git: Git) -> None:
    (ruled / ".conductor/scripts/verify.sh").chmod(0o644)
    assert told(journeys.check(repo(ruled)))[0] == (
        "CG703",
        "error",
        "script '.conductor/scripts/verify.sh' is not an executable file (mode 100644)",
    )
    git(ruled, "config", "core.fileMode", "false")
    assert journeys.check(repo(ruled)).code == 0


def test_check_of_a_broken_policy_cannot_run(ruled: Path) -> None:
    write(ruled, {".conductor/conductor.toml": "format = 1\n"})
    with pytest.raises(CannotRun, match="'repository' is missing"):
        journeys.check(repo(ruled))


def test_check_without_any_policy_says_init(repo_dir: Path, tmp_path: Path, git: Git) -> None:
    with pytest.raises(CannotRun, match="there is no policy"):
        journeys.check(repo(repo_dir))
    git(tmp_path, "init", "-q", "--bare", str(tmp_path / "bare"))
    with pytest.raises(CannotRun, match="needs a working tree"):
        journeys.check(repo(tmp_path / "bare"))


def test_commit_puts_everything_on_control_and_nothing_else(ruled: Path, git: Git) -> None:
    write(
        ruled,
        {
            f"{FOLDER}/1.md": plan_file("1", "Other"),
            f"{FOLDER}/2.md": None,
            f"{FOLDER}/3.md": plan_file("3", extra="validation: more.sh\n"),
            ".conductor/scripts/more.sh": "#!/bin/sh\n",
            "src/work.py": "x\n",
        },
    )
    (ruled / ".conductor/scripts/more.sh").chmod(0o755)
    git(ruled, "add", "src")
    outcome = journeys.commit_plans(repo(ruled))
    commit = git(ruled, "rev-parse", "main")
    assert (outcome.code, outcome.text) == (
        0,
        f"committed to 'main' as {commit[:12]}: change plan 1; remove 2.md; add plan 3, more.sh",
    )
    assert git(ruled, "log", "-1", "--format=%s") == "conductor: change plan 1; remove 2.md; add plan 3, more.sh"
    assert git(ruled, "show", "--format=", "--name-status", commit).split("\n") == [
        f"M\t{FOLDER}/1.md",
        f"D\t{FOLDER}/2.md",
        f"A\t{FOLDER}/3.md",
        "A\t.conductor/scripts/more.sh",
    ]
    assert git(ruled, "ls-tree", "main", ".conductor/scripts/more.sh").startswith("100755")
    assert git(ruled, "status", "--porcelain") == "A  src/work.py"
    assert on_control(ruled) == [("1", "Other"), ("3", "T")]
    again = journeys.commit_plans(repo(ruled))
    assert (again.code, again.text) == (0, "nothing to commit: 'main' has it all")


def test_commit_refuses_what_the_check_refuses(ruled: Path, git: Git) -> None:
    before = git(ruled, "rev-parse", "main")
    write(ruled, {f"{FOLDER}/3.md": plan_file("3", extra="needs: [9]\n")})
    outcome = journeys.commit_plans(repo(ruled))
    assert (outcome.code, outcome.unchanged) == (1, "nothing was committed")
    assert [code for code, *_ in told(outcome)] == ["CG704"]
    assert git(ruled, "rev-parse", "main") == before


@pytest.fixture
def agent(ruled: Path, git: Git, tmp_path: Path) -> Path:
    """A worktree of an agent's branch that main has left behind: there plan 1 changed and plan 5 is new."""
    folder = tmp_path / "agent"
    git(ruled, "worktree", "add", "-q", "-b", "agent-2/next", str(folder))
    write(ruled, {f"{FOLDER}/1.md": plan_file("1", "Newer"), f"{FOLDER}/5.md": plan_file("5")})
    git(ruled, "add", ".")
    git(ruled, "commit", "-q", "-m", "go on")
    return folder


def test_an_older_worktree_takes_nothing_back(agent: Path, ruled: Path, git: Git) -> None:
    assert journeys.check(repo(agent)).findings == ()
    assert journeys.commit_plans(repo(agent)).text == "nothing to commit: 'main' has it all"
    write(agent, {f"{FOLDER}/6.md": plan_file("6", extra="needs: [5]\n")})
    outcome = journeys.commit_plans(repo(agent))
    assert outcome.code == 0, told(outcome)
    assert on_control(ruled) == [("1", "Newer"), ("2", "Next"), ("5", "T"), ("6", "T")]
    assert (ruled / FOLDER / "6.md").exists()
    assert git(ruled, "status", "--porcelain") == ""


def test_a_file_that_was_changed_on_both_sides_is_not_committed(agent: Path, ruled: Path, git: Git) -> None:
    before = git(ruled, "rev-parse", "main")
    write(agent, {f"{FOLDER}/1.md": plan_file("1", "Mine")})
    (finding,) = journeys.check(repo(agent)).findings
    assert finding.message == f"'{FOLDER}/1.md' was changed here and on 'main'"
    with pytest.raises(CannotRun) as stopped:
        journeys.commit_plans(repo(agent))
    assert stopped.value.what == f"'{FOLDER}/1.md' changed here and on 'main'"
    assert git(ruled, "rev-parse", "main") == before


def test_the_same_plan_number_on_both_sides_is_not_committed(agent: Path) -> None:
    write(agent, {f"{FOLDER}/five.md": plan_file("5", "Mine")})
    outcome = journeys.commit_plans(repo(agent))
    assert (outcome.code, {code for code, *_ in told(outcome)}) == (1, {"CG701"})


def test_a_plan_that_stands_twice_can_be_mended(ruled: Path, git: Git) -> None:
    write(ruled, {f"{FOLDER}/copy.md": plan_file("1", "Copy")})
    git(ruled, "add", ".")
    git(ruled, "commit", "-q", "-m", "by hand")
    write(ruled, {f"{FOLDER}/copy.md": None})
    assert journeys.commit_plans(repo(ruled)).code == 0
    assert on_control(ruled) == [("1", "Base"), ("2", "Next")]


def test_commit_of_the_first_policy_is_what_makes_the_control_branch(repo_dir: Path, git: Git) -> None:
    write(
        repo_dir,
        {".conductor/conductor.toml": render_policy(Policy("r", control="conductor")), f"{FOLDER}/notes.md": ""},
    )
    write(repo_dir, {f"{FOLDER}/notes.md": None})
    assert journeys.commit_plans(repo(repo_dir)).code == 0
    assert git(repo_dir, "ls-tree", "-r", "--name-only", "conductor") == ".conductor/conductor.toml"
    assert read_control(repo(repo_dir)).ref == "refs/heads/conductor"


def test_commit_cleans_as_git_add_does(ruled: Path, git: Git) -> None:
    git(ruled, "config", "core.autocrlf", "true")
    (ruled / FOLDER / "3.md").write_bytes(plan_file("3").replace("\n", "\r\n").encode())
    assert journeys.commit_plans(repo(ruled)).code == 0
    assert git(ruled, "cat-file", "blob", f"main:{FOLDER}/3.md") + "\n" == plan_file("3")
    assert git(ruled, "status", "--porcelain") == ""


def test_commit_in_a_clone_that_is_behind_says_pull(ruled: Path, git: Git, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(ruled), str(clone))
    write(ruled, {f"{FOLDER}/5.md": plan_file("5")})
    git(ruled, "add", ".")
    git(ruled, "commit", "-q", "-m", "go on")
    git(clone, "fetch", "-q")
    write(clone, {f"{FOLDER}/6.md": plan_file("6")})
    with pytest.raises(CannotRun) as stopped:
        journeys.commit_plans(repo(clone))
    assert stopped.value.hint == "git pull --ff-only    # on the control branch"
    git(clone, "pull", "-q", "--ff-only")
    assert journeys.commit_plans(repo(clone)).code == 0
    assert on_control(clone) == [("1", "Base"), ("2", "Next"), ("5", "T"), ("6", "T")]


def test_commit_keeps_links_out(ruled: Path) -> None:
    (ruled / ".conductor/scripts/link.sh").symlink_to("verify.sh")
    with pytest.raises(CannotRun, match=r"link\.sh' is a symbolic link"):
        journeys.commit_plans(repo(ruled))


def test_a_sparse_checkout_deletes_nothing(ruled: Path, git: Git) -> None:
    git(ruled, "sparse-checkout", "set", "--no-cone", "/README")
    assert not (ruled / ".conductor/conductor.toml").exists()
    outcome = journeys.check(repo(ruled))
    assert (outcome.text, outcome.findings) == ("2 plans checked: they can be obeyed", ())
    write(ruled, {f"{FOLDER}/3.md": plan_file("3")})
    assert journeys.commit_plans(repo(ruled)).code == 0
    assert [plan for plan, _ in on_control(ruled)] == ["1", "2", "3"]


def test_new_writes_the_next_plan_into_the_working_tree(ruled: Path) -> None:
    outcome = journeys.new(
        repo(ruled / ".conductor"),
        "Faster parser: 2x",
        waves=("Measure", "Rewrite"),
        validation="verify.sh",
        needs=("1", "2.1"),
        scope=("src/parser/**",),
    )
    path = f"{FOLDER}/3-faster-parser-2x.md"
    assert (outcome.code, outcome.text.splitlines()[0]) == (0, f"wrote '{path}'")
    assert (ruled / path).read_text() == (
        """---
plan: 3
title: "Faster parser: 2x"
agent: agent-3
branch: agent-3/faster-parser-2x
validation: verify.sh
needs: [1, 2.1]
scope: ["src/parser/**"]
waves:
  1: {title: Measure}
  2: {title: Rewrite}
---

## Wave 1: Measure

## Wave 2: Rewrite
"""
    )
    assert told(journeys.check(repo(ruled))) == [("CG702", "warning", f"'{path}' is not on 'main' yet")]
    assert journeys.new(repo(ruled), "Next").text.startswith(f"wrote '{FOLDER}/4-next.md'")


def test_new_takes_a_number_or_slug_and_overwrites_nothing(ruled: Path) -> None:
    journeys.new(repo(ruled), "Docs", plan="docs", agent="ada", branch="ada/docs")
    assert (ruled / FOLDER / "docs-docs.md").exists()
    with pytest.raises(CannotRun, match=rf"plan 'docs' is in '{FOLDER}/docs-docs\.md' already"):
        journeys.new(repo(ruled), "Docs", plan="docs")
    with pytest.raises(CannotRun, match=rf"plan '2' is in '{FOLDER}/2\.md' already"):
        journeys.new(repo(ruled), "Again", plan="2")
    write(ruled, {f"{FOLDER}/3-odd.md": "not a plan"})
    with pytest.raises(CannotRun, match=rf"'{FOLDER}/3-odd\.md' is there already"):
        journeys.new(repo(ruled), "Odd", plan="3")
    assert (ruled / FOLDER / "3-odd.md").read_text() == "not a plan"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"title": ""}, "'title'"),
        ({"title": "T", "agent": "conductor"}, "'agent'"),
        ({"title": "T", "branch": "-x"}, "'branch'"),
        ({"title": "T", "scope": ("/etc",)}, "'scope'"),
        ({"title": "T", "validation": "../x"}, "'validation'"),
        ({"title": "T", "needs": ("x y",)}, "'x y' is no plan or wave"),
        ({"title": "T", "plan": "02"}, "'plan'"),
    ],
)
def test_new_writes_no_broken_plan(ruled: Path, how: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotRun, match=says):
        journeys.new(repo(ruled), **how)
    assert sorted(path.name for path in (ruled / FOLDER).iterdir()) == ["1.md", "2.md"]


A, B, C = (Version("100644", Oid(letter * 40)) for letter in "abc")


@pytest.mark.parametrize(
    ("base", "here", "there", "made", "clashes"),
    [
        (A, A, A, "-", False),
        (A, B, A, B, False),
        (A, None, A, None, False),
        (None, B, None, B, False),
        (A, A, B, "-", False),
        (A, A, None, "-", False),
        (A, B, B, "-", False),
        (A, None, None, "-", False),
        (A, B, C, "-", True),
        (A, B, None, "-", True),
        (A, None, B, "-", True),
        (None, A, B, "-", True),
    ],
)
def test_edits(base: Version | None, here: Version | None, there: Version | None, made: Any, clashes: bool) -> None:
    files = [{"p": version} if version else {} for version in (base, here, there)]
    edits = compare(*files)
    assert edits.made == ({} if made == "-" else {"p": made})
    assert edits.clashes == (("p",) if clashes else ())
    assert edits.result.get("p") == (there if made == "-" else made)
