"""The one judge that every door asks. A door gathers a fact, prints the findings, and refuses when one refuses."""

from __future__ import annotations

import msgspec

from conductor_git.core.findings import Finding, refused
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.evidence import Asked, Evidence
from conductor_git.core.judgement.history import Pairs
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdict, Verdicts
from conductor_git.core.messages import message
from conductor_git.core.planning.executors import read_executor
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.targets import Oid, Target


class Saying(msgspec.Struct, frozen=True):
    """A commit that is about to be made, its message as git will clean it."""

    text: str
    trailers: Pairs
    branch: str | None
    """Short name; None when HEAD is detached."""
    parents: tuple[tuple[Oid, ...], ...]
    """The sets of parents it may have: a commit's, and, where it may be an amend, those of HEAD."""
    product: Oid
    """The product tree that it will have."""
    platform: str
    """The one platform that can be proven here."""
    speaker: str = ""
    """Who says it, where a name was given; whose branch is checked out tells nobody's."""


class Ruling(msgspec.Struct, frozen=True):
    """What the judge says of a saying. `trailers` are to be written when it is an accepted claim."""

    findings: tuple[Finding, ...] = ()
    target: Target | None = None
    line: str = ""
    """The claim's line as it must stand."""
    trailers: Pairs = ()
    clean: tuple[tuple[Oid, ...], ...] = ()
    """The sets of parents with which it is an accepted claim."""


def judge_saying(saying: Saying, snapshot: Snapshot) -> Ruling:
    """Judge a message and, where it is a claim, everything that it claims."""
    spoken = message.parse(saying.text, keyboard=True)
    if isinstance(spoken, message.Ordinary):
        return Ruling()
    line = saying.text.partition("\n")[0]
    if isinstance(spoken, message.Malformed):
        return Ruling((malformed(line, spoken),))
    claims = Claims(snapshot.history, snapshot.plans)
    target = _target(spoken, saying, snapshot, claims)
    if isinstance(target, Finding):
        return Ruling((target,), line=line)
    verdicts = Verdicts(snapshot, claims)
    rulings = [_judge_claim(spoken, target, saying, parents, verdicts) for parents in saying.parents]
    accepted = [not refused(ruling.findings) for ruling in rulings]
    clean = tuple(parents for parents, well in zip(saying.parents, accepted, strict=True) if well)
    return msgspec.structs.replace(rulings[accepted.index(True) if clean else 0], clean=clean)


def malformed(line: str, spoken: message.Malformed) -> Finding:
    """The finding for a first line that starts like a claim and is none."""
    shown = line if len(line) <= 60 else f"{line[:57]}..."
    how = message.made_ordinary(line)
    write = f"the line to write is '{spoken.suggestion}'" if spoken.suggestion else ""
    return Finding(
        "CG102",
        "error",
        shown,
        f"'{shown}' is not a claim: {', '.join(spoken.reasons)}",
        message.claim_command(spoken.suggestion),
        "; ".join(filter(None, (write, how and f"not a claim? {how}"))),
    )


def _target(spoken: message.Claim, saying: Saying, snapshot: Snapshot, claims: Claims) -> Target | Finding:
    part = _part(saying, snapshot, claims)
    if part is not None:
        return _executors(*part, saying.branch, snapshot, claims)
    here = snapshot.plan_of_branch(saying.branch) if saying.branch else None
    stands = next((found for parents in saying.parents if parents and (found := claims.plan_of(parents[0]))), None)
    own = stands or (here.plan if here else None)
    where = f"branch '{saying.branch}'" if saying.branch else "a detached HEAD"
    if here and stands and here.plan != stands:
        text = f"{where} is plan {here.plan}'s, and the start commit below says that the work is plan {stands}'s"
        start = message.render_start(message.Start(here.plan, here.agent))
        hint = f"{message.commit_command(start)}    # from here on it is plan {here.plan}'s"
        return Finding("CG103", "error", here.plan, text, hint)
    if own is None:
        hint = "conductor-git log-status    # shows each plan's branch: claim there"
        return Finding(
            "CG105", "error", saying.branch or "HEAD", f"{where} belongs to no plan, so nobody claims here", hint
        )
    plan = snapshot.plan(own)
    if here is None and plan is not None:
        text = f"plan {own} is claimed on its own branch '{plan.branch}', and this is {where}: it would not count"
        return Finding("CG103", "error", own, text, f"conductor-git log-status {own}    # who has it, and where")
    if spoken.plan is not None and spoken.plan != own:
        text = f"{where} belongs to plan {own}, and the message claims plan {spoken.plan}"
        return Finding("CG103", "error", own, text, f"conductor-git claim {own}")
    return undeclared(Target(own, spoken.wave), snapshot) or Target(own, spoken.wave)


def _part(saying: Saying, snapshot: Snapshot, claims: Claims) -> tuple[Target, str] | None:
    """Which wave whose executor would speak: by the branch, and by the commits below."""
    named = read_executor(saying.branch, snapshot.plans)
    if named is not None:
        return named.target, named.name
    parts = (claims.executor_of(parents[0]) for parents in saying.parents if parents)
    return next(((part.target, part.name) for part in parts if part), None)


def _executors(target: Target, name: str, branch: str | None, snapshot: Snapshot, claims: Claims) -> Finding:
    """The finding for a claim by an executor, with who can claim instead."""
    plan = snapshot.plan(target.plan)
    agent = Verdicts(snapshot, claims).agent(target.plan)
    where = f"on '{plan.branch}'" if plan else "on its branch"
    text = f"'{name}' carries out {target} and claims nothing: '{agent}' takes the work in and claims it {where}"
    # What is refused may also be a merge that brings it: there, only whoever leads the plan can do anything about it.
    led = plan is not None and branch == plan.branch
    hint = f"conductor-git claim {target}" if led else f"conductor-git validate {target}    # proves it all the same"
    return Finding("CG107", "error", str(target), text, hint)


def undeclared(target: Target, snapshot: Snapshot) -> Finding | None:
    """The finding for a plan or wave that the control ref does not declare; None where it does."""
    plan = snapshot.plan(target.plan)
    if plan is None:
        broken = next((found for found in snapshot.broken if found.plan == target.plan), None)
        if broken is not None:
            text = f"plan {target.plan} cannot be obeyed: {broken.errors[0]}"
            return Finding("CG701", "error", target.plan, text, "conductor-git plan check")
        known = ", ".join(plan.plan for plan in snapshot.plans) or "none"
        text = f"plan {target.plan} is not on the control ref (there: {known})"
        return Finding("CG101", "error", target.plan, text, "conductor-git plan list")
    if target.wave is not None and plan.wave(target.wave) is None:
        known = ", ".join(str(wave.number) for wave in plan.waves)
        text = f"plan {target.plan} declares no wave {target.wave} (waves: {known})"
        return Finding("CG101", "error", str(target), text, f"conductor-git plan show {target.plan}")
    return None


def _judge_claim(
    spoken: message.Claim, target: Target, saying: Saying, parents: tuple[Oid, ...], verdicts: Verdicts
) -> Ruling:
    rules = verdicts.rules(target)
    evidence = verdicts.weigh(target, Asked(target, saying.product))
    wanted = _trailers(target, evidence, rules)
    findings = (
        *_here(evidence, rules, target, saying),
        *verdicts.order(target, *parents),
        *verdicts.blocked(target),
        *_already(target, saying, verdicts),
        *_wrong_trailers(saying.trailers, wanted),
        *_replaced(target, saying.speaker, verdicts),
    )
    return Ruling(findings, target, message.render_claim(spoken), wanted)


def _here(evidence: Evidence, rules: RuleSet | Finding, target: Target, saying: Saying) -> tuple[Finding, ...]:
    """A claim needs now what can be proven here; what only others can is awaited."""
    if isinstance(rules, Finding) or evidence.proofs:
        missing = saying.platform in evidence.awaiting
        return _unproven(target, saying) if missing and not refused(evidence.findings) else evidence.findings
    elsewhere = rules.platforms and saying.platform not in rules.platforms
    if elsewhere or rules.attested_by == "runner":
        who = "a runner" if not elsewhere else ", ".join(rules.platforms)
        return (Finding("CG208", "info", str(target), f"{target} awaits {who}"),)
    return evidence.findings


def _replaced(target: Target, speaker: str, verdicts: Verdicts) -> list[Finding]:
    """A commit names no writer, so only whoever is told who speaks can refuse this: no reader."""
    has = verdicts.delegation(target.plan)
    if has is None or not speaker or not verdicts.is_replaced(speaker, target.plan):
        return []
    text = f"plan {target.plan} was taken over: '{has.agent}' claims {target} now, and this is '{speaker}'"
    hint = f"conductor-git log-status {target.plan}    # what is committed is there for '{has.agent}'"
    return [Finding("CG108", "error", str(target), text, hint)]


def _unproven(target: Target, saying: Saying) -> tuple[Finding, ...]:
    text = f"tree '{saying.product[:7]}' has no passing validation on {saying.platform}"
    return (Finding("CG201", "error", str(target), text, f"conductor-git claim {target}"),)


def _already(target: Target, saying: Saying, verdicts: Verdicts) -> list[Finding]:
    verdict, product = verdicts.of(target), saying.product
    if verdict.commit is None:
        return []
    if not verdict.complete:
        return _awaits(target, saying, verdict, verdicts)
    # What lands is its newest claim: one with other content says something new, unless it has landed already.
    same = verdict.lands is not None and verdicts.snapshot.history.product(verdict.lands) == product
    if not same and _lands_yet(target, verdicts):
        return []
    text = f"{target} is complete already, at {verdict.commit[:7]}; this claim changes nothing"
    return [Finding("CG106", "info", str(target), text)]


def _awaits(target: Target, saying: Saying, verdict: Verdict, verdicts: Verdicts) -> list[Finding]:
    """A claim whose proof others owe gets no nearer to it by being made twice; one that is owed here may."""
    awaited = verdict.evidence.awaiting
    owed_here = saying.platform in awaited or verdict.evidence.drift or refused(verdict.findings)
    if not awaited or owed_here or verdict.commit is None:
        return []
    if verdicts.snapshot.history.product(verdict.commit) != saying.product:
        return []
    awaits = f"awaits {', '.join(awaited)}"
    text = f"{target} is claimed already, at {verdict.commit[:7]}, and {awaits}; this claim changes nothing"
    return [Finding("CG106", "info", str(target), text)]


def _lands_yet(target: Target, verdicts: Verdicts) -> bool:
    """Whether a complete plan or wave is still to land by itself."""
    if target.wave is None:
        return not verdicts.merged(target.plan)
    return verdicts.snapshot.policy.landing.waves and verdicts.of(target).lands not in verdicts.claims.landed


def _trailers(target: Target, evidence: Evidence, rules: RuleSet | Finding) -> Pairs:
    pairs = [(message.PLAN_TRAILER, target.plan)]
    if target.wave is not None:
        pairs.append((message.WAVE_TRAILER, str(target.wave)))
    if evidence.proofs:
        pairs.append((message.PROOF_TRAILER, evidence.proofs[0].digest))
    if isinstance(rules, RuleSet):
        pairs.append((message.RULES_TRAILER, rules.digest))
    return tuple(pairs)


def _wrong_trailers(given: Pairs, wanted: Pairs) -> list[Finding]:
    """Plan and wave written by hand must be right; proof and rules of an amended claim are simply written anew."""
    trailers = message.read_trailers(given)
    if isinstance(trailers, message.Malformed):
        text = f"the Conductor- trailers of the message are wrong: {', '.join(trailers.reasons)}"
        return [Finding("CG104", "error", "message", text)]
    right = dict(wanted)
    plan = trailers.plan is None or trailers.plan == right[message.PLAN_TRAILER]
    wave = trailers.wave is None or str(trailers.wave) == right.get(message.WAVE_TRAILER)
    if plan and wave:
        return []
    text = f"the message's trailers name {Target(trailers.plan or '?', trailers.wave)}, its first line does not"
    return [Finding("CG104", "error", "message", text)]
