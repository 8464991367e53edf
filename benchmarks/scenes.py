"""Repositories that conductor-git coordinates, set up through its own commands only."""

from __future__ import annotations

from pathlib import Path

from place import Place


def coordinated(place: Place, name: str) -> Path:
    """A repository with a policy and every door."""
    root = place.new_repository(name)
    place.ours(root, "init", "--validate", "true")
    return root


def delegated(place: Place, root: Path, plan: int, *, waves: int) -> Path:
    """A plan with a scope of its own, delegated: its worktree."""
    titles = [word for wave in range(1, waves + 1) for word in ("--wave", f"Step {wave}")]
    place.ours(root, "plan", "new", f"Part {plan}", "--plan", str(plan), "--scope", f"part{plan}/**", *titles)
    place.ours(root, "plan", "commit")
    place.ours(root, "delegate", str(plan))
    return worktree_of(place, root, plan)


def worktree_of(place: Place, root: Path, plan: int) -> Path:
    """Where a delegated plan is worked on."""
    folder, branch = "", ""
    for line in place.git(root, "worktree", "list", "--porcelain").splitlines():
        key, _, value = line.partition(" ")
        folder = value if key == "worktree" else folder
        branch = value if key == "branch" else branch
        if key == "branch" and branch.startswith(f"refs/heads/agent-{plan}/"):
            return Path(folder)
    raise RuntimeError(f"plan {plan} has no worktree in {root}")
