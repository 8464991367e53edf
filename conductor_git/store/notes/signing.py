"""Signing what goes into the ledger: with which key, and what to say where that cannot be."""

from __future__ import annotations

import os
import shlex
import tempfile
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.event import Kind
from conductor_git.core.events.signers import SIGNERS_PATH, Signers
from conductor_git.core.events.sshsig import read_signature
from conductor_git.core.events.trust import Doubt, Role, namespace_of, needed_role, role_of
from conductor_git.core.planning.policy import Policy
from conductor_git.store.notes.vouching import would_count
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.sshkeygen import Refused, sign

KEY_VARIABLE = "CONDUCTOR_SIGNING_KEY"
KEY_SETTING = "conductor.signingKey"
"""The conductor's key: of the whole repository, for git copies a worktree's own settings into the next one."""
_ASKED = r"^(conductor\.signingkey|gpg\.format|user\.signingkey)$"


class Signing(msgspec.Struct, frozen=True):
    """How one writer signs."""

    key: str
    """Path of a private key, or of a public one that ssh-agent has the other half of; or, after `key::`, a public key
    itself. As git's `user.signingKey`."""
    namespace: str
    repository: str
    """The policy's id, which every signature is for."""
    required: bool
    """Whether nothing is recorded where it cannot be signed."""

    def __call__(self, message: bytes) -> tuple[str, bytes]:
        """The key's fingerprint and the signature's blob. Raises Unsigned."""
        if self.key.startswith("key::"):
            with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
                path = os.path.join(folder, "key.pub")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(self.key.removeprefix("key::") + "\n")
                return self._sign(path, message)
        return self._sign(self.key, message)

    def _sign(self, path: str, message: bytes) -> tuple[str, bytes]:
        blob = sign(path, self.namespace, message)
        if isinstance(blob, Refused):
            raise _unsigned(self.key, blob.said)
        made = read_signature(blob)
        if made is None:
            raise Unsigned("ssh-keygen made something that is no signature", detail="nothing was recorded")
        return made.fingerprint, blob


def conductors_signing(repo: Repository, policy: Policy, key: str) -> Signing:
    """How the conductor signs with a key that is named as git's `user.signingKey` is."""
    # A path is from where the command was given, as every path of a command line.
    path = os.path.abspath(os.path.expanduser(key))
    named = path if os.path.exists(path) else _spelled(repo, key)
    return Signing(named, namespace_of("conductor"), policy.repository, required=True)


def public_half(signing: Signing) -> str:
    """The public key, as a line of allowed signers has it. Raises Unsigned where nothing can be signed with it."""
    made = read_signature(signing(b"conductor-git")[1])
    return "" if made is None else made.public


class Unsigned(CannotRun):
    """Something could not be signed."""


def signing_for(
    repo: Repository,
    policy: Policy,
    writer: str,
    kind: Kind,
    data: Mapping[str, Any] = {},
    *,
    environ: Mapping[str, str] | None = None,
) -> Signing | None:
    """How that writer signs such an event; None where it needs not and has no key.

    Raises CannotRun where the policy wants a signature that this writer cannot give.
    """
    environ = os.environ if environ is None else environ
    role = role_of(writer)
    needed = needed_role(kind, writer, data, policy.trust)
    if needed not in (None, role):
        raise CannotRun(
            f"the policy wants the {needed}'s signature on this {kind}, and this is '{writer}'",
            detail="nothing was recorded",
            hint="conductor-git whoami",
        )
    given = environ.get(KEY_VARIABLE, "")
    key = _spelled(repo, given or _configured(repo, role))
    if key:
        return Signing(key, namespace_of(role), policy.repository, needed is not None or bool(given))
    if needed is None:
        return None
    raise CannotRun(
        f"the policy wants '{writer}' to sign this {kind}, and no key is configured",
        detail=f"nothing was recorded; {KEY_VARIABLE} may name a key file, too",
        hint="git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519",
    )


def check_signing(signing: Signing | None, policy: Policy, writer: str, signers: Signers, now: int) -> None:
    """Raise CannotRun where a result that must be signed cannot be, or would not count: said before it takes hours."""
    if signing is None or not signing.required:
        return
    message = b"conductor-git"
    _, sig = signing(message)
    if needed_role("attestation", writer, {}, policy.trust) is None:
        return
    word, made = would_count(signers, writer, now, message, sig), read_signature(sig)
    if isinstance(word, Doubt) and made is not None:
        line = f'{writer} namespaces="{signing.namespace}" {made.public}'
        raise CannotRun(
            f"what '{writer}' signs here would count for nothing: {word.why}",
            detail=f"nothing was run; to allow it the conductor adds to '{SIGNERS_PATH}': {line}",
            hint=f"conductor-git explain {word.code}",
        )


def _configured(repo: Repository, role: Role) -> str:
    """The conductor's own setting, else the key that git itself would sign with, where that is an ssh key."""
    listed = repo.git("config", "-z", "--type=path", "--get-regexp", _ASKED, ok=(0, 1)).fields()
    values = {key: value for key, _, value in (field.partition("\n") for field in listed)}
    own = values.get(KEY_SETTING.lower(), "") if role == "conductor" else ""
    return own or (values.get("user.signingkey", "") if values.get("gpg.format") == "ssh" else "")


def _spelled(repo: Repository, key: str) -> str:
    """A key as `Signing` has it: git takes a public key without `key::` too (git-config, "user.signingKey")."""
    if not key or key.startswith("key::"):
        return key
    if key.startswith(("ssh-", "ecdsa-", "sk-")) and _is_key(key):
        return f"key::{key}"
    return os.path.join(repo.worktree or repo.common_dir, os.path.expanduser(key))


def _is_key(text: str) -> bool:
    words = text.split()
    try:
        return len(words) > 1 and bool(b64decode(words[1], validate=True))
    except ValueError:
        return False


def _unsigned(key: str, said: str) -> Unsigned:
    shown = "the public key that was given" if key.startswith("key::") else f"'{key}'"
    path = shlex.quote(key.removesuffix(".pub"))
    lines = [line for line in said.splitlines() if line != "Signing data on standard input"]
    detail = f"ssh-keygen: {lines[-1]}; nothing was recorded" if lines else "nothing was recorded"
    if "passphrase" in said:
        return Unsigned(
            f"key {shown} is locked, and nobody is here to type a passphrase", hint=f"ssh-add {path}", detail=detail
        )
    if "No such file" in said:
        return Unsigned(f"there is no key {shown}", hint=f"ssh-keygen -t ed25519 -f {path}", detail=detail)
    if "No private key" in said or "agent" in said:
        return Unsigned(f"ssh-agent does not have the private half of {shown}", hint="ssh-add -L", detail=detail)
    return Unsigned(f"nothing can be signed with {shown}", hint="ssh-add -L", detail=detail)
