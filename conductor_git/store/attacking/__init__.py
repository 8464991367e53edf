"""Carrying attacks out, in a repository made for it."""
