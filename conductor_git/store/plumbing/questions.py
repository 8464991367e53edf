"""What nearly every command and door asks git first; who reads the answers is said beside each.

This module loads nothing, so that git can be asked before the rest of a process is there."""

from __future__ import annotations

from collections.abc import Mapping

MARK = "--conductor-git"
"""git-rev-parse prints a flag that is not its own as it is: this one tells answers apart, for paths have newlines."""

HEADS = "refs/heads/"
REMOTES = "refs/remotes/"
LEDGER = "refs/notes/conductor/"
LEDGER_COPIES = "refs/notes/conductor-remotes/"
HUB_MARK = "refs/conductor/hub"
HUB_COPIES = "refs/conductor-remotes/"
"""`refs/conductor/hub` of each remote, as it was last fetched: there where the remote says that it is a hub."""

_WHERE = ("--is-bare-repository", "--is-shallow-repository", "--show-object-format", "--git-dir", "--git-common-dir")

WHEREABOUTS = (
    "rev-parse",
    "--path-format=absolute",
    *(word for question in _WHERE for word in (question, MARK)),
    # Outside of a working tree the last one ends in an error, after the rest was answered.
    "--show-toplevel",
)
"""Read by `repository.discover`."""

REFS = (
    *("for-each-ref", "--format=%(objectname) %(refname) %(upstream)"),
    *(HEADS, REMOTES, LEDGER, LEDGER_COPIES, HUB_COPIES),
)
"""Read by `refs.read_refs`."""

SETTINGS = (
    *("config", "-z", "--show-scope", "--get-regexp"),
    r"^(commit\.cleanup|conductor\.control|init\.defaultbranch|remote\..*\.(url|fetch))$",
)
"""Read by `settings.read_settings`."""

_OUTER = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"})


def outer(environ: Mapping[str, str]) -> list[str]:
    """The variables by which the user, or the git that runs a hook, says which repository is meant.

    So is configuration of the environment, for safe.directory: CI sets it there.
    """
    return [name for name in environ if name in _OUTER or name.startswith("GIT_CONFIG_")]
