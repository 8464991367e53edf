"""What findings mean: each code with its explanation."""
