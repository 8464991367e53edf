"""Every finding code, what it means and what to do: the text behind `conductor-git explain CODE`."""

from __future__ import annotations

from conductor_git.core.codes.audit import AUDIT_CODES
from conductor_git.core.codes.boundaries import BOUNDARY_CODES
from conductor_git.core.codes.code import Code as Code
from conductor_git.core.codes.coordination import COORDINATION_CODES
from conductor_git.core.codes.hub import HUB_CODES
from conductor_git.core.codes.landing import LANDING_CODES
from conductor_git.core.codes.signatures import SIGNATURE_CODES

_ALL = (
    # Messages
    Code(
        "CG101",
        "unknown plan or wave",
        "The claim names a plan, or a wave of its plan, that is not declared on the control ref.",
        "Look at `conductor-git plan show`; a plan that is only in the working tree counts after `conductor-git plan commit`.",
    ),
    Code(
        "CG102",
        "malformed claim",
        "The first line starts like a claim but is not exactly one: readers would have to guess what it says.",
        "Write the line that the message shows, or start the subject with another word than 'Wave' or 'Plan'.",
    ),
    Code(
        "CG103",
        "not this branch's plan",
        "The claim or its trailer names another plan than the start commit below it or the branch it stands on.",
        "Claim on the plan's own branch.",
    ),
    Code(
        "CG104",
        "trailers wrong",
        "A Conductor- trailer stands more than once, is unreadable, or differs from what the hook would write.",
        "Take the Conductor- lines out of the message; the hook writes them.",
    ),
    Code(
        "CG105",
        "claim of no plan",
        "Nothing says whose claim this is: no trailer, no start commit below it, no plan's branch that holds it.",
        "Claim on the branch that `conductor-git delegate` made.",
    ),
    Code(
        "CG106",
        "already complete",
        "The wave was complete before, or what was claimed of it only awaits others; this claim changes nothing.",
        "Nothing. `conductor-git log-status` names the next wave.",
    ),
    Code(
        "CG107",
        "an executor's claim",
        "A wave executor hands commits back and claims nothing: whoever leads the plan takes them in and claims.",
        "The orchestrator merges the executor's branch, and claims the wave on the plan's own branch.",
    ),
    Code(
        "CG108",
        "a replaced agent's claim",
        "The plan was taken over: whoever had it before claims nothing of it any more.",
        "Nothing; what was committed is there for whoever has the plan now. `conductor-git log-status` names that agent.",
    ),
    Code(
        "CG109",
        "work left out",
        "What would be claimed is what the plan had before, while changed files of it are not staged: the work is not in it.",
        "Stage or commit the work, then claim. Only `conductor-git claim` asks; what is no part of the wave can be stashed.",
    ),
    # Evidence
    Code(
        "CG201",
        "no validation of this content",
        "No attestation in the ledger is about exactly this product tree, plan, wave and rules.",
        "`conductor-git claim` validates and commits in one step; `conductor-git validate` only validates.",
    ),
    Code(
        "CG202",
        "the validation failed",
        "The newest attestation of this product tree says that the validation did not pass.",
        "Mend the work, commit, and validate again.",
    ),
    Code(
        "CG203",
        "validated under other rules",
        "A passing attestation of this product tree exists, but for another script, arguments, set-up, criteria or platform rules.",
        "Validate again under the rules of now.",
    ),
    Code(
        "CG204",
        "criteria not met",
        "The validation ran, and a criterion of the plan does not hold for its numbers.",
        "Mend the work. The numbers are the plan's: only the conductor changes them, or waives one for a while with `conductor-git waive METRIC PLAN.WAVE --reason WHY`.",
    ),
    Code(
        "CG205",
        "too few tests",
        "The run reported no tests, or fewer than the policy demands: an empty run proves nothing.",
        "Let the script write JUnit XML to $CONDUCTOR_RESULTS and run the tests that exist.",
    ),
    Code(
        "CG206",
        "weaker than integration",
        "Fewer tests passed, or more were skipped, than in the validation of the integration branch.",
        "Bring the tests back. What proves a plan is the conductor's to change.",
    ),
    Code(
        "CG207",
        "proof of another repository",
        "The attestation names another repository id than the policy's.",
        "Validate here.",
    ),
    Code(
        "CG208",
        "awaiting other evidence",
        "What this writer can prove here is proven; platforms, runners or people are still to come.",
        "Nothing here: the wave completes by itself when that evidence arrives. What people give is recorded with `conductor-git attest PLAN.WAVE --manual --scores 8,7,9`.",
    ),
    Code(
        "CG209",
        "rules changed since",
        "The claim was proven under the rules of its time; the rules on the control ref are others now.",
        "`conductor-git validate PLAN.WAVE` proves it under the rules of now.",
    ),
    Code(
        "CG210",
        "no validation is declared",
        "Neither the plan nor the policy names a validation script, so nothing can prove this.",
        "Name a script as `validation:` in the plan or as `default` under [validation] in the policy.",
    ),
    Code(
        "CG211",
        "proof lost by a rewrite",
        "The claim was rewritten (rebase) and its product tree is another one now.",
        "`conductor-git validate --rebased` proves each rewritten claim again.",
    ),
    # Order
    Code(
        "CG301",
        "an earlier wave is not complete",
        "A wave needs the declared wave before it, and its own `needs`.",
        "Claim the earlier wave first.",
    ),
    Code(
        "CG302",
        "a need is not complete",
        "Another plan's wave that this one needs is not complete yet.",
        "`conductor-git log-status` shows who works on it; other waves can go on meanwhile.",
    ),
    Code(
        "CG303",
        "a need is not in this history",
        "What this claim needs is complete, but its commit is not an ancestor of the claim: the work was not built on it.",
        "Merge that commit, validate again, and claim.",
    ),
    Code(
        "CG304",
        "plan claimed before all its waves",
        "A plan is complete when each of its declared waves is.",
        "Claim the waves that the message names first.",
    ),
    Code(
        "CG305",
        "an open blocker",
        "A blocker on this wave has not been resolved.",
        "Its author or the conductor closes it, one of an executor also whoever has the plan: `conductor-git resolve ID`.",
    ),
    # Integration
    Code(
        "CG501",
        "integration is the conductor's",
        "Only the conductor merges into the integration branch.",
        "Claim your work; the conductor lands what is proven.",
    ),
    Code(
        "CG502",
        "plan commits came by fast-forward",
        "A start commit or claim stands on integration's own first-parent chain: the branch was moved onto a plan's branch.",
        "The conductor looks at both tips and moves integration back to where it was. What was looked at and is right, the conductor settles with `conductor-git accept COMMIT --reason WHY`.",
    ),
    Code(
        "CG503",
        "landing of unproven work",
        "A merge brought a plan's commits into integration that no proven claim covers.",
        "Prove the claim, or revert the merge.",
    ),
    Code(
        "CG504",
        "landing not validated",
        "The merge itself was never validated: its product tree has no passing attestation.",
        "`conductor-git validate PLAN --commit COMMIT` proves it as it stands.",
    ),
    Code(
        "CG505",
        "landing is not the merge of its parents",
        "The merge commit's product tree is not what merging its parents gives: something was added or left out by hand.",
        "Look at the difference that the message names; redo the merge. What was looked at and is right, the conductor settles with `conductor-git accept COMMIT --reason WHY`.",
    ),
    Code(
        "CG506",
        "direct step not allowed",
        "The policy's `direct` does not allow this commit on integration.",
        "Land it through a plan, or change the policy. What was looked at and is right, the conductor settles with `conductor-git accept COMMIT --reason WHY`.",
    ),
    Code(
        "CG507",
        "landing changes the control tree",
        "A landing must leave `.conductor/` exactly as its first parent has it.",
        "Redo the merge without the change; the conductor edits `.conductor/` in commits of their own.",
    ),
    Code(
        "CG508",
        "integration was rewound",
        "Integration lacks, or would lose, commits that it had: others build on them.",
        "Take work back with `git revert`. Where it was rewound, find the old tip in the reflog and move integration back.",
    ),
    Code(
        "CG509",
        "landing was reverted",
        "A commit on integration took a plan's landing back, so the plan is no longer merged.",
        "Git will not merge the same commits twice: on the plan's branch, merge integration, revert the revert, claim "
        "the plan again.",
    ),
    Code(
        "CG510",
        "branch that is still needed",
        "Integration, control, or a plan's branch with claims that are nowhere else would be deleted or renamed.",
        "Leave it. A plan's branch may go when the plan has landed, or a tag keeps its claims.",
    ),
    # Ledger
    Code(
        "CG601",
        "unreadable ledger line",
        "A note is not an event this version can read. It is kept and counted, and never trusted.",
        "Nothing is lost; a newer conductor-git may read it.",
    ),
    Code(
        "CG602",
        "event of another writer",
        "An event names another writer than the ledger ref that carries it. It is not believed.",
        "Look at who pushed the ref that the message names.",
    ),
    Code(
        "CG603",
        "clock too far ahead",
        "An event's clock is more than a thousand past the number of known events; it is sorted last.",
        "Look at who wrote it.",
    ),
    Code(
        "CG604",
        "ledger never fetched",
        "This clone has no refspec for the ledger, or never fetched: proofs of others are unknown here, not absent.",
        "`conductor-git install` writes the refspec; then `git fetch`.",
    ),
    Code(
        "CG605",
        "note is not keyed by its own content",
        "A note under refs/notes/conductor/ does not carry the event whose id it has.",
        "Look at who wrote the ref that the message names.",
    ),
    Code(
        "CG606",
        "ledger moved by another hand",
        "A ledger is only added to, and this clone's own ledgers by conductor-git only: nothing that was said can be unsaid.",
        "Leave the ref as it is; `git fetch` brings others' ledgers to refs/notes/conductor-remotes/.",
    ),
    # Plans, policy, set-up
    Code(
        "CG701",
        "broken plan file",
        "The plan file cannot be obeyed, so its plan is blocked; other plans go on.",
        "`conductor-git plan check` shows file, line and key.",
    ),
    Code(
        "CG702",
        "plan is not on control yet",
        "The plan is in the working tree only. Rules are read from the control ref.",
        "`conductor-git plan commit`.",
    ),
    Code(
        "CG703",
        "missing or unusable script",
        "The validation script is not in the scripts folder of the control ref, or is not executable.",
        "Add it there, `git update-index --chmod=+x` it, and commit.",
    ),
    Code(
        "CG704",
        "need does not exist",
        "A plan or wave is needed that no plan declares.",
        "Mend `needs:`; `conductor-git plan check` names the nearest.",
    ),
    Code(
        "CG705",
        "cycle",
        "Plans or waves need each other in a circle, so none can ever start.",
        "Drop one of the needs that the message shows.",
    ),
    Code("CG706", "branch used twice", "Two plans name the same branch.", "Give each plan its own `branch:`."),
    Code(
        "CG707",
        "scopes overlap",
        "Two plans may change the same paths; their merges can collide.",
        "Narrow one scope, or order the plans with `needs:`.",
    ),
    Code(
        "CG708",
        "since is missing",
        "The commit from which judgement begins is not in this clone (shallow), so history cannot be judged.",
        "`git fetch --unshallow`.",
    ),
    Code(
        "CG709",
        "control diverged",
        "The local control ref and the upstream's have each what the other lacks.",
        "`git pull` in the conductor's worktree.",
    ),
    Code(
        "CG710",
        "plan branch diverged",
        "A copy of the plan's branch elsewhere has commits that this one lacks.",
        "`git pull` in the plan's worktree.",
    ),
    Code(
        "CG711",
        "a door is missing",
        "A hook is not installed, not executable, or does not answer: that gate stands open in this worktree.",
        "`conductor-git doctor --fix`.",
    ),
    Code(
        "CG712",
        "configuration opens a door",
        "git's configuration lets a worktree take its hooks from elsewhere, or lets a plain git command write on the ledger.",
        "Look at where the message says it is set, and whether that is meant.",
    ),
    Code(
        "CG713",
        "a lock was left behind",
        "A lock file of git's is older than any running command is likely to be; git refuses to work while it is there.",
        "Where no git command is running any more, delete the file.",
    ),
    Code(
        "CG714",
        "git is too old",
        "conductor-git stands on what git 2.38 and newer do.",
        "Install a newer git.",
    ),
    Code(
        "CG715",
        "agent used twice",
        "Two plans that can run at the same time name the same agent, so the ledger cannot tell who of them spoke.",
        "Give each plan its own `agent:`, or order the plans with `needs:`.",
    ),
    Code(
        "CG716",
        "validation that proves nothing",
        "Every source of the plan was replaced by garbage, and its validation passed all the same.",
        "Let the script test what the plan changes; `conductor-git plan check --try PLAN` tries it again.",
    ),
    Code(
        "CG717",
        "canary could not be told",
        "A validation is tried with garbage only where it passes with what is there, and where there are sources.",
        "Mend what fails, or try again once the plan's first sources are there.",
    ),
    # Delegation
    Code(
        "CG801",
        "already delegated",
        "A plan has one orchestrator at a time: its branch begins with the start commit of another delegation.",
        "The same agent goes on with `conductor-git delegate PLAN --resume`; another one with `--take-over --to AGENT --reason WHY`.",
    ),
)

CATALOGUE: dict[str, Code] = {
    entry.code: entry
    for entry in sorted(
        (*_ALL, *AUDIT_CODES, *BOUNDARY_CODES, *COORDINATION_CODES, *HUB_CODES, *LANDING_CODES, *SIGNATURE_CODES),
        key=lambda entry: entry.code,
    )
}
