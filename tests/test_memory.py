"""Memory: the last word by Lamport clock, every word before it, and what nobody can write."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import conductor_git
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.event import Event
from conductor_git.core.events.ledger import assemble
from conductor_git.core.events.memory import current, histories, parse_value, render_memory
from conductor_git.core.targets import Oid
from tests.conftest import Git
from tests.team import CLAIM, Team


def event(clock: int, key: object, writer: str = "agent-2", **value: Any) -> Event:
    return Event(Oid(f"{clock:05}{writer}"), clock, writer, "memory", 0, {"key": key, **value})


def values(*events: Event) -> dict[str, Any]:
    return {key: entry.value for key, entry in current(histories(assemble(events, {}))).items()}


def test_the_last_writer_by_the_clock_wins_and_ties_are_settled_alike_everywhere() -> None:
    said = [event(3, "a", value="late"), event(1, "a", "agent-9", value="early"), event(2, "b", value=None)]
    assert values(*said) == values(*reversed(said)) == {"a": "late", "b": None}
    tie = [event(4, "a", "agent-3", value=3), event(4, "a", "agent-2", value=2)]
    assert values(*tie) == values(*reversed(tie)) == {"a": 3}


def test_a_clock_far_in_the_future_buys_nobody_the_last_word() -> None:
    assert values(event(5000, "a", "agent-9", value="forged"), event(1, "a", value="honest")) == {"a": "honest"}


def test_what_was_forgotten_has_no_value_until_it_is_written_again() -> None:
    said = [event(1, "a", value=1), event(2, "a")]
    assert values(*said) == {}
    assert values(*said, event(3, "a", value=2)) == {"a": 2}


@pytest.mark.parametrize("key", ["agent-2-wave-3-complete", "plan-2-complete", "", "a b", "\u202e", 7, None, ["a"]])
def test_lines_by_hand_answer_for_no_key_that_cannot_be_written(key: object) -> None:
    assert values(event(1, key, value="forged")) == {}


@pytest.mark.parametrize("value", ['{"a": [1, 2.5, "ä", null, true]}', "7", '"text"'])
def test_json_is_read_as_it_stands(value: str) -> None:
    assert parse_value(value) == json.loads(value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("done", "Expecting value"),
        ("{'a': 1}", "property name"),
        ('{"a": 1, "a": 2}', "names 'a' twice"),
        ("NaN", "holds NaN"),
        ("[" * 100_000, "nested too deep"),
        (b"\xff", "decode"),
        ("", "Expecting value"),
    ],
)
def test_what_is_no_json_is_refused(value: str | bytes, why: str) -> None:
    with pytest.raises(CannotRun, match=why):
        parse_value(value)


@pytest.mark.parametrize(
    ("value", "why"), [({1: 2}, "no text"), ({"a": {1, 2}}, "a set"), (1e999, "inf"), ([b"x"], "a bytes")]
)
def test_python_values_that_are_no_json_are_refused(value: object, why: str) -> None:
    with pytest.raises(CannotRun, match=why):
        render_memory("key", value)


def memory(team: Team, *args: str, writer: str = "agent-2", code: int = 0, at: Path | None = None) -> Any:
    done, said = team.run("conductor-git", "memory", *args, "--json", env={"CONDUCTOR_WRITER": writer}, at=at)
    assert done == code, said
    return json.loads(said[said.index("{") :])


def test_two_writers_and_every_earlier_value(team: Team) -> None:
    assert memory(team, "write", "api", '{"frozen": false}')["recorded"] is True
    assert memory(team, "write", "api", '{"frozen": false}')["recorded"] is False
    assert memory(team, "write", "api", '{"frozen": true}', writer="agent-3")["recorded"] is True
    assert memory(team, "write", "api/notes", "[1]")["recorded"] is True
    read = memory(team, "read", "api")
    assert (read["value"], read["writer"], read["derived"]) == ({"frozen": True}, "agent-3", False)
    past = memory(team, "history", "api")["history"]
    assert [(entry["writer"], entry["value"]) for entry in past] == [
        ("agent-3", {"frozen": True}),
        ("agent-2", {"frozen": False}),
    ]
    assert [entry["key"] for entry in memory(team, "list", "api/")["memory"]] == ["api/notes"]
    missing = memory(team, "read", "apy", code=2)["error"]
    assert missing == {
        "message": "nothing is remembered under 'apy'",
        "detail": "",
        "hint": "conductor-git memory read api",
    }


def test_completion_is_answered_from_history_and_cannot_be_written(team: Team, git: Git) -> None:
    assert memory(team, "read", "agent-2-wave-0-complete")["value"]["status"] == "ready"
    refused = memory(team, "write", "agent-2-wave-0-complete", '{"status": "completed"}', code=1)
    assert [finding["code"] for finding in refused["findings"]] == ["CG804"]
    team.prove()
    assert team.commit("--allow-empty", "-m", f"{CLAIM} - API stable")[0] == 0
    answer = memory(team, "read", "agent-2-wave-0-complete", writer="agent-3")["value"]
    assert answer == {
        "status": "completed",
        "state": "complete",
        "target": "2.0",
        "agent": "agent-2",
        "commit": git(team.root, "rev-parse", "HEAD"),
        "note": "API stable",
        "unblocks": ["2.1"],
    }
    assert memory(team, "read", "plan-2-wave-0-complete")["value"] == answer
    assert memory(team, "read", "agent-9-wave-0-complete", code=2)["error"]["message"].endswith("who has no plan")
    assert memory(team, "read", "plan-2-wave-7-complete", code=2)["error"]["hint"] == "conductor-git plan list"


def test_a_value_is_seen_in_another_clone(team: Team, tmp_path: Path, git: Git) -> None:
    hub, other = tmp_path / "hub.git", tmp_path / "other"
    git(tmp_path, "clone", "-q", "--bare", str(team.root), str(hub))
    git(team.root, "remote", "add", "origin", str(hub))
    git(team.root, "fetch", "-q", "origin")
    memory(team, "write", "api", "1")
    git(tmp_path, "clone", "-q", "-b", "main", str(hub), str(other))
    assert team.run("conductor-git", "install", at=other)[0] == 0
    git(other, "fetch", "-q")
    assert memory(team, "read", "api", at=other)["value"] == 1
    memory(team, "write", "api", "2", writer="agent-3", at=other)
    assert team.run("conductor-git", "install")[0] == 0
    git(team.root, "fetch", "-q")
    assert memory(team, "read", "api")["value"] == 2


def test_a_value_larger_than_the_policy_allows_is_refused(team: Team) -> None:
    done, said = team.run("conductor-git", "memory", "write", "big", "-", stdin=json.dumps("x" * 300_000))
    assert done == 2
    assert "the policy allows 262144 for an event" in said
    assert "nothing was recorded" in said


def test_from_python(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(team.root)
    conductor_git.write_memory("api", {"frozen": True})
    assert conductor_git.read_memory("api") == {"frozen": True}
    assert conductor_git.read_memory("nothing") is None
    mapping = conductor_git.Conductor(".").memory
    mapping["b"] = [1, 2]
    assert dict(mapping) == {"api": {"frozen": True}, "b": [1, 2]}
    assert mapping["agent-2-wave-0-complete"]["status"] == "ready"
    with pytest.raises(CannotRun, match="answered from history"):
        mapping["agent-2-wave-0-complete"] = {"status": "completed"}
    del mapping["b"]
    assert "b" not in mapping
    with pytest.raises(KeyError):
        mapping.pop("b")


def test_importing_the_package_loads_nothing_of_it() -> None:
    loaded = "import sys, conductor_git; print([name for name in sys.modules if name.startswith('conductor_git.')])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_the_package_offers_can_be_found() -> None:
    assert dir(conductor_git) == ["Conductor", "__version__", "read_memory", "write_memory"]
    assert all(getattr(conductor_git, name) for name in conductor_git.__all__)
