"""The conductor's key: from when it is in the control tree, what the conductor decides must be signed with it."""

from __future__ import annotations

import msgspec

from conductor_git.core.events.demand import Trust
from conductor_git.core.events.signers import SIGNERS_PATH, read_lines
from conductor_git.core.events.signers import AllowedKey as Key
from conductor_git.core.events.trust import namespace_of
from conductor_git.core.planning.firstfiles import with_signed_decisions
from conductor_git.core.planning.policy import POLICY_PATH
from conductor_git.core.planning.policyfile import parse_policy
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid
from conductor_git.store.control.commits import commit_files
from conductor_git.store.control.control import Control
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.refs import HEADS
from conductor_git.store.plumbing.repository import Repository


def signs_already(known: Control, public: str) -> bool:
    """Whether the conductor must sign, and may with this key."""
    role = namespace_of("conductor")
    own = _key(public)
    may = any(key.key == own and key.speaks_for(CONDUCTOR) and key.allows(role) for key in known.signers.keys)
    return may and known.policy.trust.conductor


def commit_first_signer(repo: Repository, known: Control, public: str, *, since: str) -> Oid | None:
    """Commit that the conductor signs with this key (`ssh-ed25519 AAAA…`) to a control branch that asks for no
    signatures; None where that is not so simple.

    Raises CannotRun where the working tree has other content at one of the paths.
    """
    if known.policy.trust != Trust() or not known.ref.startswith(HEADS):
        return None
    (there,) = read_objects(repo, [f"{known.oid}:{POLICY_PATH}"])
    asking = with_signed_decisions(there.body.decode("utf-8"), since).encode("utf-8")
    if parse_policy(asking) != msgspec.structs.replace(known.policy, trust=Trust(conductor=True, since=since)):
        return None
    line = f'{CONDUCTOR} namespaces="{namespace_of("conductor")}" {public}\n'
    text = known.signers.text
    signers = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}"
    message = (
        "conductor: sign what the conductor decides\n\n"
        "From here on, acceptances, waivers, landings and take-overs count with a\n"
        "signature of this key only."
    )
    files = {POLICY_PATH: asking, SIGNERS_PATH: signers.encode("utf-8", "surrogateescape")}
    return commit_files(repo, known.ref, files, message)


def _key(public: str) -> bytes:
    return next((found.key for found in read_lines(f"{CONDUCTOR} {public}") if isinstance(found, Key)), b"")
