"""What the doors stand on: which hooks this git runs for what, and how its transactions look."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]

HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "pre-merge-commit", "pre-push", "reference-transaction")
COMMIT = frozenset({"pre-commit", "prepare-commit-msg", "commit-msg"})
MERGE = frozenset({"pre-merge-commit", "prepare-commit-msg", "commit-msg"})
NO_MORE = frozenset({"prepare-commit-msg"})
NONE = frozenset[str]()


class Watched:
    """A repository whose hooks write down that they ran; 'side' has one commit that main lacks, and main one."""

    def __init__(self, root: Path, git: Git) -> None:
        self.root, self.git, self.log = root, git, root.parent / "heard"
        git(root, "checkout", "-q", "-b", "side")
        self.change("side")
        git(root, "checkout", "-q", "main")
        self.change("own")
        for hook in HOOKS:
            path = root / ".git/hooks" / hook
            lines = "sed s/^/:/" if hook in ("reference-transaction", "pre-push") else "true"
            path.write_text(f"#!/bin/sh\n{{ echo '{hook}' $1; {lines}; }} >>'{self.log}'\n")
            path.chmod(0o755)

    def change(self, name: str) -> None:
        (self.root / name).write_text(f"{name}\n")
        self.git(self.root, "add", name)
        self.git(self.root, "commit", "-q", "-m", name)

    def heard(self, command: str) -> list[str]:
        self.log.unlink(missing_ok=True)
        done = subprocess.run(["sh", "-c", command], cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return self.log.read_text().splitlines() if self.log.exists() else []

    def ran(self, command: str) -> set[str]:
        return {line.split()[0] for line in self.heard(command) if not line.startswith(":")}

    def moves(self, command: str) -> list[tuple[str, str, str]]:
        """What was prepared: whether the old and the new value are there, and the ref."""
        state, found = "", []
        for line in self.heard(command):
            if not line.startswith(":"):
                state = line.split()[-1]
            elif state == "prepared":
                old, new, ref = line[1:].split()
                found.append(("old" if old.strip("0") else "0", "new" if new.strip("0") else "0", ref))
        return found


@pytest.fixture
def watched(repo_dir: Path, git: Git) -> Watched:
    return Watched(repo_dir, git)


@pytest.mark.parametrize(
    ("command", "ran"),
    [
        ("git commit -q --allow-empty -m x", COMMIT),
        ("git commit -q --amend --allow-empty -m x", COMMIT),
        ("git commit -q --allow-empty --no-verify -m x", NO_MORE),
        ("git merge -q --no-ff -m x side", MERGE),
        ("git merge -q --no-ff --no-verify -m x side", NO_MORE),
        ("git checkout -q -b ahead main~1 && git merge -q --ff-only side", NONE),
        ("git cherry-pick side", NO_MORE),
        ("git revert --no-edit main", NO_MORE),
        ("git rebase -q side", NO_MORE),
        ("git reset -q --hard main~1", NONE),
        ("git branch -f side main", NONE),
        ("git update-ref refs/heads/side main", NONE),
        ("printf 'reset refs/heads/side\\nfrom refs/heads/main\\n\\n' | git fast-import --quiet --force", NONE),
        ("git fetch -q . main:copy", NONE),
        ("git format-patch -q -1 side --stdout | git am -q", NONE),
    ],
)
def test_only_reference_transaction_sees_all_that_moves_a_branch(
    watched: Watched, command: str, ran: frozenset[str]
) -> None:
    assert watched.ran(command) == ran | {"reference-transaction"}


_BY_ENVIRONMENT = "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null"
_BY_WORKTREE = "git config extensions.worktreeConfig true; git config --worktree core.hooksPath /dev/null"


@pytest.mark.parametrize(
    "command",
    [
        "git -c core.hooksPath=/dev/null commit -q --allow-empty -m x",
        f"{_BY_ENVIRONMENT} git commit -q --allow-empty -m x",
        f"{_BY_WORKTREE}; git commit -q --allow-empty -m x",
        "git rev-parse main^ >.git/refs/heads/side",
    ],
)
def test_what_no_hook_sees(watched: Watched, command: str) -> None:
    assert watched.ran(command) == set()


def test_a_hubs_own_hook_runs_whatever_the_clone_has_switched_off(watched: Watched, tmp_path: Path) -> None:
    watched.git(tmp_path, "init", "-q", "--bare", "hub.git")
    watched.git(tmp_path / "hub.git", "config", "core.hooksPath", "hooks")
    hook = tmp_path / "hub.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    off = tmp_path / "config"
    off.write_text("[core]\n\thooksPath = /dev/null\n")

    def push(*options: str) -> int:
        argv = ["git", *options, "push", "-q", "--no-verify", str(tmp_path / "hub.git"), "main"]
        env = {**os.environ, "GIT_CONFIG_GLOBAL": str(off)}
        return subprocess.run(argv, cwd=watched.root, env=env, capture_output=True, check=False).returncode

    assert push("-c", "core.hooksPath=/dev/null") != 0
    # Without the hub's own setting: over a push by a path the environment of who pushes reaches it.
    watched.git(tmp_path / "hub.git", "config", "--unset", "core.hooksPath")
    assert push() == 0


def test_receiving_guards_branches_and_no_other_ref(watched: Watched, tmp_path: Path) -> None:
    hub = tmp_path / "hub.git"
    watched.git(tmp_path, "init", "-q", "--bare", "hub.git")
    for rule in ("denyNonFastForwards", "denyDeletes"):
        watched.git(hub, "config", f"receive.{rule}", "true")

    def push(refspec: str) -> int:
        argv = ["git", "push", "-q", str(hub), refspec]
        return subprocess.run(argv, cwd=watched.root, capture_output=True, check=False).returncode

    for ref, taken in [("refs/heads/x", False), ("refs/notes/x", True)]:
        assert push(f"main:{ref}") == 0
        assert (push(f"+side:{ref}") == 0, push(f":{ref}") == 0) == (taken, taken)


@pytest.mark.parametrize(
    ("command", "moves"),
    [
        ("git commit -q --allow-empty -m x", [("old", "new", "HEAD"), ("old", "new", "refs/heads/main")]),
        ("git update-ref refs/heads/side main", [("0", "new", "refs/heads/side")]),
        ("git branch -f side main", [("0", "new", "refs/heads/side")]),
        ("git update-ref -d refs/heads/side", [("0", "0", "refs/heads/side")]),
        ("git branch -q -D side", [("0", "0", "refs/heads/side")]),
        ("git branch -q -m side other", [("old", "0", "refs/heads/side")]),
        ("git branch -q -c side other", []),
    ],
)
def test_how_a_move_looks(watched: Watched, command: str, moves: list[tuple[str, str, str]]) -> None:
    assert list(dict.fromkeys(watched.moves(command))) == moves


def test_packing_looks_like_making_and_deleting_what_stays(watched: Watched) -> None:
    moves = watched.moves("git pack-refs --all --prune")
    assert set(moves) == {
        (old, new, f"refs/heads/{name}") for name in ("main", "side") for old, new in [("0", "new"), ("old", "0")]
    }
    lock, seen = watched.root / ".git/packed-refs.lock", watched.root.parent / "locked"
    hook = watched.root / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\n[ \"$1\" != prepared ] || {{ [ -e '{lock}' ] && echo yes || echo no; }} >>'{seen}'\n")
    watched.git(watched.root, "update-ref", "-d", "refs/heads/side", "side")
    assert "no" not in seen.read_text(), "while a packed ref is deleted the packed refs are locked"


def test_a_fetch_moves_the_branch_before_the_tracking_ref(watched: Watched, tmp_path: Path) -> None:
    watched.git(tmp_path, "clone", "-q", "--bare", str(watched.root), "origin.git")
    watched.git(watched.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    watched.git(watched.root, "checkout", "-q", "--detach")
    watched.git(watched.root, "update-ref", "refs/heads/main", "main~1")
    refs = [ref for _, _, ref in watched.moves("git fetch -q origin main:main")]
    assert refs.index("refs/heads/main") < refs.index("refs/remotes/origin/main")


def test_a_refusal_comes_before_the_ref_moves_and_after_the_files_did(watched: Watched) -> None:
    hook = watched.root / ".git/hooks/reference-transaction"
    hook.write_text('#!/bin/sh\n[ "$1" != prepared ] || exit 1\n')
    before = watched.git(watched.root, "rev-parse", "main")
    reset = subprocess.run(
        ["git", "reset", "-q", "--hard", "main~1"], cwd=watched.root, capture_output=True, check=False
    )
    assert reset.returncode != 0
    assert watched.git(watched.root, "rev-parse", "HEAD") == before
    assert not (watched.root / "own").exists()
    hook.unlink()
    watched.git(watched.root, "reset", "-q", "--merge")
    assert (watched.root / "own").exists()


def test_a_rehearsed_push_runs_the_hook(watched: Watched, tmp_path: Path) -> None:
    watched.git(tmp_path, "init", "-q", "--bare", "origin.git")
    heard = watched.heard(f"git push -q --dry-run '{tmp_path}/origin.git' main side")
    assert [line.split()[0] for line in heard] == ["pre-push", ":refs/heads/main", ":refs/heads/side"]


def test_an_option_that_names_what_is_missing_is_left_out_of_a_walk(watched: Watched) -> None:
    said = watched.git(watched.root, "rev-list", "--ignore-missing", "main", "^refs/heads/none", "^main~1", "--")
    assert said == watched.git(watched.root, "rev-parse", "main")
