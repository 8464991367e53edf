"""Why a text cannot be a plan's id, an agent, a path, …: each function answers in words, with none when it can."""

from __future__ import annotations

import re

from conductor_git.core.planning.globs import glob_problem
from conductor_git.core.targets import INTEGRATION, WAVE_NUMBER, is_plan_id

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_RESERVED = re.compile(r"conductor|(?:runner|user)-.*")
# Control characters, invisible and bidirectional ones, lone surrogates. Joiners stay: scripts and emoji need them.
_DECEIVING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufffe\uffff]"
)


def line_problem(text: str) -> str:
    """Why a text is not one printable line."""
    if "\n" in text or "\t" in text:
        return "it must be one line, without tabs"
    if not text.strip():
        return "it is blank"
    return unprintable(text)


def unprintable(text: str) -> str:
    """Why a text could deceive on a terminal or is no Unicode text; line breaks and tabs pass."""
    found = _DECEIVING.search(text)
    return f"it has the control character U+{ord(found[0]):04X}" if found else ""


def plan_problem(text: str) -> str:
    """Why a text is no plan's id."""
    if text == INTEGRATION.plan:
        return "'integration' is the name that proofs of the integration branch itself have"
    return "" if is_plan_id(text) else "a plan is a number without leading zero, or a slug like 'parser-speed'"


def agent_problem(text: str) -> str:
    """Why an agent cannot have this name: it is a ledger writer's too, and some writers mean more than an agent."""
    if not _NAME.fullmatch(text):
        return "an agent is named with a-z, 0-9, '-' and '_', and begins with a letter or digit"
    return "that is the name of the conductor, a runner or a user" if _RESERVED.fullmatch(text) else ""


def writer_problem(text: str) -> str:
    """Why nobody can write in the ledger under this name."""
    return (
        ""
        if _NAME.fullmatch(text)
        else "a writer is named with a-z, 0-9, '-' and '_', and begins with a letter or digit"
    )


def login_problem(text: str) -> str:
    """Why a text is no one person's login at a hub."""
    if len(text.split()) != 1 or text != text.strip():
        return "a login is one word"
    return unprintable(text)


def target_problem(text: str) -> str:
    """Why a text is no plan or wave as `needs` names them."""
    plan, dot, wave = text.partition(".")
    if is_plan_id(plan) and (not dot or re.fullmatch(WAVE_NUMBER, wave)):
        return ""
    return "a need is a plan like '2' or 'parser-speed', or a wave of one like '2.3'"


def pattern_problem(text: str) -> str:
    """Why a text is no path pattern of a scope."""
    return line_problem(text) or glob_problem(text)


def workspace_problem(text: str) -> str:
    """Why a text is no place for a worktree, relative to the main one's root."""
    if text.startswith(("/", "-", "~")) or "\\" in text:
        return "it must be relative, with '/', and not begin with '-' or '~'"
    return line_problem(text)


def inner_path_problem(text: str) -> str:
    """Why a text is no path of a file or folder below some folder."""
    if {"", ".", ".."} & set(text.split("/")):
        return "it has a '..', '.' or empty part"
    return workspace_problem(text)


def repository_problem(text: str) -> str:
    """Why a text is no repository id."""
    return "" if _REPOSITORY.fullmatch(text) else "it is up to 64 ASCII letters, digits, '-' and '_'"


def oid_problem(text: str) -> str:
    """Why a text is no full object id."""
    return "" if _OID.fullmatch(text) else "it is a full object id in lower-case hex"
