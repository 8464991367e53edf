"""Where an audit stands: a git directory of its own, and what only an audit reads from git."""
