"""What a landing says while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from conductor_git.core.landing.entry import Fate


class Progress(msgspec.Struct, frozen=True):
    """One thing that begins, or has come to its end."""

    kind: Literal["validating", "fate", "moved", "note"]
    text: str
    elapsed: float = 0.0
    """Seconds since the landing began."""
    names: tuple[str, ...] = ()
    """The entries that it is about."""
    fate: Fate | None = None

    def values(self) -> dict[str, Any]:
        """For `--json` (docs/FORMAT.md, "The landing")."""
        found = {"progress": self.kind, "text": self.text, "elapsed": round(self.elapsed, 1), "names": self.names}
        return found if self.fate is None else {**found, "fate": self.fate.how, "commit": self.fate.commit}


Tell = Callable[[Progress], None]
