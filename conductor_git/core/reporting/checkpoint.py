"""A checkpoint: where refs stood when an audit looked, so that the next one sees what went back since."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.core.reporting.vouchmark import VouchMark, lowered
from conductor_git.core.targets import Oid

FORMAT = 1

Contains = Callable[[Oid, Oid], bool]
"""Whether the first commit has the second one in its history; False also where the second is gone."""


class Mark(msgspec.Struct, frozen=True):
    """A ref and the commit that it pointed to."""

    ref: str
    tip: Oid


class LedgerMark(msgspec.Struct, frozen=True):
    """A ledger's tip, and how many events its history had."""

    tip: Oid
    events: int


class Checkpoint(msgspec.Struct, frozen=True):
    """What stands in the file. Ledgers are by `<writer>.<clone>`: a clone and its hub name their refs otherwise."""

    format: int
    repository: str
    """The policy's id."""
    since: str
    control: Mark
    integration: Mark | None
    ledgers: dict[str, LedgerMark]
    branches: dict[str, Oid] = {}
    """Where plans' branches stood when they were last seen, by their short names."""
    claims: dict[str, Oid] = {}
    """By plan or wave, the claim that was proven and had not landed."""
    signed: VouchMark | None = None
    """None in a file of a version that did not look."""


def read_checkpoint(raw: bytes, path: str) -> Checkpoint:
    """Read the file's content. Raises CannotRun where it is damaged or of a later version."""
    try:
        found = msgspec.json.decode(raw, type=Checkpoint)
    except (msgspec.DecodeError, ValueError) as error:
        raise _damaged(path, f"{error}") from error
    if found.format != FORMAT:
        raise _damaged(path, f"it is of format {found.format}, and this version knows format {FORMAT}")
    return found


def render_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The file's content."""
    return msgspec.json.format(msgspec.json.encode(checkpoint, order="sorted"), indent=2) + b"\n"


def compare(
    before: Checkpoint, now: Checkpoint, contains: Contains, accepted: Iterable[Oid], said: Iterable[str] = ()
) -> list[Finding]:
    """What is not as an honest repository can have become from what it was; nothing that only grew.

    `said` are the plans and waves that some claim names now, proven or not: a rewrite carries claims.
    """
    settled = set(accepted)
    found = [*_less_history(before, now, contains, settled), *_ledgers(before, now, contains)]
    found += _less_signed(before, now, contains)
    found += [_lost_claim(target, before) for target in _lost_claims(before, now, contains, settled.union(said))]
    if before.integration is not None and before.integration.tip not in settled:
        found += _went_back("CG508", before.integration, now.integration, contains)
    if before.control.tip not in settled and (before.integration is None or before.control != before.integration):
        found += _went_back("CG732", before.control, now.control, contains)
    return found


def advanced(
    before: Checkpoint, now: Checkpoint, contains: Contains, accepted: Iterable[Oid], said: Iterable[str] = ()
) -> Checkpoint:
    """What to write: all that grew moves on; what went back stays as it was, so that it is found again until it is
    mended or the conductor accepts it."""
    settled = set(accepted)

    def moved(mark: Mark | None, next_: Mark | None) -> bool:
        return mark is None or mark.tip in settled or (next_ is not None and contains(next_.tip, mark.tip))

    kept = {
        name: mark
        for name, mark in before.ledgers.items()
        if name not in now.ledgers or not contains(now.ledgers[name].tip, mark.tip)
    }
    return Checkpoint(
        FORMAT,
        before.repository,
        before.since if _less_history(before, now, contains, settled) else now.since,
        now.control if moved(before.control, now.control) else before.control,
        now.integration if moved(before.integration, now.integration) else before.integration,
        {**now.ledgers, **kept},
        {**before.branches, **now.branches},
        {
            **now.claims,
            **{target: before.claims[target] for target in _lost_claims(before, now, contains, settled.union(said))},
        },
        before.signed if _less_signed(before, now, contains) else now.signed,
    )


def _lost_claims(before: Checkpoint, now: Checkpoint, contains: Contains, fine: set[str]) -> list[str]:
    """The plans and waves that were proven, that nothing claims any more, and whose claim nothing has."""
    tips = [*([now.integration.tip] if now.integration else []), *now.branches.values()]
    tips += [mark.tip for mark in now.ledgers.values()]
    return [
        target
        for target, claim in sorted(before.claims.items())
        if not {target, claim} & fine and not any(contains(tip, claim) for tip in tips)
    ]


def _lost_claim(target: str, before: Checkpoint) -> Finding:
    claim = before.claims[target]
    text = f"{target} was proven by claim '{claim[:12]}', which no branch and no ledger has any more"
    return Finding("CG655", "alarm", target, text, f"git log --oneline -1 {claim[:12]}")


def _went_back(code: str, before: Mark, now: Mark | None, contains: Contains) -> list[Finding]:
    if now is not None and contains(now.tip, before.tip):
        return []
    there = f"'{now.tip[:12]}', which does not contain it" if now else "gone"
    text = f"'{before.ref}' was at '{before.tip[:12]}' and is {there}"
    return [Finding(code, "alarm", before.ref, text, f"git log --oneline -1 {before.tip[:12]}")]


def _ledgers(before: Checkpoint, now: Checkpoint, contains: Contains) -> list[Finding]:
    found = []
    for name, mark in sorted(before.ledgers.items()):
        here = now.ledgers.get(name)
        if here is None:
            text = f"ledger '{name}' is gone: it was at '{mark.tip[:12]}' with {mark.events} events"
        elif not contains(here.tip, mark.tip):
            text = f"ledger '{name}' was at '{mark.tip[:12]}' with {mark.events} events and went back to "
            text += f"'{here.tip[:12]}' with {here.events}"
        else:
            continue
        found.append(Finding("CG611", "alarm", name, text, f"git log --oneline -1 {mark.tip[:12]}"))
    return found


def _less_history(before: Checkpoint, now: Checkpoint, contains: Contains, settled: set[Oid]) -> list[Finding]:
    earlier = bool(before.since and now.since) and contains(Oid(before.since), Oid(now.since))
    if now.since in ("", before.since) or earlier or now.since in settled:
        return []
    text = f"history was judged above '{before.since[:12] or 'its beginning'}', and now above '{now.since[:12]}' only"
    hint = "git log -p -- .conductor/conductor.toml    # on the control branch: who moved 'since'"
    return [Finding("CG733", "alarm", now.since, text, hint)]


def _less_signed(before: Checkpoint, now: Checkpoint, contains: Contains) -> list[Finding]:
    if before.signed is None or now.signed is None:
        return []
    return lowered(before.signed, now.signed, lambda newer, older: contains(Oid(newer), Oid(older)))


def _damaged(path: str, why: str) -> CannotRun:
    import shlex

    put_aside = shlex.quote(f"{path}.damaged")
    hint = f"mv -- {shlex.quote(path)} {put_aside}    # the next audit then begins a new one, and compares with nothing"
    return CannotRun(f"checkpoint '{path}' cannot be read: {why}", detail="it was left as it is", hint=hint)
