"""Git itself coordinates many coding agents on one repository."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conductor_git.conductor import Conductor as Conductor
    from conductor_git.conductor import read_memory as read_memory
    from conductor_git.conductor import write_memory as write_memory

__version__ = "0.1.0"

_OFFERED = ("Conductor", "read_memory", "write_memory")
__all__ = ["Conductor", "__version__", "read_memory", "write_memory"]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    # Hooks import this package for every commit: what they do not ask for must cost them nothing.
    if name not in _OFFERED:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from conductor_git import conductor

    return getattr(conductor, name)
