"""What begins like a claim and is none: the rule by which a first line is malformed.

Only the first 128 characters of the line are looked at, and letter case does not count.

Marks come first, any number of them: characters that are neither letters nor digits, `[x]`, and `:shortcodes:`. Ticks
among them are ✅ ✔ ☑ ✓ 🗸 🗹 √, `[x]`, and shortcodes with `check` in them. Then

- DONE is `complete`, `completed`, `done`, `finished` or a tick. It *ends its clause* where, white space apart, the line
  ends or something follows that is neither letter nor digit.
- TARGET is `wave` or `plan` and a number (digits of any script, or `zero` to `ten`) with at most three characters
  between them that are neither letters nor digits; a minus is none. So are `wave 2.3`, `wave 3 of 5`, `plan 2, wave 3`,
  `wave 3 of plan 2` and `waves 2 and 3`.
- LINKS are white space and these words: all are been both finally fully has have implementation is now successfully
  tasks was were work.

A line that is no claim is malformed when after its marks it begins with

1. TARGET, where a tick is among the marks, whatever follows;
2. TARGET, LINKS, perhaps one (remark in parentheses), LINKS, DONE;
3. TARGET, LINKS and any marks, DONE that ends its clause;
4. `wave` or `plan`, LINKS and any marks, DONE that ends its clause: its number is missing;
5. the same with one word between that can only be meant for a name: any word where a tick is among the marks, else a
   slug after `plan` that has a hyphen in it or comes after `PLAN` in capitals;
6. `complete`, `completed`, `finish`, `finished` or `done`, perhaps `with`, perhaps `the`, then TARGET that ends its
   clause.

So is a line where a TYPE comes first, as in conventional commits, if what follows it has a tick among its marks and is
a claim or malformed by the rules above. A TYPE is at most 30 ASCII letters, digits, `-` and `_`, a letter first,
perhaps a scope in parentheses, perhaps `!`, then `:`. The words `revert`, `reapply` and `merge` are none: they say
something of what was claimed elsewhere.

Where the line begins with a tick character and, after spaces or a variation selector, a letter that is or looks like
`w` or `p`, invisible characters are passed over, and the Cyrillic, Greek and fullwidth letters that look like those of
a claim are taken for them. Everywhere else they are letters of another alphabet, and the line is prose.

hooks/lib/suspect.sh answers "surely ordinary?" without Python: what is malformed here must be suspect there.
"""

from __future__ import annotations

import re

import msgspec

LOOKED_AT = 128
TICKS = "✅✔☑✓🗸🗹√"
A_TICK = rf"(?:[{TICKS}]|\[x\]|:[a-z_]{{0,20}}check[a-z_]{{0,20}}:)"
"""A tick in text that was lowered, as a pattern."""

LOOKALIKES = {
    **dict(zip("АаСсЕеМмОоРрТтԜԝѴѵӀӏ", "aacceemmooppttwwvvll", strict=True)),
    **dict(zip("ΑαΕεΜΝνΟοΡρΤτ", "aaeemnvoopptt", strict=True)),
    **{chr(0xFEE0 + code): chr(code).lower() for code in range(0x21, 0x7F)},
}
"""What is read for a letter that looks like it: one character for one."""

INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3"
    "\ufe00-\ufe0f\ufeff]"
)

_LIKE_W_OR_P = "wWpP" + "".join(odd for odd, plain in LOOKALIKES.items() if plain in "wp")
_DISGUISED = re.compile(rf"[ \t]*[{TICKS}][\ufe0e\ufe0f]?[ \t]*[{_LIKE_W_OR_P}]")
_MARKS = re.compile(r"(?:\[x\]|:[a-z0-9_+-]{1,40}:|[\W_])*+")
_DONE_WORDS = ("complete", "finish", "done")
_FIRST_WORDS = ("wave", "plan", *_DONE_WORDS)
_TYPE = re.compile(r"(?!(?i:revert|reapply|merge)\b)[A-Za-z][A-Za-z0-9_-]{0,29}(?:\([^():]{1,60}\))?!?:\s*")
_FIND_TICK = re.compile(A_TICK)
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_TAKEN_FOR = {**_LOWER, **{ord(odd): ord(plain) for odd, plain in LOOKALIKES.items()}}


class Reading(msgspec.Struct, frozen=True):
    """The beginning of a line as it is looked at."""

    raw: str
    clean: str
    """`raw`, without invisible characters if they are passed over."""
    text: str
    """`clean` in lower case with ASCII digits, and with letters for lookalikes if they are taken for them."""
    marks: int
    """How many characters of `text` are marks."""
    disguised: bool
    """Whether lookalikes and invisible characters were seen through."""

    def raw_end(self, end: int) -> int:
        """How many characters of `raw` gave the first `end` of `text`."""
        if not self.disguised:
            return end
        visible = [place for place, char in enumerate(self.raw) if not INVISIBLE.match(char)]
        return visible[end - 1] + 1 if end else 0


class NearClaim(msgspec.Struct, frozen=True):
    """Why a line is no claim, and what it was probably meant to claim: at most one of wave and plan."""

    reasons: tuple[str, ...]
    wave: int | None = None
    plan: str | None = None
    note: str = ""


def read(line: str) -> Reading:
    """Read the beginning of a line as the rule does."""
    raw = line[:LOOKED_AT]
    disguised = _DISGUISED.match(raw) is not None
    clean = INVISIBLE.sub("", raw) if disguised else raw
    text = clean.translate(_TAKEN_FOR if disguised else _LOWER)
    if not text.isascii():
        text = _DIGIT.sub(lambda digit: str(int(digit[0])), text)
    marks = _MARKS.match(text)
    return Reading(raw, clean, text, marks.end() if marks else 0, disguised)


def type_before(line: str) -> str:
    """The TYPE that a line begins with and the white space after it, where marks with a tick follow; else nothing."""
    found = _TYPE.match(line)
    return found[0] if found and is_ticked(read(line[found.end() :])) else ""


def is_ticked(reading: Reading) -> bool:
    """Whether a tick is among the marks."""
    return _FIND_TICK.search(reading.text, 0, reading.marks) is not None


def may_be_malformed(reading: Reading) -> bool:
    """Whether a line has what every malformed one has: cheap, and True for few that are ordinary."""
    text = reading.text
    if not text.startswith(_FIRST_WORDS, reading.marks) or not ("wave" in text or "plan" in text):
        return False
    return any(word in text for word in _DONE_WORDS) or _FIND_TICK.search(text) is not None


def first_word(line: str) -> str:
    """The word a line begins with after its marks, as it was typed; empty where it has none."""
    reading = read(line)
    found = _WORD.match(reading.clean, reading.marks)
    return found[0] if found else ""
