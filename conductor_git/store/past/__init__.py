"""History as git has it: commits, starts, landings, and the rules of other times."""
