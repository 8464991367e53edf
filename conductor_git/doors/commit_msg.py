"""commit-msg: refuses malformed and unproven claims, writes the trailers of proven ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from conductor_git.lifetime import load_msgspec
from conductor_git.store.plumbing import questions
from conductor_git.store.plumbing.git import Running, begin

if TYPE_CHECKING:
    from conductor_git.core.findings import Finding
    from conductor_git.core.planning.plan import Plan
    from conductor_git.core.targets import Target
    from conductor_git.store.plumbing.repository import Repository

_INDEX = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
"""Under these `git write-tree` sees what git is about to commit: with `-a` or paths, an index of its own."""


def commit_msg(args: list[str]) -> int:
    """Judge the message in the file that git names; without one (pre-commit, filtered), the one git will use."""
    outer = questions.outer(os.environ)
    # git works while Python loads what reads its answers.
    where = begin(questions.WHEREABOUTS, inherit=outer, ok=(0, 128))
    told = begin(questions.SETTINGS, inherit=outer, ok=(0, 1))
    refs = begin(questions.REFS, inherit=outer)
    load_msgspec()
    return _judge(args, where, told, refs)


def _judge(args: list[str], where: Running, told: Running, refs: Running) -> int:
    from conductor_git.core.messages import message
    from conductor_git.doors.messagefile import cleaned, find_message_file, write_message
    from conductor_git.store.plumbing.repository import discover
    from conductor_git.store.plumbing.settings import read_settings

    repo = discover(asked=where)
    settings = read_settings(repo, asked=told)
    path = args[0] if args else find_message_file(repo)
    with open(path, "rb") as file:
        raw = file.read()
    text = cleaned(repo, raw, settings.cleanup)
    spoken = message.parse(text, keyboard=True)
    if isinstance(spoken, message.Ordinary):
        return 0
    if isinstance(spoken, message.Malformed):
        from conductor_git.core.judgement.judge import malformed

        return _say([malformed(text.partition("\n")[0], spoken)])
    tree = begin(["write-tree"], inherit=_INDEX, writes=True)
    try:
        from conductor_git.doors.claiming import rule

        ruling, whole, plans = rule(repo, text, settings, refs, tree)
    finally:
        # It holds the lock of the index, which git wants back.
        tree.wait()
    code = _say(ruling.findings)
    if not code:
        from conductor_git.store.hookfiles.receipts import write_receipt

        write_message(repo, path, raw, ruling)
        write_receipt(repo, whole, ruling)
        _freeze(repo, ruling.target, plans)
    return code


def _freeze(repo: Repository, target: Target | None, plans: Sequence[Plan]) -> None:
    """Let pre-commit ask Python from now on when what this wave freezes is touched on its own plan's branch too."""
    plan = next((plan for plan in plans if target is not None and plan.plan == target.plan), None)
    wave = plan.wave(target.wave) if plan and target and target.wave is not None else None
    if target is None or wave is None or not wave.freezes:
        return
    from conductor_git.store.control.control import read_control
    from conductor_git.store.hookfiles.guards import write_guards

    write_guards(repo, read_control(repo), frozen=[target])


def _say(findings: Sequence[Finding]) -> int:
    from conductor_git.core.findings import refused
    from conductor_git.core.say import say_findings

    if findings:
        print(say_findings(findings, unchanged="nothing was committed"), file=sys.stderr)
    return int(refused(findings))
