"""Running git: the one place that starts it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, TypedDict, Unpack, cast

from conductor_git.core.errors import CannotRun

# What of the caller's GIT_* survives: where the user's configuration lives, who the user is, and how the network
# is reached. Everything else (GIT_DIR, GIT_INDEX_FILE, GIT_CONFIG_PARAMETERS, …) was meant for another git, and a
# hook inherits it: nested git would then read another repository or the old index.
_KEPT = frozenset(
    {
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_AUTHOR_DATE",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_COMMITTER_DATE",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_ASKPASS",
        "GIT_TERMINAL_PROMPT",
        "GIT_EDITOR",
    }
)

UNCONFIGURED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
}
"""The environment of a git that must answer alike on every machine, whatever its users have configured."""


_CHUNK = 1 << 17
_UNFLUSHED = {"GIT_FLUSH": "0"}
"""git(1): records come in full buffers. One by one, a long history takes half as long again."""
_AHEAD = 1 << 20
"""Bytes that git may be ahead of whoever takes its records in: with less it waits for him, and then he for git."""


class GitFailed(CannotRun):
    """git ended with a code that the caller did not expect; `said` is what it said, without its advice."""

    def __init__(self, args: Sequence[str], code: int, stderr: bytes) -> None:
        lines = said_by_git(stderr).splitlines()
        reason = next((line.removeprefix("fatal: ") for line in reversed(lines) if line.startswith("fatal: ")), "")
        if not reason:
            reason = f"it was ended by signal {-code}" if code < 0 else f"exit code {code}"
        rest = [line for line in lines if line != f"fatal: {reason}"]
        super().__init__(f"git {_verb(args)} failed: {reason}", detail="\n".join(rest), hint=_way_out(lines))
        self.code = code
        self.said = "\n".join(lines)


def said_by_git(stderr: bytes) -> str:
    """What git said, each line once, without the advice that it adds below an empty line."""
    first, _, more = stderr.decode("utf-8", "replace").strip().partition("\n\n")
    lines = [*first.splitlines(), *(line for line in more.splitlines() if line.startswith(_FORMS))]
    return "\n".join(dict.fromkeys(lines))


_FORMS = ("fatal: ", "error: ", "warning: ", "remote: ")
_BROKEN = (
    "corrupt",
    "bad object",
    "bad tree object",
    "unable to read",
    "missing blob",
    "missing tree",
    "unable to unpack",
)
_TAKES_VALUE = frozenset({"--git-dir", "-c", "-C"})


def _verb(args: Sequence[str]) -> str:
    words = iter(args)
    for word in words:
        if word in _TAKES_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _way_out(lines: Sequence[str]) -> str:
    said = "\n".join(lines)
    if "promisor remote" in said or "Could not read from remote" in said:
        return "git fetch    # once the remote can be reached"
    return "git fsck" if any(word in said for word in _BROKEN) else ""


class Result:
    """What one git process answered: `out` and `err` are bytes as git wrote them."""

    __slots__ = ("code", "err", "out")

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = code
        self.out = out
        self.err = err

    def raw_text(self) -> str:
        """Standard output, decoded as UTF-8 with surrogates for what is not."""
        return self.out.decode("utf-8", "surrogateescape")

    def text(self) -> str:
        """Standard output, decoded like `raw_text`, without the final newline."""
        return self.raw_text().removesuffix("\n")

    def lines(self) -> list[str]:
        """Standard output in lines, decoded like `text`."""
        return self.text().split("\n") if self.out else []

    def fields(self) -> list[str]:
        """NUL-terminated standard output (`-z`) in its fields, decoded like `text`."""
        return self.out.decode("utf-8", "surrogateescape").removesuffix("\0").split("\0") if self.out else []


def environment(base: Mapping[str, str], *, writes: bool = False) -> dict[str, str]:
    """The environment for a git of ours: `base` without what an outer git set, and with C messages."""
    env = without_git(base)
    env["LC_ALL"] = "C.UTF-8"
    env["GIT_NO_REPLACE_OBJECTS"] = "1"
    if not writes:
        # Otherwise a status that nobody asked for takes index.lock under a working agent.
        env["GIT_OPTIONAL_LOCKS"] = "0"
    return env


def without_git(base: Mapping[str, str]) -> dict[str, str]:
    """The environment for another program: `base` without what an outer git set for its own repository."""
    return {name: value for name, value in base.items() if not name.startswith("GIT_") or name in _KEPT}


class Running:
    """A git process at work; whoever began it asks for its `end`, once."""

    __slots__ = ("_args", "_ok", "_process", "_stdin", "_timeout")

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        args: Sequence[str],
        stdin: bytes | None,
        ok: Collection[int],
        timeout: float | None,
    ) -> None:
        self._process = process
        self._args = args
        self._stdin = stdin
        self._ok = ok
        self._timeout = timeout

    def end(self) -> Result:
        """Wait for it. Raises GitFailed on an exit code that was not expected, CannotRun when it takes too long."""
        try:
            out, err = self._process.communicate(self._stdin, self._timeout)
        except subprocess.TimeoutExpired as error:
            self._stop()
            raise CannotRun(f"git {_verb(self._args)} did not end within {self._timeout:g} s") from error
        except BaseException:
            self._stop()
            raise
        code = self._process.returncode
        if code not in self._ok:
            raise GitFailed(self._args, code, err)
        return Result(code, out, err)

    def wait(self) -> None:
        """Let it end, whatever it says and whoever has asked for it."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()


class How(TypedDict, total=False):
    """How a git process of ours runs, beside its arguments."""

    cwd: str | None
    stdin: bytes | None
    """Nothing is readable there where it is None."""
    env: Mapping[str, str]
    """Added to the cleaned environment."""
    inherit: Iterable[str]
    """Variables of the outer git to keep: a commit-msg hook needs GIT_INDEX_FILE."""
    ok: Collection[int]
    """The exit codes that are an answer; 0 alone where nothing is said."""
    writes: bool
    """Whether it may take optional locks."""
    timeout: float | None
    """In seconds; ten minutes where nothing is said."""


def begin(args: Sequence[str], **how: Unpack[How]) -> Running:
    """Start `git *args` and do something else while it works. Raises CannotRun when git or the folder is missing."""
    stdin = how.get("stdin")
    surroundings = environment(os.environ, writes=how.get("writes", False))
    for name in how.get("inherit", ()):
        if name in os.environ:
            surroundings[name] = os.environ[name]
    surroundings.update(how.get("env", {}))
    process = _start(args, how.get("cwd"), surroundings, subprocess.DEVNULL if stdin is None else subprocess.PIPE)
    return Running(process, args, stdin, how.get("ok", (0,)), how.get("timeout", 600))


def _start(
    args: Sequence[str], cwd: str | None, env: Mapping[str, str], stdin: int, *, bufsize: int = -1
) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            ["git", *args], cwd=cwd, bufsize=bufsize, stdin=stdin, stdout=pipe, stderr=pipe, env=env
        )
    except FileNotFoundError as error:
        if cwd is not None and not os.path.isdir(cwd):
            raise CannotRun(f"folder '{cwd}' is not there") from error
        raise CannotRun("git is not on PATH", hint="git --version    # conductor-git needs 2.38 or newer") from error


def run(args: Sequence[str], **how: Unpack[How]) -> Result:
    """Run `git *args`, as `begin` does, and return what it answered. Raises as `begin` and `Running.end` do."""
    return begin(args, **how).end()


def _widen(pipe: BinaryIO) -> None:
    # Not on every system, and a user may have so many bytes in pipes only: then it stays as it is.
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _AHEAD)


def records(
    args: Sequence[str], *, stdin: bytes, cwd: str | None = None, env: Mapping[str, str] | None = None
) -> Iterator[list[bytes]]:
    """Run `git *args` and hand out its NUL-terminated records (`-z`) while it still works, some hundreds at a time.

    For a git that reads all of its standard input first, as `log --stdin` does. Raises GitFailed in the end where git
    fails: what was handed out is then not all; CannotRun as `begin` does.
    """
    surroundings = {**environment(os.environ), **_UNFLUSHED, **(env or {})}
    process = _start(args, cwd, surroundings, subprocess.PIPE, bufsize=0)
    asked, out, err = cast("tuple[BinaryIO, BinaryIO, BinaryIO]", (process.stdin, process.stdout, process.stderr))
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.append(err.read()), daemon=True)
    listener.start()
    _widen(out)
    try:
        with suppress(BrokenPipeError), asked:
            asked.write(stdin)
        rest = b""
        while chunk := out.read(_CHUNK):
            *whole, rest = (rest + chunk).split(b"\0")
            yield whole
        if rest:
            yield [rest]
        process.wait()
    finally:
        # Whoever stops asking does not want the rest.
        process.kill()
        process.wait()
        listener.join()
        out.close()
        err.close()
    if process.returncode:
        raise GitFailed(args, process.returncode, said[0])
