"""The claim grammar: vectors for every implementation, laws for any text, and the sh filter against the parser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conductor_git.core.messages import message
from conductor_git.core.messages.claimtext import SHORTCODE, TICK
from conductor_git.core.messages.message import (
    Claim,
    Malformed,
    Ordinary,
    Start,
    Trailers,
    made_ordinary,
    parse,
    parse_start,
    read_trailers,
    render_claim,
    render_start,
)
from conductor_git.core.messages.nearclaim import INVISIBLE, LOOKALIKES, TICKS

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "vectors" / "message.json").read_text(encoding="utf-8"))
FILTER = HERE.parent / "hooks" / "lib" / "suspect.sh"
SHELLS = {
    os.path.realpath(found): [found, *args]
    for name, args in (("sh", []), ("dash", []), ("bash", ["--posix"]), ("busybox", ["sh"]))
    if (found := shutil.which(name))
}
LAWS = settings(deadline=None, max_examples=300)
# Each example of a law about the filter starts one shell, which is asked about many lines.
SHELL_LAWS = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def said(message: str, keyboard: bool) -> dict[str, Any]:
    """What `parse` says, in the words of the vectors."""
    spoken = parse(message, keyboard=keyboard)
    if isinstance(spoken, Claim):
        return {"is": "claim", "wave": spoken.wave, "plan": spoken.plan, "note": spoken.note}
    if isinstance(spoken, Malformed):
        return {"is": "malformed", "suggestion": spoken.suggestion}
    return {"is": "ordinary"}


def suspects(lines: list[bytes], shell: list[str], locale: str = "C") -> list[bool]:
    """What the filter answers for each line, all asked of one shell."""
    script = '. "$1"; while IFS= read -r line; do conductor_suspect "$line" && echo yes || echo no; done'
    # A shell's variable holds no NUL: `read` drops it.
    stdin = b"".join(line.replace(b"\0", b"") + b"\n" for line in lines)
    done = subprocess.run(
        [*shell, "-c", script, "sh", str(FILTER)],
        input=stdin,
        capture_output=True,
        env={**os.environ, "LC_ALL": locale},
        check=True,
    )
    assert done.stderr == b""
    answers = done.stdout.decode("ascii").split()
    assert len(answers) == len(lines)
    return [answer == "yes" for answer in answers]


def speaks(line: str) -> bool:
    """Whether Python would have anything to say of a line that somebody types."""
    return not isinstance(parse(line, keyboard=True), Ordinary)


words = st.sampled_from(
    [
        *("✅", "✅ ", "✔", "✔️ ", "☑", "🗸 ", "√ ", "[x] ", SHORTCODE, ":heavy_check_mark: ", "🎉 ", "- ", "▶ "),
        *("Wave", "wave", "WAVE", "Waves", "PLAN", "Plan", "plan", "Wаve", "Рlan", "р", "Ｗave", "W\u200bave", "w"),
        *(" ", " ", " ", "  ", "\t", "\u00a0", "\u3000", "\u200b", "\ufeff", "\ufe0f", "\x00", "\x07", "_", "#", "\r"),
        *("0", "3", " 3 ", "03", "2.3", "1234567890", "３", "٣", "①", "three", "3/5", "N", "parser-speed", "the"),
        *("Complete", "complete", "COMPLETE", "completed", "done", "finished", "Compelte", "Соmplete", "finish"),
        *(" - note", " -", "—", ":", ".", "!", "(a)", "(", ")", " is ", " and ", " of ", " with ", "not", "и", "完"),
        *("fix tests", "Revert ", "fixup! ", "feat: ", "fix(a)!:", "x" * 130, "é" * 70, "\ud800", "\n", "ſ", "K", "İ"),
    ]
)
lines = st.one_of(
    st.lists(words, max_size=9).map("".join),
    st.builds(
        lambda tick, kind, gap, number, done, rest: f"{tick}{kind}{gap}{number} {done}{rest}",
        st.sampled_from(["✅ ", "✅", "✔ ", "", "[x] ", "✅ \u200b", "✅\ufe0f ", ":tada: ", SHORTCODE + " "]),
        st.text("Wwаａ\u200bavePplanВ", min_size=1, max_size=6) | st.sampled_from(["Wave", "PLAN", "wave", "plan"]),
        st.sampled_from([" ", "", "-", " #", "\u200b "]),
        st.sampled_from(["3", "0", "03", "２", "2 and 3", "x-y", "", "999999999", "1000000000"]),
        st.sampled_from(["Complete", "COMPLETE", "is done", "- done", "✅", "", "tests"]),
        st.text(max_size=12) | st.sampled_from(["", " - note", " -", "."]),
    ),
    st.text(max_size=40),
    st.text(st.characters(), max_size=8).map(lambda text: f"✅ Wave 3 Complete - {text}"),
)
claims = st.builds(
    Claim,
    st.none(),
    st.from_regex(r"0|[1-9][0-9]{0,8}|[a-z][a-z0-9-]{0,63}", fullmatch=True),
    st.text("abc é完✅-.:", max_size=12).map(str.strip),
) | st.builds(Claim, st.integers(0, 999_999_999), st.none(), st.text("abc é完✅-.:⚠️", max_size=12).map(str.strip))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: ascii(case["message"]))
def test_vectors(case: dict[str, Any]) -> None:
    expected = {key: value for key, value in case.items() if key not in ("message", "keyboard")}
    assert said(case["message"], case.get("keyboard", False)) == expected


def test_vectors_are_of_format_1_and_of_every_kind() -> None:
    assert VECTORS["format"] == 1
    kinds = [case["is"] for case in VECTORS["cases"]]
    assert min(kinds.count(kind) for kind in ("claim", "ordinary", "malformed")) >= 15


@pytest.mark.parametrize(
    ("line", "reasons"),
    [
        ("Wave 3 done", ["no '✅'", "'done' instead of 'Complete'"]),
        ("✔ Wave 3 Complete", ["'✔' instead of '✅'"]),
        ("✅\ufe0f Wave 3 Complete", ["invisible U+FE0F"]),
        (" ✅ Wave 3 Complete", ["leading white space"]),
        ("✅Wave 3 Complete", ["not one space after '✅'"]),
        ("🎉 Wave 3 Complete", ["'🎉' instead of '✅'"]),
        ("> ✅ Wave 3 Complete", ["'>' beside the tick"]),
        ("✅ Plan 2 COMPLETE", ["'Plan' instead of 'PLAN'"]),
        ("✅ Waves 3 Complete", ["'Waves' instead of 'Wave'"]),
        ("✅ W\u0430ve 3 Complete", ["'\u0430' is U+0430, not 'a'"]),
        ("✅ \u0420lan 2 COMPLETE", ["'\u0420' is U+0420, not 'P'"]),
        ("✅ Wave ３ Complete", ["'３' is U+FF13, not '3'"]),
        ("✅ Wa\u200bve 3 Complete", ["invisible U+200B"]),
        ("✅ Wave\x00 3 Complete", ["invisible U+0000"]),
        ("✅ Wave 03 Complete", ["'03' instead of '3'"]),
        ("✅ Wave 2.3 Complete", ["'2.3' instead of '3'"]),
        ("✅ Wave 1234567890 Complete", ["a number of more than 9 digits"]),
        ("✅ Wave 2 and 3 Complete", ["more than one wave"]),
        ("✅ Plan 2 Wave 3 Complete", ["the line of a wave names no plan"]),
        ("✅ Wave 3 of 5 Complete", ["'of 5' after the number"]),
        ("✅ Wave Complete", ["no wave number"]),
        ("✅ Wave N Complete", ["'N' is no wave number"]),
        ("✅ PLAN Parser COMPLETE", ["'Parser' instead of 'parser'"]),
        ("✅ PLAN a_b COMPLETE", ["'a_b' is no plan number"]),
        ("✅ PLAN  a-b COMPLETE", ["not one space after 'PLAN'"]),
        ("✅ Wave 3", ["no 'Complete'"]),
        ("✅ Wave 3 is Complete", ["'is' before 'Complete'"]),
        ("✅ Wave 3  Complete", ["not one space before 'Complete'"]),
        ("✅ Complete Wave 3", ["'Complete' comes first"]),
        ("✅ Wave 3 Complete ", ["white space at the end"]),
        ("✅ Wave 3 Complete -", ["empty note"]),
        ("✅ Wave 3 Complete -  x", ["white space round the note"]),
        ("✅ Wave 3 Complete - a\u202eb", ["U+202E in the note"]),
        ("✅ Wave 3 Complete.", ["'.' after 'Complete'"]),
        ("✅ Wave 3 Complete — x", ["'—' instead of ' - '"]),
        ("✅ Wave 3 Complete then 4", ["no ' - ' before 'then 4'"]),
        (":white_check_mark: Wave 3 Complete", ["':white_check_mark:' instead of '✅'"]),
        ("chore: ✅ Wave 3 Complete", ["'chore:' before the tick"]),
        (
            "feat(x)!:  ✔ Wave 3 done",
            ["'feat(x)!:' before the tick", "'✔' instead of '✅'", "'done' instead of 'Complete'"],
        ),
    ],
)
def test_reasons_name_every_fault(line: str, reasons: list[str]) -> None:
    spoken = parse(line)
    assert isinstance(spoken, Malformed)
    assert list(spoken.reasons) == reasons


def test_the_hook_rewrites_a_shortcode_and_the_reader_refuses_what_was_not_rewritten() -> None:
    typed = ":white_check_mark: Wave 3 Complete - x"
    spoken = parse(typed, keyboard=True)
    assert spoken == Claim(3, note="x", shortcode=True)
    assert render_claim(spoken) == "✅ Wave 3 Complete - x"
    assert isinstance(parse(typed), Malformed)
    assert parse("✅ Wave 3 Complete - x", keyboard=True) == Claim(3, note="x")


def test_a_claim_is_of_a_wave_or_of_a_plan() -> None:
    with pytest.raises(ValueError, match="a wave or of a plan"):
        Claim()
    with pytest.raises(ValueError, match="a wave or of a plan"):
        Claim(3, "2")


@given(claims)
@LAWS
def test_a_rendered_claim_is_read_back(claim: Claim) -> None:
    assert parse(render_claim(claim)) == claim


@given(lines, st.booleans())
@example("✅ Wave 3 Complete - \ud800", False)
@example("✅ Wave " + "9" * 5000 + " Complete", False)
@LAWS
def test_every_text_is_exactly_one_of_three(line: str, keyboard: bool) -> None:
    spoken = parse(line, keyboard=keyboard)
    exact = re.fullmatch(
        r"✅ (Wave (0|[1-9][0-9]{0,8}) Complete|PLAN (0|[1-9][0-9]{0,8}|[a-z][a-z0-9-]{0,63}) COMPLETE)( - .+)?",
        line.partition("\n")[0].replace(SHORTCODE, TICK, 1) if keyboard else line.partition("\n")[0],
        re.DOTALL,
    )
    assert exact or not isinstance(spoken, Claim)
    assert not (exact and isinstance(spoken, Ordinary))
    if isinstance(spoken, Malformed):
        assert spoken.reasons
        assert all(spoken.reasons)


@given(lines | st.text(st.characters(max_codepoint=126), max_size=40))
@LAWS
def test_what_is_passed_without_a_look_is_ordinary_on_a_closer_one(line: str) -> None:
    first = line.partition("\n")[0]
    if message._is_plain(first):
        assert message._looked_at(first) == Ordinary()


@given(lines)
@LAWS
def test_a_suggestion_is_a_claim(line: str) -> None:
    spoken = parse(line)
    if isinstance(spoken, Malformed) and spoken.suggestion:
        suggested = parse(spoken.suggestion)
        assert isinstance(suggested, Claim)
        assert render_claim(suggested) == spoken.suggestion


@given(lines)
@LAWS
def test_what_follows_the_first_line_changes_nothing(line: str) -> None:
    first = line.partition("\n")[0]
    assert parse(f"{first}\n✅ Wave 3 Complete\n") == parse(first)


@pytest.mark.parametrize(
    "prefix", ["fixup! ", "squash! ", "amend! ", 'Revert "', 'Reapply "', "Merge ", "revert: ", "▶ PLAN "]
)
@given(lines)
@settings(deadline=None, max_examples=50)
def test_what_begins_with_another_word_is_ordinary(prefix: str, line: str) -> None:
    assert parse(prefix + line) == Ordinary()


@given(lines)
@LAWS
def test_behind_a_type_only_a_claim_with_a_tick_is_looked_at(line: str) -> None:
    alone, typed = parse(line), parse(f"chore(x): {line}")
    if isinstance(typed, Malformed):
        assert not isinstance(alone, Ordinary)
        assert typed.suggestion == (render_claim(alone) if isinstance(alone, Claim) else alone.suggestion)
    else:
        assert not isinstance(alone, Claim)


HUGE = 1 << 20


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("x" * HUGE, Ordinary),
        ("✅" * HUGE, Ordinary),
        (" " * HUGE + "✅ Wave 3 Complete", Ordinary),
        ("wave " + "(" * HUGE + " done", Ordinary),
        ("✅ Wave " + "0" * HUGE, Malformed),
        ("✅ Wave 3 Complete - " + "x" * HUGE, Claim),
        ("✅ Wave 3 Complete - x" + " " * HUGE, Malformed),
        ("✅ Wave 3 Complete" + "-" * HUGE, Malformed),
        ("✅ Wave 3 " + ", and " * (HUGE // 6), Malformed),
        ("Wave 3 done" + "()" * (HUGE // 2), Malformed),
        ("✅ Wave 3 Complete \u200b" + "\u200b" * HUGE, Malformed),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else value[:12].strip(),
)
def test_a_megabyte_in_one_line(line: str, kind: type) -> None:
    assert isinstance(parse(line), kind)


@pytest.mark.parametrize(
    "filler", ["(", ")", "()", "is ", " ", ", and ", "-", "✅", "[x]", ":a:", "a-", "plan 2 ", "#", "_"]
)
@pytest.mark.parametrize("start", ["✅ Wave 3", "Wave 3", "✅ Wave", "plan", "Complete wave 3", "", "✅ Plan 2"])
def test_no_line_makes_the_rule_slow(start: str, filler: str) -> None:
    """Backtracking that doubles with each repetition would not come back from these."""
    assert parse(start + filler * 128 + "@") == parse(start + filler * 128 + "@")


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("✅ Wave 3 done", "start the subject with another word than 'Wave'"),
        ("[x] plan2 complete", "start the subject with another word than 'plan'"),
        ("✅ W\u0430ve 3 Complete", "start the subject with another word than 'W\u0430ve'"),
        ("Wave3: ✅ Complete", "start the subject with another word than 'Wave'"),
        ("chore: ✅ Wave 3 Complete", "leave out the tick after 'chore:'"),
        ("✅", ""),
    ],
)
def test_how_a_line_becomes_ordinary(line: str, how: str) -> None:
    assert made_ordinary(line) == how


# Starts


def test_a_start_is_read_back() -> None:
    assert render_start(Start("2", "agent-2")) == "▶ PLAN 2 START - agent-2"
    assert parse_start("▶ PLAN 2 START - agent-2\n\nConductor-Plan: 2\n") == Start("2", "agent-2")
    assert parse_start("▶ PLAN parser-speed START - Ada L.") == Start("parser-speed", "Ada L.")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "▶ PLAN 2 START",
        "▶ PLAN 2 START - ",
        "▶ PLAN 02 START - a",
        "▶ plan 2 START - a",
        "▶\ufe0f PLAN 2 START - a",
        " ▶ PLAN 2 START - a",
        'Revert "▶ PLAN 2 START - a"',
        "▶ PLAN 2 START - a\x1b[2J",
        "✅ PLAN 2 COMPLETE - a",
    ],
)
def test_what_is_no_start(line: str) -> None:
    assert parse_start(line) is None


# Trailers

SHA = "sha256:" + "0a" * 32


def test_trailers() -> None:
    pairs = [
        ("Conductor-Plan", "2"),
        ("conductor-wave", "3"),
        ("CONDUCTOR-PROOF", SHA),
        ("Conductor-Rules", SHA),
        ("Signed-off-by", "Ada"),
        ("Signed-off-by", "Ada"),
        ("Conductor-Unheard-Of", "x"),
    ]
    assert read_trailers(pairs) == Trailers("2", 3, SHA, SHA)
    assert read_trailers([("Conductor-Delegation", "a" * 40)]) == Trailers(delegation="a" * 40)
    assert read_trailers([]) == Trailers()


@pytest.mark.parametrize(
    ("pairs", "reasons"),
    [
        ([("Conductor-Plan", "2"), ("conductor-plan", "2")], ("more than one 'conductor-plan'",)),
        ([("Conductor-Plan", "")], ("'Conductor-Plan' is not a plan's number or slug",)),
        ([("Conductor-Plan", "Parser")], ("'Conductor-Plan' is not a plan's number or slug",)),
        ([("Conductor-Plan", "2.3")], ("'Conductor-Plan' is not a plan's number or slug",)),
        ([("Conductor-Wave", "03")], ("'Conductor-Wave' is not a wave's number",)),
        ([("Conductor-Wave", "３")], ("'Conductor-Wave' is not a wave's number",)),
        ([("Conductor-Wave", "3\n")], ("'Conductor-Wave' is not a wave's number",)),
        ([("Conductor-Proof", SHA.upper())], ("'Conductor-Proof' is not a 'sha256:' digest",)),
        ([("Conductor-Proof", "0a" * 32)], ("'Conductor-Proof' is not a 'sha256:' digest",)),
        ([("Conductor-Rules", SHA + "0")], ("'Conductor-Rules' is not a 'sha256:' digest",)),
        ([("Conductor-Delegation", "a" * 39)], ("'Conductor-Delegation' is not an event's id",)),
        (
            [("Conductor-Plan", "x y"), ("Conductor-Wave", "1"), ("Conductor-Wave", "2")],
            ("'Conductor-Plan' is not a plan's number or slug", "more than one 'Conductor-Wave'"),
        ),
    ],
)
def test_wrong_trailers(pairs: list[tuple[str, str]], reasons: tuple[str, ...]) -> None:
    assert read_trailers(pairs) == Malformed(reasons)


@given(st.lists(st.tuples(st.sampled_from(["Conductor-Plan", "conductor-wave", "Conductor-Proof", "X"]), st.text())))
@LAWS
def test_trailers_never_raise(pairs: list[tuple[str, str]]) -> None:
    assert isinstance(read_trailers(pairs), Trailers | Malformed)


# The filter in sh

every_shell = pytest.mark.parametrize("shell", SHELLS.values(), ids=[os.path.basename(path) for path in SHELLS])


@every_shell
@given(batch=st.lists(lines, min_size=30, max_size=120))
@SHELL_LAWS
def test_whatever_python_would_not_pass_is_suspect(shell: list[str], batch: list[str]) -> None:
    firsts = [line.partition("\n")[0] for line in batch]
    answers = suspects([first.encode("utf-8", "surrogatepass") for first in firsts], shell)
    passed = [first for first, suspect in zip(firsts, answers, strict=True) if not suspect]
    assert [first for first in passed if speaks(first)] == []


@every_shell
@given(batch=st.lists(st.tuples(lines, st.integers(0, 30), st.binary(max_size=2)), min_size=20, max_size=60))
@SHELL_LAWS
def test_bytes_that_are_no_text_hide_nothing(shell: list[str], batch: list[tuple[str, int, bytes]]) -> None:
    """Readers decode what is not UTF-8 with replacement characters; the filter sees the bytes."""
    raw = []
    for line, place, junk in batch:
        whole = line.encode("utf-8", "surrogatepass")
        raw.append((whole[:place] + junk + whole[place:]).partition(b"\n")[0])
    answers = suspects(raw, shell)
    passed = [line for line, suspect in zip(raw, answers, strict=True) if not suspect]
    assert [line for line in passed if speaks(line.decode("utf-8", "replace"))] == []


def disguised() -> list[str]:
    """Claims with each letter that can be another one, and each invisible character in each place."""
    exact = ["✅ Wave 3 Complete", "✅ PLAN 2 COMPLETE"]
    unseen = [chr(code) for code in range(1, 0x10000) if INVISIBLE.match(chr(code)) and chr(code) != "\n"]
    twisted = [
        line[:place] + odd + line[place + 1 :]
        for line in exact
        for place, letter in enumerate(line)
        for odd, plain in LOOKALIKES.items()
        if plain == letter.lower() and plain.isalpha()
    ]
    hidden = [line[:place] + char + line[place:] for line in exact for char in unseen for place in range(len(line) + 1)]
    ticks = [
        tick + selector + line[1:]
        for tick in (*TICKS, SHORTCODE)
        for selector in ("", "\ufe0e", "\ufe0f")
        for line in twisted
    ]
    typed = [f"complete: {line}" for line in twisted]
    return [*twisted, *hidden, *ticks, *typed]


@every_shell
def test_no_disguise_gets_by_the_filter(shell: list[str]) -> None:
    tried = disguised()
    answers = suspects([line.encode() for line in tried], shell)
    malformed = [isinstance(parse(line, keyboard=True), Malformed) for line in tried]
    assert malformed.count(True) > 1000
    pairs = zip(tried, answers, malformed, strict=True)
    assert [line for line, suspect, wrong in pairs if wrong and not suspect] == []


@every_shell
def test_vectors_through_the_filter(shell: list[str]) -> None:
    spoken = [case["message"].partition("\n")[0] for case in VECTORS["cases"] if speaks(case["message"])]
    assert len(spoken) > 100
    assert all(suspects([line.encode() for line in spoken], shell))


# Subjects as people write them. Python must not be started for any of these.
ORDINARY = [
    "add the parser",
    "Add a planner for waves",
    "feat: wave 3 complete",
    "fix(plan): done",
    "fix: show ✅ in the plan's line",
    "test: ✅ add tests",
    "docs: explain Wave 3 Complete lines",
    "docs: explain what a wave is",
    "chore(release): 1.2.3",
    "Initial commit",
    'Revert "✅ Wave 3 Complete"',
    'Reapply "✅ Wave 3 Complete"',
    "fixup! ✅ Wave 3 Complete",
    "squash! ✅ PLAN 2 COMPLETE",
    "amend! ✅ PLAN 2 COMPLETE",
    "Merge branch 'agent-2/educational' into main",
    "Merge plan 2: done",
    "▶ PLAN 2 START - agent-2",
    "plan the release",
    "Planning: x",
    "plan 2: fix the parser",
    "wave 3: add tests",
    "Wave hello",
    "✅ fix tests",
    "✅ add tests for the parser",
    "✅ write tests",
    "✅ pass",
    "✅ Prüfung der Eingabe",
    "✅ исправить тесты",
    "✅ рефакторинг тестов",
    "✅ Работа над парсером",
    "✅ ρυθμίσεις",
    "✅ 修复解析器的测试",
    "✅ テストを追加",
    "✅ 테스트 추가",
    "✅ écrire les tests",
    "✔️ fix the build",
    "☑ update docs",
    "🎨 improve the structure",
    "⚡️ improve performance",
    "🔥 remove code",
    ":sparkles: add the parser",
    ":white_check_mark: add tests",
    "[x] all done",
    "[WIP] parser",
    "#12: parser done",
    "(core) refactor",
    "- bullet",
    "修复解析器中的错误",
    "добавить парсер",
    "Überarbeitung abgeschlossen",
    "añadir pruebas",
    "ข้อความ",
    "إضافة الاختبارات",
    "",
    "  indented",
    "x",
]


@every_shell
@pytest.mark.parametrize("locale", ["C", "C.UTF-8", ""])
def test_ordinary_subjects_start_no_python(shell: list[str], locale: str) -> None:
    answers = suspects([line.encode() for line in ORDINARY], shell, locale)
    assert [line for line, suspect in zip(ORDINARY, answers, strict=True) if suspect] == []
    assert [line for line in ORDINARY if speaks(line)] == []


@every_shell
def test_the_filter_leaves_the_locale_and_is_not_stopped_by_strict_modes(shell: list[str]) -> None:
    script = f"""
        set -eu
        unset LC_ALL
        . '{FILTER}'
        if conductor_suspect '✅ Wave 3 Complete'; then echo "suspect ${{LC_ALL-unset}}"; fi
        LC_ALL=C.UTF-8
        if conductor_suspect 'fix tests'; then echo wrong; else echo "ordinary $LC_ALL"; fi
    """
    done = subprocess.run([*shell, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("suspect unset\nordinary C.UTF-8\n", "")


@every_shell
@pytest.mark.parametrize(("start", "answer"), [("x", "no"), ("✅ ", "yes"), ("Wave 3 ", "yes"), ("修", "yes")])
def test_a_megabyte_through_the_filter(shell: list[str], start: str, answer: str) -> None:
    script = f"""
        . '{FILTER}'
        line=aaaaaaaa
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do line=$line$line; done
        conductor_suspect "{start}$line" && echo yes || echo no
    """
    done = subprocess.run([*shell, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [answer]


def test_the_filter_starts_no_process() -> None:
    text = FILTER.read_text(encoding="utf-8")
    code = "\n".join(line.partition("#")[0] if line.lstrip().startswith("#") else line for line in text.splitlines())
    assert not re.search(r"\$\([^(]|`|[^|]\|[^| ]|<<|>|\b(grep|sed|awk|printf|expr|cut|head|tr)\b", code)


@pytest.mark.parametrize("line", ["add a parser", "✅ Wave 3 Complete"])
def test_claims_and_plain_subjects_load_nothing_heavy(line: str) -> None:
    code = (
        "import sys; from conductor_git.core.messages.message import parse; parse(sys.argv[1]); "
        "print(*sorted(name for name in sys.modules if name.startswith('conductor_git.') or name in "
        "('click', 'git', 'yaml', 'rich', 'json', 'subprocess', 'unicodedata')))"
    )
    done = subprocess.run([sys.executable, "-c", code, line], capture_output=True, text=True, check=True)
    light = {"errors", "targets", *(f"messages{name}" for name in ("", ".claimtext", ".message", ".nearclaim"))}
    assert {name.removeprefix("conductor_git.core.") for name in done.stdout.split()} <= {"conductor_git.core", *light}
