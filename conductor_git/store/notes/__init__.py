"""The ledger's refs: appending, signing, reading, pushing, and whose they are."""
