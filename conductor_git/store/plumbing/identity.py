"""Who commits here, as git knows it."""

from __future__ import annotations

from conductor_git.core.errors import CannotRun
from conductor_git.store.plumbing.repository import Repository


def check_identity(repo: Repository) -> None:
    """Raise CannotRun unless git can name author and committer; asked before anything is written."""
    read_identities(repo)


def read_identities(repo: Repository) -> tuple[str, str]:
    """Author and committer, each `name <mail>` as git writes it into a commit. Raises CannotRun where git has none."""
    found = []
    for variable in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        said = repo.git("var", variable, ok=(0, 128))
        if said.code:
            raise CannotRun(
                "git does not know who you are, and a commit must be made",
                detail="nothing was changed",
                hint="git config user.name 'Your Name' && git config user.email you@example.org",
            )
        # After it come seconds and zone.
        found.append(said.text().rsplit(" ", 2)[0])
    author, committer = found
    return author, committer
