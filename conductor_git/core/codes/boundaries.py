"""What is said of commits that leave their plan's bounds."""

from __future__ import annotations

from conductor_git.core.codes.code import Code

BOUNDARY_CODES = (
    Code(
        "CG401",
        "outside the plan's scope",
        "A plan's commits stay inside the pathspecs of its `scope`.",
        "Take the path out of the commit, or ask the conductor to widen the scope. The conductor lets it pass for a while with `conductor-git waive CG401 PLAN --reason WHY`.",
    ),
    Code(
        "CG402",
        "another plan's scope",
        "The path belongs to the scope of another plan.",
        "Take the path out of the commit and tell the plan that owns it.",
    ),
    Code(
        "CG403",
        "control tree",
        "Policy, plans and scripts under `.conductor/` are changed by the conductor on the control ref only.",
        "Take `.conductor/` out of the commit; the conductor edits plans with `conductor-git plan commit`.",
    ),
    Code(
        "CG404",
        "protected path",
        "The policy's `protect` lists this path: a change of it could weaken the proof.",
        "Take the path out of the commit, and tell the conductor what has to change there. The conductor lets it pass for a while with `conductor-git waive CG404 PLAN --reason WHY`.",
    ),
    Code(
        "CG405",
        "frozen path",
        "A complete wave froze this path: every commit that builds on its claim keeps it as it is there.",
        "Leave the path as it is, and tell the conductor what has to change there. The conductor lets it pass for a while with `conductor-git waive CG405 PLAN --reason WHY`, for everybody where the wave that froze it is named.",
    ),
    Code(
        "CG406",
        "foreign merge",
        "A plan branch takes in integration, its own upstream, its executors' branches and the claims it needs; nothing else.",
        "Merge the integration branch, or the claim commit of the wave you need.",
    ),
    Code(
        "CG408",
        "not looked at yet",
        "So many commits of plans are new here that a report looked at the newest only; each report after a change goes on with the rest.",
        "Nothing is wrong. `conductor-git audit` looks at all of them at once.",
    ),
)
