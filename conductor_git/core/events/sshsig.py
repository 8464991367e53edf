"""SSH signatures as values (OpenSSH, PROTOCOL.sshsig): what they name, and their armour. Whether one is good is
ssh-keygen's to say."""

from __future__ import annotations

from base64 import b64decode, b64encode
from textwrap import wrap

import msgspec

_MAGIC = b"SSHSIG"
_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"


class SshSignature(msgspec.Struct, frozen=True):
    """What a signature says of itself."""

    key: bytes
    """The public key, as in a key file behind its base64."""
    namespace: str

    @property
    def fingerprint(self) -> str:
        """The key as ssh-keygen prints it: `SHA256:…`."""
        return fingerprint_of(self.key)

    @property
    def public(self) -> str:
        """The key as in a key file: its type, and base64."""
        kind, _ = _string(self.key)
        return f"{kind.decode('utf-8', 'backslashreplace')} {b64encode(self.key).decode('ascii')}"


def fingerprint_of(key: bytes) -> str:
    """A public key, as it stands behind its base64, as ssh-keygen prints it: `SHA256:…`."""
    import hashlib  # loads OpenSSL, and hardly any command asks for this

    return "SHA256:" + b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")


def read_signature(blob: bytes) -> SshSignature | None:
    """Read a signature's blob; None where it is none."""
    if not blob.startswith(_MAGIC + b"\0\0\0\1"):
        return None
    key, rest = _string(blob[len(_MAGIC) + 4 :])
    namespace, rest = _string(rest)
    if not key or not namespace or not rest:
        return None
    return SshSignature(key, namespace.decode("utf-8", "backslashreplace"))


def armour(blob: bytes) -> bytes:
    """The file that ssh-keygen reads."""
    return b"\n".join(
        [_BEGIN, *(line.encode("ascii") for line in wrap(b64encode(blob).decode("ascii"), 70)), _END, b""]
    )


def unarmour(text: bytes) -> bytes | None:
    """The blob in what ssh-keygen wrote; None where there is none."""
    _, begun, rest = text.partition(_BEGIN)
    body, ended, _ = rest.partition(_END)
    if not begun or not ended:
        return None
    try:
        return b64decode(b"".join(body.split()), validate=True)
    except ValueError:
        return None


def _string(raw: bytes) -> tuple[bytes, bytes]:
    """The first string of a blob (RFC 4251, section 5), and what follows; empty where it is cut short."""
    end = 4 + int.from_bytes(raw[:4], "big")
    return (raw[4:end], raw[end:]) if len(raw) >= end > 3 else (b"", b"")
