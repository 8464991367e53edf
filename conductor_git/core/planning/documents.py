"""Plan documents from before there was a format: what in them is a plan, what a wave, and what is neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from conductor_git.core.planning.labels import Item, headings_of, label_of, read_items

_PLAN = re.compile(r"\W*plan[ _-]+([0-9]{1,9}|[a-z][a-z0-9-]{0,63})\s*[:.–—-]\s*(\S.*)", re.IGNORECASE)
_WAVE = re.compile(r"\W*wave[ _-]*([0-9]{1,9})\W*?(?:[:.–—-]+[*_ ]*\s*(.*))?", re.IGNORECASE)
_ABOUT_WAVES = re.compile(r"\W*waves?\b", re.IGNORECASE)
_FILE_NUMBER = re.compile(r"(?:plan[ _-]*)?([0-9]{1,9})(?![0-9])", re.IGNORECASE)
_NEED_IN_PROSE = re.compile(
    r"\b(?:depend(?:s|ing)? (?:up)?on|requires?|needs?|waits? for|blocked by)\b"
    r"[^.]*?\b(?:plan|wave)s?[ _-]*[0-9]+[^.]*",
    re.IGNORECASE,
)
_SHOWN = 60
_FACTS = ("agent", "branch", "workspace", "validation", "needs", "scope", "unblocks")
"""Labels of a plan that become keys, and so need not stay in its text."""


class Fact(msgspec.Struct, frozen=True):
    """What a document says under a label; `line` counts from 1."""

    label: str
    text: str
    line: int


class WaveDocument(msgspec.Struct, frozen=True):
    """One wave as the document has it."""

    number: int
    title: str
    line: int
    text: str = ""
    facts: tuple[Fact, ...] = ()
    tasks: int = 0


class PlanDocument(msgspec.Struct, frozen=True):
    """One plan as the document has it; `plan` is empty where nothing names or numbers it."""

    plan: str
    title: str
    line: int
    text: str
    facts: tuple[Fact, ...]
    waves: tuple[WaveDocument, ...]


class Remark(msgspec.Struct, frozen=True):
    """Something about one line of a document."""

    line: int
    said: str


class _Heading(msgspec.Struct, frozen=True):
    line: int
    end: int
    level: int
    text: str


def read_document(text: str, name: str) -> tuple[tuple[PlanDocument, ...], tuple[Remark, ...]]:
    """The plans of a document called `name`, and what in it looks as if it said something and could not be read."""
    remarks: list[Remark] = []
    lines = _without_front_matter(text.replace("\r\n", "\n").split("\n"), remarks)
    headings = [_Heading(*found) for found in headings_of("\n".join(lines))]
    starts = [place for place, heading in enumerate(headings) if _PLAN.fullmatch(heading.text)]
    ends = [*(headings[place].line for place in starts[1:]), len(lines)]
    if not starts:
        plans = [_plan(lines, headings, None, 0, len(lines), name, remarks)]
    else:
        plans = [
            _plan(lines, headings, headings[place], headings[place].line, end, name, remarks)
            for place, end in zip(starts, ends, strict=True)
        ]
    remarks += _needs_in_prose(lines, plans)
    return tuple(plans), tuple(sorted(remarks, key=lambda remark: remark.line))


def _needs_in_prose(lines: Sequence[str], plans: Iterable[PlanDocument]) -> Iterator[Remark]:
    """Lines that speak of a need and stand under no label: a need that is lost would be lost in silence."""
    read = {
        fact.line for plan in plans for facts in (plan.facts, *(wave.facts for wave in plan.waves)) for fact in facts
    }
    for number, line in enumerate(lines, 1):
        if number not in read and (said := _NEED_IN_PROSE.search(line)):
            text = said[0] if len(said[0]) <= _SHOWN else f"{said[0][: _SHOWN - 3]}..."
            yield Remark(number, f"'{text}' stands in a sentence: write it as 'Depends on: …' to make it a need")


def _without_front_matter(lines: list[str], remarks: list[Remark]) -> list[str]:
    """The lines with front matter blanked, so that all others keep their numbers."""
    if lines[0].rstrip() != "---" or "---" not in [line.rstrip() for line in lines[1:]]:
        return lines
    end = 1 + [line.rstrip() for line in lines[1:]].index("---")
    remarks += [
        Remark(at + 1, f"front matter '{lines[at].strip()}' was left out") for at in range(1, end) if lines[at].strip()
    ]
    return [*[""] * (end + 1), *lines[end + 1 :]]


def _plan(
    lines: list[str],
    headings: Sequence[_Heading],
    head: _Heading | None,
    start: int,
    end: int,
    name: str,
    remarks: list[Remark],
) -> PlanDocument:
    inside = [heading for heading in headings if start <= heading.line < end and heading is not head]
    first = head or next((heading for heading in inside if heading.level == 1), None)
    waves, own = _waves(lines, inside, start, end, remarks)
    skip = set(range(first.line, first.end)) if first else set()
    shown = [line if at not in skip else "" for at, line in own]
    if not waves:
        waves = _listed_waves(shown, [at for at, _ in own])
    facts, dropped = _facts(shown, [at for at, _ in own])
    kept = [line for at, line in enumerate(shown) if at not in dropped]
    named = _PLAN.fullmatch(head.text) if head else None
    number = _FILE_NUMBER.match(name)
    return PlanDocument(
        plan=_plain_number(named[1]) if named else _plain_number(number[1]) if number else "",
        title=_title(named[2] if named else first.text if first else re.sub(r"[_-]+", " ", name)),
        line=first.line + 1 if first else start + 1,
        text=_tidy(kept),
        facts=facts,
        waves=tuple(waves),
    )


def _waves(
    lines: list[str], headings: Sequence[_Heading], start: int, end: int, remarks: list[Remark]
) -> tuple[list[WaveDocument], list[tuple[int, str]]]:
    """The waves that headings begin, and the lines that belong to none, with their numbers."""
    found: dict[int, WaveDocument] = {}
    own: list[tuple[int, str]] = []
    at = start
    for place, heading in enumerate(headings):
        said = _WAVE.fullmatch(heading.text)
        if said is None:
            if _ABOUT_WAVES.match(heading.text) and re.search(
                r"[0-9]|\bone\b|\btwo\b|\bthree\b", heading.text, re.IGNORECASE
            ):
                remarks.append(
                    Remark(heading.line + 1, f"'{heading.text}' is no heading of one wave: it is kept as text")
                )
            continue
        if heading.line < at:
            continue
        stop = next((later.line for later in headings[place + 1 :] if _ends(later, heading)), end)
        own += list(enumerate(lines))[at : heading.line]
        wave = _wave(lines, int(said[1]), _title(said[2] or ""), heading, stop)
        if wave.number in found:
            remarks.append(
                Remark(wave.line, f"wave {wave.number} is there already, in line {found[wave.number].line}: left out")
            )
        found.setdefault(wave.number, wave)
        at = stop
    return list(found.values()), own + list(enumerate(lines))[at:end]


def _ends(later: _Heading, wave: _Heading) -> bool:
    return later.level <= wave.level or _WAVE.fullmatch(later.text) is not None


def _wave(lines: list[str], number: int, title: str, heading: _Heading, stop: int) -> WaveDocument:
    body = lines[heading.end : stop]
    items = read_items("\n".join(body))
    tasks = [item for item in items if item.listed and (item.done is not None or item.label == "tasks")]
    return WaveDocument(number, title, heading.line + 1, _tidy(_lowered(body)), _said(items, heading.end), len(tasks))


def _lowered(body: list[str]) -> list[str]:
    """The lines with headings that would end a wave's section in our format brought below it."""
    marks = {line: level for line, _, level, _ in headings_of("\n".join(body)) if level < 3}
    return [f"### {line.lstrip('# ').strip()}" if at in marks else line for at, line in enumerate(body)]


def _listed_waves(shown: Sequence[str], places: Sequence[int]) -> list[WaveDocument]:
    """Waves that are items of a list, where no heading names any."""
    found: dict[int, WaveDocument] = {}
    for item in read_items("\n".join(shown)):
        said = _WAVE.fullmatch(item.text) if item.listed else None
        if said is not None:
            number = int(said[1])
            found.setdefault(number, WaveDocument(number, _title(said[2] or ""), places[item.line] + 1))
    return list(found.values())


def _facts(shown: list[str], places: Sequence[int]) -> tuple[tuple[Fact, ...], set[int]]:
    """What a plan's own text says under labels, and the lines (places in `shown`) that say nothing else."""
    items = [item for item in read_items("\n".join(shown)) if item.label in _FACTS]
    facts = tuple(Fact(item.label, item.text, places[item.line] + 1) for item in items)
    return facts, {item.line for item in items if _is_whole(shown[item.line], item)}


def _is_whole(line: str, item: Item) -> bool:
    own = label_of(re.sub(r"^\s*(?:[-*+]|[0-9]+[.)])\s+", "", line).strip())
    return own is not None and own == (item.label, item.text)


def _said(items: Iterable[Item], start: int) -> tuple[Fact, ...]:
    return tuple(Fact(item.label, item.text, start + item.line + 1) for item in items if item.label in _FACTS)


def _title(text: str) -> str:
    return " ".join(re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?!\w)", "", text).split()).strip(" #")


def _plain_number(text: str) -> str:
    return str(int(text)) if text.isdigit() else text.lower()


def _tidy(lines: list[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")
