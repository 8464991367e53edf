"""Something done beside the rest: what waits for git, or loads modules, while the rest waits for another git."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """A call that runs beside its caller. `concurrent.futures` would do the same and takes longer to load than most of
    what is done with this."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._answer: list[T] = []
        self._trouble: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def answer(self) -> T:
        """Wait for it. Raises what the call raised."""
        self._thread.join()
        if self._trouble:
            raise self._trouble[0]
        return self._answer[0]

    def _run(self, call: Callable[[], T]) -> None:
        try:
            self._answer.append(call())
        except BaseException as trouble:
            self._trouble.append(trouble)
