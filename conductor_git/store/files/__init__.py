"""Files that several processes want: locks, turns, and what is kept only to save time."""
