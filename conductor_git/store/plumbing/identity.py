"""Whether git knows who commits here."""

from __future__ import annotations

from conductor_git.core.errors import CannotRun
from conductor_git.store.plumbing.repository import Repository


def check_identity(repo: Repository) -> None:
    """Raise CannotRun unless git can name author and committer; asked before anything is written."""
    for variable in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        if repo.git("var", variable, ok=(0, 128)).code:
            raise CannotRun(
                "git does not know who you are, and a commit must be made",
                detail="nothing was changed",
                hint="git config user.name 'Your Name' && git config user.email you@example.org",
            )
