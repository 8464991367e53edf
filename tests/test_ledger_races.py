"""Many writers at once, killed writers, full disks: nothing that was reported is lost, and nobody is blocked."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.store.notes import ledger as ledger_module
from conductor_git.store.notes import ledger_writer
from conductor_git.store.notes.clone import clone_id
from conductor_git.store.notes.ledger import append, ledger_ref
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.plumbing.repository import Repository, discover
from tests.conftest import Git

NOW = 1_700_000_000

APPEND = """
import sys
from conductor_git.core.errors import CannotRun
from conductor_git.store.notes import ledger
from conductor_git.store.plumbing import repository
root, writer, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
repo = repository.discover(root)
sys.stdin.read()
for number in range(count):
    data = {"text": f"{writer} {number}", "filler": "x" * 300}
    try:
        event = ledger.append(repo, writer=writer, kind="memory", data=data, now=1700000000)
    except CannotRun as error:
        sys.exit(f"{error.what}; {error.detail}")
    print(event.id, flush=True)
"""


@pytest.fixture
def repo(repo_dir: Path) -> Repository:
    """A repository with one commit on main."""
    return discover(str(repo_dir))


def start(repo: Repository, writer: str, count: int) -> subprocess.Popen[str]:
    """A process of its own session that appends once its standard input is closed, and prints the ids it was given."""
    return subprocess.Popen(
        [sys.executable, "-c", APPEND, repo.root, writer, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def release(*processes: subprocess.Popen[str]) -> None:
    """Let processes begin."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()


def answers(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """The ids that a process was given, and what it said in the end."""
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        # A killed process may have been cut off in the middle of a line.
        ids = [line[:-1] for line in process.stdout if line.endswith("\n")]
        said = process.stderr.read()
    process.wait()
    return ids, said


def is_whole(repo: Repository) -> bool:
    """Whether every ref points to objects that exist, all the way down."""
    done = subprocess.run(["git", "fsck", "--connectivity-only"], cwd=repo.root, capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("writers", [1, 16])
def test_sixteen_processes_lose_nothing(repo: Repository, writers: int) -> None:
    processes = [start(repo, f"agent-{number % writers}", 25) for number in range(16)]
    release(*processes)
    reported = []
    for process in processes:
        ids, said = answers(process)
        assert (len(ids), said) == (25, "")
        reported += ids
    events = read_ledger(repo).events
    assert len(set(reported)) == 16 * 25
    assert {event.id for event in events} == set(reported)
    assert read_ledger(repo, use_cache=False).events == events
    assert len(read_ledger(repo).tips) == writers
    if writers == 1:
        assert [event.clock for event in events] == list(range(1, 401))
    assert is_whole(repo)


def test_plain_git_notes_loses_what_the_ledger_keeps(repo: Repository) -> None:
    """The attack that the ledger is built against: without it, the same 8 x 10 appends do not all survive."""
    append_notes = 'for n in $(seq 10); do git notes --ref=plain append -m "$1 $n" HEAD || exit 1; done'
    processes = [
        subprocess.Popen(["sh", "-c", append_notes, "sh", str(number)], cwd=repo.root, stderr=subprocess.PIPE)
        for number in range(8)
    ]
    for process in processes:
        process.communicate()
    kept = repo.git("notes", "--ref=plain", "show", "HEAD").text().split()
    assert len(kept) < 2 * 80


@pytest.mark.parametrize("seed", range(8))
def test_a_killed_writer_loses_nothing_and_blocks_nobody(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    append(repo, writer="agent-1", kind="memory", data={"text": "before"}, now=NOW)
    process = start(repo, "agent-1", 10_000)
    release(process)
    assert process.stdout is not None
    first = process.stdout.readline().strip()
    time.sleep(chance.uniform(0, 0.06))
    os.killpg(process.pid, signal.SIGKILL)
    ids, _ = answers(process)
    assert {first, *ids} <= {event.id for event in read_ledger(repo).events}
    assert is_whole(repo)
    # What stands in the way of the next one may be the lock of a git that was killed a moment ago.
    monkeypatch.setattr(ledger_writer, "_DEAD_LOCK", 0.2)
    after = append(repo, writer="agent-1", kind="memory", data={"text": "after"}, now=NOW)
    assert read_ledger(repo).events[-1] == after
    assert not list(Path(repo.common_dir, "refs").rglob("*.lock"))


def test_the_lock_of_a_dead_git_is_taken_away(repo: Repository) -> None:
    lock = ref_lock(repo)
    os.utime(lock, (time.time() - 60, time.time() - 60))
    append(repo, writer="agent-1", kind="memory", data={}, now=NOW)
    assert not lock.exists()
    assert len(read_ledger(repo).events) == 1


def test_the_lock_of_a_living_git_is_waited_for(repo: Repository) -> None:
    lock = ref_lock(repo)
    timer = threading.Timer(0.5, lock.unlink)
    timer.start()
    append(repo, writer="agent-1", kind="memory", data={}, now=NOW)
    timer.join()
    assert len(read_ledger(repo).events) == 1


def test_a_lock_that_stays_is_told_and_left_alone(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = ref_lock(repo)
    monkeypatch.setattr(ledger_module, "_PATIENCE", 0.2)
    with pytest.raises(CannotRun, match=r"was moved or locked for 0\.2 s") as raised:
        append(repo, writer="agent-1", kind="memory", data={}, now=NOW)
    assert raised.value.detail == "nothing was recorded"
    assert lock.exists()
    assert read_ledger(repo).events == ()


def ref_lock(repo: Repository) -> Path:
    """The lock that git holds while it moves agent-1's ref, as if it held it now."""
    lock = Path(repo.common_dir, ledger_ref("agent-1", clone_id(repo)) + ".lock")
    lock.parent.mkdir(parents=True)
    lock.touch()
    return lock


@pytest.mark.parametrize("limit", [0, 40, 150, 500, 1000])
def test_git_that_may_write_no_more(repo: Repository, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """A limit on the size of files fails our own writes, and kills git with SIGXFSZ while it moves the ref."""
    append(repo, writer="agent-1", kind="memory", data={"text": "before"}, now=NOW)
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    done = subprocess.run(
        [sys.executable, "-c", limited + APPEND, repo.root, "agent-1", "1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    events = read_ledger(repo).events
    if done.returncode == 0:
        assert [event.id for event in events][1:] == [done.stdout.strip()]
    else:
        assert "nothing was recorded" in done.stderr
        assert "Traceback" not in done.stderr
        assert [event.data["text"] for event in events] == ["before"]
    assert limit > 100 or done.returncode == 1
    assert is_whole(repo)
    monkeypatch.setattr(ledger_writer, "_DEAD_LOCK", 0.0)
    append(repo, writer="agent-1", kind="memory", data={"text": "after"}, now=NOW)
    assert len(read_ledger(repo).events) == len(events) + 1


NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
HAS_NAMESPACES = (
    shutil.which("unshare") is not None and subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0
)


@pytest.mark.skipif(not HAS_NAMESPACES, reason="a small disk needs a mount namespace")
def test_a_full_disk(git: Git, tmp_path: Path) -> None:
    """Fill a real file system of 400 kB with events until it is full, and look that every reported one is there."""
    script = f"""
set -e
mount -t tmpfs -o size=400k tmpfs disk
git init -q --template= disk/repo
(echo | {sys.executable} -c "$APPEND" disk/repo agent-1 500 > ids) 2> said && exit 9
{sys.executable} -c "$READ" disk/repo > events
git -C disk/repo fsck --connectivity-only
find disk/repo/.git -name '*.lock' -o -name 'tmp_*' | grep -v /conductor/locks/ > left || true
"""
    read = "import sys; from conductor_git.store.notes.ledger_reader import read_ledger\n"
    read += "from conductor_git.store.plumbing import repository\n"
    read += "for event in read_ledger(repository.discover(sys.argv[1]), use_cache=False).events: print(event.id)"
    (tmp_path / "disk").mkdir()
    subprocess.run(
        [*NAMESPACE, "sh", "-c", script], cwd=tmp_path, env={**os.environ, "APPEND": APPEND, "READ": read}, check=True
    )
    reported, found = (tmp_path / "ids").read_text().split(), (tmp_path / "events").read_text().split()
    assert len(reported) > 5
    assert reported == found
    assert "nothing was recorded" in (tmp_path / "said").read_text()
    assert (tmp_path / "left").read_text() == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_repository(repo: Repository) -> None:
    append(repo, writer="agent-1", kind="memory", data={}, now=NOW)
    subprocess.run(["chmod", "-R", "a-w", repo.common_dir], check=True)
    try:
        with pytest.raises(CannotRun, match=r"cannot be (written|locked)") as raised:
            append(repo, writer="agent-1", kind="memory", data={}, now=NOW)
        assert "nothing was recorded" in raised.value.detail
        assert len(read_ledger(repo).events) == 1
    finally:
        subprocess.run(["chmod", "-R", "u+w", repo.common_dir], check=True)
