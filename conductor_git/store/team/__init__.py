"""Who works where: worktrees, writers, and handing plans over."""
