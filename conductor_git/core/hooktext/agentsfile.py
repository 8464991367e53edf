"""The section of AGENTS.md that tells an agent what holds in this repository."""

from __future__ import annotations

BEGIN = "<!-- conductor-git: begin -->"
END = "<!-- conductor-git: end -->"
NAME = "AGENTS.md"

_SECTION = f"""\
{BEGIN}
## Work here is coordinated by conductor-git

- What you are to do: `conductor-git brief` in your worktree. Where all plans stand: `conductor-git status`.
- Commit as usual, with plain `git commit`. Stay inside your plan's scope; leave `.conductor/` alone.
- A wave is done when its validation passes: `conductor-git claim` runs it and commits the claim.
- Do not write "Wave 3 done" yourself: only `✅ Wave 3 Complete` with a proof counts, and the hooks refuse the rest.
- A refusal names what satisfies it. Do that; a way round shows on the board.
- Take integration in with `git merge`; do not rebase over a claim. Landing is the conductor's.
- Exit code 4 means that a run goes on: give the same command again.
{END}
"""


def with_section(text: str) -> str:
    """The file with our section: replaced between its markers, else appended. Again changes nothing."""
    end = text.find(END)
    begin = text.rfind(BEGIN, 0, end) if end >= 0 else -1
    if begin >= 0:
        return text[:begin] + _SECTION.removesuffix("\n") + text[end + len(END) :]
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return text + gap + _SECTION
