"""Journeys: each joins core to store and returns an outcome; none imports another."""
