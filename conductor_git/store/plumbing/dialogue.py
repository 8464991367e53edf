"""A git process that answers one question after the other: what is asked next depends on what it said."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import BinaryIO, cast

from conductor_git.store.plumbing.git import GitFailed, environment

_CHUNK = 1 << 16


class Dialogue:
    """Started with the first question; one that failed is started again with the next."""

    def __init__(self, args: Sequence[str], *, cwd: str, env: Mapping[str, str]) -> None:
        self._args = args
        self._cwd = cwd
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None
        self._said: BinaryIO | None = None

    def ask(self, line: str, *, ends: bytes) -> bytes:
        """What git answers to a line, up to `ends` and without it. Raises GitFailed where it ends instead."""
        process = self._process or self._start()
        asked, answers = cast("tuple[BinaryIO, BinaryIO]", (process.stdin, process.stdout))
        answer = b""
        try:
            asked.write(line.encode("utf-8", "surrogateescape") + b"\n")
            while not answer.endswith(ends):
                chunk = answers.read(_CHUNK)
                if not chunk:
                    break
                answer += chunk
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(ends):
            raise self._failed(process)
        return answer.removesuffix(ends)

    def close(self) -> None:
        """Let it end; nothing more is asked of this process."""
        process, said, self._process, self._said = self._process, self._said, None, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout, said):
            if pipe is not None:
                pipe.close()
        process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        # A file: nobody reads along, and a full pipe would stop it.
        self._said = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115
        self._process = subprocess.Popen(
            ["git", *self._args],
            cwd=self._cwd,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**environment(os.environ, writes=True), **self._env},
        )
        return self._process

    def _failed(self, process: subprocess.Popen[bytes]) -> GitFailed:
        if process.stdin is not None:
            process.stdin.close()
        code = process.wait()
        said = b""
        if self._said is not None:
            self._said.seek(0)
            said = self._said.read()
        self.close()
        return GitFailed(self._args, code, said)
