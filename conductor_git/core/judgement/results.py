"""What a validation run left behind: JUnit XML and `metrics.json`, and whether its numbers satisfy the criteria."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NoReturn

import msgspec

from conductor_git.core.events.attestation import Counts
from conductor_git.core.planning.plan import Criterion

METRICS_FILE = "metrics.json"
MOST_METRICS = 1000
MOST_DEPTH = 100
MOST_UNMET = 50
"""So many unmet criteria an attestation names at most."""

_LONGEST_NAME = 200
_TOO_FEW = re.compile(r"[0-9]+ tests ran, at least [0-9]+ must")
_COUNTED = r"[0-9]+ tests (?:passed|skipped), [0-9]+ on integration"
_WEAKER = re.compile(rf"no tests reported, [0-9]+ passed on integration|{_COUNTED}(?:; {_COUNTED})?")


class Results(msgspec.Struct, frozen=True):
    """The numbers of one run. `problems` are files that could not be read: such a run proves nothing."""

    counts: Counts | None = None
    """None where no JUnit XML was left."""
    metrics: dict[str, float] = {}
    failed_tests: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class _Unreadable(Exception):
    """Why one file cannot be read, in a few words."""


def read_results(files: Mapping[str, bytes]) -> Results:
    """Read every `*.xml` as JUnit and `metrics.json`; never raises. Well-formed XML of another kind is left alone.

    The counts become the metrics `tests.passed`, `tests.failed` and `tests.skipped`, whatever `metrics.json` says.
    """
    problems: list[str] = []
    cases: list[tuple[str, str]] = []
    metrics: dict[str, float] = {}
    reports = 0
    for name in sorted(files):
        try:
            if name.endswith(".xml") and _is_junit(files[name]):
                cases += _cases(files[name])
                reports += 1
            elif name == METRICS_FILE:
                metrics = _metrics(files[name])
        except _Unreadable as error:
            problems.append(f"'{name}' {error}")
    counts = _count(cases) if reports else None
    if counts is not None:
        metrics |= {f"tests.{word}": float(getattr(counts, word)) for word in ("passed", "failed", "skipped")}
    failed = dict.fromkeys(name for name, result in cases if result == "failed")
    return Results(counts, metrics, tuple(failed), tuple(problems))


def check_criteria(
    criteria: Iterable[Criterion],
    metrics: Mapping[str, float],
    baseline: Mapping[str, float] | None,
    missing: str = "",
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The criteria that do not hold, and those that nobody can tell because there is no baseline; both as text.

    A pattern that matches no metric does not hold, nor does a ratio to a baseline that is `missing` and could be had.
    Of a baseline, a metric that is gone does not hold, and one that the baseline never had cannot be told.
    """
    unmet: list[str] = []
    untold: list[str] = []
    for criterion in criteria:
        names = [name for name in metrics if fnmatchcase(name, criterion.metric)]
        if not names:
            unmet.append(f"{criterion}: no such metric")
        elif not criterion.of_baseline:
            unmet += [text for name in names if (text := _broken(criterion, name, metrics[name]))]
        elif missing:
            unmet.append(f"{criterion}: {missing}")
        elif baseline is None:
            untold.append(f"{criterion}: no baseline yet")
        else:
            untold += [f"{criterion}: '{name}' is new" for name in names if name not in baseline]
            unmet += _worse(criterion, names, metrics, baseline)
    return tuple(unmet), tuple(untold)


def weaker_than(counts: Counts | None, baseline: Counts | None) -> str:
    """Why these counts are weaker than integration's; empty where they are not, or where it has none."""
    if baseline is None:
        return ""
    if counts is None:
        return f"no tests reported, {baseline.passed} passed on integration"
    said = []
    if counts.passed < baseline.passed:
        said.append(f"{counts.passed} tests passed, {baseline.passed} on integration")
    if counts.skipped > baseline.skipped:
        said.append(f"{counts.skipped} tests skipped, {baseline.skipped} on integration")
    return "; ".join(said)


def too_few(counts: Counts | None, least: int) -> str:
    """Why a run that reports tests ran too few of them; empty where it reports none or ran enough."""
    if counts is None or counts.run >= least:
        return ""
    return f"{counts.run} tests ran, at least {least} must"


def code_of(text: str) -> str:
    """The code of what `too_few` or `weaker_than` said; empty for every other text."""
    if _TOO_FEW.fullmatch(text):
        return "CG205"
    return "CG206" if _WEAKER.fullmatch(text) else ""


def _broken(criterion: Criterion, name: str, value: float) -> str:
    low = criterion.at_least is not None and not value >= criterion.at_least
    high = criterion.at_most is not None and not value <= criterion.at_most
    return f"{criterion}: '{name}' is {value:g}" if low or high else ""


def _worse(
    criterion: Criterion, names: Sequence[str], metrics: Mapping[str, float], baseline: Mapping[str, float]
) -> Iterator[str]:
    for name in sorted(name for name in baseline if fnmatchcase(name, criterion.metric)):
        if name not in names:
            yield f"{criterion}: '{name}' is not reported any more"
        elif text := _broken(criterion, name, _ratio(metrics[name], baseline[name])):
            yield text


def _ratio(value: float, base: float) -> float:
    if base:
        return value / base
    return 1.0 if not value else math.copysign(math.inf, value)


def _count(cases: Sequence[tuple[str, str]]) -> Counts:
    results = [result for _, result in cases]
    return Counts(*(results.count(word) for word in ("passed", "failed", "skipped")))


def _is_junit(raw: bytes) -> bool:
    """Whether the root element is JUnit's. Entities and deep nesting are refused before anything is built."""
    from xml.parsers import expat

    parser = expat.ParserCreate()
    path: list[str] = []
    roots: list[str] = []

    def opened(tag: str, _attributes: dict[str, str]) -> None:
        if not path:
            roots.append(tag)
            if tag not in ("testsuites", "testsuite"):
                raise _OtherKind
        path.append(tag)
        if len(path) > MOST_DEPTH:
            raise _Unreadable(f"is nested more than {MOST_DEPTH} elements deep")

    def closed(_tag: str) -> None:
        path.pop()

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(raw, True)
    except _OtherKind:
        return False
    except expat.ExpatError as error:
        raise _Unreadable(f"is not XML: {error}") from error
    except (ValueError, LookupError) as error:
        raise _Unreadable(f"is in an unknown encoding: {error}") from error
    return bool(roots)


class _OtherKind(Exception):
    """XML, but no JUnit: a coverage report, say."""


def _refuse_entity(*_declaration: object) -> NoReturn:
    # A declared entity is how a small file becomes gigabytes, or another file's text.
    raise _Unreadable("declares XML entities")


def _cases(raw: bytes) -> list[tuple[str, str]]:
    from junitparser import JUnitXml, JUnitXmlError

    try:
        return [(_name(case), _result(case)) for suite in JUnitXml.fromstring(raw) for case in suite]
    except (JUnitXmlError, SyntaxError, ValueError, TypeError, AttributeError) as error:
        raise _Unreadable(f"is not JUnit XML: {error}") from error


def _name(case: Any) -> str:
    name = _printable(".".join(part for part in (case.classname, case.name) if part)) or "(without a name)"
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in text)


def _result(case: Any) -> str:
    if case.is_failure or case.is_error:
        return "failed"
    return "skipped" if case.is_skipped else "passed"


def _metrics(raw: bytes) -> dict[str, float]:
    try:
        value = json.loads(raw, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError as error:
        raise _Unreadable("is nested too deep") from error
    except ValueError as error:
        raise _Unreadable(f"is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise _Unreadable("is not a JSON object")
    metrics: dict[str, float] = {}
    for name, number in _numbers(value, ""):
        if name in metrics:
            raise _Unreadable(f"names '{name}' twice")
        metrics[name] = number
        if len(metrics) > MOST_METRICS:
            raise _Unreadable(f"has more than {MOST_METRICS} numbers")
    return metrics


def _numbers(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    """Every number under its dotted name; words, truth values and lists are not metrics."""
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict):
            yield from _numbers(inner, f"{name}.")
        elif isinstance(inner, int | float) and not isinstance(inner, bool):
            if not name.isprintable() or len(name) > _LONGEST_NAME:
                raise _Unreadable(f"has a name that is unprintable or too long, '{_printable(name)[:_LONGEST_NAME]}'")
            yield name, _finite(name, inner)


def _finite(name: str, number: float) -> float:
    try:
        found = float(number)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise _Unreadable(f"has no finite number for '{name}'")
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Unreadable(f"names '{_printable(name)}' twice")
        found[name] = value
    return found


def _no_constant(word: str) -> NoReturn:
    raise _Unreadable(f"holds {word}, which is no number")
