"""Pushing refs under their own names, never by force, and what the remote said of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from conductor_git.store.plumbing.remotes import Say, Transfer, is_race, transfer
from conductor_git.store.plumbing.repository import Repository

TAKEN = ""
"""What stands for a remote's word where it took a ref."""
_DECLINED = "pre-receive hook declined"
"""What git says of each ref of a push that a hook of the remote refused as a whole."""
_HEARD = re.compile(r"remote: error: (.*\S)")


def send(repo: Repository, remote: str, refs: Sequence[str], *, hooks: bool, say: Say, tick: Say) -> dict[str, str]:
    """Push refs (full names) as they are here; by ref, `TAKEN` or why the remote has it not.

    Together, and where that fails for all of them each by itself: one that a hook refuses, here or there, holds up no
    other.
    """
    answers, together = _push(repo, remote, refs, hooks, say, tick)
    refused = [ref for ref, why in answers.items() if why != TAKEN]
    if together and len(refused) > 1 and not any(is_over(answers[ref]) for ref in refused):
        for ref in refused:
            answers |= _push(repo, remote, [ref], hooks, say, tick)[0]
    return answers


def is_over(why: str) -> bool:
    """Whether a look at what the remote has now may change the answer: somebody else pushed meanwhile."""
    return is_race(why) or any(word in why for word in ("fetch first", "non-fast-forward", "stale info"))


def _push(
    repo: Repository, remote: str, refs: Sequence[str], hooks: bool, say: Say, tick: Say
) -> tuple[dict[str, str], bool]:
    """The answers, and whether the refs may have fallen together: by a hook that judges a whole push, here or there."""
    args = ["push", "--porcelain", "--progress", "--no-follow-tags", "--recurse-submodules=no"]
    args += [] if hooks else ["--no-verify"]
    args += ["--end-of-options", remote, *(f"{ref}:{ref}" for ref in refs)]
    done = transfer(repo, args, remote, say=say, tick=tick)
    answers = _answers(refs, done)
    # A hook of ours ends it with 1 and without a line; with 128 the remote was never reached.
    together = done.code == 1 and (not _told(done) or any(_DECLINED in why for why in answers.values()))
    return {ref: in_full(why, done.heard) for ref, why in answers.items()}, together


def in_full(why: str, heard: Iterable[str]) -> str:
    """What a remote's hook gave as its reason, among the lines that the remote said; without one, what git says."""
    given = (found[1] for line in heard if (found := _HEARD.match(line)))
    return next(given, why) if _DECLINED in why else why


def _answers(refs: Sequence[str], done: Transfer) -> dict[str, str]:
    why = done.said.splitlines()[0].partition(": ")[2] if done.said else f"git push ended with exit code {done.code}"
    told = _told(done)
    return {ref: told.get(ref, why) for ref in refs}


def _told(done: Transfer) -> dict[str, str]:
    # git-push, "OUTPUT": `<flag> TAB <from>:<to> TAB <summary> (<reason>)`, and nothing where it never got through.
    lines = [line.split("\t", 2) for line in done.lines if line.count("\t") >= 2]
    return {names.partition(":")[0]: summary if flag == "!" else TAKEN for flag, names, summary in lines}
