"""How claimed work gets onto integration: what may land, in which order, and what is tried together."""
