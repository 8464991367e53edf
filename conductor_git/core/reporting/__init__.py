"""Who is where, as values and as text."""
