"""Running ssh-keygen: the one place that starts it.

Never through git: `gpg.ssh.program` in a repository's configuration could be a program that says yes.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.sshsig import unarmour
from conductor_git.store.plumbing.git import without_git

_LATEST = 253_402_300_799
"""The last second that has a year of four digits."""
_SECONDS = 60.0
"""A key in hardware waits for a finger; nothing else takes long."""


class Refused(msgspec.Struct, frozen=True):
    """ssh-keygen ended badly; `said` is what it said."""

    said: str


def sign(key: str, namespace: str, message: bytes) -> bytes | Refused:
    """A signature's blob by the key in that file, or by the agent that has it. Asks nobody for a passphrase.

    Raises CannotRun where there is no ssh-keygen.
    """
    code, out, said = _run(["-Y", "sign", "-f", key, "-n", namespace], message)
    blob = unarmour(out) if code == 0 else None
    return Refused(said) if blob is None else blob


def verify(signature: str, *, signers: str, writer: str, namespace: str, at: int, message: bytes) -> Refused | None:
    """Whether the signature in that file is good for the writer by the allowed signers in that one; None is yes.

    `at` is in seconds since the epoch. Raises CannotRun where there is no ssh-keygen.
    """
    if at > _LATEST:
        return Refused("a time that no calendar has")
    when = time.strftime("%Y%m%d%H%M%S", time.gmtime(at))
    names = ["-f", signers, "-I", writer, "-n", namespace, "-s", signature]
    code, _, said = _run(["-Y", "verify", *names, f"-Overify-time={when}"], message)
    return Refused(said) if code else None


def _run(args: Sequence[str], stdin: bytes) -> tuple[int, bytes, str]:
    # Times in the file without a zone, and the one that we give, are UTC on every machine.
    env = without_git(os.environ) | {"LC_ALL": "C", "TZ": "UTC", "SSH_ASKPASS_REQUIRE": "never"}
    try:
        done = subprocess.run(
            ["ssh-keygen", *args],
            input=stdin,
            capture_output=True,
            env=env,
            timeout=_SECONDS,
            check=False,
            # Without a terminal of its own it cannot wait for a passphrase that nobody will type.
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise CannotRun(
            "ssh-keygen is not on PATH, and it makes and checks signatures",
            hint="command -v ssh-keygen    # it comes with OpenSSH, 8.9 or newer",
        ) from error
    except subprocess.TimeoutExpired:
        return -1, b"", f"ssh-keygen did not end within {_SECONDS:g} s"
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace").strip()
