"""Reading JUnit XML and metrics, and judging them, without a run."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_git.core.events.attestation import Counts
from conductor_git.core.judgement.results import check_criteria, read_results, too_few, weaker_than
from conductor_git.core.planning.plan import Criterion

JUNIT = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testsuite name="outer" tests="4">
    <testcase classname="shop.cart" name="adds"/>
    <testcase classname="shop.cart" name="removes"><failure message="no">trace</failure></testcase>
    <testcase name="needs network"><skipped/></testcase>
    <testsuite name="inner"><testcase classname="shop.cart" name="breaks"><error/></testcase></testsuite>
  </testsuite>
</testsuites>"""


def test_junit_counts_failures_errors_skips_and_nested_suites() -> None:
    results = read_results({"junit.xml": JUNIT})
    assert results.counts == Counts(passed=1, failed=2, skipped=1)
    assert results.counts is not None
    assert results.counts.run == 3
    assert results.failed_tests == ("shop.cart.removes", "shop.cart.breaks")
    assert results.metrics == {"tests.passed": 1.0, "tests.failed": 2.0, "tests.skipped": 1.0}
    assert results.problems == ()


def test_several_reports_add_up_and_a_lone_testsuite_is_a_report() -> None:
    lone = b'<testsuite><testcase name="a"/><testcase name="b"/></testsuite>'
    results = read_results({"a.xml": JUNIT, "deep/b.xml": lone})
    assert results.counts == Counts(passed=3, failed=2, skipped=1)


def test_a_rerun_that_passed_in_the_end_passed() -> None:
    flaky = b'<testsuite><testcase name="a"><rerunFailure message="once"/></testcase></testsuite>'
    assert read_results({"a.xml": flaky}).counts == Counts(passed=1)


def test_an_empty_report_counts_nothing_and_is_still_a_report() -> None:
    assert read_results({"a.xml": b"<testsuites/>"}).counts == Counts()


def test_no_report_is_no_counts() -> None:
    assert read_results({}).counts is None
    assert read_results({"notes.txt": b"<testsuites/>"}).counts is None


def test_xml_of_another_kind_is_left_alone() -> None:
    cobertura = b'<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "http://x/c.dtd"><coverage><broken></coverage>'
    results = read_results({"coverage.xml": cobertura})
    assert (results.counts, results.problems) == (None, ())


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE testsuites [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;" * 10) for n in range(9))
    + b"]><testsuites>&a8;</testsuites>"
)
FILE_ENTITY = b'<!DOCTYPE testsuite [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="&x;"/>'


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not XML"),
        (b"plain text", "is not XML"),
        (b"<testsuites><testsuite></testsuites>", "is not XML"),
        (b"<testsuites/>trailing", "is not XML"),
        (b"\xff\xfe<\x00testsuites", "is not XML"),
        (b'<?xml version="1.0" encoding="utf-99"?><testsuites/>', "unknown encoding"),
        (BOMB, "declares XML entities"),
        (BOMB.decode().encode("utf-16"), "declares XML entities"),
        (FILE_ENTITY, "declares XML entities"),
        (b"<testsuites>" + b"<testsuite>" * 200 + b"</testsuite>" * 200 + b"</testsuites>", "nested more than"),
        (b'<testsuites xmlns="urn:x"><testsuite/></testsuites>', "is not JUnit XML"),
    ],
)
def test_a_bad_report_is_a_problem(raw: bytes, said: str) -> None:
    results = read_results({"bad.xml": raw, "good.xml": JUNIT})
    assert len(results.problems) == 1
    assert results.problems[0].startswith("'bad.xml' ")
    assert said in results.problems[0]
    assert results.counts == Counts(passed=1, failed=2, skipped=1)


def test_names_are_bounded_and_printable() -> None:
    report = b'<testsuite><testcase name="a&#9;%s"><failure/></testcase></testsuite>' % (b"x" * 300)
    (name,) = read_results({"a.xml": report}).failed_tests
    assert name.startswith("a?xxx")
    assert len(name) == 200


def test_metrics_flat_and_nested() -> None:
    raw = b'{"size": 48, "bench": {"parse": 1.5, "deep": {"x": -2}}, "label": "fast", "ok": true, "list": [1]}'
    results = read_results({"metrics.json": raw})
    assert results.metrics == {"size": 48.0, "bench.parse": 1.5, "bench.deep.x": -2.0}
    assert results.counts is None


def test_counts_overrule_what_metrics_say_about_tests() -> None:
    results = read_results({"metrics.json": b'{"tests": {"passed": 676}}', "junit.xml": JUNIT})
    assert results.metrics["tests.passed"] == 1.0


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "no finite number for 'a'"),
        (b'{"a": 1' + b"0" * 400 + b"}", "no finite number for 'a'"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "is not JSON"),
        (b'{"a": 1, "a": 2}', "names 'a' twice"),
        (b'{"a.b": 1, "a": {"b": 2}}', "names 'a.b' twice"),
        (b'{"\\u001b[31m": 1}', "name that is unprintable"),
        (b'{"\\ud800": 1}', "name that is unprintable"),
        (b'{"' + b"a" * 201 + b'": 1}', "or too long"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"\xff\xff", "is not JSON"),
        (json.dumps({str(n): n for n in range(1001)}).encode(), "more than 1000 numbers"),
    ],
)
def test_bad_metrics_are_a_problem_and_give_no_numbers(raw: bytes, said: str) -> None:
    results = read_results({"metrics.json": raw})
    assert results.metrics == {}
    assert len(results.problems) == 1
    assert said in results.problems[0]


@given(st.dictionaries(st.sampled_from(["a.xml", "b.xml", "metrics.json", "x"]), st.binary(max_size=300)))
def test_no_bytes_make_the_reader_raise(files: dict[str, bytes]) -> None:
    results = read_results(files)
    assert {name.split("'")[1] for name in results.problems} <= set(files)


@given(st.recursive(st.floats() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_no_json_makes_the_reader_raise(value: object) -> None:
    results = read_results({"metrics.json": json.dumps(value).encode()})
    assert all(name.isprintable() for name in results.metrics)
    json.dumps(results.metrics, allow_nan=False)


PASSED_676 = Criterion("tests.passed", at_least=676)
NOT_SLOWER = Criterion("bench.*", at_most=1.0, of_baseline=True)


@pytest.mark.parametrize(
    ("criterion", "metrics", "baseline", "unmet"),
    [
        (PASSED_676, {"tests.passed": 676.0}, None, ()),
        (PASSED_676, {"tests.passed": 675.0}, None, ("tests.passed at least 676: 'tests.passed' is 675",)),
        (PASSED_676, {"tests.Passed": 676.0}, None, ("tests.passed at least 676: no such metric",)),
        (Criterion("size", at_most=48), {"size": 48.0}, None, ()),
        (Criterion("size", at_most=48), {"size": 48.5}, None, ("size at most 48: 'size' is 48.5",)),
        (Criterion("s", at_least=1, at_most=2), {"s": 0.0}, None, ("s at least 1 and at most 2: 's' is 0",)),
        (NOT_SLOWER, {"bench.a": 9.0}, {"bench.a": 10.0}, ()),
        (NOT_SLOWER, {"bench.a": 10.0}, {"bench.a": 10.0}, ()),
        (
            NOT_SLOWER,
            {"bench.a": 15.0, "bench.b": 1.0},
            {"bench.a": 10.0, "bench.b": 1.0, "size": 3.0},
            ("bench.* at most 1 of baseline: 'bench.a' is 1.5",),
        ),
        (NOT_SLOWER, {"bench.a": 0.0}, {"bench.a": 0.0}, ()),
        (NOT_SLOWER, {"bench.a": 1.0}, {"bench.a": 0.0}, ("bench.* at most 1 of baseline: 'bench.a' is inf",)),
        (
            NOT_SLOWER,
            {"bench.a": 1.0},
            {"bench.a": 1.0, "bench.gone": 1.0},
            ("bench.* at most 1 of baseline: 'bench.gone' is not reported any more",),
        ),
        (NOT_SLOWER, {}, None, ("bench.* at most 1 of baseline: no such metric",)),
    ],
)
def test_criteria(
    criterion: Criterion, metrics: dict[str, float], baseline: dict[str, float] | None, unmet: tuple[str, ...]
) -> None:
    assert check_criteria([criterion], metrics, baseline) == (unmet, ())


def test_a_baseline_that_could_be_had_is_asked_for() -> None:
    missing = "2.0 has no baseline of macos-arm64"
    fixed = Criterion("bench.*", at_most=1.0)
    assert check_criteria([NOT_SLOWER, fixed], {"bench.a": 1.0}, None, missing) == ((f"{NOT_SLOWER}: {missing}",), ())


def test_what_has_no_baseline_is_told_apart() -> None:
    assert check_criteria([NOT_SLOWER], {"bench.a": 1.0}, None) == (
        (),
        ("bench.* at most 1 of baseline: no baseline yet",),
    )
    assert check_criteria([NOT_SLOWER], {"bench.a": 1.0, "bench.new": 5.0}, {"bench.a": 1.0}) == (
        (),
        ("bench.* at most 1 of baseline: 'bench.new' is new",),
    )


@pytest.mark.parametrize(
    ("counts", "baseline", "said"),
    [
        (Counts(5, 0, 1), None, ""),
        (None, None, ""),
        (Counts(5, 0, 1), Counts(5, 0, 1), ""),
        (Counts(6, 0, 0), Counts(5, 0, 1), ""),
        (Counts(4, 0, 1), Counts(5, 0, 1), "4 tests passed, 5 on integration"),
        (Counts(5, 0, 2), Counts(5, 0, 1), "2 tests skipped, 1 on integration"),
        (
            Counts(4, 0, 2),
            Counts(5, 0, 1),
            "4 tests passed, 5 on integration; 2 tests skipped, 1 on integration",
        ),
        (None, Counts(5, 0, 1), "no tests reported, 5 passed on integration"),
    ],
)
def test_weaker_than_integration(counts: Counts | None, baseline: Counts | None, said: str) -> None:
    assert weaker_than(counts, baseline) == said


@pytest.mark.parametrize(
    ("counts", "said"),
    [(None, ""), (Counts(1), ""), (Counts(0, 1), ""), (Counts(0, 0, 9), "0 tests ran, at least 1 must")],
)
def test_too_few_tests(counts: Counts | None, said: str) -> None:
    assert too_few(counts, 1) == said
