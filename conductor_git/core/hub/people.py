"""Who pushes to a hub: one person by one variable, and the writers that this person is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.values import agent_problem, login_problem
from conductor_git.core.say import printable
from conductor_git.core.standing import CONDUCTOR

VARIABLES = ("GL_USER", "REMOTE_USER", "GITEA_PUSHER_NAME", "GL_USERNAME", "GITHUB_USER_LOGIN")
"""By which gitolite, http-backend, Gitea and Forgejo, GitLab, and GitHub Enterprise say who pushes."""

_DEPLOY_KEY = "GITEA_DEPLOY_KEY_ID"
_WHOEVER = "whoever runs the hub: conductor-git hub install --identity VARIABLE"


class Pusher(msgspec.Struct, frozen=True):
    """One person, and the names under which this person may write in the ledger."""

    login: str
    writers: tuple[str, ...]

    @property
    def conducts(self) -> bool:
        """Whether this is the conductor."""
        return CONDUCTOR in self.writers


def judge_identity(asked: Sequence[str], environ: Mapping[str, str]) -> str | Finding:
    """The login, by the one variable that the hub is set up to (`asked`), else why it is nobody in particular."""
    if len(asked) != 1 or not asked[0]:
        what = "is not set up to know who pushes" if not any(asked) else f"goes by {len(asked)} variables at once"
        return Finding("CG651", "error", "hub", f"the hub {what}", detail=_WHOEVER)
    variable = asked[0]
    login = environ.get(variable, "")
    if not login:
        return Finding("CG651", "error", variable, f"nobody is named as the pusher: '{variable}' is empty")
    if problem := login_problem(login):
        return Finding("CG651", "error", variable, f"'{printable(login)}' is no one person: {problem}")
    if environ.get(_DEPLOY_KEY, "0") not in ("", "0"):
        text = "a deploy key pushes, and that is no person: anybody may have it"
        return Finding("CG651", "error", variable, text, detail="push with a key of an account")
    other = next((name for name in VARIABLES if environ.get(name, login) not in ("", login)), None)
    if other is not None:
        text = f"two people are named: '{login}' by '{variable}', '{printable(environ[other])}' by '{other}'"
        return Finding("CG651", "error", variable, text, detail=_WHOEVER)
    return login


def pusher_of(login: str, policy: Policy | None, founder: str) -> Pusher:
    """The writers of a login: those that the policy's `[people]` has for it, else the login itself.

    `founder` is the conductor's login that the hub was made with; it counts as long as the policy names no conductor.
    Names that mean more than an agent are nobody's by their login alone.
    """
    people = policy.people if policy else {}
    writers = people.get(login)
    if writers is None:
        writers = () if agent_problem(login) else (login,)
    if login == founder and not any(CONDUCTOR in names for names in people.values()):
        writers = (*writers, CONDUCTOR)
    return Pusher(login, writers)
