"""The codes of what a team says to each other: decisions, blockers that nobody answers, agents that fall silent."""

from __future__ import annotations

from conductor_git.core.codes.code import Code

COORDINATION_CODES = (
    Code(
        "CG306",
        "blocker unanswered",
        "An open blocker has had no guidance for longer than the policy's `limits.blocker-…` for its level.",
        "The conductor answers with `conductor-git guide ID -m TEXT`, or closes it with `conductor-git resolve ID`.",
    ),
    Code(
        "CG802",
        "not this writer's to decide",
        "Guidance, waivers and acceptances are the conductor's; a blocker is closed by its author or the conductor, one of an executor also by the agent who has the plan, a wave reopened by the conductor or the agent who has the plan; a plan is given to another agent by the conductor or whoever delegated it.",
        "Ask the conductor. `conductor-git whoami` tells who this worktree is.",
    ),
    Code(
        "CG804",
        "answered from history",
        "Memory keys like `agent-2-wave-3-complete` say what history says; nobody can write them.",
        "Claim the wave. A value of your own has a key of another form.",
    ),
    Code(
        "CG805",
        "not waivable",
        "The plan says `waivable: false`, or the rule is one that is settled otherwise: blockers are resolved, needs are the plan's.",
        "Mend the work, or change the plan.",
    ),
    Code(
        "CG803",
        "silent",
        "A plan that is being worked on has shown no sign of life for longer than the policy's `limits.silent`.",
        "Look into its worktree; the same agent goes on with `conductor-git delegate PLAN --resume`, another one with `--take-over`.",
    ),
    Code(
        "CG741",
        "not on the remote",
        "The remote did not take what only this clone has: its ledger, or a plan's branch. Others cannot see it.",
        "Ask who runs the remote; a claim that is refused is proven first. `conductor-git sync` tries again.",
    ),
)
