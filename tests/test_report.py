"""The report: boards in, exact text out."""

from __future__ import annotations

import re

import msgspec
import pytest

from conductor_git.core.durations import ago
from conductor_git.core.findings import Finding
from conductor_git.core.reporting.board import Blocker, Board, PlanStatus, Proof, Step, WaveStatus
from conductor_git.core.reporting.lines import cells, plain
from conductor_git.core.reporting.report import render_text, report_lines
from conductor_git.core.reporting.report_color import paint
from conductor_git.core.reporting.report_md import escape, render_md
from conductor_git.core.targets import Oid
from tests.scene import oid

NOW = 1_000_000
MINUTE, HOUR, DAY = 60, 3600, 86_400
ALARM = Finding(
    "CG502",
    "alarm",
    "c",
    "commits of plan 4 came into 'main' by fast-forward (3f2a91c)",
    "git log --first-parent main",
)


def proof(platform: str = "linux-x86_64", writer: str = "agent-2", age: int = 2 * HOUR) -> Proof:
    return Proof("sha256:" + "a" * 64, platform, "verify.sh", Oid("3f2a91c" + "0" * 33), writer, NOW - age, True)


def complete(number: int | None, *proofs: Proof, commit: str = "c0ffee1") -> WaveStatus:
    return WaveStatus(number, "done", "complete", Oid(commit + "0" * 33), "self", proofs or (proof(),))


def unproven(number: int) -> WaveStatus:
    finding = Finding(
        "CG201", "error", f"2.{number}", "tree 'beefbee' has no passing validation", "conductor-git claim"
    )
    return WaveStatus(number, "said", "claimed", Oid("beefbee" + "0" * 33), findings=(finding,))


def status(plan: str, *waves: WaveStatus, **changes: object) -> PlanStatus:
    made = PlanStatus(
        plan=plan,
        title=f"Plan {plan}",
        state="active",
        agent=f"agent-{plan}",
        branch=f"agent-{plan}/work",
        workspace="",
        needs=(),
        unblocks=(),
        waiting_for=(),
        blockers=(),
        waves=waves,
        findings=(),
        claim=WaveStatus(None, f"Plan {plan}", "waiting"),
        current=next((wave.wave for wave in waves if wave.state != "complete"), None),
        delegated=True,
        tip=oid("tip"),
        commits=1,
        last_activity=NOW - 6 * MINUTE,
    )
    return msgspec.structs.replace(made, **changes)


def board(*plans: PlanStatus, findings: tuple[Finding, ...] = (), next: tuple[Step, ...] = ()) -> Board:
    return Board(1, "L0", "main", "refs/heads/main", plans, findings, next)


TEAM = board(
    status("1", complete(1), state="merged", claim=complete(None, commit="b00c000"), last_activity=NOW - 2 * HOUR),
    status("2", complete(0), unproven(1), WaveStatus(2, "Explain API", "waiting"), title="Educational integration"),
    status("3", complete(3), WaveStatus(4, "Bindings", "waiting"), state="waiting", waiting_for=("2.1",)),
    findings=(ALARM,),
    next=(
        Step("conductor", ALARM.message, ALARM.hint),
        Step("agent-2", "prove what plan 2 claims", "conductor-git validate 2.1 --commit beefbee00000"),
        Step("conductor", "answer the blocker on plan 7"),
    ),
)


def text(shown: Board, width: int = 120, me: str | None = None, *, only: tuple[str, ...] = ()) -> str:
    return render_text(shown, now=NOW, width=width, me=me, only=only)


def test_a_team_at_work_in_a_narrow_terminal() -> None:
    assert (
        text(TEAM, 80, "agent-3")
        == """\
alarm: commits of plan 4 came into 'main' by fast-forward (3f2a91c) [CG502]
hint: git log --first-parent main

3 plans on 'main': 1 active, 1 waiting, 1 merged; 3 of 6 waves complete
L0: doors advise, each writer vouches for itself

   plan              agent    progress     wave       state    waits for  last
1  Plan 1            agent-1  [#####] 1/1  -          merged   -          2h ago
2  Educational int…  agent-2  [#....] 1/3  1 claimed  active   -          6m ago
3  Plan 3            agent-3  [##...] 1/2  4          waiting  2.1        6m ago

1 Plan 1  agent-1/work
  1  complete  b00c000  self (agent-2), tree '3f2a91c', verify.sh, linux-x86_64,
                        2h ago

2 Educational integration  agent-2/work
  2.0  complete  c0ffee1  self, tree '3f2a91c', verify.sh, linux-x86_64, 2h ago
  2.1  claimed   beefbee  tree 'beefbee' has no passing validation [CG201]

3 Plan 3  agent-3/work
  3.3  complete  c0ffee1  self (agent-2), tree '3f2a91c', verify.sh,
                          linux-x86_64, 2h ago

next
  conductor  settle the alarm above, before anything is merged
  agent-2    prove what plan 2 claims
             conductor-git validate 2.1 --commit beefbee00000
  conductor  answer the blocker on plan 7
nothing to do for agent-3: 3.4 waits for 2.1 (agent-2, claimed, 6m ago). You may stop here."""
    )


def test_a_wide_terminal_cuts_no_title() -> None:
    assert "2  Educational integration  agent-2  [###.......] 1/3  1 claimed  active" in text(TEAM, 120)


def test_the_asking_agents_steps_stand_first() -> None:
    steps = text(TEAM, 120, "agent-2").partition("next\n")[2].splitlines()
    assert [line.split()[0] for line in steps] == ["agent-2", "conductor", "conductor"]
    assert steps[0].split("  ")[-1].strip() == "conductor-git validate 2.1 --commit beefbee00000"


def test_nobody_is_told_to_stop_who_has_a_step_or_no_plan() -> None:
    assert "You may stop" not in text(TEAM, 120, "agent-2")
    assert "You may stop" not in text(TEAM, 120, "user-1234abcd")


def test_plans_that_are_not_shown_still_count_for_those_that_are() -> None:
    shown = text(TEAM, 120, "agent-3", only=("3",))
    assert "1 plan on 'main': 1 waiting; 1 of 2 waves complete" in shown
    assert "agent-2/work" not in shown
    assert "3.4 waits for 2.1 (agent-2, claimed, 6m ago)" in shown


def test_no_plans_at_all() -> None:
    assert text(board()) == "no plans on 'main'\nL0: doors advise, each writer vouches for itself"


def test_rules_from_another_branch_are_said() -> None:
    shown = msgspec.structs.replace(board(), control="refs/heads/conductor")
    assert text(shown).endswith("each writer vouches for itself; rules come from 'conductor'")


@pytest.mark.parametrize(
    ("wave", "line"),
    [
        (complete(1), "self, tree '3f2a91c', verify.sh, linux-x86_64, 2h ago"),
        (complete(1, proof(writer="agent-9")), "self (agent-9), tree '3f2a91c', verify.sh, linux-x86_64, 2h ago"),
        (
            complete(1, proof(age=DAY), proof("macos-arm64", age=90)),
            "self, tree '3f2a91c', verify.sh, linux-x86_64, macos-arm64, 90s ago",
        ),
        (unproven(1), "tree 'beefbee' has no passing validation [CG201]"),
        (
            msgspec.structs.replace(
                complete(1),
                state="claimed",
                awaiting=("macos-arm64",),
                findings=(Finding("CG208", "info", "2.1", "x"),),
            ),
            "awaits macos-arm64; proven on linux-x86_64",
        ),
        (
            msgspec.structs.replace(
                complete(1), drift=True, findings=(Finding("CG209", "warning", "2.1", "the rules are others now"),)
            ),
            "self, tree '3f2a91c', verify.sh, linux-x86_64, 2h ago; the rules are others now [CG209]",
        ),
    ],
)
def test_what_backs_a_claim_or_why_it_is_not_believed(wave: WaveStatus, line: str) -> None:
    shown = [shown for shown in text(board(status("2", wave))).splitlines() if shown.startswith("  2.1")]
    assert [" ".join(found.split()[3:]) for found in shown] == [line]


def test_of_a_merged_plan_only_its_own_claim_is_shown_until_it_is_asked_for() -> None:
    shown = board(status("1", complete(1), complete(2), state="merged", claim=complete(None)))
    claims = re.compile(r"^  (\S+)", re.MULTILINE)
    assert claims.findall(text(shown)) == ["1"]
    assert claims.findall(text(shown, only=("1",))) == ["1.1", "1.2", "1"]


def test_every_wave_is_shown_when_asked_for() -> None:
    shown = text(board(status("2", complete(0), WaveStatus(1, "Explain API", "active"))), only=("2",))
    assert [line.split() for line in shown.splitlines() if line.startswith("  ")][2:] == [
        ["2.1", "active", "Explain", "API"],
        ["2", "waiting", "the", "plan's", "own", "claim"],
    ]


def test_work_that_gives_no_sign_of_life_is_silent() -> None:
    old = {"last_activity": NOW - 2 * DAY}
    shown = board(status("2", unproven(1), **old), status("3", state="waiting", **old), status("4", last_activity=None))
    assert [line.split()[-3:] for line in text(shown).splitlines()[4:7]] == [
        ["-", "silent", "2d"],
        ["-", "2d", "ago"],
        ["active", "-", "-"],
    ]


def test_blockers_and_broken_plans_are_shown() -> None:
    blocker = Blocker("7.1", "high", "4 ODE tests fail", "agent-7", NOW - 3 * HOUR)
    broken = Finding("CG701", "error", "p.md", "p.md:3: unknown key 'wavs'", "conductor-git plan check")
    shown = text(board(status("7", blockers=(blocker,), state="blocked"), status("8", findings=(broken,))))
    assert shown.startswith("error: p.md:3: unknown key 'wavs' [CG701]\nhint: conductor-git plan check\n\n")
    assert "  blocker on 7.1 high: 4 ODE tests fail (agent-7, 3h ago)" in shown


def test_warnings_stand_below_the_plans() -> None:
    warning = Finding("CG604", "warning", "refs/notes/conductor", "this clone never fetched a ledger")
    assert text(board(findings=(warning,))).endswith("\n\nwarning: this clone never fetched a ledger [CG604]")


def test_what_helps_against_several_is_said_once() -> None:
    fetch = "conductor-git install && git fetch"
    told = [Finding("CG503", "warning", "m", f"merge {at} is not covered", fetch) for at in ("c1", "c2")]
    assert text(board(findings=(*told, Finding("CG604", "warning", "n", "never fetched", fetch)))).endswith(
        "\n\nwarning: merge c1 is not covered [CG503]\nwarning: merge c2 is not covered [CG503]\n"
        f"warning: never fetched [CG604]\nhint: {fetch}"
    )


def test_nothing_that_matters_is_cut_however_narrow_it_is() -> None:
    shown = text(TEAM, 30)
    for word in ("agent-2", "[#....] 1/3", "1 claimed", "waiting", "2.1", "6m ago", "conductor-git validate 2.1"):
        assert word in shown


def test_text_of_the_repository_cannot_move_the_cursor_or_add_lines() -> None:
    evil = "x\x1b[2J\u202ey\nalarm: everything is fine"
    shown = text(board(status("2", unproven(1), title=evil, agent=evil, branch=evil)), 400)
    assert not [char for char in shown if not char.isprintable() and char != "\n"]
    assert not [line for line in shown.splitlines() if line.startswith("alarm")]


def test_wide_characters_keep_the_columns_in_line() -> None:
    shown = text(board(status("2", title="漢字の計画"), status("3", title="Plan")), 120).splitlines()[3:6]
    assert (
        len(
            {cells(line[: line.index(word)]) for line, word in zip(shown, ("agent", "agent-2", "agent-3"), strict=True)}
        )
        == 1
    )


def test_colour_changes_nothing_but_colour() -> None:
    lines = report_lines(TEAM, now=NOW, width=80, me="agent-3")
    painted = paint(lines)
    assert "\x1b[33mclaimed" in painted
    assert "\x1b[1;31malarm: " in painted
    bare = re.sub(r"\x1b\[[0-9;]*m", "", painted)
    bars = str.maketrans("━╌", "#.")
    assert re.sub(r" ([#.]{5}) ", r"[\1]", bare.translate(bars)) == plain(lines)


def test_markdown_has_tables_and_escapes_what_came_from_the_repository() -> None:
    shown = board(
        status("2", complete(0), unproven(1), title="a | b <script> `x` *y*"),
        findings=(ALARM,),
        next=(Step("agent-2", "go on", "git log 'a`b'"),),
    )
    assert (
        render_md(shown, NOW)
        == r"""**1 plan on 'main': 1 active; 1 of 2 waves complete**

- **alarm** commits of plan 4 came into 'main' by fast-forward \(3f2a91c\) `CG502` `git log --first-parent main`

| plan | agent | progress | wave | state | waits for | last |
|---|---|---|---|---|---|---|
| 2 a \| b &lt;script> \`x\` \*y\* | agent-2 | 1/2 | 1 | active | - | 6m ago |

| claim | state | commit | what backs it |
|---|---|---|---|
| 2.0 | complete | `c0ffee1` | self, tree '3f2a91c', verify.sh, linux-x86\_64, 2h ago |
| 2.1 | claimed | `beefbee` | tree 'beefbee' has no passing validation \[CG201\] |

- next, agent-2: go on: `` git log 'a`b' ``"""
    )


def test_markdown_of_nothing_has_no_empty_table() -> None:
    assert render_md(board(), NOW) == "**no plans on 'main'**"


@pytest.mark.parametrize(("said", "shown"), [("a_b", r"a\_b"), ("a\nb", "a b"), ("&lt;", "&amp;lt;"), ("#1", r"\#1")])
def test_markdown_escapes(said: str, shown: str) -> None:
    assert escape(said) == shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-90, "just now"),
        (4, "just now"),
        (5, "5s ago"),
        (119, "119s ago"),
        (120, "2m ago"),
        (2 * HOUR - 1, "119m ago"),
        (2 * HOUR, "2h ago"),
        (2 * DAY - 1, "47h ago"),
        (9 * DAY, "9d ago"),
    ],
)
def test_ages(seconds: int, said: str) -> None:
    assert ago(seconds) == said
