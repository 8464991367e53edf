"""The command line from outside: what it says, whether that is one clear error, and whether its hint holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

PAST = ("-c", f"core.hooksPath={os.devnull}")
"""git without hooks."""


class Said(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def hint(self) -> str:
        """The last hint, without the remark behind it."""
        hints = [line.removeprefix("hint: ") for line in self.err.splitlines() if line.startswith("hint: ")]
        assert hints, self.err
        return hints[-1].partition("    #")[0]

    @property
    def data(self) -> Any:
        """What `--json` printed."""
        return msgspec.json.decode(self.out)


def run(at: Path, *argv: str, env: dict[str, str | None] | None = None) -> Said:
    """Run a program; None takes a variable away."""
    merged: dict[str, str | None] = {**os.environ, **(env or {})}
    done = subprocess.run(
        list(argv),
        cwd=at,
        env={name: value for name, value in merged.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def say(at: Path, *args: str, env: dict[str, str | None] | None = None, under: Sequence[str] = ()) -> Said:
    """Run our command line, `under` a program that changes what it may do."""
    said = run(at, *under, "conductor-git", *args, env=env)
    assert "Traceback" not in said.err, said.err
    assert "this is a bug" not in said.err, said.err
    return said


def works(at: Path, *args: str, env: dict[str, str | None] | None = None) -> Said:
    """Run our command line where nothing is wrong."""
    said = say(at, *args, env=env)
    assert said.code == 0, said.err + said.out
    return said


def refused(said: Said, *parts: str, code: int = 2) -> Said:
    """Assert that it is one clear error that has these parts in it, and nothing on standard output."""
    assert (said.code, said.out) == (code, ""), said
    assert said.err.startswith("error: "), said.err
    assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1, said.err
    assert [part for part in parts if part not in said.err] == [], said.err
    return said


def follow(at: Path, said: Said, *, env: dict[str, str | None] | None = None) -> Said:
    """Paste the hint into a shell; it is no wrong call."""
    done = run(at, "sh", "-c", said.hint, env=env)
    assert done.code not in (126, 127, 129), f"{said.hint}: {done.err}"
    assert "--help" not in done.err, f"{said.hint}: {done.err}"
    return done


def states(at: Path) -> dict[str, str]:
    """Plan and wave -> state."""
    found: dict[str, str] = {}
    for plan in works(at, "log-status", "--json").data["plans"]:
        found[plan["plan"]] = plan["state"]
        found |= {f"{plan['plan']}.{wave['wave']}": wave["state"] for wave in plan["waves"]}
    return found


def findings(at: Path) -> list[tuple[str, str, str]]:
    """Code, severity and message of everything that the report finds wrong, plan by plan."""
    board = works(at, "log-status", "--json").data
    every = [*board["findings"], *(finding for plan in board["plans"] for finding in plan["findings"])]
    for plan in board["plans"]:
        every += [finding for wave in (*plan["waves"], plan["claim"]) for finding in wave["findings"]]
    return [(finding["code"], finding["severity"], finding["message"]) for finding in every]


def refs(at: Path) -> str:
    """Every ref and where it points, to compare."""
    return run(at, "git", "for-each-ref", "--format=%(refname) %(objectname)").out


def commit_to_main(root: Path, files: dict[str, str | bytes | None], *, mode: int = 0o644) -> None:
    """Change files on main (None deletes one), past the hooks, and come back to the branch that was checked out."""
    here = run(root, "git", "symbolic-ref", "--short", "HEAD").out.strip()
    run(root, "git", "checkout", "-q", "main")
    for name, content in files.items():
        path = root / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
    run(root, "git", "add", "-A")
    assert run(root, "git", *PAST, "commit", "-q", "-m", "change the rules").code == 0
    run(root, "git", "checkout", "-q", here)


def harm(path: Path) -> None:
    """Put garbage into a file that may be read-only."""
    path.chmod(0o644)
    path.write_bytes(b"garbage")


def object_file(root: Path, name: str) -> Path:
    """The file of a loose object."""
    oid = run(root, "git", "rev-parse", name).out.strip()
    return root / ".git/objects" / oid[:2] / oid[2:]


def plain_user() -> list[str] | None:
    """What runs a program as somebody whom the access of files stops: nothing for plain users, for root without the
    right to pass it over; None where neither can be had."""
    if os.geteuid() != 0:
        return []
    rights = "-dac_override,-dac_read_search,-fowner"
    under = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]
    if shutil.which("setpriv") is None or subprocess.run([*under, "true"], capture_output=True).returncode:
        return None
    return under


def counting(folder: Path) -> dict[str, str]:
    """Surroundings in which each start of git writes a line into `calls`."""
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "bin").mkdir()
    shim = folder / "bin" / "git"
    shim.write_text(f'#!/bin/sh\necho "$*" >> "{folder}/calls"\nexec "{real}" "$@"\n')
    shim.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}/bin{os.pathsep}{os.environ['PATH']}"}
