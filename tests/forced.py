"""A hub behind an emulated forced command: what sshd does for a key, without sshd."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

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
