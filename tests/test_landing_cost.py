"""What a landing costs, in git processes: they are most of its time."""

from __future__ import annotations

from pathlib import Path

from tests.landings import Yard
from tests.outside import counting


def asked(yard: Yard, folder: Path, *names: str) -> int:
    """How many git processes landing these starts, without those of git itself and of its hooks."""
    folder.mkdir()
    code, said = yard.merge(*names, PATH=counting(folder)["PATH"])
    assert code == 0, said
    calls = (folder / "calls").read_text().splitlines()
    # How often the ledger's clock is read anew depends on how long ago it was read.
    return len([call for call in calls if "%(contents:subject)" not in call])


def test_a_landing_starts_so_many_git_processes(yard: Yard, tmp_path: Path) -> None:
    assert asked(yard, tmp_path / "proven", "2") == 34
    assert yard.ran() == ""
    assert asked(yard, tmp_path / "run", "3") == 47
    assert yard.ran() == "3"
