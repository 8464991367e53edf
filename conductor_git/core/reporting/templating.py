"""Filling a brief's template: the built-in ones, or a project's own in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from conductor_git.core.errors import CannotRun

BUILT_IN = "builtin/"
"""Under this prefix a project's template includes, or extends, what it stands in place of."""

Found = tuple[str, str, Callable[[], bool]]


def fill(name: str, values: Mapping[str, object], own: Mapping[str, str], folder: str) -> str:
    """The template of that name, filled. `own` are a project's, by file name, and `folder` is where they stand.

    A template reaches the values and nothing else: no files, no attributes of Python's, no other templates than these.
    Raises CannotRun, with file and line, for what is wrong with one of `own`.
    """
    import shlex

    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    package = jinja2.PackageLoader("conductor_git.core.reporting")
    paths = {f"{folder}/{file}": file for file in own}

    def load(asked: str) -> Found | None:
        if asked in own:
            return own[asked], f"{folder}/{asked}", lambda: True
        try:
            return package.get_source(environment, asked.removeprefix(BUILT_IN))  # type: ignore[return-value]
        except jinja2.TemplateNotFound:
            return None

    # What a plan says is only ever a value here, never part of a template. Nothing is escaped: the result is Markdown.
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FunctionLoader(load),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals = {"range": environment.globals["range"], "namespace": environment.globals["namespace"]}
    environment.filters["quoted"] = shlex.quote
    try:
        return environment.get_template(name).render(dict(values))
    except jinja2.TemplateSyntaxError as error:
        raise _broken(error.filename or name, error.lineno, error) from error
    except Exception as error:
        place = _place(error.__traceback__, paths)
        if place is None and name not in own:
            raise
        raise _broken(*(place or (f"{folder}/{name}", 1)), error) from error


def _place(trace: TracebackType | None, paths: Mapping[str, Any]) -> tuple[str, int] | None:
    """The innermost line of a project's template: Jinja2 shows templates as frames of the traceback."""
    found = None
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path in paths:
            found = path, trace.tb_lineno
        trace = trace.tb_next
    return found


def _broken(path: str, line: int, error: Exception) -> CannotRun:
    said = " ".join(str(error).split()) or type(error).__name__
    return CannotRun(
        f"template '{path}' cannot be filled: line {line}: {said}",
        detail="nothing was changed",
        hint="conductor-git brief --format json    # every value that a template is given",
    )
