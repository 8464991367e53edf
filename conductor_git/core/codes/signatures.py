"""The finding codes about signatures, and what to do about them."""

from __future__ import annotations

from conductor_git.core.codes.code import Code

SIGNATURE_CODES = (
    Code(
        "CG621",
        "not signed",
        "The policy's [trust] asks for a signature on this, and the line has none: it is set aside and counts for nothing.",
        "Say it again with a key: `conductor-git claim` validates and signs. Keys are configured as for git (`gpg.format`, `user.signingKey`) or by CONDUCTOR_SIGNING_KEY.",
    ),
    Code(
        "CG622",
        "signature does not fit",
        "The signature is not one of ssh's, or is of other content: somebody changed what was signed.",
        "Do not believe the line. Ask its writer to say it again.",
    ),
    Code(
        "CG623",
        "key is not allowed",
        "By the allowed signers on the control ref the key that signed may not speak for this writer, or might not at that time.",
        "The conductor adds the key to '.conductor/allowed_signers' and runs `conductor-git plan commit`, if it is whose it seems to be.",
    ),
    Code(
        "CG624",
        "signed in another role",
        "An agent's, a runner's and the conductor's signature are made in namespaces of their own; this one is not of the role that is needed.",
        "Let the one who has the role say it. A key's roles are the `namespaces` of its line in '.conductor/allowed_signers'.",
    ),
    Code(
        "CG625",
        "signed for another repository",
        "The signature is good, and for a line of a repository with another id: it was copied here.",
        "Nothing is wrong with the key. Validate here.",
    ),
    Code(
        "CG721",
        "allowed signers wanting",
        "Signatures are asked for, and '.conductor/allowed_signers' has a line that cannot be read, or no key for a role that must sign; or a writer here has no key that counts.",
        'Put one line a key there, `WRITER namespaces="conductor-git/ROLE@v1" KEY-TYPE KEY`, and run `conductor-git plan commit`.',
    ),
)
