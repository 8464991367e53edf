"""The rule of `nearclaim` as patterns, and the claim that a malformed line was probably meant for."""

from __future__ import annotations

import re

from conductor_git.core.messages.claimtext import UNSAFE_IN_NOTE
from conductor_git.core.messages.nearclaim import A_TICK, NearClaim, Reading, is_ticked
from conductor_git.core.messages.nearfaults import MOST, NUMBERS, faults, value
from conductor_git.core.targets import is_plan_id

_WORDS = "all|are|been|both|finally|fully|has|have|implementation|is|now|successfully|tasks|was|were|work"

# A line made to be slow cannot be: each pattern sees at most LOOKED_AT characters, and no repeated part of one can
# match the same text in two ways.
_BEGINS = r"(?<![^\W_])"
_ENDS = r"(?![^\W_])"
_LINK = rf"{_BEGINS}(?:{_WORDS}){_ENDS}"
_LINKS = rf"(?:\s|{_LINK})*+"
_MARKED_LINKS = rf"(?:[\W_]|{_LINK})*?"
_REMARK = r"(?:\((?P<remark>[^()]*)\))?"
_DONE = rf"(?P<done>{_BEGINS}(?:completed?|done|finished){_ENDS}|{A_TICK})"
_MISTYPED = r"(?:comple|complt|compelt|comlpet|finish)\w*"
_NEARLY_DONE = rf"(?P<done>{_BEGINS}(?:done|{_MISTYPED}){_ENDS}|{A_TICK})"
_CLAUSE_ENDS = r"(?=\s*(?:\Z|[^\w\s]|_))"

_KIND = r"(?P<kind>wave|plan)s?"
# 'Wave -1' is not wave 1.
_GAP = r"[\W_]{0,3}(?<!\s[-–—−])"
_NUMBER = rf"(?:[0-9]+(?![0-9a-z]|\.[0-9])|{_BEGINS}(?:{'|'.join(NUMBERS)}){_ENDS})"
_PLAN = rf"plan(?:{_GAP}[0-9]+|\s+[a-z][a-z0-9]*(?:-[a-z0-9]+)+)"
_OF = r"[\W_]{0,4}(?:(?:of|in|for)\s+)?"
_AND = r"(?:(?:\s*+(?:[,&+]|(?:and|to|through)\b))++\s*+(?:(?P=kind)s?\s*+)?#?|[-–—])"
_TARGET = (
    rf"(?P<before>{_PLAN}{_OF}(?=wave))?{_KIND}(?P<gap>{_GAP})(?:(?P<of>[0-9]+)\.)?(?P<number>{_NUMBER})"
    rf"(?P<total>\s*(?:/|of\b)\s*[0-9]+)?(?P<more>(?:{_AND}{_NUMBER})+)?(?P<after>{_OF}{_PLAN})?"
)
_NAMELESS = rf"{_KIND}{_ENDS}(?P<gap>){_MARKED_LINKS}{_DONE}{_CLAUSE_ENDS}"
_ANY_NAME = rf"{_KIND}(?P<gap>\s+)(?P<name>\S+?){_MARKED_LINKS}{_DONE}{_CLAUSE_ENDS}"
_SLUG = rf"(?P<kind>plan)(?P<gap>\s+)['\"`]?(?P<name>[a-z][a-z0-9-]*)['\"`]?{_MARKED_LINKS}{_DONE}{_CLAUSE_ENDS}"
_DONE_FIRST = rf"(?P<done>completed?|finish(?:ed)?|done)(?:\s+with)?:?\s+(?:the\s+)?{_TARGET}{_CLAUSE_ENDS}"

_TICKED = (rf"{_TARGET}(?:{_MARKED_LINKS}{_NEARLY_DONE})?", _NAMELESS, _ANY_NAME, _DONE_FIRST)
_PLAIN = (
    rf"{_TARGET}{_LINKS}{_REMARK}{_LINKS}{_DONE}",
    rf"{_TARGET}{_MARKED_LINKS}{_DONE}{_CLAUSE_ENDS}",
    _NAMELESS,
    _SLUG,
    _DONE_FIRST,
)
_NOTE_BEGINS = re.compile(rf"(?:[\s\-–—−:,;.!|=~>*_\"'`)\]\ufe0f]|{A_TICK}|(?i:completed?|done){_ENDS})*+")


def examine(line: str, reading: Reading) -> NearClaim | None:
    """Why a line that is no claim is malformed, and what it was meant for; None where it is ordinary."""
    found = _match(reading)
    if found is None:
        return None
    rest = line[reading.raw_end(found.end()) :]
    reasons = tuple(dict.fromkeys(faults(found, reading, rest)))
    wave, plan = _meant(found, reading, rest)
    note = _note(rest)
    if not note and found.groupdict().get("remark"):
        note = _note(reading.clean[slice(*found.span("remark"))])
    return NearClaim(reasons, wave, plan, note)


def _match(reading: Reading) -> re.Match[str] | None:
    ticked = is_ticked(reading)
    for rule in _TICKED if ticked else _PLAIN:
        # Compiled when it is needed: a hook that finds a claim, or a reader of prose, has no use for most of them.
        found = re.compile(rule).match(reading.text, reading.marks)
        if found and (ticked or _is_meant_as_name(found, reading)):
            return found
    return None


def _is_meant_as_name(found: re.Match[str], reading: Reading) -> bool:
    name = found.groupdict().get("name")
    return not name or "-" in name or reading.clean[slice(*found.span("kind"))] == "PLAN"


def _meant(found: re.Match[str], reading: Reading, rest: str) -> tuple[int | None, str | None]:
    """The wave or the plan that was meant; neither where that would be a guess."""
    groups = found.groupdict()
    prose_follows = not groups["done"] and rest.lstrip()[:1].isalnum()
    if groups.get("more") or prose_follows:
        return None, None
    if groups.get("number") is None:
        name = (groups.get("name") or "").strip("'\"`:,.")
        return None, name if groups["kind"] == "plan" and is_plan_id(name) else None
    number = value(groups["number"])
    if number > MOST:
        return None, None
    return (number, None) if groups["kind"] == "wave" or groups["of"] else (None, str(number))


def _note(rest: str) -> str:
    begins = _NOTE_BEGINS.match(rest)
    note = re.sub(UNSAFE_IN_NOTE, "", rest[begins.end() if begins else 0 :].replace("\t", " ")).strip()
    return note if any(char.isalnum() for char in note) else ""
