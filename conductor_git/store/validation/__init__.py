"""Where validations run, how, and what is recorded of them."""
