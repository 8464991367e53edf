"""A repository with our hook files and a stand-in for Python that only says that it was asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from conductor_git.core.hooktext.guards import render_specs
from conductor_git.store.hookfiles.doorfiles import MANAGED, Start, compose

Git = Callable[..., str]

START = "-P -c from conductor_git.doors import leave; leave() "
STAND_IN = """\
#!/bin/sh
echo "$*" >>'{log}'
exit {code}
"""


class Conducted:
    """A repository with our hook files, guards written by hand, and a log of when Python was asked."""

    def __init__(self, root: Path, git: Git) -> None:
        self.root, self.git = root, git
        self.log = root.parent / "asked"
        self.python = root.parent / "it's python"
        self.package = root.parent / "package"
        (self.package / "doors").mkdir(parents=True)
        (self.package / "doors/__init__.py").touch()
        self.answer(1)

    def answer(self, code: int) -> None:
        self.python.write_text(STAND_IN.format(log=self.log, code=code))
        self.python.chmod(0o755)

    def install(self, shell: Sequence[str] = (), *, shared: bool = False, doors: Sequence[str] = MANAGED) -> None:
        for door in doors:
            text = compose(door, Start(str(self.python), str(self.package), shared)).decode()
            if shell:
                path = shutil.which(shell[0])
                text = text.replace("#!/bin/sh", f"#!{path} {' '.join(shell[1:])}".rstrip(), 1)
            hook = self.root / ".git/hooks" / door
            hook.write_text(text)
            hook.chmod(0o755)

    def guard(self, **branches: list[list[str]]) -> None:
        oid = self.git(self.root, "rev-parse", "main")
        folder = self.root / ".git/conductor/guards" / oid
        (folder / "refs/heads").mkdir(parents=True)
        (folder / "known").write_text("^refs/heads/main\n")
        (folder / "default").write_text(":(top,glob).conductor\n")
        for branch, specs in branches.items():
            (folder / f"refs/heads/{branch}~").write_text(render_specs(specs))
        (folder / "paths").write_text(":(top,literal).conductor\n")
        (self.root / ".git/conductor/control-ref").write_text(f"{oid}\nrefs/heads/main {oid}\n")

    def asked(self) -> list[str]:
        said = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [line.removeprefix(START) for line in said]

    def commit(self, *args: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> int:
        done = subprocess.run(
            ["git", "commit", "-q", *args],
            cwd=cwd or self.root,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        self.said = done.stdout + done.stderr
        return done.returncode


def conduct(root: Path, git: Git) -> Conducted:
    """Hook files, guards, and the branch of a plan whose scope is `docs/` checked out."""
    made = Conducted(root, git)
    made.install()
    made.guard(plan=[[":(top)", ":(top,exclude,glob)docs/**"], [":(top,glob)docs/frozen.md"]])
    git(root, "checkout", "-q", "-b", "plan")
    return made


def add(conducted: Conducted, path: str, *, root: Path | None = None) -> None:
    file = (root or conducted.root) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{path}\n")
    conducted.git(root or conducted.root, "add", "--", path)
