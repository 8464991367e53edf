"""A hub's own git directory: what it is set up to, what comes in, and how it is made."""
