"""Journeys with the real tools of others."""
