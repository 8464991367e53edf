"""The unlucky user: broken rules, broken repositories, machines that fail. One clear error each, a hint that holds,
nothing lost, and the same command again is safe."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git
from tests.outside import (
    Said,
    commit_to_main,
    findings,
    follow,
    harm,
    object_file,
    plain_user,
    refs,
    refused,
    run,
    say,
    states,
    works,
)
from tests.team import CLAIM, Team

POLICY = ".conductor/conductor.toml"
PLAN = ".conductor/plans/2.md"
SCRIPT = ".conductor/scripts/verify.sh"
GOOD_POLICY = 'format = 1\nrepository = "0123456789abcdef"\n[validation]\ndefault = "verify.sh"\n'
NOBODY: dict[str, str | None] = dict.fromkeys(
    ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"]
)


class TestPolicy:
    @pytest.mark.parametrize(
        ("policy", "wrong"),
        [
            ("format = = 1\n", ":1: not TOML"),
            (GOOD_POLICY.replace("[val", 'integratoin = "main"\n[val'), ":3: unknown key 'integratoin'; did you mean"),
            (f"direct = 7\n{GOOD_POLICY}", ":1: 'direct' is one of any, control, none, not '7'"),
            (GOOD_POLICY.replace("1", "2", 1), ":1: 'format' 2 is newer than this conductor-git, which knows 1"),
            ("format = 1\n", ":1: 'repository' is missing"),
            ("", ":1: 'format' is missing"),
            (b"\xff\xfe\x00", ":1: not UTF-8: byte 0xff cannot be read"),
            (GOOD_POLICY.replace("verify.sh", "../../x.sh"), ":4: 'validation.default' cannot be '../../x.sh'"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_line(self, team: Team, policy: str | bytes, wrong: str) -> None:
        commit_to_main(team.root, {POLICY: policy})
        said = say(team.root, "log-status")
        refused(said, f"error: the policy cannot be obeyed: {POLICY}{wrong}", "read from commit")
        assert said.hint == "conductor-git plan commit"

    def test_it_stops_what_stands_on_it_and_no_other_work(self, team: Team) -> None:
        commit_to_main(team.root, {POLICY: "format = 1\n"})
        before = refs(team.root)
        for args in ("claim", "delegate 3", "init"):
            refused(say(team.root, *args.split()), "'repository' is missing")
        assert refs(team.root) == before
        assert run(team.root, "git", "config", "conductor.control").out == ""
        code, said = team.commit("--allow-empty", "-m", CLAIM)
        assert (code, "nothing was committed" in said) == (1, True)
        code, said = team.commit("--allow-empty", "-m", "go on with the work")
        assert (code, said.startswith("warning: the policy cannot be obeyed")) == (0, True), said

    def test_the_control_tree_stays_shut_but_for_the_conductor(self, team: Team) -> None:
        commit_to_main(team.root, {POLICY: "format = 1\n"})
        (team.root / POLICY).write_text(GOOD_POLICY + "\n")
        assert team.commit("-a", "-m", "mend")[0] == 1
        assert team.commit("-a", "-m", "mend", env={"CONDUCTOR_WRITER": "conductor"})[0] == 0

    def test_it_can_be_mended_as_the_hint_says(self, team: Team) -> None:
        commit_to_main(team.root, {POLICY: "format = 1\n"})
        broken = say(team.root, "log-status")
        team.git(team.root, "checkout", "-q", "main")
        refused(say(team.root, "plan", "check"), f"{POLICY}:1: 'repository' is missing")
        (team.root / POLICY).write_text(GOOD_POLICY)
        assert works(team.root, "plan", "check").err.startswith(f"warning: '{POLICY}' differs from 'main' [CG702]")
        assert follow(team.root, broken).code == 0
        assert states(team.root) == {"2": "ready", "2.0": "ready", "2.1": "waiting", "3": "ready", "3.0": "ready"}


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "none.md": ("# Notes\n", ":1: no front matter"),
    "open.md": ("---\nplan: 10\n", ":1: the front matter is not closed"),
    "key.md": ("---\nplan: 11\ntitel: T\nwaves: {0: }\n---\n", ":3: unknown key 'titel'; did you mean 'title'?"),
    "twice.md": ("---\nplan: 12\ntitle: T\nwaves:\n  0:\n  0:\n---\n", ":6: key 'waves.0' stands twice"),
    "dash.md": (
        "---\nplan: 13\ntitle: T\nbranch: '--help'\nwaves: {0: }\n---\n",
        ":4: 'branch' cannot be '--help'",
    ),
    "shell.md": ("---\nplan: 14\ntitle: T\nbranch: $(x y)\nwaves: {0: }\n---\n", ":4: 'branch' cannot be '$(x y)'"),
    "anchor.md": ("---\nplan: 15\ntitle: &a T\nagent: *a\nwaves: {0: }\n---\n", ":3: anchor '&a'"),
    "nowave.md": ("---\nplan: 16\ntitle: T\nwaves: {}\n---\n", ":4: 'waves' is a mapping"),
    "yaml.md": ("---\nplan: 17\ntitle: 'T\n---\n", "not YAML"),
    "bytes.md": (b"\xff\xfe---\nplan: 18\n---\n", ":1: not UTF-8: byte 0xff"),
    "tab.md": ("---\nplan: 19\n\ttitle: T\n---\n", ":3: a tab indents this line"),
    "id.md": ("---\nplan: 2.1\ntitle: T\nwaves: {0: }\n---\n", ":2: 'plan'"),
}

CONTRADICTING = {
    "4": ("needs: [9.1]\nwaves: {0: }", "CG704", "4 needs '9.1', which no plan declares"),
    "5": ("waves: {0: {needs: [6.0]}}", "CG705", "these need each other in a circle"),
    "6": ("waves: {0: {needs: [5.0]}}", "CG705", "these need each other in a circle"),
    "7": ("branch: b2\nwaves: {0: }", "CG706", "branch 'b2' of plan 7 is also that of plan 2"),
    "8": ("validation: nope.sh\nwaves: {0: }", "CG703", "script '.conductor/scripts/nope.sh' is not on"),
}


class TestPlans:
    def test_each_broken_file_is_told_with_its_line_and_blocks_only_itself(self, team: Team) -> None:
        commit_to_main(team.root, {f".conductor/plans/{name}": text for name, (text, _) in BROKEN.items()})
        told = findings(team.root)
        for name, (_, wrong) in BROKEN.items():
            start = f".conductor/plans/{name}"
            mine = [message for code, severity, message in told if message.startswith(start)]
            assert mine, name
            assert any(wrong in message for message in mine), mine
        assert {(code, severity) for code, severity, _ in told} == {("CG701", "error")}
        board = works(team.root, "log-status", "--json").data
        assert {step["command"] for step in board["next"] if "mend" in step["step"]} == {"conductor-git plan check"}
        assert say(team.root, "log-status", "--check").code == 1
        team.git(team.root, "checkout", "-q", "main")
        checked = say(team.root, "plan", "check")
        assert (checked.code, len([line for line in checked.err.splitlines() if "[CG701]" in line])) == (1, len(told))
        team.git(team.root, "checkout", "-q", "b2")
        works(team.root, "claim")
        assert states(team.root)["2.0"] == "complete"

    def test_every_command_about_a_broken_plan_names_its_line(self, team: Team) -> None:
        commit_to_main(team.root, {PLAN: "---\nplan: 2\ntitel: Two\nwaves: {0: }\n---\n"})
        before = refs(team.root)
        for args in ("claim 2.0", "delegate 2", "plan show 2"):
            said = refused(say(team.root, *args.split()), f"{PLAN}:2: 'title' is missing")
            assert said.hint == "conductor-git plan check"
        assert (team.commit("--allow-empty", "-m", CLAIM)[0], refs(team.root)) == (1, before)

    def test_plans_that_can_never_be_claimed_are_told_and_not_given_to_anybody(self, team: Team) -> None:
        texts = {
            name: f"---\nplan: {name}\ntitle: T{name}\n{more}\n---\n" for name, (more, *_) in CONTRADICTING.items()
        }
        commit_to_main(team.root, {f".conductor/plans/{name}.md": text for name, text in texts.items()})
        board = works(team.root, "log-status", "--json").data
        for plan in board["plans"]:
            found = [(finding["code"], finding["message"]) for finding in plan["findings"]]
            if plan["plan"] in CONTRADICTING:
                _, code, message = CONTRADICTING[plan["plan"]]
                assert [each[0] for each in found] == [code]
                assert found[0][1].startswith(message)
        assert [step["command"] for step in board["next"] if step["step"].startswith("delegate")] == [
            "conductor-git delegate 3"
        ]
        assert say(team.root, "log-status", "--check").code == 1

    def test_one_id_in_two_files_counts_in_neither(self, team: Team) -> None:
        commit_to_main(team.root, {".conductor/plans/zwei.md": (team.root / PLAN).read_text()})
        assert [message for _, _, message in findings(team.root)] == [
            f"{PLAN}:1: plan '2' is declared in '.conductor/plans/zwei.md' too",
            f".conductor/plans/zwei.md:1: plan '2' is declared in '{PLAN}' too",
        ]

    def test_a_workspace_inside_a_git_directory(self, team: Team) -> None:
        text = (team.root / ".conductor/plans/3.md").read_text().replace("waves", "workspace: .git/wt\nwaves")
        commit_to_main(team.root, {".conductor/plans/3.md": text})
        before = refs(team.root)
        said = refused(say(team.root, "delegate", "3"), "/.git/wt' is inside the git directory", "nothing was changed")
        assert (said.hint, refs(team.root)) == ("conductor-git plan commit", before)
        assert not (team.root / ".git/wt").exists()


class TestScripts:
    def test_one_that_is_missing_keeps_plans_from_being_claimed(self, team: Team) -> None:
        commit_to_main(team.root, {SCRIPT: None})
        for args, code in (("claim", 1), ("validate", 2)):
            refused(say(team.root, args), f"script '{SCRIPT}' is not on the control ref [CG703]", code=code)
        assert "CG703" in {code for code, _, _ in findings(team.root)}

    def test_one_that_is_not_executable_is_mended_by_the_hint(self, team: Team) -> None:
        commit_to_main(team.root, {SCRIPT: "#!/bin/sh\n"})
        said = refused(say(team.root, "claim"), "is not an executable file (mode 100644) [CG703]", code=1)
        team.git(team.root, "checkout", "-q", "main")
        assert follow(team.root, said).code == 0
        team.git(team.root, "checkout", "-q", "b2")
        works(team.root, "claim")

    def test_a_link_is_not_told_to_be_made_executable(self, team: Team) -> None:
        team.git(team.root, "checkout", "-q", "main")
        (team.root / SCRIPT).unlink()
        (team.root / SCRIPT).symlink_to("/bin/true")
        team.git(team.root, "commit", "-q", "--no-verify", "-a", "-m", "link")
        team.git(team.root, "checkout", "-q", "b2")
        assert refused(say(team.root, "validate"), "(mode 120000) [CG703]").hint == "conductor-git plan commit"

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            ("#!/nope/sh\n", "its first line is '#!/nope/sh'"),
            ("true\n", "its first line names no interpreter"),
        ],
    )
    def test_one_that_cannot_be_started_records_nothing(self, team: Team, script: str, why: str) -> None:
        commit_to_main(team.root, {SCRIPT: script}, mode=0o755)
        before = refs(team.root)
        refused(say(team.root, "claim"), "script 'verify.sh' cannot be started", why, "nothing was run")
        assert refs(team.root) == before


class TestLedger:
    def test_what_is_no_event_is_told_and_stops_nothing(self, team: Team) -> None:
        works(team.root, "claim")
        own = team.git(team.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor")
        line = team.git(team.root, "hash-object", "-w", "--stdin", stdin="not json\n")
        team.git(team.root, "notes", f"--ref={own}", "add", "-C", line, line)
        team.git(team.root, "notes", f"--ref={own}", "add", "-m", "hello", "HEAD")
        team.git(team.root, "notes", "--ref=refs/notes/conductor/evil.12345678", "add", "-m", "hello", "HEAD")
        team.git(team.root, "update-ref", "refs/notes/conductor/blob.12345678", line)
        team.git(team.root, "update-ref", "refs/notes/conductor/work.12345678", "HEAD")
        told = findings(team.root)
        assert sorted(code for code, _, _ in told) == ["CG601", "CG605", "CG605", "CG605", "CG605"]
        assert {severity for _, severity, _ in told} == {"warning"}
        assert any("JSON is malformed" in message for _, _, message in told)
        assert states(team.root)["2.0"] == "complete"
        works(team.root, "claim")
        assert states(team.root)["2.1"] == "complete"

    def test_a_ledger_that_is_gone_takes_no_claim_away_and_is_proven_anew(self, team: Team) -> None:
        works(team.root, "claim")
        own = team.git(team.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor")
        team.git(team.root, "update-ref", "-d", own)
        assert states(team.root)["2.0"] == "claimed"
        claimed = team.git(team.root, "rev-parse", "HEAD")
        said = works(team.root, "claim", "2.0")
        assert "2.0 is complete already" in said.err
        assert (team.git(team.root, "rev-parse", "HEAD"), states(team.root)["2.0"]) == (claimed, "complete")


class TestControl:
    def test_one_that_is_gone_comes_back_by_the_hint(self, team: Team) -> None:
        works(team.root, "log-status")
        team.git(team.root, "branch", "-q", "-D", "main")
        for args in ("log-status", "plan commit", "init"):
            said = refused(say(team.root, *args.split()), "error: branch 'main' is not in this clone any more")
        assert team.commit("--allow-empty", "-m", "go on")[0] == 0
        assert team.commit("--allow-empty", "-m", CLAIM)[0] == 1
        assert run(team.root, "git", "config", "conductor.control").out == ""
        assert follow(team.root, said).code == 0
        works(team.root, "claim")

    def test_one_that_diverged_is_merged_by_the_hint(self, team: Team, tmp_path: Path, git: Git) -> None:
        hub, other = tmp_path / "hub.git", tmp_path / "other"
        git(tmp_path, "init", "-q", "--bare", str(hub))
        git(team.root, "remote", "add", "origin", str(hub))
        git(team.root, "push", "-q", "-u", "origin", "main")
        git(tmp_path, "clone", "-q", str(hub), str(other))
        git(other, "commit", "-q", "--allow-empty", "-m", "theirs")
        git(other, "push", "-q")
        git(team.root, "checkout", "-q", "main")
        git(team.root, "commit", "-q", "--allow-empty", "-m", "ours")
        git(team.root, "fetch", "-q")
        (team.root / PLAN).write_text((team.root / PLAN).read_text().replace("Two", "Zwei"))
        both = "'main' and 'origin/main' have each what the other lacks"
        assert ("CG709", "warning", f"{both}; rules are read from 'main'") in findings(team.root)
        said = refused(say(team.root, "plan", "commit"), both, "nothing was changed")
        assert "have each what the other lacks" in say(team.root, "delegate", "3").err, "and it fetches the ledger now"
        refused(say(team.root, "delegate", "3"), "have each what the other lacks", "nothing was delegated")
        assert follow(team.root, said, env={"CONDUCTOR_WRITER": "conductor"}).code == 0
        works(team.root, "plan", "commit")


class TestHead:
    def test_detached(self, team: Team) -> None:
        team.git(team.root, "checkout", "-q", "--detach")
        works(team.root, "log-status")
        said = refused(say(team.root, "claim"), "a detached HEAD belongs to no plan, and none was named")
        assert follow(team.root, said).code == 0
        said = refused(say(team.root, "claim", "2.0"), "nobody claims here [CG105]", "nothing was committed", code=1)
        assert follow(team.root, said).code == 0
        works(team.root, "validate", "2.0")

    def test_a_repository_without_commits(self, tmp_path: Path, git: Git) -> None:
        git(tmp_path, "init", "-q", "new")
        new = tmp_path / "new"
        for args in ("log-status", "claim", "plan check"):
            said = refused(say(new, *args.split()), "error: there is no policy")
        assert follow(new, said).code == 0
        assert works(new, "log-status").out.startswith("no plans on 'main'")

    def test_an_orphan_branch_takes_the_control_tree_out_as_the_hint_says(self, team: Team) -> None:
        team.git(team.root, "checkout", "-q", "--orphan", "new")
        code, err = team.commit("-m", "begin anew")
        assert (code, "[CG403]" in err) == (1, True)
        for hint in (line.removeprefix("hint: ") for line in err.splitlines() if line.startswith("hint: ")):
            assert run(team.root, "sh", "-c", hint).code == 0, hint
        assert team.commit("-m", "begin anew")[0] == 0


@pytest.fixture
def hub(team: Team, tmp_path: Path, git: Git) -> Path:
    """A remote that has a claim on b2, past two commits of main, and no ledger."""
    for text in ("one", "two"):
        (team.root / text).write_text(text)
        git(team.root, "add", text)
        git(team.root, "commit", "-q", "-m", text)
    git(team.root, "branch", "-f", "main", "b2")
    works(team.root, "claim")
    place = tmp_path / "hub.git"
    git(tmp_path, "clone", "-q", "--bare", str(team.root), str(place))
    git(place, "config", "uploadpack.allowFilter", "true")
    git(place, "config", "uploadpack.allowAnySHA1InWant", "true")
    return place


class TestPartialHistory:
    def clone(self, hub: Path, git: Git, *how: str) -> Path:
        git(hub.parent, "clone", "-q", *how, hub.as_uri(), "clone")
        return hub.parent / "clone"

    def test_a_shallow_clone_without_since_cannot_tell_until_it_is_deeper(self, hub: Path, git: Git) -> None:
        clone = self.clone(hub, git, "--depth=1", "--no-single-branch")
        told = {code: (severity, message) for code, severity, message in findings(clone)}
        assert told["CG708"] == (
            "warning",
            "'main' is judged from its first commit on, and this shallow clone begins later",
        )
        assert told["CG604"][0] == "warning"
        assert "alarm" not in {severity for severity, _ in told.values()}
        shown = works(clone, "log-status").out
        assert "hint: git fetch --unshallow" in shown
        git(clone, "fetch", "-q", "--unshallow")
        assert "CG708" not in {code for code, _, _ in findings(clone)}

    def test_a_shallow_clone_without_the_commit_that_judgement_begins_at(self, team: Team, hub: Path, git: Git) -> None:
        since = git(team.root, "rev-parse", "main~2")
        commit_to_main(team.root, {POLICY: f'since = "{since}"\n{GOOD_POLICY}'})
        git(team.root, "push", "-q", str(hub), "main")
        clone = self.clone(hub, git, "--depth=1", "--no-single-branch")
        text = f"commit '{since[:12]}', above which 'main' is judged, is not in this shallow clone"
        assert ("CG708", "warning", text) in findings(clone)
        git(clone, "fetch", "-q", "--depth=9")
        assert "CG708" not in {code for code, _, _ in findings(clone)}

    def test_a_since_that_is_no_commit_here(self, team: Team) -> None:
        commit_to_main(team.root, {POLICY: f'since = "{"12" * 20}"\n{GOOD_POLICY}'})
        text = "commit '121212121212', above which 'main' is judged, is not in this repository"
        assert findings(team.root) == [("CG708", "warning", text)]

    def test_history_that_was_cut_and_is_whole_again_is_read_anew(self, team: Team, git: Git) -> None:
        git(team.root, "commit", "-q", "--no-verify", "--allow-empty", "-m", CLAIM)
        git(team.root, "commit", "-q", "--allow-empty", "-m", "more")
        git(team.root.parent, "clone", "-q", "--depth=1", "--no-single-branch", team.root.as_uri(), "clone")
        clone = team.root.parent / "clone"
        assert states(clone)["2.0"] == "active"
        git(clone, "fetch", "-q", "--unshallow")
        assert states(clone)["2.0"] == "claimed"

    def test_a_shallow_clone_accuses_nobody_of_what_lies_below_its_edge(
        self, team: Team, git: Git, tmp_path: Path
    ) -> None:
        works(team.root, "claim", "2.0")
        works(team.root, "claim", "2.1")
        place, notes = tmp_path / "hub.git", "refs/notes/conductor/*:refs/notes/conductor/*"
        git(tmp_path, "clone", "-q", "--bare", str(team.root), str(place))
        git(place, "fetch", "-q", str(team.root), notes)
        clone = self.clone(place, git, "--depth=1", "--no-single-branch")
        works(clone, "install")
        git(clone, "fetch", "-q", "--depth=1")
        assert [(code, severity) for code, severity, _ in findings(clone)] == [("CG708", "warning"), ("CG708", "error")]
        assert findings(clone)[1][2].startswith("2.1 needs 2.0, and nobody can tell here whether that is complete")
        git(clone, "fetch", "-q", "--unshallow")
        assert (states(clone)["2.0"], states(clone)["2.1"]) == ("complete", "complete")

    def test_a_clone_of_one_branch_fetches_the_control_branch_by_the_hint(self, hub: Path, git: Git) -> None:
        clone = self.clone(hub, git, "--depth=1", "--branch=b2")
        said = refused(say(clone, "log-status"), "branch 'main' is not in this clone")
        assert follow(clone, said).code == 0
        works(clone, "log-status")

    @pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
    def test_partial_clones(self, hub: Path, git: Git, kind: str) -> None:
        clone = self.clone(hub, git, f"--filter={kind}", "--no-checkout")
        away = hub.rename(hub.parent / "away")
        before = refs(clone)
        said = refused(say(clone, "log-status"), "could not fetch", "promisor remote")
        refused(say(clone, "validate", "2.1", "--commit", "origin/b2"))
        assert follow(clone, said).code == 128
        away.rename(hub)
        assert (follow(clone, said).code, refs(clone)) == (0, before)
        assert states(clone)["2.0"] == "claimed"
        works(clone, "validate", "2.1", "--commit", "origin/b2")


class TestMessages:
    def test_every_encoding_and_a_megabyte_are_read(self, team: Team) -> None:
        def commit(encoding: str, message: bytes) -> None:
            args = [
                "git",
                "-c",
                f"i18n.commitEncoding={encoding}",
                "commit",
                "-q",
                "--no-verify",
                "--allow-empty",
                "-F",
                "-",
            ]
            done = subprocess.run(args, cwd=team.root, input=message, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr

        commit("ISO-8859-1", "café wäve 2\n\nbody ÿ".encode("latin-1"))
        commit("Shift_JIS", "テスト\n".encode("shift_jis"))
        commit("UTF-8", b"raw \xff\xfe bytes\n")
        commit("no-such", b"x\n")
        commit("UTF-8", b"x" * 1_000_000)
        commit("UTF-8", b"subject\n\n" + b"a line of the body\n" * 50_000)
        assert (findings(team.root), states(team.root)["2.0"]) == ([], "active")
        works(team.root, "claim")
        assert states(team.root)["2.0"] == "complete"

    @pytest.mark.parametrize(
        "who",
        ["author A <a@b> garbage\ncommitter\n", "author A <a@b> 1 +0\ncommitter A <a@b> 99999999999999999999 +0\n", ""],
    )
    def test_a_commit_that_no_git_would_write(self, team: Team, who: str) -> None:
        tree, parent = team.git(team.root, "rev-parse", "HEAD^{tree}"), team.git(team.root, "rev-parse", "HEAD")
        who = who or "author A <a@b> 1 +0000\ncommitter A <a@b> 9999999999 +0000\n"
        text = f"tree {tree}\nparent {parent}\n{who}\nwork\0{CLAIM}\n"
        oid = team.git(team.root, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=text)
        team.git(team.root, "update-ref", "refs/heads/b2", oid)
        assert (findings(team.root), states(team.root)["2.0"]) == ([], "active")


class TestIdentity:
    def test_nothing_is_run_or_written_without_one(self, team: Team) -> None:
        team.git(team.root, "config", "user.useConfigOnly", "true")
        before = refs(team.root)
        for args in ("claim", "delegate 3"):
            said = refused(
                say(team.root, *args.split(), env=NOBODY), "git does not know who you are", "nothing was changed"
            )
        assert refs(team.root) == before
        works(team.root, "log-status", env=NOBODY)
        assert follow(team.root, said).code == 0
        works(team.root, "claim", env=NOBODY)


PLAIN = plain_user()


@pytest.mark.skipif(PLAIN is None, reason="nothing is read-only for root, and setpriv is not here")
class TestAccess:
    def test_a_repository_that_cannot_be_written_is_read(self, team: Team) -> None:
        shutil.rmtree(team.root / ".git/conductor")
        subprocess.run(["chmod", "-R", "a-w", str(team.root)], check=True)
        try:
            assert say(team.root, "log-status", under=PLAIN or ()).code == 0
            assert say(team.root, "plan", "check", under=PLAIN or ()).code == 0
            for args in ("claim", "delegate 3", "install", "plan new X"):
                refused(
                    say(team.root, *args.split(), under=PLAIN or ()),
                    "/.git/conductor/",
                    "Permission denied",
                    "nothing was",
                )
        finally:
            subprocess.run(["chmod", "-R", "u+w", str(team.root)], check=True)
        works(team.root, "claim")

    def test_a_hooks_folder_that_cannot_be_written(self, team: Team) -> None:
        hooks = team.root / ".git/hooks"
        shutil.rmtree(hooks)
        hooks.mkdir(mode=0o555)
        for args in ("install", "doctor --fix"):
            said = say(team.root, *args.split(), under=PLAIN or ())
            assert (said.code, "'pre-commit' cannot be put in place" in said.err) == (1, True)
            assert said.hint == f"ls -ld {hooks} && df -h {hooks}"
        assert (follow(team.root, said).code, os.listdir(hooks)) == (0, [])
        hooks.chmod(0o755)
        works(team.root, "doctor", "--fix")

    def test_what_cannot_be_read_is_not_said_to_be_no_repository(self, team: Team) -> None:
        (team.root / ".git/objects").chmod(0)
        try:
            said = refused(say(team.root, "log-status", under=PLAIN or ()), "git cannot read the repository at")
        finally:
            (team.root / ".git/objects").chmod(0o755)
        assert follow(team.root, said).code == 0

    def test_a_cache_folder_that_cannot_be_written(self, team: Team, tmp_path: Path) -> None:
        shut = tmp_path / "shut"
        shut.mkdir(mode=0o555)
        env: dict[str, str | None] = {"CONDUCTOR_CACHE": str(shut / "x")}
        refused(say(team.root, "claim", env=env, under=PLAIN or ()), f"'{shut}/x' cannot be made", "nothing was run")


class TestSurroundings:
    @pytest.mark.parametrize("cache", ["/dev/null/x", "inside", ".git/x"])
    def test_a_cache_folder_that_cannot_be_used(self, team: Team, cache: str) -> None:
        before = refs(team.root)
        said = say(team.root, "claim", env={"CONDUCTOR_CACHE": cache})
        refused(said, "there is no place for a clean checkout", "nothing was run")
        assert (refs(team.root), run(team.root, "git", "status", "--short").out) == (before, "")
        if cache == "inside":
            assert run(team.root, "sh", "-c", f"{said.hint} && conductor-git claim").code == 0

    def test_a_home_that_is_not_set_or_not_there(self, team: Team, tmp_path: Path) -> None:
        env: dict[str, str | None] = {"HOME": "/dev/null/home", "CONDUCTOR_CACHE": None, "TMPDIR": str(tmp_path)}
        works(team.root, "claim", env=env)
        works(team.root, "log-status", env={"HOME": None})
        assert (tmp_path / f"conductor-git-{os.getuid()}").is_dir()

    def test_without_git(self, team: Team) -> None:
        program = shutil.which("conductor-git")
        assert program is not None
        for args in ("log-status", "init"):
            said = run(team.root, program, *args.split(), env={"PATH": "/nowhere"})
            refused(said, "error: git is not on PATH")

    def test_in_a_folder_that_is_gone(self, tmp_path: Path) -> None:
        gone = tmp_path / "gone"
        gone.mkdir()
        said = run(tmp_path, "sh", "-c", f"cd '{gone}' && rmdir '{gone}' && conductor-git log-status")
        refused(said, "the current folder is not there any more")

    @pytest.mark.parametrize("path", ["/dev/null", "/proc/nowhere"])
    def test_hooks_that_are_looked_for_nowhere(self, team: Team, path: str) -> None:
        team.git(team.root, "config", "core.hooksPath", path)
        found = say(team.root, "doctor")
        assert (found.code, found.hint) == (1, "conductor-git doctor --fix")
        fixed = follow(team.root, found)
        assert (fixed.code, f"git looks for it in '{path}' (core.hooksPath, local configuration)" in fixed.err) == (
            1,
            True,
        )
        shown = follow(team.root, fixed)
        assert (shown.code, shown.out) == (0, f"file:.git/config\t{path}\n")

    def test_a_configuration_that_git_cannot_read(self, team: Team) -> None:
        with (team.root / ".git/config").open("a") as file:
            file.write("[broken\n")
        said = refused(say(team.root, "log-status"), "git cannot read the repository at", "bad config line")
        assert follow(team.root, said).code == 0


class TestLocks:
    @pytest.mark.parametrize("lock", ["index.lock", "refs/heads/b2.lock"])
    def test_a_lock_that_was_left_is_named_and_the_proof_is_kept(self, team: Team, lock: str) -> None:
        (team.root / ".git" / lock).touch()
        before = run(team.root, "git", "rev-parse", "HEAD").out
        said = refused(say(team.root, "claim"), f"{lock}': File exists", "the proof stands")
        assert run(team.root, "git", "rev-parse", "HEAD").out == before
        (team.root / ".git" / lock).unlink()
        ledger = refs(team.root)
        assert follow(team.root, said).code == 0
        assert [line for line in refs(team.root).splitlines() if "/notes/" in line] == [
            line for line in ledger.splitlines() if "/notes/" in line
        ]

    def test_an_old_lock_is_named_by_the_doctor(self, team: Team) -> None:
        lock = team.root / ".git/index.lock"
        lock.touch()
        os.utime(lock, (1, 1))
        said = say(team.root, "doctor")
        assert (said.code, f"'{lock}' is" in said.err, "[CG713]" in said.err) == (1, True, True)
        assert lock.exists()

    def test_a_branch_that_is_locked_takes_no_rules(self, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
        from conductor_git.store.control import commits

        monkeypatch.setattr(commits, "_TRIES", 1)
        (team.root / ".git/refs/heads/main.lock").touch()
        with pytest.raises(CannotRun, match="branch 'main' could not be moved") as caught:
            commits.commit_files(discover(str(team.root)), "refs/heads/main", {"x": b"x"}, "x")
        assert "main.lock': File exists" in caught.value.detail
        assert "\n\n" not in caught.value.what + caught.value.detail


class TestBrokenObjects:
    def told(self, team: Team, *parts: str) -> Said:
        shutil.rmtree(team.root / ".git/conductor/cache", ignore_errors=True)
        said = refused(say(team.root, "log-status"), *parts)
        assert said.hint == "git fsck"
        follow(team.root, said)
        return said

    def test_a_tree_of_the_control_branch(self, team: Team) -> None:
        harm(object_file(team.root, "main^{tree}"))
        self.told(team, "git ls-tree failed: ", "is corrupt")

    def test_a_plan_file(self, team: Team) -> None:
        object_file(team.root, f"main:{PLAN}").unlink()
        self.told(team, "of the control tree cannot be read here")

    def test_a_ledger(self, team: Team) -> None:
        works(team.root, "validate")
        own = team.git(team.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor")
        harm(object_file(team.root, f"{own}^{{tree}}"))
        self.told(team, "corrupt")

    def test_a_ref_to_nothing_is_named(self, team: Team) -> None:
        (team.root / ".git/refs/heads/b3").write_text(f"{7:040}\n")
        self.told(team, "'refs/heads/b3' points to commit '000000000000', which cannot be read here")

    def test_a_ref_that_is_no_ref_stops_nobody(self, team: Team) -> None:
        (team.root / ".git/refs/heads/b3").write_text("garbage\n")
        works(team.root, "claim")

    def test_a_script(self, team: Team) -> None:
        object_file(team.root, f"main:{SCRIPT}").unlink()
        before = refs(team.root)
        said = refused(say(team.root, "validate"), "script 'verify.sh' cannot be read here", "nothing was run")
        assert (said.hint, refs(team.root)) == ("git fsck", before)

    def test_a_file_of_the_product(self, team: Team) -> None:
        object_file(team.root, "main:state").unlink()
        refused(say(team.root, "validate"), "tree '43822cb' could not be checked out", "nothing was run")


NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
HAS_NAMESPACES = (
    shutil.which("unshare") is not None and subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0
)


class TestFullDisk:
    @pytest.mark.skipif(not HAS_NAMESPACES, reason="a small disk needs a mount namespace")
    def test_nothing_is_half_done_and_all_goes_on_with_room(self, team: Team) -> None:
        script = """
        mkdir disk && mount -t tmpfs -o size=900k tmpfs disk && rm -f shop/.git/hooks/*.sample && cp -a shop disk/shop
        cd disk/shop && cat /dev/zero >../fill 2>/dev/null
        for command in validate claim 'delegate 3' 'plan new X'; do
            conductor-git $command >>../../said 2>&1; echo "$command: $?" >>../../codes
        done
        conductor-git log-status >>../../said && git for-each-ref >../../refs && git fsck && rm ../fill
        conductor-git claim && conductor-git delegate 3 >/dev/null && conductor-git log-status --json >../../board
        """
        done = run(team.root.parent, *NAMESPACE, "sh", "-c", script)
        place = team.root.parent
        assert done.code == 0, done.err
        codes = (place / "codes").read_text().splitlines()
        assert codes == ["validate: 2", "claim: 2", "delegate 3: 2", "plan new X: 2"], (place / "said").read_text()
        said = (place / "said").read_text()
        assert (
            said.count("No space left on device") + said.count("no space left on device") >= 4,
            "Traceback" in said,
        ) == (
            True,
            False,
        ), said
        assert (place / "refs").read_text().count("\n") == 2
        assert '"state": "complete"' in (place / "board").read_text()

    @pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
    def test_a_limit_on_the_size_of_files(self, team: Team) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

        before = refs(team.root)
        done = subprocess.run(
            ["conductor-git", "claim"], cwd=team.root, capture_output=True, text=True, preexec_fn=limit, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr, refs(team.root)) == (2, False, before), done.stderr
        works(team.root, "claim")


KILLER = """\
#!/bin/sh
count=$(($(cat "$COUNT" 2>/dev/null || echo 0) + 1))
echo $count >"$COUNT"
if [ $count -eq $AT ]; then
    [ $((AT % 2)) = 0 ] || "$GIT" "$@" >/dev/null
    kill -$SIGNAL $PPID
    exit 1
fi
exec "$GIT" "$@"
"""


class TestDeath:
    """Each command dies at the start or at the end of one of its git processes, and is given again."""

    def dies(self, at: Path, tmp_path: Path, command: str, number: int, signal: str) -> Said:
        folder = tmp_path / "killer"
        folder.mkdir(exist_ok=True)
        (folder / "git").write_text(KILLER)
        (folder / "git").chmod(0o755)
        (folder / "count").unlink(missing_ok=True)
        git = shutil.which("git")
        assert git is not None
        env = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "COUNT": str(folder / "count"), "GIT": git}
        said = run(at, *command.split(" ", 2), env={**env, "AT": str(number), "SIGNAL": signal})
        assert (int((folder / "count").read_text()) >= number, "Traceback" in said.err) == (True, False)
        return said

    def whole(self, at: Path) -> None:
        assert run(at, "git", "fsck", "--no-dangling").out == ""
        assert run(at, "git", "status", "--short").out == ""

    def count(self, at: Path, *pattern: str) -> int:
        return len(run(at, "git", "log", "--format=%H", *pattern).out.split())

    @pytest.mark.parametrize(("number", "signal"), [(10, "KILL"), (29, "INT"), (33, "KILL"), (38, "KILL")])
    def test_claim(self, team: Team, tmp_path: Path, number: int, signal: str) -> None:
        self.dies(team.root, tmp_path, "conductor-git claim 2.0", number, signal)
        self.whole(team.root)
        works(team.root, "claim", "2.0")
        assert (states(team.root)["2.0"], self.count(team.root, "--grep=Wave 0", "b2")) == ("complete", 1)

    @pytest.mark.parametrize(("number", "signal"), [(8, "INT"), (16, "KILL")])
    def test_validate(self, team: Team, tmp_path: Path, number: int, signal: str) -> None:
        self.dies(team.root, tmp_path, "conductor-git validate 2.0", number, signal)
        self.whole(team.root)
        assert works(team.root, "validate", "2.0", "--json").data["passed"] is True
        assert self.count(team.root, "--all", "--grep=conductor: clock [1-9]") == 1

    @pytest.mark.parametrize(("number", "signal"), [(17, "KILL"), (20, "INT"), (25, "KILL")])
    def test_delegate(self, team: Team, tmp_path: Path, number: int, signal: str) -> None:
        self.dies(team.root, tmp_path, "conductor-git delegate 3", number, signal)
        self.whole(team.root)
        works(team.root, "delegate", "3")
        assert (states(team.root)["3"], self.count(team.root, "--grep=PLAN 3 START", "b3")) == ("active", 1)
        assert self.count(team.root, "--all", "--grep=conductor: clock [1-9]") == 1
        worktree = team.root.parent / "shop.worktrees/b3"
        assert run(worktree, "git", "symbolic-ref", "HEAD").out == "refs/heads/b3\n"
        self.whole(worktree)

    @pytest.mark.parametrize(("number", "signal"), [(17, "INT"), (33, "KILL")])
    def test_init(self, repo_dir: Path, tmp_path: Path, number: int, signal: str) -> None:
        self.dies(repo_dir, tmp_path, "conductor-git init --validate=true", number, signal)
        self.whole(repo_dir)
        works(repo_dir, "init", "--validate=true")
        assert self.count(repo_dir, "main") == 2
        assert works(repo_dir, "whoami").out.startswith("conductor: ")
        assert self.count(repo_dir, "--all", "--grep=conductor: clock [1-9]") == 1

    @pytest.mark.parametrize(("number", "signal"), [(2, "INT"), (4, "KILL")])
    def test_log_status(self, team: Team, tmp_path: Path, number: int, signal: str) -> None:
        said = self.dies(team.root, tmp_path, "conductor-git log-status", number, signal)
        assert (said.code, said.out) == (130 if signal == "INT" else -9, "")
        works(team.root, "log-status")


class TestJson:
    @pytest.mark.parametrize("args", ["log-status", "doctor", "validate", "claim", "plan list", "plan check"])
    def test_one_object_whatever_happens(self, team: Team, tmp_path: Path, args: str) -> None:
        works(team.root, "install")
        assert isinstance(works(team.root, *args.split(), "--json").data, dict)
        said = say(tmp_path, *args.split(), "--json")
        assert (said.code, set(said.data["error"])) == (2, {"message", "detail", "hint"})
        assert said.data["error"]["message"] == f"'{tmp_path}' is not in a git repository"
        assert said.err.startswith("error: ")

    def test_a_refusal_has_its_findings(self, team: Team) -> None:
        commit_to_main(team.root, {SCRIPT: None})
        for args, code in (("claim", 1), ("validate", 2)):
            said = say(team.root, args, "--json")
            assert (said.code, [found["code"] for found in said.data["findings"]]) == (code, ["CG703"])
        assert [found["code"] for found in say(team.root, "claim", "2.1", "--json").data["findings"]] == [
            "CG703",
            "CG301",
        ]

    def test_a_failed_run_and_a_wrong_call(self, team: Team) -> None:
        (team.root / "state").write_text("bad\n")
        team.git(team.root, "commit", "-q", "-a", "-m", "break it")
        data = say(team.root, "claim", "--json").data
        assert (data["passed"], data["outcome"], data["exit_code"], data["commit"]) == (False, "failed", 1, None)
        assert say(team.root, "validate", "--rebased", "--json").data == {
            "schema": 1,
            "target": "2",
            "claims": [],
        }
        assert (
            say(team.root, "log-status", "--json", "--wach").data["error"]["hint"] == "conductor-git log-status --watch"
        )
