"""What attempts leave behind: which hooks git says refused (trace2), and what an audit prints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

from conductor_git.core.errors import CannotRun


def take_refusals(path: str) -> tuple[str, ...]:
    """The hooks that ended with another code than 0, from git's own trace; the trace is taken away."""
    started: dict[tuple[str, int], str] = {}
    refused: dict[str, None] = {}
    for event in _events(path):
        key = (str(event.get("sid")), int(event.get("child_id", -1)))
        if event.get("event") == "child_start" and event.get("child_class") == "hook":
            started[key] = str(event.get("hook_name"))
        elif event.get("event") == "child_exit" and event.get("code") and key in started:
            refused.setdefault(started[key])
    with suppress(FileNotFoundError):
        os.unlink(path)
    return tuple(refused)


def _events(path: str) -> Iterator[dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(line, type=dict[str, Any])


def read_audit(out: bytes, err: bytes) -> set[tuple[str, str]]:
    """Code and message of all that an audit printed and that is more than a remark.

    An audit that cannot tell is told as such: whoever made it so has not gone unseen. Raises CannotRun where nothing
    was printed that can be read.
    """
    try:
        said = msgspec.json.decode(out, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CannotRun("the audit of the scratch clone did not end", detail=err.decode("utf-8", "replace")) from error
    if "error" in said:
        return {("cannot tell", str(said["error"].get("message", "")))}
    found = (finding for case in said["cases"] for finding in case["findings"])
    return {(each["code"], f"{each['subject']}: {each['message']}") for each in found if each["severity"] != "info"}
