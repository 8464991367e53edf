"""The codes of what only a hub finds: it alone knows who pushes, and what stood before."""

from __future__ import annotations

from conductor_git.core.codes.code import Code

HUB_CODES = (
    Code(
        "CG651",
        "nobody in particular",
        "The hub cannot tell which one person pushes: the variable that it goes by is unset, empty, not set up, or contradicted.",
        "Push with an account of your own. Whoever runs the hub: `conductor-git hub install --identity VARIABLE`.",
    ),
    Code(
        "CG652",
        "ledger of another writer",
        "The pusher is not, by the policy's `[people]`, the writer of this ledger: nobody speaks in another's name.",
        "Push the ledgers that you wrote; the conductor adds a login's writers to `[people]`.",
    ),
    Code(
        "CG653",
        "event too large",
        "A line of the ledger has more bytes than the policy's `limits.event-bytes` allows.",
        "Put the content elsewhere, and record where.",
    ),
    Code(
        "CG654",
        "reserved name",
        "Refs of this name change how git or a reader sees the others, or are written by the hub itself. Nobody pushes them.",
        "Leave the ref out of the push; give a branch of yours another name.",
    ),
    Code(
        "CG655",
        "claims would be lost",
        "A plan's branch would go, or go back, and with it claims that were proven and have not landed.",
        "Push a branch that contains them. To take a claim back, revert it. The conductor takes an abandoned plan off the control branch first.",
    ),
    Code(
        "CG656",
        "the conductor's branch",
        "Integration and control are moved by the conductor only, and only forward.",
        "Push your plan's branch and its claims; the conductor lands what is proven.",
    ),
    Code(
        "CG657",
        "rules that cannot be obeyed",
        "The hub has no rules to judge by, or the push would leave it without rules that can be obeyed.",
        "The conductor pushes a policy that `conductor-git plan check` passes.",
    ),
    Code(
        "CG658",
        "moved meanwhile",
        "The ref is not where the push says it was, so what was judged would not be what happens.",
        "`git fetch`, then push again.",
    ),
)
