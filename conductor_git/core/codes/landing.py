"""The codes of what does not land, and why."""

from __future__ import annotations

from conductor_git.core.codes.code import Code

LANDING_CODES = (
    Code(
        "CG511",
        "does not merge",
        "What was claimed conflicts with what is on the integration branch by now.",
        "Its agent merges the integration branch into the plan's branch, settles the conflict there, and claims again.",
    ),
    Code(
        "CG512",
        "red on integration",
        "The merge was tried twice in a clean checkout, and its validation did not pass.",
        "Its agent merges the integration branch, mends what is red, and claims again.",
    ),
    Code(
        "CG513",
        "red together",
        "Each is green alone, and on top of the others it is not: what they do does not fit together.",
        "The other one lands; its agent merges the integration branch, mends what is red, and claims again.",
    ),
    Code(
        "CG514",
        "waits for another landing",
        "What it needs did not land.",
        "Mend that first; then ask for both again.",
    ),
    Code(
        "CG515",
        "changed while it was queued",
        "Its branch, its claim or its rules are others than those it was asked for with.",
        "Ask for it again.",
    ),
    Code(
        "CG516",
        "integration kept moving",
        "Whenever it was ready to land, somebody else had moved the integration branch.",
        "Ask for it again when less is going on.",
    ),
    Code(
        "CG517",
        "landing could not be judged",
        "Its validation could not be carried out here, integration does not pass by itself, or somebody else must still "
        "speak: another platform, a runner.",
        "Let `conductor-git doctor` look, mend integration, or wait for the others, and ask again.",
    ),
    Code(
        "CG518",
        "a landing is under way",
        "The journal of a landing is open: it moves the integration branch at this moment, or died while it did.",
        "Finish it or take it back with `conductor-git merge --resume`.",
    ),
    Code(
        "CG519",
        "wave before its plan",
        "The policy has plans land as a whole: `waves` under `[landing]` is not true.",
        "Land the plan once it is complete, or have the conductor set `waves = true` where others build on single waves. "
        "A landing is judged by the policy that integration had before it.",
    ),
)
