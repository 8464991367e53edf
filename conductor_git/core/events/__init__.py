"""The ledger's events: what was said and proven, one line each, and whose word they need."""
