"""Validation runs: real scripts in real rooms, killed, silent, late, and shared by several callers."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.attestation import Counts
from conductor_git.core.planning.policy import ValidationPolicy
from conductor_git.core.planning.rules import Script
from conductor_git.core.targets import Oid, Target
from conductor_git.store.files.flock import is_free, take
from conductor_git.store.validation import flights
from conductor_git.store.validation.flights import StillRunning, attach_or_start
from conductor_git.store.validation.platform import _names, platform_tag
from conductor_git.store.validation.processes import Log, run_group
from conductor_git.store.validation.runs import Job, RunResult, run_job
from conductor_git.store.validation.surroundings import run_environment
from tests.conftest import Git
from tests.jobs import PATIENCE, holding, job_for, until

SERVE = (
    sys.executable,
    "-c",
    (
        "import sys; from conductor_git.store.validation import flights\n"
        "flights.serve(sys.argv[1], lambda job, result: result)"
    ),
)

Make = Callable[..., Job]


@pytest.fixture
def make_job(repo_dir: Path, git: Git) -> Make:
    """A job for HEAD's tree, with the text of its script and anything else that differs."""

    return partial(job_for, repo_dir, git)


@pytest.fixture
def run_script(make_job: Make, tmp_path: Path) -> Callable[..., RunResult]:
    def run(script: str, **other: object) -> RunResult:
        return run_job(make_job(f"#!/bin/sh\n{script}\n", **other), str(tmp_path / "log"))

    return run


def test_platform_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    tags = {
        ("Linux", "x86_64"): "linux-x86_64",
        ("Linux", "aarch64"): "linux-arm64",
        ("Darwin", "arm64"): "macos-arm64",
        ("Windows", "AMD64"): "windows-x86_64",
    }
    for names, tag in tags.items():
        monkeypatch.setattr("conductor_git.store.validation.platform._names", lambda names=names: names)
        assert platform_tag() == tag
    monkeypatch.undo()
    assert _names() == (platform.system(), platform.machine())


class TestOutcomes:
    def test_passed_with_what_it_left(self, run_script: Callable[..., RunResult]) -> None:
        result = run_script(
            """echo to the log; echo and this >&2
            echo '<testsuite><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>' \
                > "$CONDUCTOR_RESULTS/junit.xml"
            echo '{"size": 48}' > "$CONDUCTOR_RESULTS/metrics.json"
            mkdir build && touch build/out"""
        )
        assert (result.outcome, result.exit_code, result.changed) == ("passed", 0, ())
        assert result.results.counts == Counts(passed=1, failed=0, skipped=1)
        assert result.results.metrics["size"] == 48.0
        assert (result.room, result.submodules, result.lfs) == ("fresh", "none", "none")
        assert Path(result.log).read_text() == "[verify.sh]\nto the log\nand this\n"
        assert result.log_digest.startswith("sha256:")
        assert 0 < result.started <= result.ended

    def test_failed(self, run_script: Callable[..., RunResult]) -> None:
        result = run_script("exit 7")
        assert (result.outcome, result.exit_code) == ("failed", 7)

    def test_ended_by_a_signal(self, run_script: Callable[..., RunResult]) -> None:
        result = run_script("kill -SEGV $$")
        assert (result.outcome, result.exit_code) == ("failed", 128 + signal.SIGSEGV)

    def test_a_command_that_is_not_found_in_the_script_failed(self, run_script: Callable[..., RunResult]) -> None:
        result = run_script("no-such-command-at-all")
        assert (result.outcome, result.exit_code) == ("failed", 127)

    def test_timed_out(self, run_script: Callable[..., RunResult]) -> None:
        result = run_script("echo begun; sleep 600", timeout=1)
        assert (result.outcome, result.exit_code) == ("timed-out", None)
        assert Path(result.log).read_text() == "[verify.sh]\nbegun\n"

    def test_tracked_files_changed(self, run_script: Callable[..., RunResult]) -> None:
        result = run_script("echo x >> README")
        assert (result.outcome, result.exit_code, result.changed) == ("tracked-files-changed", 0, ("README",))

    def test_a_failed_run_that_changed_files_failed(self, run_script: Callable[..., RunResult]) -> None:
        assert run_script("echo x >> README; exit 1").outcome == "failed"

    def test_results_that_are_no_files_are_not_read(self, run_script: Callable[..., RunResult], tmp_path: Path) -> None:
        outside = tmp_path / "outside.xml"
        outside.write_text('<testsuite><testcase name="a"/></testsuite>')
        result = run_script(
            f"""cd "$CONDUCTOR_RESULTS"; ln -s '{outside}' link.xml; mkfifo pipe.xml; mkdir folder.xml
            echo '<broken' > bad.xml"""
        )
        assert result.outcome == "passed"
        assert result.results.counts is None
        (problem,) = result.results.problems
        assert problem.startswith("'bad.xml' is not XML")

    def test_a_run_may_take_its_results_folder_away(self, run_script: Callable[..., RunResult]) -> None:
        assert run_script('rm -r "$CONDUCTOR_RESULTS"').outcome == "passed"

    def test_arguments_set_up_and_other_scripts(self, make_job: Make, tmp_path: Path, git: Git, repo_dir: Path) -> None:
        other = Oid(git(repo_dir, "hash-object", "-w", "--stdin", stdin='said() { echo "it said $1"; }\n'))
        job = make_job('#!/bin/sh\n. "$(dirname "$0")/lib/say.sh"; said "$2"; test -f made\n')
        scripts = {**job.scripts, "lib/say.sh": Script("100644", other)}
        job = msgspec.structs.replace(job, args=("a", "b c; $d"), setup="touch made", scripts=scripts)
        result = run_job(job, str(tmp_path / "log"))
        assert result.outcome == "passed"
        assert Path(result.log).read_text() == "[set-up: touch made]\n[verify.sh a b c; $d]\nit said b c; $d\n"

    def test_a_big_log_keeps_its_head_and_its_tail(self, run_script: Callable[..., RunResult]) -> None:
        result = run_script("seq 1 100000", log_bytes=2000)
        text = Path(result.log).read_text()
        assert text.startswith("[verify.sh]\n1\n2\n3\n")
        assert text.endswith("\n99999\n100000\n")
        assert "bytes left out]\n" in text
        assert len(text) < 2100

    def test_kept_folders_make_the_second_room_warm_but_not_a_landing_s(
        self, run_script: Callable[..., RunResult]
    ) -> None:
        policy = ValidationPolicy(keep=("target",))
        script = "ls target; mkdir -p target; touch target/built"
        rooms = [run_script(script, policy=policy, landing=landing).room for landing in (False, False, True)]
        assert rooms == ["fresh", "warm", "fresh"]


class TestCouldNotRun:
    """Exit code 2 upstream: these say nothing about the work."""

    @pytest.mark.parametrize(
        ("script", "mode", "why", "detail"),
        [
            ("echo no interpreter named", "100755", "exec format error", "names no interpreter"),
            ("#!/no/such/interpreter\n", "100755", "no such file or directory", "'#!/no/such/interpreter'"),
            ("#!/bin/sh\n", "100644", "permission denied", "it is not executable"),
        ],
    )
    def test_a_script_that_cannot_be_started(
        self, make_job: Make, tmp_path: Path, script: str, mode: str, why: str, detail: str
    ) -> None:
        with pytest.raises(CannotRun, match=f"script 'verify.sh' cannot be started: {why}") as caught:
            run_job(make_job(script, mode=mode), str(tmp_path / "log"))
        assert detail in caught.value.detail

    def test_a_missing_script(self, make_job: Make, tmp_path: Path) -> None:
        job = msgspec.structs.replace(make_job("#!/bin/sh\n"), script="other.sh")
        with pytest.raises(CannotRun, match=r"script 'other\.sh' is not in the scripts folder"):
            run_job(job, str(tmp_path / "log"))

    def test_a_set_up_that_fails_or_takes_too_long(self, run_script: Callable[..., RunResult], tmp_path: Path) -> None:
        with pytest.raises(CannotRun, match="the set-up 'echo why; exit 3' ended with exit code 3"):
            run_script("true", setup="echo why; exit 3")
        assert (tmp_path / "log").read_text().endswith("why\n")
        with pytest.raises(CannotRun, match="took longer than 1 s"):
            run_script("true", setup="sleep 600", timeout=1)

    def test_a_room_that_goes_away(self, run_script: Callable[..., RunResult]) -> None:
        with pytest.raises(CannotRun, match=r"the room of 2\.3 was removed"):
            run_script('rm -rf "$(dirname "$PWD")"')

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
    def test_a_full_disk(self, make_job: Make) -> None:
        with pytest.raises(CannotRun, match="the log '/dev/full' cannot be written: No space left"):
            run_job(make_job("#!/bin/sh\necho x\n"), "/dev/full")

    def test_a_failure_on_a_disk_without_room_says_nothing(
        self, run_script: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("conductor_git.store.validation.runs._FULL", 1 << 62)
        assert run_script("true").outcome == "passed"
        with pytest.raises(CannotRun, match="the disk is full"):
            run_script("exit 1")


class TestEnvironment:
    def test_what_is_set_for_a_script(
        self, run_script: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONDUCTOR_WRITER", "agent-2")
        monkeypatch.setenv("GIT_INDEX_FILE", "/outer/index")
        result = run_script(
            'env | grep -E "^(CONDUCTOR_|GIT_)" | cut -d= -f1 | sort; echo "$CONDUCTOR_PLAN.$CONDUCTOR_WAVE"; '
            'test "$PWD" = "$(pwd)"; git rev-parse --is-inside-work-tree; cat | wc -c | tr -d " "'
        )
        assert Path(result.log).read_text().splitlines()[1:] == [
            "CONDUCTOR_PLAN",
            "CONDUCTOR_RESULTS",
            "CONDUCTOR_TREE",
            "CONDUCTOR_WAVE",
            "2.3",
            "true",
            "0",
        ]

    def test_variables_that_lead_back_are_gone(self, tmp_path: Path) -> None:
        shop = tmp_path / "shop"
        (shop / "node_modules" / ".bin").mkdir(parents=True)
        (tmp_path / "venv" / "bin").mkdir(parents=True)
        base = {
            "PATH": f"{shop}/node_modules/.bin:/usr/bin:{tmp_path}/venv/bin::.:bin:/bin",
            "VIRTUAL_ENV": f"{tmp_path}/venv",
            "PYTHONPATH": "/x",
            "PYTHONHOME": "/x",
            "NODE_PATH": "/x",
            "GIT_DIR": "/x",
            "CONDUCTOR_CACHE": "/x",
            "HOME": str(shop),
            "CARGO_TARGET_DIR": f"{shop}/target",
            "CLASSPATH": f"/lib/a.jar:{shop}/b.jar",
            "URL": "https://example.org:80/shop",
            "EMPTY": "",
            "LANG": "C.UTF-8",
        }
        assert run_environment(base, [str(shop)], {"CONDUCTOR_PLAN": "2"}) == {
            "PATH": "/usr/bin:/bin",
            "HOME": str(shop),
            "CLASSPATH": "/lib/a.jar",
            "URL": "https://example.org:80/shop",
            "EMPTY": "",
            "LANG": "C.UTF-8",
            "CONDUCTOR_PLAN": "2",
        }

    def test_a_path_with_nothing_left_is_the_system_s(self, tmp_path: Path) -> None:
        assert run_environment({"PATH": "."}, [str(tmp_path)], {}) == {"PATH": os.defpath}

    @pytest.mark.parametrize("activated", [True, False])
    def test_an_editable_install_of_the_worktree_does_not_leak(
        self,
        repo_dir: Path,
        git: Git,
        tmp_path: Path,
        make_job: Make,
        monkeypatch: pytest.MonkeyPatch,
        activated: bool,
    ) -> None:
        (repo_dir / "shop.py").write_text("PRICE = 1\n")
        git(repo_dir, "add", "shop.py")
        git(repo_dir, "commit", "-q", "-m", "committed")
        (repo_dir / "shop.py").write_text("PRICE = 2\n")
        venv = tmp_path / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        (packages,) = venv.glob("lib/python*/site-packages")
        (packages / "__editable__.shop.pth").write_text(f"{repo_dir}\n")
        monkeypatch.setenv("PATH", f"{venv}/bin:{os.environ['PATH']}")
        if activated:
            monkeypatch.setenv("VIRTUAL_ENV", str(venv))
        question = "python3 -P -c 'import shop; print(shop.PRICE)'"
        clone = tmp_path / "clone"
        git(tmp_path, "clone", "-q", str(repo_dir), str(clone))
        leak = subprocess.run(["sh", "-c", question], cwd=clone, capture_output=True, text=True, check=True)
        assert leak.stdout == "2\n", "without a room's environment a fresh clone tests the main worktree"
        result = run_job(make_job(f"#!/bin/sh\n{question}\n"), str(tmp_path / "log"))
        assert result.outcome == "failed"
        assert "No module named 'shop'" in Path(result.log).read_text()


class TestGroups:
    @pytest.fixture
    def log(self, tmp_path: Path) -> Log:
        return Log(str(tmp_path / "log"), 1_000_000)

    def run(self, script: str, log: Log, tmp_path: Path, timeout: float = 60, grace: float = 5) -> int | None:
        argv = ["sh", "-c", script]
        with log:
            return run_group(argv, cwd=str(tmp_path), env=os.environ, log=log, timeout=timeout, grace=grace)

    def test_a_program_that_is_not_there_raises(self, log: Log, tmp_path: Path) -> None:
        with log, pytest.raises(FileNotFoundError):
            run_group(["/no/such/program"], cwd=str(tmp_path), env={}, log=log, timeout=60)

    def test_time_over_asks_first(self, log: Log, tmp_path: Path) -> None:
        script = "trap 'echo asked; exit 0' TERM; echo begun; while :; do sleep 0.02; done"
        assert self.run(script, log, tmp_path, timeout=1) is None
        # Some shells say here that their `sleep` was terminated too.
        said = (tmp_path / "log").read_text().splitlines()
        assert (said[0], said[-1]) == ("begun", "asked")

    def test_time_over_kills_what_does_not_listen(self, log: Log, tmp_path: Path) -> None:
        assert self.run("trap '' TERM; while :; do sleep 0.02; done", log, tmp_path, timeout=1, grace=0.2) is None

    def test_closed_output_is_no_end(self, log: Log, tmp_path: Path) -> None:
        assert self.run("exec >&- 2>&-; sleep 0.3; exit 5", log, tmp_path) == 5
        assert self.run("exec >&- 2>&-; sleep 600", Log(str(tmp_path / "log"), 10), tmp_path, timeout=1) is None

    @pytest.mark.parametrize("timeout", [60.0, 1.0])
    def test_grandchildren_end_with_the_run(self, log: Log, tmp_path: Path, timeout: float) -> None:
        lock, script = tmp_path / "lock", tmp_path / "hold"
        script.write_text(holding(lock))
        script.chmod(0o755)
        end = "exit 0" if timeout > 1 else "wait"
        begun = f"while ! test -e '{lock}.started'; do sleep 0.01; done"
        code = self.run(f"(trap '' TERM; '{script}') & {begun}; {end}", log, tmp_path, timeout=timeout, grace=0.2)
        assert code == (0 if timeout > 1 else None)
        until(lambda: is_free(str(lock)))

    def test_a_process_that_left_the_group_does_not_hold_the_run(self, log: Log, tmp_path: Path) -> None:
        lock, script = tmp_path / "lock", tmp_path / "hold"
        script.write_text(holding(lock).replace("held =", "os.setsid(); print('daemon', flush=True); held ="))
        script.chmod(0o755)
        begun = f"while ! test -e '{lock}.started'; do sleep 0.01; done"
        assert self.run(f"'{script}' & echo $! > pid; {begun}; exit 4", log, tmp_path) == 4
        assert not is_free(str(lock)), "it really was out of reach"
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    def test_endless_output_ends_in_time_and_in_a_small_file(self, tmp_path: Path) -> None:
        assert self.run("yes", Log(str(tmp_path / "log"), 10_000), tmp_path, timeout=1) is None
        assert (tmp_path / "log").stat().st_size < 10_100

    def test_kill_9_of_the_caller_leaves_no_orphan(self, tmp_path: Path) -> None:
        lock, script = tmp_path / "lock", tmp_path / "hold"
        script.write_text(holding(lock))
        script.chmod(0o755)
        caller = textwrap.dedent(
            f"""
            import os
            from conductor_git.store.validation.processes import Log, run_group
            run_group(["sh", "-c", "trap '' TERM HUP; '{script}'; :"], cwd="/", env=os.environ, timeout=600,
                      log=Log({str(tmp_path / "log")!r}, 1000))
            """
        )
        process = subprocess.Popen([sys.executable, "-c", caller])
        until(lambda: (tmp_path / "lock.started").exists())
        assert not is_free(str(lock))
        process.kill()
        process.wait()
        until(lambda: is_free(str(lock)))


class TestFlights:
    """One run for all who ask, whoever of them goes away."""

    @pytest.fixture
    def gate(self, tmp_path: Path) -> Path:
        return tmp_path / "gate"

    @pytest.fixture
    def gated(self, make_job: Make, gate: Path, tmp_path: Path) -> Job:
        """A job that counts its runs and ends when the gate is there."""
        return make_job(
            f"#!/bin/sh\necho begun | tee -a '{tmp_path}/runs'\n"
            f"while ! test -e '{gate}'; do sleep 0.02; done\necho through\n"
        )

    def begun(self, tmp_path: Path, times: int = 1) -> Callable[[], bool]:
        def condition() -> bool:
            runs = tmp_path / "runs"
            return runs.exists() and len(runs.read_text().splitlines()) >= times

        return condition

    def ask(
        self,
        job: Job,
        *,
        wait: float | None = PATIENCE,
        said: list[str] | None = None,
        terminal: bool = False,
        entry: Sequence[str] = SERVE,
    ) -> RunResult | StillRunning:
        said = [] if said is None else said
        return attach_or_start(job, entry=entry, say=said.append, wait=wait, terminal=terminal)

    def test_from_start_to_end(self, make_job: Make) -> None:
        result = self.ask(make_job("#!/bin/sh\necho x; exit 3\n"))
        assert isinstance(result, RunResult)
        assert (result.outcome, result.exit_code) == ("failed", 3)
        assert Path(result.log).read_text() == "[verify.sh]\nx\n"

    def test_a_run_outlives_an_impatient_caller_and_is_attached_to(
        self, gated: Job, gate: Path, tmp_path: Path
    ) -> None:
        for _ in range(2):
            left = self.ask(gated, wait=0.2)
            assert isinstance(left, StillRunning)
            assert os.path.isabs(left.log)
        until(self.begun(tmp_path))
        gate.touch()
        result = self.ask(gated)
        assert isinstance(result, RunResult)
        assert result.outcome == "passed"
        assert (tmp_path / "runs").read_text() == "begun\n"

    def test_an_end_that_nobody_saw_is_delivered_once(self, gated: Job, gate: Path, tmp_path: Path) -> None:
        left = self.ask(gated, wait=0)
        assert isinstance(left, StillRunning)
        gate.touch()
        until(lambda: Path(left.log).with_name("result.json").exists())
        for runs in (1, 2):
            assert isinstance(self.ask(gated), RunResult)
            assert (tmp_path / "runs").read_text() == "begun\n" * runs

    def test_callers_at_the_same_time_share_one_run(self, gated: Job, gate: Path, tmp_path: Path) -> None:
        results: list[object] = []
        callers = [threading.Thread(target=lambda: results.append(self.ask(gated))) for _ in range(8)]
        for caller in callers:
            caller.start()
        until(self.begun(tmp_path))
        gate.touch()
        for caller in callers:
            caller.join()
        assert (tmp_path / "runs").read_text() == "begun\n"
        assert len({result.log for result in results if isinstance(result, RunResult)}) == 1
        assert len(results) == 8

    def test_other_content_target_rules_or_platform_is_another_run(self, make_job: Make) -> None:
        job = make_job("#!/bin/sh\n")
        others = [
            job,
            msgspec.structs.replace(job, tree=Oid("1" * 40)),
            msgspec.structs.replace(job, target=Target("2", 4)),
            msgspec.structs.replace(job, target=Target("2")),
            msgspec.structs.replace(job, rules="sha256:" + "1" * 64),
            msgspec.structs.replace(job, platform="macos-arm64"),
            msgspec.structs.replace(job, landing=True),
            msgspec.structs.replace(job, role="runner"),
        ]
        assert len({other.key for other in others}) == len(others)
        assert msgspec.structs.replace(job, writer="agent-9", control=Oid("2" * 40), timeout=9).key == job.key

    def test_a_killed_runner_is_replaced_and_its_script_is_gone(
        self, make_job: Make, tmp_path: Path, hermetic: Path
    ) -> None:
        lock = tmp_path / "lock"
        job = make_job(holding(lock))
        left = self.ask(job, wait=0)
        assert isinstance(left, StillRunning)
        until(lambda: (tmp_path / "lock.started").exists())
        flights._DETACHED[-1].kill()
        flights._DETACHED[-1].wait()
        until(lambda: is_free(str(lock)))
        assert isinstance(self.ask(job, wait=0), StillRunning)
        until(lambda: (tmp_path / "lock.started").read_text() == "xx")
        rooms = [name for name in os.listdir(hermetic / "cache" / "rooms") if name != "lock"]
        assert len(rooms) == 1, "the dead run's room was swept away"
        flights._DETACHED[-1].terminate()
        flights._DETACHED[-1].wait()
        assert is_free(str(lock))
        assert os.listdir(hermetic / "cache" / "rooms") == ["lock"]

    def test_a_runner_that_is_asked_to_end_leaves_nothing_half_done(
        self, make_job: Make, tmp_path: Path, hermetic: Path
    ) -> None:
        lock = tmp_path / "lock"
        left = self.ask(make_job(holding(lock)), wait=0)
        assert isinstance(left, StillRunning)
        until(lambda: (tmp_path / "lock.started").exists())
        flights._DETACHED[-1].terminate()
        flights._DETACHED[-1].wait()
        assert is_free(str(lock))
        assert os.listdir(hermetic / "cache" / "rooms") == ["lock"]
        assert not Path(left.log).with_name("result.json").exists()

    def test_ctrl_c_on_a_terminal_ends_one_s_own_run(self, make_job: Make, tmp_path: Path, hermetic: Path) -> None:
        lock = tmp_path / "lock"
        job = make_job(
            f"#!/bin/sh\necho begun; exec '{sys.executable}' -c '{holding(lock).replace(chr(39), chr(34))}'\n"
        )

        def interrupted(line: str) -> None:
            if line == "begun":
                until(lambda: (tmp_path / "lock.started").exists())
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            attach_or_start(job, entry=SERVE, say=interrupted, wait=PATIENCE, terminal=True)
        assert is_free(str(lock))
        assert os.listdir(hermetic / "cache" / "rooms") == ["lock"]

    def test_ctrl_c_leaves_another_s_run_alone(self, gated: Job, gate: Path, tmp_path: Path) -> None:
        assert isinstance(self.ask(gated, wait=0), StillRunning)
        until(self.begun(tmp_path))

        def interrupted(_line: str) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            attach_or_start(gated, entry=SERVE, say=interrupted, wait=PATIENCE, terminal=True)
        gate.touch()
        result = self.ask(gated)
        assert isinstance(result, RunResult)
        assert (tmp_path / "runs").read_text() == "begun\n"

    def test_on_a_terminal_the_log_is_shown_and_elsewhere_it_is_not(self, make_job: Make) -> None:
        job = make_job("#!/bin/sh\necho one; printf 'two \\033[31m\\n'; printf three\n")
        said: list[str] = []
        self.ask(job, said=said, terminal=True)
        assert said == ["[verify.sh]", "one", "two \\x1b[31m", "three"]
        said.clear()
        self.ask(job, said=said)
        assert said == []

    def test_a_silent_run_is_told_of(self, gated: Job, monkeypatch: pytest.MonkeyPatch, gate: Path) -> None:
        monkeypatch.setattr(flights, "EVERY", 0.05)
        said: list[str] = []

        def say(line: str) -> None:
            said.append(line)
            gate.touch()

        attach_or_start(gated, entry=SERVE, say=say, wait=PATIENCE)
        assert said[0].startswith("2.3: verify.sh runs since ")

    def test_what_could_not_run_is_raised_and_tried_again_next_time(self, make_job: Make) -> None:
        job = make_job("no interpreter")
        for _ in range(2):
            with pytest.raises(CannotRun, match="cannot be started") as caught:
                self.ask(job)
            assert "names no interpreter" in caught.value.detail

    def test_a_runner_that_always_dies_is_given_up(self, make_job: Make) -> None:
        said: list[str] = []
        entry = (sys.executable, "-c", "import sys; sys.exit('no luck today')")
        with pytest.raises(CannotRun, match=r"the run of 2\.3 died 2 times") as caught:
            self.ask(make_job("#!/bin/sh\n"), said=said, entry=entry)
        assert "no luck today" in caught.value.detail
        assert said == ["the run of 2.3 died; starting it again"] * 2

    def test_a_defect_in_the_record_is_told_and_not_repeated(self, make_job: Make) -> None:
        entry = (*SERVE[:2], SERVE[2].replace("lambda job, result: result", "lambda job, result: 1 / 0"))
        with pytest.raises(CannotRun, match="met a defect of conductor-git: division by zero"):
            self.ask(make_job("#!/bin/sh\n"), entry=entry)

    def test_a_runner_command_that_is_not_there_cannot_run(self, make_job: Make) -> None:
        with pytest.raises(CannotRun, match="no run can be started"):
            self.ask(make_job("#!/bin/sh\n"), entry=("/no/such/python",))

    @pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses names that are no UTF-8")
    def test_names_that_are_no_utf_8_survive_the_way_to_the_runner_and_back(
        self, make_job: Make, repo_dir: Path, git: Git
    ) -> None:
        name = os.fsdecode(b"latin-\xe9")
        (repo_dir / name).write_text("x\n")
        git(repo_dir, "add", "-A")
        git(repo_dir, "commit", "-q", "-m", "odd")
        result = self.ask(make_job('#!/bin/sh\nfor name in latin*; do echo y > "$name"; done\n', args=(name,)))
        assert isinstance(result, RunResult)
        assert result.changed == (name,)

    def test_a_product_tree_that_the_repository_lacks(self, make_job: Make, repo_dir: Path, git: Git) -> None:
        blob = git(repo_dir, "rev-parse", "HEAD:README")
        raw = b"100644 COPY\0" + bytes.fromhex(blob)
        job = make_job("#!/bin/sh\nls\n")
        job = msgspec.structs.replace(job, tree=job.repository.hash("tree", raw), tree_raw=raw)
        result = self.ask(job)
        assert isinstance(result, RunResult)
        assert Path(result.log).read_text() == "[verify.sh]\nCOPY\n"

    def test_old_runs_are_forgotten_but_not_what_is_in_use(self, make_job: Make, hermetic: Path) -> None:
        runs = hermetic / "cache" / "runs"
        for name in ("old", "used"):
            (runs / name).mkdir(parents=True)
            os.utime(runs / name, (0, 0))
        used = take(str(runs / "used" / "lock"))
        os.utime(runs / "used", (0, 0))
        job = make_job("#!/bin/sh\n")
        assert used is not None
        with used:
            logs = {result.log for _ in range(5) if isinstance(result := self.ask(job), RunResult)}
        assert len(logs) == 5
        assert sorted(os.listdir(runs)) == sorted(["used", job.key[:24]])
        assert sum(os.path.exists(log) for log in logs) == 4, "the newest, and three before it"
        assert json.loads(Path(max(logs, key=os.path.exists)).with_name("result.json").read_text())["trouble"] is None
