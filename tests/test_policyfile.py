"""The policy file: what it says, what is wrong with it and where, and that what we write we read."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_git.core.planning.policy import Limits, Policy, ValidationPolicy
from conductor_git.core.planning.policyfile import BrokenPolicy, parse_policy
from conductor_git.core.planning.policytext import render_policy

LEAST = 'format = 1\nrepository = "r-1"\n'
TIME = "is a time like '20m', '1h30m' or '45s', or a number of seconds, not "
COUNT = "is a whole number, 0 or more, not "
WRITER = "a writer is named with a-z, 0-9, '-' and '_', and begins with a letter or digit"
ROOT = "paths are relative to the repository's root"
SINCE = "0123456789abcdef0123456789abcdef01234567"


def errors(toml: str | bytes) -> list[tuple[int, str, str]]:
    """Line, key and message of every error."""
    read = parse_policy(toml)
    assert isinstance(read, BrokenPolicy)
    return [(error.line, error.key, error.message) for error in read.errors]


def test_the_least_policy_has_the_defaults() -> None:
    assert parse_policy(LEAST) == Policy(
        repository="r-1",
        since="",
        integration="main",
        control="",
        direct="any",
        plans=".conductor/plans/*.md",
        scripts=".conductor/scripts",
        validation=ValidationPolicy(timeout=1200, min_tests=1, baseline=True, attested_by="agent"),
        protect=(),
        limits=Limits(event_bytes=262_144, log_bytes=16_777_216, silent=86_400),
    )


def test_every_key() -> None:
    toml = f"""\ufeff# a comment
format = 1
repository = "r-1"
since = "{SINCE}"
integration = "trunk"
control = "conductor"
direct = "none"
plans = "docs/plans/*.md"
scripts = "ci"
protect = ["tests/**", "Cargo.toml"]
limits = {{ event-bytes = 2048, log-bytes = 4096, silent = "2h" }}

[validation]
default = "verify.sh"
setup = "python3 -m venv .venv\\npip install ."
timeout = 90
keep = ["target", "node_modules"]
submodules = "fill"
lfs = "leave"
attested-by = "runner"
min-tests = 0
baseline = false

[people]
ada = ["conductor", "ada"]
"bob@example.org" = "agent-2"
"""
    assert parse_policy(toml.replace("\n", "\r\n").encode()) == Policy(
        repository="r-1",
        since=SINCE,
        integration="trunk",
        control="conductor",
        direct="none",
        plans="docs/plans/*.md",
        scripts="ci",
        validation=ValidationPolicy(
            default="verify.sh",
            setup="python3 -m venv .venv\npip install .",
            timeout=90,
            keep=("target", "node_modules"),
            submodules="fill",
            lfs="leave",
            attested_by="runner",
            min_tests=0,
            baseline=False,
        ),
        protect=("tests/**", "Cargo.toml"),
        limits=Limits(event_bytes=2048, log_bytes=4096, silent=7200),
        people={"ada": ("conductor", "ada"), "bob@example.org": ("agent-2",)},
    )


@pytest.mark.parametrize(
    ("toml", "line", "key", "message"),
    [
        ('dierct = "any"', 3, "dierct", "unknown key 'dierct'; did you mean 'direct'?"),
        ("[validaton]", 3, "validaton", "unknown key 'validaton'; did you mean 'validation'?"),
        (
            "[validation]\nmin_tests = 3",
            4,
            "validation.min_tests",
            "unknown key 'min_tests'; did you mean 'min-tests'?",
        ),
        ("[limits]\n# silent = 3\nsilent = 0", 5, "limits.silent", f"'limits.silent' {TIME}'0'"),
        ('direct = "all"', 3, "direct", "'direct' is one of any, control, none, not the text 'all'"),
        ("integration = true", 3, "integration", "'integration' is a text, not true"),
        ('integration = "-x"', 3, "integration", "'integration' cannot be '-x': it begins with '-'"),
        ('integration = ""', 3, "integration", "'integration' cannot be '': it is empty"),
        ('since = "main"', 3, "since", "'since' cannot be 'main': it is a full object id in lower-case hex"),
        ('scripts = "../ci"', 3, "scripts", "'scripts' cannot be '../ci': it has a '..', '.' or empty part"),
        ('protect = "tests"', 3, "protect", "'protect' is a list of texts, not the text 'tests'"),
        ('protect = [\n"ok",\n"/x"]', 3, "protect", "'protect' cannot be '/x': it is absolute; " + ROOT),
        ("validation = 3", 3, "validation", "'validation' is a table, not '3'"),
        ("people = 3", 3, "people", "'people' is a table, not '3'"),
        ("[peopel]", 3, "peopel", "unknown key 'peopel'; did you mean 'people'?"),
        ("[people]\nada = 3", 4, "people.ada", "'people.ada' is a list of texts, not '3'"),
        ('[people]\nada = "Ada"', 4, "people.ada", "'people.ada' cannot be 'Ada': " + WRITER),
        ('[people]\n"a b" = "ada"', 4, "people.a b", "'a b' is no login: a login is one word"),
        ("[validation]\nbaseline = 1", 4, "validation.baseline", "'validation.baseline' is true or false, not '1'"),
        ("[validation]\nmin-tests = true", 4, "validation.min-tests", f"'validation.min-tests' {COUNT}true"),
        ("[validation]\nmin-tests = 1.5", 4, "validation.min-tests", f"'validation.min-tests' {COUNT}'1.5'"),
        ("validation.min-tests = -1", 3, "validation.min-tests", f"'validation.min-tests' {COUNT}'-1'"),
        (
            f"[validation]\nmin-tests = {2**60}",
            4,
            "validation.min-tests",
            f"'validation.min-tests' {COUNT}a number that large",
        ),
        (
            '[validation]\ntimeout = "20 minutes"',
            4,
            "validation.timeout",
            f"'validation.timeout' {TIME}the text '20 minutes'",
        ),
        (
            '[validation]\nsetup = "a\\u001bb"',
            4,
            "validation.setup",
            "'validation.setup' cannot be 'a\\u001bb': it has the control character U+001B",
        ),
        ("limits = {silent = []}", 3, "limits.silent", f"'limits.silent' {TIME}a list"),
    ],
)
def test_errors_name_line_key_and_what_was_wanted(toml: str, line: int, key: str, message: str) -> None:
    assert errors(LEAST + toml + "\n") == [(line, key, message)]


@pytest.mark.parametrize(
    ("toml", "line", "key", "says"),
    [
        ("", 1, "format", "'format' is missing"),
        ('format = 1\n[validation]\ndefault = "x"\n', 1, "repository", "'repository' is missing"),
        (
            "\nformat = 2\nnews = 1\n",
            2,
            "format",
            "'format' 2 is newer than this conductor-git, which knows 1; upgrade",
        ),
        ('format = "1"\n', 1, "format", "'format' is 1, not the text '1'"),
        ("format = true\n", 1, "format", "'format' is 1, not true"),
        ("format = 1\nformat = 1\n", 2, "", "not TOML: cannot overwrite a value"),
        ("format = \n", 1, "", "not TOML: invalid value"),
        ('format = 1\nx = "\n', 2, "", "not TOML: "),
        (b"format = 1\n# \xff\n", 2, "", "not UTF-8: byte 0xff cannot be read"),
        ("x = " + "[" * 5000, 1, "", "not TOML: nested too deeply"),
        ("x = " + "9" * 5000, 1, "", "not TOML: "),
        ("#" * 300_000, 1, "", "the file is larger than 256 KiB"),
    ],
)
def test_files_that_cannot_be_read_at_all(toml: str | bytes, line: int, key: str, says: str) -> None:
    ((found_line, found_key, message),) = errors(toml)
    assert (found_line, found_key) == (line, key)
    assert message.startswith(says)


def test_all_errors_of_a_file_are_told() -> None:
    toml = 'format = 1\ndirect = 3\n\n[limits]\nsilent = "x"\nfoo = 1\n'
    assert [(line, key) for line, key, _ in errors(toml)] == [
        (1, "repository"),
        (2, "direct"),
        (5, "limits.silent"),
        (6, "limits.foo"),
    ]


def test_a_new_policy_shows_what_could_be_set_and_sets_only_what_was_decided() -> None:
    policy = Policy("r-1", since=SINCE, protect=("tests/**",), validation=ValidationPolicy(default="verify.sh"))
    toml = render_policy(policy)
    assert tomllib.loads(toml) == {
        "format": 1,
        "repository": "r-1",
        "since": SINCE,
        "integration": "main",
        "protect": ["tests/**"],
        "validation": {"default": "verify.sh", "setup": "", "timeout": "20m"},
        "limits": {},
    }
    assert '# direct = "any"\n' in toml
    assert "# min-tests = 1\n" in toml
    assert max(map(len, toml.splitlines())) <= 120


PATHS = st.lists(st.sampled_from(["a", "ä b", 'q"q', "x'y"]), max_size=3).map(tuple)
TEXT = st.text(alphabet="ab \"'\\\n\tü$#=[]{}🌊", max_size=12)
POLICY = st.builds(
    Policy,
    repository=st.sampled_from(["r", "0123abcd"]),
    since=st.sampled_from(["", SINCE, "f" * 64]),
    integration=st.sampled_from(["main", "träger/#1", 'q"q']),
    control=st.sampled_from(["", "conductor"]),
    direct=st.sampled_from(["any", "control", "none"]),
    plans=st.sampled_from([".conductor/plans/*.md", "docs/**/PLAN_*.md"]),
    scripts=st.sampled_from([".conductor/scripts", "ci/x y"]),
    protect=PATHS,
    validation=st.builds(
        ValidationPolicy,
        default=st.sampled_from(["", "v.sh"]),
        setup=TEXT,
        timeout=st.integers(1, 10**8),
        keep=PATHS,
        submodules=st.sampled_from(["refuse", "leave", "fill"]),
        lfs=st.sampled_from(["refuse", "leave", "fill"]),
        attested_by=st.sampled_from(["agent", "runner"]),
        min_tests=st.integers(0, 10**6),
        baseline=st.booleans(),
    ),
    limits=st.builds(Limits, st.integers(1024, 10**9), st.integers(1024, 10**9), st.integers(1, 10**8)),
)


@given(POLICY)
@settings(deadline=None)
def test_any_rendered_policy_reads_back(policy: Policy) -> None:
    assert parse_policy(render_policy(policy)) == policy


@given(st.text() | st.binary())
def test_no_text_makes_the_parser_raise(toml: str | bytes) -> None:
    assert isinstance(parse_policy(toml), BrokenPolicy)


PIECES = st.sampled_from(
    [*".\"'\n[]{},1-#é", "direct", "since", "validation", "limits", "silent", " = ", '"""', "true"]
)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_nothing_like_a_policy_makes_the_parser_raise(toml: str) -> None:
    read = parse_policy(LEAST + toml)
    assert isinstance(read, Policy) or all(error.line >= 1 for error in read.errors)
