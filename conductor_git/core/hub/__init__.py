"""What a hub refuses: who pushes, which refs are whose, and what a push would change."""
