"""The ledger's refs: appending, reading, pushing, and whose they are."""
