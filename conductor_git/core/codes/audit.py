"""The codes of what only an audit finds: it alone looks at the whole history of every ledger, and at objects themselves."""

from __future__ import annotations

from conductor_git.core.codes.code import Code

AUDIT_CODES = (
    Code(
        "CG610",
        "ledger lost a line",
        "A commit of a ledger drops or changes a line that stood in it. A ledger only ever grows, and only `audit` looks at its whole history.",
        "Look at who made the commit; the line is still in the commit before it, and in other clones.",
    ),
    Code(
        "CG611",
        "ledger went back",
        "A ledger is gone, or does not contain what it had at the last checkpoint or what its copy elsewhere has.",
        "Push the ledger again from the clone that wrote it.",
    ),
    Code(
        "CG612",
        "clock runs backwards",
        "A commit of a ledger adds an event whose clock is not above those that its writer had written before: it was put in later, by hand.",
        "Look at who made the commit.",
    ),
    Code(
        "CG731",
        "rules read from elsewhere",
        "The clone's own configuration names another control branch than the commits do: reports there obey other rules.",
        "Where the branch is right, give it the only policy; else unset `conductor.control`.",
    ),
    Code(
        "CG732",
        "control ref was rewound",
        "The control ref does not contain the rules that it had at the last checkpoint.",
        "Put the branch back to a commit that contains them.",
    ),
    Code(
        "CG733",
        "judgement begins later",
        "The policy's `since` was moved: less of history is judged than at the last checkpoint.",
        "Look at who moved it in the policy's history.",
    ),
    Code(
        "CG734",
        "signatures count for less",
        "At the last checkpoint the rules asked for signatures that they ask for no more, or only later on, or another key may sign as the conductor since. The rules themselves are not signed.",
        "Look at who changed the policy's `[trust]` or '.conductor/allowed_signers'. Where the conductor did, put the checkpoint aside: the next audit begins a new one.",
    ),
    Code(
        "CG901",
        "object is not what its name says",
        "An object's content does not hash to its name: somebody changed it on disk, or the disk is failing.",
        "Fetch it again from another clone.",
    ),
    Code(
        "CG902",
        "validation gives another result",
        "Run again, a validation gives another outcome or other counts than its attestation says.",
        "Look at the run's log: the attestation is false, or the validation does not give the same result twice.",
    ),
)
