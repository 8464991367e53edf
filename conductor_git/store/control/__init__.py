"""Policy, plans and scripts on the control branch and in working trees."""
