"""A hub behind an emulated forced command (what sshd does for a key, without sshd), and a clone that pushes to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_git.core.events.event import Kind
from conductor_git.store.notes.ledger import append
from conductor_git.store.plumbing.repository import discover
from tests.conftest import IDENTITY, Git
from tests.team import CLAIM, Team

VARIABLE = "SHOP_USER"

# As in authorized_keys: command="env SHOP_USER=ada git-shell -c \"$SSH_ORIGINAL_COMMAND\"", in sshd's own environment.
_COMMAND = """\
#!/bin/sh
login=$1
shift 2
exec env -i PATH="$PATH" HOME="$HOME" GIT_CONFIG_NOSYSTEM=1 $CARRIED {variable}="$login" git-shell -c "$*"
"""


class Forced:
    """Pushes to bare repositories as one login or another."""

    def __init__(self, folder: Path) -> None:
        self.script = folder / "forced-command"
        self.script.write_text(_COMMAND.format(variable=VARIABLE))
        self.script.chmod(0o755)

    def push(self, source: Path, hub: Path, login: str, *refspecs: str, carried: str = "") -> tuple[int, str]:
        """`carried` is more of what sshd would set (`NAME=value`); an exit code and all that was said."""
        env = {
            **os.environ,
            "GIT_SSH_COMMAND": f"'{self.script}' '{login}'",
            "GIT_SSH_VARIANT": "simple",
            "CARRIED": carried,
        }
        done = subprocess.run(
            ["git", "push", "--no-verify", f"ssh://hub{hub}", *refspecs],
            cwd=source,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return done.returncode, done.stderr + done.stdout


PEOPLE = '[people]\nada = ["conductor", "ada"]\nbob = ["agent-2"]\neve = ["agent-3", "user-e"]\n'


class Shop(Team):
    """A clone without doors, a hub that enforces, and a bare repository with the same content that does not."""

    def __init__(self, folder: Path, git: Git) -> None:
        super().__init__(folder / "shop", git)
        self.hub, self.open = folder / "hub.git", folder / "open.git"
        self.forced = Forced(folder)

    def push(self, login: str, *refspecs: str, to: Path | None = None, carried: str = "") -> tuple[int, str]:
        return self.forced.push(self.root, to or self.hub, login, *refspecs, carried=carried)

    def taken(self, login: str, *refspecs: str) -> None:
        code, said = self.push(login, *refspecs)
        assert code == 0, said

    def refused(self, login: str, *refspecs: str, carried: str = "") -> str:
        """Push to the hub that does not enforce, which must work, then to the one that does: what that says."""
        code, said = self.push(login, *refspecs, to=self.open, carried=carried)
        assert code == 0, said
        return self.shut(login, *refspecs, carried=carried)

    def shut(self, login: str, *refspecs: str, carried: str = "") -> str:
        """What the hub says; no ref of it may have moved."""
        before = self.git(self.hub, "for-each-ref")
        code, said = self.push(login, *refspecs, carried=carried)
        assert code != 0, said
        assert self.git(self.hub, "for-each-ref") == before
        assert "Traceback" not in said
        remote = [line.removeprefix("remote: ").rstrip() for line in said.splitlines() if line.startswith("remote: ")]
        assert remote[0].startswith(("error: ", "alarm: ")), said
        return "\n".join(remote)

    def claim(self) -> str:
        """Work on plan 2, proven and claimed."""
        (self.root / "work").write_text("text\n")
        self.git(self.root, "add", "work")
        self.git(self.root, "commit", "-q", "-m", "work")
        self.prove("2.0")
        code, said = self.commit("--allow-empty", "-m", f"{CLAIM}\n\nConductor-Plan: 2\nConductor-Wave: 0")
        assert code == 0, said
        return self.git(self.root, "rev-parse", "HEAD")

    def ledger(self, writer: str) -> str:
        """The full name of a writer's ledger in the clone."""
        return self.git(self.root, "for-each-ref", "--format=%(refname)", f"refs/notes/conductor/{writer}.*")

    def say(self, writer: str, kind: Kind = "memory", data: dict[str, object] | None = None) -> str:
        """Record an event in anybody's name, as whoever has a shell can."""
        event = append(
            discover(str(self.root)), writer=writer, kind=kind, data=data or {"text": "hello"}, now=2_000_000_000
        )
        return event.id


def _run_git(folder: Path | str, *args: str, **how: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


@pytest.fixture(scope="session")
def founded(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clone and hub, made by the commands, and what the conductor pushed first. Built once and copied."""
    folder = tmp_path_factory.mktemp("founded")
    shutil.copytree(template, folder / "shop", symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        own = {"HOME": str(home), "CONDUCTOR_CACHE": str(home / "cache"), "PATH": path}
        for name, value in {**IDENTITY, **own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}.items():
            patch.setenv(name, value)
        shop = Shop(folder, _run_git)
        shop.git(shop.root, "checkout", "-q", "main")
        policy = shop.root / ".conductor/conductor.toml"
        policy.write_text(policy.read_text() + PEOPLE)
        shop.git(shop.root, "commit", "-q", "-a", "-m", "say who is who")
        shop.git(shop.root, "branch", "-q", "-f", "b2", "main")
        shop.git(shop.root, "checkout", "-q", "b2")
        for name in ("hub.git", "open.git"):
            shop.git(folder, "init", "-q", "--bare", "-b", "main", name)
        made = shop.run(*("conductor-git", "hub", "init", str(shop.hub), "--conductor", "ada", "--identity", VARIABLE))
        assert made[0] == 0, made[1]
        for place in (shop.hub, shop.open):
            code, said = shop.push("ada", "main", to=place)
            assert code == 0, said
        # Once more, now that there is a control branch that can be pinned.
        assert shop.run("conductor-git", "hub", "install", at=shop.hub)[0] == 0
    return folder
