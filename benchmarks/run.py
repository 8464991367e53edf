"""Measure what conductor-git costs against tools that people use today: `python benchmarks/run.py [--only WORD]`.

Prints a table for each group of rows; with enough pairs it takes the group's place in RESULTS.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import commit_rows
import coordination_rows
import door_rows
import landing_rows
import ledger_rows
import status_rows
from pairs import Measured, NotThere, Planned, measure
from place import HERE, Place, install_peers

Answer = Measured | tuple[str, str]
"""A measured row, or the title of one that could not be and why."""

GROUPS: dict[str, Callable[[Place], list[Planned]]] = {
    "ledger": ledger_rows.rows,
    "commits": commit_rows.rows,
    "doors": door_rows.rows,
    "status": status_rows.rows,
    "landing": landing_rows.rows,
    "coordination": coordination_rows.rows,
}


RESULTS = HERE / "RESULTS.md"
ENOUGH = 15
"""Pairs from which on a median is worth keeping."""
LONG = {"coordination": 5}
"""The same for groups in which a pair takes minutes: no more of them are run."""

HEAD = """\
# What it costs

Repeat it with `make bench`, or `python benchmarks/run.py` with the Python that has conductor-git; `--only GROUP` takes
one group. The tools to compare with (requirements.txt) go into a virtual environment of their own.

The pairs were run in turns (A B, B A, …), so a busy machine hits both sides alike. The ratio is what can be compared
between machines: the median of ours / theirs pair by pair, and in brackets where the middle half of the pairs lies.
"At most" is what the design allows.
"""


def main() -> int:
    """Measure, print, write."""
    asked = _arguments()
    peers = install_peers(Path(asked.peers))
    good = True
    for name, rows in GROUPS.items():
        if asked.only and asked.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.work) as work:
            pairs = min(asked.pairs, LONG.get(name, asked.pairs))
            answers = list(_group(rows(Place(Path(work), peers)), pairs))
        text = _table(answers)
        print(text, flush=True)
        good &= not any(isinstance(answer, Measured) and answer.verdict == "NO" for answer in answers)
        if pairs >= LONG.get(name, ENOUGH):
            _keep(name, pairs, text)
    return 0 if good else 1


def _keep(name: str, pairs: int, table: str) -> None:
    """Put a group's table into RESULTS.md, in the order of the groups; the others stay as they are."""
    before = RESULTS.read_text() if RESULTS.exists() else ""
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", before, re.DOTALL | re.MULTILINE))
    sections[name] = f"Median of {pairs} pairs; {_machine()}.\n\n{table}"
    known = "\n\n".join(f"## {group}\n\n{sections[group].strip()}" for group in GROUPS if group in sections)
    RESULTS.write_text(f"{HEAD}\n{known}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only",
        help="measure only groups with this in their name: ledger, commits, doors, status, landing, coordination",
    )
    parser.add_argument("--pairs", type=int, default=ENOUGH, help=f"pairs a row (default: {ENOUGH})")
    parser.add_argument("--work", help="where the throw-away repositories go (default: the temporary folder)")
    parser.add_argument("--peers", default=str(HERE / ".venv"), help="where the tools to compare with are installed")
    return parser.parse_args()


def _group(planned: list[Planned], pairs: int) -> Iterator[Answer]:
    for title, make in planned:
        print(f"measuring: {title}", file=sys.stderr, flush=True)
        try:
            yield measure(title, make(), pairs)
        except NotThere as why:
            yield title, str(why)


def _table(answers: list[Answer]) -> str:
    lines = [
        "| what | ours | compared with | ratio (middle half) | at most | holds |",
        "|---|---|---|---|---|---|",
    ]
    for answer in answers:
        if not isinstance(answer, Measured):
            lines.append(f"| {answer[0]} | {answer[1]} | | | | |")
            continue
        row, (low, high) = answer.row, answer.middle
        at_most = "-" if row.at_most is None else f"{row.at_most:.1f}"
        ours, peer = _milliseconds(answer.ours), _milliseconds(answer.peer)
        ratio = f"**{answer.ratio:.2f}** ({low:.2f} to {high:.2f})"
        lines.append(f"| {answer.title} | {ours} | {row.peer.label}: {peer} | {ratio} | {at_most} | {answer.verdict} |")
        lines += [f"| ↳ {note} | | | | | |" for note in row.notes]
    return "\n".join(lines)


def _milliseconds(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.1f} ms"


def _machine() -> str:
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} processors, {system}, {git}"


if __name__ == "__main__":
    sys.exit(main())
