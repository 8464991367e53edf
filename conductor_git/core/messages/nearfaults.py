"""What is wrong with a line that begins like a claim, in short phrases, from its first character to its last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from conductor_git.core.messages.claimtext import TICK, UNSAFE_IN_NOTE, is_note
from conductor_git.core.messages.nearclaim import A_TICK, INVISIBLE, LOOKALIKES, Reading
from conductor_git.core.targets import is_plan_id

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MOST = 999_999_999

_FIND_TICK = re.compile(A_TICK)
_SEPARATOR = re.compile(r"[\W_]*")
_SHOWN = 20
_ENOUGH = 2


def value(number: str) -> int:
    """A number in digits or in words."""
    return int(number) if number.isdigit() else NUMBERS.index(number)


def faults(found: re.Match[str], reading: Reading, rest: str) -> Iterator[str]:
    """Every fault of a line. `found` is the rule's match on the reading, `rest` what follows it in the line."""
    groups = found.groupdict()
    whole = "PLAN" if groups["kind"] == "plan" and not groups.get("of") else "Wave"
    done = "COMPLETE" if whole == "PLAN" else "Complete"
    yield from _in_marks(reading.text[: reading.marks])
    yield from islice(_strange(reading.raw[: reading.raw_end(found.end())]), _ENOUGH)
    yield from _in_word(reading.clean[found.start("kind") : found.start("gap")], whole)
    if groups["gap"] != " " and (groups.get("number") or groups.get("name")):
        yield f"not one space after '{whole}'"
    if groups.get("number"):
        yield from _in_number(groups, whole.lower())
    else:
        yield from _in_name(_typed(found, reading, "name") if groups.get("name") else "", whole.lower())
    yield from _in_done(found, reading, done)
    if groups["done"]:
        yield from _in_rest(rest, done)


def _in_marks(marks: str) -> Iterator[str]:
    """Faults of what stands before the first word, which should be the tick and one space."""
    if marks == f"{TICK} ":
        return
    tick = _FIND_TICK.search(marks)
    if tick is None:
        yield f"{_quoted(marks.strip())} instead of '{TICK}'" if marks.strip() else f"no '{TICK}'"
        return
    if marks[0].isspace():
        yield "leading white space"
    others = INVISIBLE.sub("", marks[: tick.start()] + marks[tick.end() :]).strip()
    if tick[0] != TICK:
        yield f"'{tick[0]}' instead of '{TICK}'"
    if others:
        yield f"{_quoted(others)} beside the tick"
    elif INVISIBLE.sub("", marks).lstrip() != f"{tick[0]} ":
        yield f"not one space after '{tick[0]}'"


def _strange(raw: str) -> Iterator[str]:
    """Characters that look like others, or like nothing."""
    for char in raw:
        if INVISIBLE.match(char):
            yield f"invisible U+{ord(char):04X}"
        elif char.isdecimal() and not char.isascii():
            yield f"'{char}' is U+{ord(char):04X}, not '{int(char)}'"
        elif char in LOOKALIKES:
            plain = LOOKALIKES[char].upper() if char.isupper() else LOOKALIKES[char]
            yield f"'{char}' is U+{ord(char):04X}, not '{plain}'"


def _typed(found: re.Match[str], reading: Reading, group: str) -> str:
    return reading.clean[slice(*found.span(group))]


def _in_word(typed: str, wanted: str) -> Iterator[str]:
    # Lookalikes are told by code point; two words that look the same would tell nothing.
    if typed != wanted and typed.isascii():
        yield f"'{typed}' instead of '{wanted}'"


def _in_name(typed: str, kind: str) -> Iterator[str]:
    """Faults of the one word that stands in place of a number; it may be a plan's slug."""
    name = typed.strip("'\"`:,.")
    if not name:
        yield f"no {kind} number"
    elif kind == "wave" or not is_plan_id(name.lower()):
        yield f"{_quoted(name)} is no {kind} number"
    elif typed != name.lower():
        yield f"{_quoted(typed)} instead of '{name.lower()}'"


def _in_number(groups: dict[str, str | None], kind: str) -> Iterator[str]:
    number = groups["number"] or ""
    if groups["more"]:
        yield f"more than one {kind}"
    elif groups["of"]:
        yield f"'{groups['of']}.{number}' instead of '{number}'"
    elif value(number) > MOST:
        yield "a number of more than 9 digits"
    elif number != str(value(number)):
        yield f"'{number}' instead of '{value(number)}'"
    if groups["before"] or groups["after"]:
        yield "the line of a wave names no plan"
    if groups["total"]:
        yield f"{_quoted(groups['total'].strip())} after the number"


def _in_done(found: re.Match[str], reading: Reading, wanted: str) -> Iterator[str]:
    typed = _typed(found, reading, "done")
    if not typed or _FIND_TICK.match(typed.lower()):
        yield f"no '{wanted}'"
        return
    yield from _in_word(typed, wanted)
    if found.start("done") < found.start("kind"):
        yield f"'{typed}' comes first"
        return
    target_ends = max(found.end(group) for group in found.groupdict() if group not in ("done", "remark"))
    between = reading.clean[target_ends : found.start("done")]
    if between.strip():
        yield f"{_quoted(between.strip())} before '{wanted}'"
    elif between != " ":
        yield f"not one space before '{wanted}'"


def _in_rest(rest: str, done: str) -> Iterator[str]:
    """Faults of what follows the word that says done: it should be nothing, or ` - ` and a note."""
    if not rest or (rest.startswith(" - ") and is_note(rest[3:])):
        return
    said = rest.strip()
    if said in ("", "-"):
        yield "empty note" if said else "white space at the end"
    elif unsafe := re.search(UNSAFE_IN_NOTE, rest):
        yield f"U+{ord(unsafe[0]):04X} {'in the note' if rest.startswith(' - ') else f'after {done!r}'}"
    elif rest.startswith(" - "):
        yield "white space round the note"
    else:
        yield from _in_separator(said, done)


def _in_separator(said: str, done: str) -> Iterator[str]:
    marks = _SEPARATOR.match(said)
    separator = marks[0].strip() if marks else ""
    if not separator:
        yield f"no ' - ' before {_quoted(said)}"
    elif len(separator) == len(said):
        yield f"{_quoted(separator)} after '{done}'"
    else:
        yield f"{_quoted(separator)} instead of ' - '"


def _quoted(text: str) -> str:
    return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}…'"
