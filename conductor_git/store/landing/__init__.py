"""Landing in git: what merging gives, the journal, and moving the refs."""
