"""`python -m conductor_git.doors`."""

from conductor_git.doors import leave

leave()
