"""What a commit message says to the team: a claim, a start, nothing, or nearly something.

Only the first raw line counts: what stands before the first newline. It is exactly one of three things.

**Claim**: exactly one of these, code point for code point, with nothing before or after:

    ✅ Wave N Complete
    ✅ Wave N Complete - NOTE
    ✅ PLAN P COMPLETE
    ✅ PLAN P COMPLETE - NOTE

The tick is U+2705 alone. N is `0`, or 1 to 9 ASCII digits without a leading zero. P is a plan's number (the same) or
its slug `[a-z][a-z0-9-]{0,63}`. NOTE is not empty, neither begins nor ends with white space, and holds no control
character (U+0000-001F, U+007F-009F), line or paragraph separator (U+2028, 2029), bidi control (U+061C, 200E, 200F,
202A-202E, 2066-2069), soft hyphen (U+00AD), zero-width space (U+200B), word joiner, invisible operator or deprecated
format character (U+2060-206F), byte order mark (U+FEFF), tag character (U+E0000-E007F) or surrogate. The joiners U+200C
and U+200D and variation selectors are part of how words and emoji are written, so a note may hold them.

At the keyboard, which is in a hook, `:white_check_mark:` may stand for the tick; the hook writes the tick, so that for
everybody else such a line is malformed.

**Malformed**: no claim, but begins as one would who says that a wave or plan is done. The exact rule is in `nearclaim`.

`chore: ✅ Wave 3 Complete` is malformed too: whoever always writes a type believes to have claimed.

**Ordinary**: everything else. Above all what begins with another word: `fixup! squash! amend! Revert Reapply Merge`,
`feat: wave 3 complete`, and the start lines `▶ PLAN P START - AGENT` and `▶ WAVE P.N START - NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from conductor_git.core.messages.claimtext import SHORTCODE, TICK, is_note
from conductor_git.core.targets import PLAN_ID, WAVE_NUMBER, Target

PLAN_TRAILER = "Conductor-Plan"
WAVE_TRAILER = "Conductor-Wave"
PROOF_TRAILER = "Conductor-Proof"
RULES_TRAILER = "Conductor-Rules"
DELEGATION_TRAILER = "Conductor-Delegation"

_CLAIM = re.compile(
    rf"{TICK} (?:Wave (?P<wave>{WAVE_NUMBER}) Complete|PLAN (?P<plan>{PLAN_ID}) COMPLETE)(?: - (?P<note>.*))?"
)
_STARTS_WITH = "▶ PLAN "
_START = re.compile(rf"{_STARTS_WITH}({PLAN_ID}) START - (.*)")
_PART_STARTS_WITH = "▶ WAVE "
_PART_START = re.compile(rf"{_PART_STARTS_WITH}({PLAN_ID})\.({WAVE_NUMBER}) START - (.*)")

_OID = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_DIGEST = r"sha256:[0-9a-f]{64}"


class Claim(msgspec.Struct, frozen=True, tag="claim"):
    """A first line that says that a wave or a plan is complete: one of them is None. A wave's line names no plan."""

    wave: int | None = None
    plan: str | None = None
    note: str = ""
    shortcode: bool = False
    """Typed with `:white_check_mark:`; the hook must write `render_claim` in its place."""

    def __post_init__(self) -> None:
        if (self.wave is None) == (self.plan is None):
            raise ValueError("a claim is of a wave or of a plan")


class Ordinary(msgspec.Struct, frozen=True, tag="ordinary"):
    """A first line that says nothing to us."""


class Malformed(msgspec.Struct, frozen=True, tag="malformed"):
    """Nearly a claim, or unreadable trailers: inert wherever it stands."""

    reasons: tuple[str, ...]
    """Short phrases, at least one, for "is not a claim: …"."""
    suggestion: str = ""
    """The exact line to write; empty where it cannot be guessed."""


Spoken = Claim | Ordinary | Malformed


class Start(msgspec.Struct, frozen=True):
    """The first line of the empty commit that a plan's branch begins with."""

    plan: str
    agent: str


class PartStart(msgspec.Struct, frozen=True):
    """The first line of the empty commit that a wave executor's branch begins with."""

    target: Target
    name: str


class Trailers(msgspec.Struct, frozen=True):
    """The Conductor- trailers of one message; None for each that is not there."""

    plan: str | None = None
    wave: int | None = None
    proof: str | None = None
    """`sha256:<hex>` of the attestation."""
    rules: str | None = None
    """`sha256:<hex>` of the rules it was judged by."""
    delegation: str | None = None
    """The id of the delegation event, in a start commit."""


def parse(message: str, *, keyboard: bool = False) -> Spoken:
    """What the first line of a message says; `keyboard` where the caller rewrites the line before it is committed."""
    line = message.partition("\n")[0]
    if line.startswith((_STARTS_WITH, _PART_STARTS_WITH)):
        return Ordinary()
    typed = line.startswith(SHORTCODE)
    exact = TICK + line.removeprefix(SHORTCODE) if typed else line
    claim = _read_claim(exact, typed)
    if claim is None:
        return _near(exact if typed and keyboard else line)
    if typed and not keyboard:
        return Malformed((f"'{SHORTCODE}' instead of '{TICK}'",), render_claim(claim))
    return claim


def _read_claim(line: str, shortcode: bool) -> Claim | None:
    found = _CLAIM.fullmatch(line)
    if found is None or (found["note"] is not None and not is_note(found["note"])):
        return None
    return Claim(int(found["wave"]) if found["wave"] else None, found["plan"], found["note"] or "", shortcode)


def _near(line: str) -> Ordinary | Malformed:
    return Ordinary() if _is_plain(line) else _looked_at(line)


def _is_plain(line: str) -> bool:
    """Whether a line has nothing that the rule of `nearclaim` begins with: so few tests that it need not be loaded."""
    low = line.lower()
    return (
        line.isascii()
        and line[:1].isalpha()
        and not low.startswith(("wave", "plan", "complete", "finish", "done"))
        and "[x]" not in low
        and "check" not in low
    )


def _looked_at(line: str) -> Ordinary | Malformed:
    direct = _examine(line)
    if direct is not None:
        return direct
    from conductor_git.core.messages import nearclaim

    before = nearclaim.type_before(line)
    if not before:
        return Ordinary()
    said = line.removeprefix(before)
    claim = _read_claim(said, False)
    behind = Malformed((), render_claim(claim)) if claim else _examine(said)
    if behind is None:
        return Ordinary()
    return Malformed((f"'{before.strip()}' before the tick", *behind.reasons), behind.suggestion)


def _examine(line: str) -> Malformed | None:
    """Why a line that is no claim is malformed from its first word on; None where it is not."""
    from conductor_git.core.messages import nearclaim

    reading = nearclaim.read(line)
    if not nearclaim.may_be_malformed(reading):
        return None
    from conductor_git.core.messages.nearrules import examine

    near = examine(line, reading)
    if near is None:
        return None
    meant = near.wave is not None or near.plan is not None
    return Malformed(near.reasons, render_claim(Claim(near.wave, near.plan, near.note)) if meant else "")


def render_claim(claim: Claim) -> str:
    """The claim's line. A note that no claim may hold is not repaired: `parse` then says Malformed."""
    name = f"Wave {claim.wave} Complete" if claim.plan is None else f"PLAN {claim.plan} COMPLETE"
    return f"{TICK} {name} - {claim.note}" if claim.note else f"{TICK} {name}"


def claim_command(line: str, plan: str | None = None) -> str:
    """The command that proves and commits the claim that a line says, for a shell; empty where it says none."""
    import shlex

    claim = parse(line)
    if not isinstance(claim, Claim):
        return ""
    target = claim.plan if claim.wave is None else f"{plan or ''}.{claim.wave}"
    return f"conductor-git claim {target}" + (f" -m {shlex.quote(claim.note)}" if claim.note else "")


def commit_command(line: str) -> str:
    """The command that says this line, for a shell."""
    import shlex

    return f"git commit --allow-empty -m {shlex.quote(line)}"


def parse_start(message: str) -> Start | None:
    """The start that the first line of a message says; None where it says none."""
    found = _START.fullmatch(message.partition("\n")[0])
    return Start(found[1], found[2]) if found and is_note(found[2]) else None


def render_start(start: Start) -> str:
    """The first line of a start commit."""
    return f"{_STARTS_WITH}{start.plan} START - {start.agent}"


def parse_part_start(message: str) -> PartStart | None:
    """The start of a wave executor's branch that the first line of a message says; None where it says none."""
    found = _PART_START.fullmatch(message.partition("\n")[0])
    return PartStart(Target(found[1], int(found[2])), found[3]) if found and is_note(found[3]) else None


def render_part_start(start: PartStart) -> str:
    """The first line of the commit that an executor's branch begins with."""
    return f"{_PART_STARTS_WITH}{start.target} START - {start.name}"


def made_ordinary(line: str) -> str:
    """How a malformed line becomes one that says nothing to us; empty where it has no word to change."""
    from conductor_git.core.messages import nearclaim

    before = "" if _examine(line) else nearclaim.type_before(line).strip()
    word = nearclaim.first_word(line)
    if before:
        return f"leave out the tick after '{before}'"
    return f"start the subject with another word than '{word}'" if word else ""


def read_trailers(pairs: Iterable[tuple[str, str]]) -> Trailers | Malformed:
    """Read trailers as git gave them (key, unfolded value). Ours may stand once each; all others are passed over."""
    values: dict[str, str] = {}
    reasons: list[str] = []
    for key, value in pairs:
        # git compares keys with strcasecmp.
        known = _TRAILERS.get(key.lower())
        if known is None:
            continue
        name, form, wanted = known
        if name in values:
            reasons.append(f"more than one '{key}'")
        elif re.fullmatch(form, value) is None:
            reasons.append(f"'{key}' is not {wanted}")
        values.setdefault(name, value)
    if reasons:
        return Malformed(tuple(dict.fromkeys(reasons)))
    wave = values.pop("wave", None)
    return Trailers(wave=None if wave is None else int(wave), **values)


_TRAILERS = {
    key.lower(): (field, form, wanted)
    for key, field, form, wanted in (
        (PLAN_TRAILER, "plan", PLAN_ID, "a plan's number or slug"),
        (WAVE_TRAILER, "wave", WAVE_NUMBER, "a wave's number"),
        (PROOF_TRAILER, "proof", _DIGEST, "a 'sha256:' digest"),
        (RULES_TRAILER, "rules", _DIGEST, "a 'sha256:' digest"),
        (DELEGATION_TRAILER, "delegation", _OID, "an event's id"),
    )
}
