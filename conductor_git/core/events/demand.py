"""What a policy wants signed."""

from __future__ import annotations

from typing import Literal

import msgspec

Demand = Literal["none", "agent", "runner"]
"""agent: every attestation is signed; runner: those of runners are, and those of others wait for one."""


class Trust(msgspec.Struct, frozen=True):
    """What the policy wants signed."""

    attestations: Demand = "none"
    conductor: bool = False
    """What decides for the whole repository."""
    since: str = ""
    """What this commit contains was judged before signatures were asked for; empty exempts nothing."""

    @property
    def demands(self) -> bool:
        """Whether anything must be signed."""
        return self.conductor or self.attestations != "none"
