"""Keys for the scratch clone's own writers, where its rules ask for signatures."""

from __future__ import annotations

import os
import subprocess

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.trust import namespace_of, role_of
from conductor_git.core.planning.policy import Policy
from conductor_git.store.notes.signing import Signing

_NAMES = ("drill", "runner-drill")


class Keys(msgspec.Struct, frozen=True):
    """One key that the scratch clone's agent and runner sign with; the conductor has none that an agent could use."""

    path: str
    public: str
    repository: str

    @property
    def lines(self) -> str:
        """What the allowed signers get."""
        return "\n" + "".join(f'{name} namespaces="{namespace_of(role_of(name))}" {self.public}\n' for name in _NAMES)

    def signing(self, writer: str) -> Signing:
        """How that writer signs."""
        return Signing(self.path, namespace_of(role_of(writer)), self.repository, required=True)


def make_keys(folder: str, policy: Policy) -> Keys | None:
    """A new key; None where the rules ask for no signature. Raises CannotRun where none can be made."""
    if not policy.trust.demands:
        return None
    path = os.path.join(folder, "key")
    try:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "drill", "-f", path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        with open(f"{path}.pub", encoding="ascii") as file:
            public = " ".join(file.read().split()[:2])
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotRun("ssh-keygen made no key for the scratch clone", detail=str(error)) from error
    return Keys(path, public, policy.repository)
