"""`plan import`: what documents of the older kind become, and what in them could not be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_git.core.planning.documents import read_document
from tests.team import Team

BINDINGS = """\
# Plan 7: Bindings for scripts

**Agent**: agent-7
**Branch:** `agent-7/bindings`
Depends on: Plan 2, Wave 1; Plan 9
Unblocks: Plan 8
Validation: `../scripts/verify.sh`

People who script want the library without its build.

## 🌊 Wave 0: Packaging

Tasks:
1. build a wheel
2. try it on an empty machine

Deliverable: a wheel that installs
Validation: install it by hand

### Wave 1 - **Operators**

- [x] plus
- [ ] minus

## Wave two, later

## Success criteria

- [ ] every wheel installs
"""
NOTES = """\
---
owner: somebody
---
# Clean-up of the docs

Waves:
- Wave 1: Find what is wrong
- **Wave 2**: Mend it
"""


def test_headings_labels_and_tasks_are_read_and_the_rest_is_text() -> None:
    (plan,), remarks = read_document(BINDINGS, "notes")
    assert (plan.plan, plan.title) == ("7", "Bindings for scripts")
    assert [(wave.number, wave.title, wave.line, wave.tasks) for wave in plan.waves] == [
        (0, "Packaging", 11, 2),
        (1, "Operators", 20, 2),
    ]
    assert plan.waves[0].text.startswith("Tasks:\n1. build a wheel")
    assert "## Success criteria" in plan.text
    assert "Branch" not in plan.text
    assert [remark.line for remark in remarks] == [25]


@pytest.mark.parametrize(
    ("text", "name", "plan", "waves"),
    [
        (NOTES, "cleanup", ("", "Clean-up of the docs"), [(1, "Find what is wrong"), (2, "Mend it")]),
        ("## Wave 3\ntext\n", "PLAN_04_NODE_API", ("4", "PLAN 04 NODE API"), [(3, "")]),
        ("```\n## Wave 1: no\n```\n# Wave 2: yes\n", "x", ("", "Wave 2: yes"), [(2, "yes")]),
        ("# T\n## Wave 1: a\n## Wave 1: b\n", "x", ("", "T"), [(1, "a")]),
        ("no plan at all\n", "x", ("", "x"), []),
    ],
)
def test_where_less_is_said(text: str, name: str, plan: tuple[str, str], waves: list[tuple[int, str]]) -> None:
    (found,), _ = read_document(text, name)
    assert (found.plan, found.title) == plan
    assert [(wave.number, wave.title) for wave in found.waves] == waves


def test_one_document_may_hold_several_plans() -> None:
    found, _ = read_document("# All\n## Plan 4: A\n### Wave 1: x\n## Plan 5 - B\n### Wave 1: y\n", "all")
    assert [(plan.plan, plan.title, plan.waves[0].title) for plan in found] == [("4", "A", "x"), ("5", "B", "y")]


def test_import_writes_what_passes_the_check_and_nothing_twice(team: Team) -> None:
    (team.root / "bindings.md").write_text(BINDINGS)
    (team.root / "cleanup.md").write_text(NOTES)
    ask = ("conductor-git", "plan", "import", "bindings.md", "cleanup.md")
    path = ".conductor/plans/7-bindings-for-scripts.md"

    code, said = team.run(*ask, "--dry-run")
    assert (code, (team.root / path).exists()) == (0, False)
    assert f"would write '{path}', '.conductor/plans/4-clean-up-of-the-docs.md'" in said

    code, said = team.run(*ask)
    assert code == 0
    for line in (
        "bindings.md:1: plan 7 'Bindings for scripts'",
        "bindings.md:4: branch 'agent-7/bindings'",
        "bindings.md:5: needs 2.1",
        "bindings.md:5: could not read: needs 'Plan 9': plan 9 is not declared, and not among these files",
        "bindings.md:7: validation 'verify.sh'",
        "bindings.md:18: could not read: validation 'install it by hand' names no script of '.conductor/scripts'",
        "bindings.md:25: could not read: 'Wave two, later' is no heading of one wave: it is kept as text",
        "cleanup.md:2: could not read: front matter 'owner: somebody' was left out",
        "cleanup.md:8: wave 4.2 'Mend it'",
    ):
        assert line in said.splitlines(), said
    assert team.run("conductor-git", "plan", "check")[0] == 0
    written = (team.root / path).read_text()
    assert "agent: agent-7\nbranch: agent-7/bindings\nvalidation: verify.sh\nneeds: [2.1]\n" in written
    assert "## Wave 1: Operators\n\n- [x] plus\n" in written

    (team.root / path).write_text(f"{written}\nedited\n")
    code, said = team.run(*ask)
    assert (code, said.splitlines()[-1]) == (0, "nothing to import")
    assert f"bindings.md: plan 7 is there already, in '{path}': it was left as it is" in said
    assert (team.root / path).read_text().endswith("edited\n")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("# Plan 7: x\n", 2, "'p.md' has no heading of a wave, as '## Wave 1: TITLE'"),
        ("# Plan 7: x\nBranch: b2\n## Wave 1: a\n", 1, "CG706"),
        ("# Plan 7: x\nDepends on: plan 7, wave 2\n## Wave 1: a\n## Wave 2: b\n", 1, "CG705"),
    ],
)
def test_what_would_not_pass_the_check_is_not_written(team: Team, text: str, code: int, said: str) -> None:
    Path(team.root / "p.md").write_text(text)
    got, told = team.run("conductor-git", "plan", "import", "p.md")
    assert (got, said in told) == (code, True), told
    assert team.git(team.root, "status", "--porcelain") == "?? p.md"


def test_a_need_in_a_sentence_is_not_lost_in_silence() -> None:
    text = (
        "# Plan 4: A\n\nDepends on: plan 2\n\n## Wave 1: x\n\nIt depends on plan 1 (wave 1) and more. Nothing else.\n"
    )
    found, remarks = read_document(text, "all")
    assert [fact.text for fact in found[0].facts] == ["plan 2"]
    assert [(remark.line, remark.said) for remark in remarks] == [
        (7, "'depends on plan 1 (wave 1) and more' stands in a sentence: write it as 'Depends on: …' to make it a need")
    ]
