"""What the conductor declares: policy, plans and the rules they make."""
