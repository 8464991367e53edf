"""What is believed, and what is refused."""
