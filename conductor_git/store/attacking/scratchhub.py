"""A hub for the scratch clone, set up as `hub init` does it, and pushing to it as one person or another."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from conductor_git.core.errors import CannotRun
from conductor_git.store.attacking.ground import BRANCH, Ground
from conductor_git.store.hub.founding import make_bare, settle

CONDUCTOR_LOGIN, AGENT_LOGIN = "drill-conductor", "drill"
_VARIABLE = "DRILL_USER"
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/notes/conductor/*:refs/notes/conductor/*")


class ScratchHub:
    """One that enforces; it has what the scratch clone begins with."""

    def __init__(self, folder: str, ground: Ground, env: Mapping[str, str]) -> None:
        self._place = os.path.join(folder, "hub.git")
        self._pristine = os.path.join(folder, "hub.pristine")
        self._root = ground.root
        self._env = env
        settle(make_bare(self._place), identity=_VARIABLE, founder=CONDUCTOR_LOGIN)
        policy = ground.control.policy
        self._rules = sorted({policy.integration_ref, policy.control_ref})
        self._work = (ground.ledger, f"refs/heads/{BRANCH}")
        self.take_in()
        shutil.copytree(self._place, self._pristine, symlinks=True)

    def take_in(self) -> None:
        """Have what the scratch clone has, pushed by those who may. Raises CannotRun where that is refused."""
        self._found(CONDUCTOR_LOGIN, *self._rules)
        self._found(AGENT_LOGIN, *self._work)

    def reset(self) -> None:
        """Put it back to its beginning."""
        shutil.rmtree(self._place)
        shutil.copytree(self._pristine, self._place, symlinks=True)

    def refuses(self) -> str:
        """Push all that the scratch clone has, as its agent: what the hub said where it refused, else empty."""
        done = self._push(AGENT_LOGIN, *_EVERYTHING)
        return done.stderr.decode("utf-8", "replace") if done.returncode else ""

    def _found(self, login: str, *refs: str) -> None:
        done = self._push(login, *refs)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace")
            raise CannotRun("the scratch hub does not take what the scratch clone begins with", detail=said)

    def _push(self, login: str, *refspecs: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", "push", "--quiet", "--no-verify", self._place, *refspecs],
            cwd=self._root,
            env={**self._env, _VARIABLE: login},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
