"""What a commit message says: a claim, nearly one, a start, or nothing."""
