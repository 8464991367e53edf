"""Reading history: real git, odd messages, moved refs; and that a cache never changes the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_git.core.judgement.history import History
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Oid
from conductor_git.store.past.history import read_history
from conductor_git.store.plumbing.merges import product_of_merge
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git

PLAN = Plan("2", "Two", ".conductor/plans/2.md", "agent-2", branch="b2")


def read(folder: Path, since: str = "", *, use_cache: bool = True) -> History:
    repo = discover(str(folder))
    policy = Policy(repository="0123456789abcdef", since=since)
    return read_history(repo, policy, [PLAN], read_refs(repo), use_cache=use_cache)


def empty(git: Git, folder: Path, message: str, *args: str) -> Oid:
    git(folder, "commit", "-q", "--allow-empty", "-m", message, *args)
    return Oid(git(folder, "rev-parse", "HEAD"))


def test_claims_starts_reverts_and_trailers_are_noted_and_prose_is_not(repo_dir: Path, git: Git) -> None:
    start = empty(git, repo_dir, "▶ PLAN 2 START - agent-2\n\nConductor-Plan: 2")
    claim = empty(git, repo_dir, "✅ Wave 0 Complete\n\nConductor-Plan: 2\nconductor-wave: 0\nSigned-off-by: Ada <a@b>")
    prose = empty(git, repo_dir, "plan the next wave")
    bad = empty(git, repo_dir, "Wave 1 done")
    revert = empty(git, repo_dir, f'Revert "✅ Wave 0 Complete"\n\nThis reverts commit {claim}.')
    found = read(repo_dir)
    assert set(found.notes) == {start, claim, bad, revert}
    assert prose in found.nodes
    assert found.notes[claim].trailers == (("Conductor-Plan", "2"), ("conductor-wave", "0"))
    assert found.notes[revert].reverts == claim


def test_only_the_first_raw_line_counts(repo_dir: Path, git: Git) -> None:
    git(repo_dir, "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", "\n✅ Wave 0 Complete")
    folded = empty(git, repo_dir, "✅ Wave 0\nComplete")
    assert {oid: note.line for oid, note in read(repo_dir).notes.items()} == {folded: "✅ Wave 0"}


def test_a_message_in_another_encoding_is_read(repo_dir: Path, git: Git) -> None:
    git(repo_dir, "-c", "i18n.commitEncoding=UTF-16LE", "commit", "-q", "--allow-empty", "-m", "ordinary")
    raw = f"tree {git(repo_dir, 'rev-parse', 'HEAD^{tree}')}\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\n"
    (repo_dir / "raw").write_bytes(raw.encode() + b"\xff\xfe Wave 3 Complete\n")
    oid = git(repo_dir, "hash-object", "-w", "-t", "commit", "raw")
    git(repo_dir, "update-ref", "refs/heads/b2", oid)
    assert Oid(oid) in read(repo_dir).nodes


def test_since_is_read_and_what_is_below_is_not(repo_dir: Path, git: Git) -> None:
    first = Oid(git(repo_dir, "rev-parse", "HEAD"))
    since = empty(git, repo_dir, "since")
    above = empty(git, repo_dir, "above")
    found = read(repo_dir, since)
    assert (set(found.nodes), found.since) == ({since, above}, since)
    assert first not in found.nodes


def test_the_product_tree_is_the_tree_without_the_control_folder(repo_dir: Path, git: Git) -> None:
    before = git(repo_dir, "rev-parse", "HEAD^{tree}")
    (repo_dir / ".conductor").mkdir()
    (repo_dir / ".conductor" / "conductor.toml").write_text("x")
    git(repo_dir, "add", ".conductor")
    head = empty(git, repo_dir, "✅ Wave 0 Complete")
    found = read(repo_dir)
    assert found.product(head) == before
    assert found.controls[Oid(git(repo_dir, "rev-parse", "HEAD^{tree}"))] == git(
        repo_dir, "rev-parse", "HEAD:.conductor"
    )


def test_a_cached_reading_equals_a_fresh_one_after_every_kind_of_move(repo_dir: Path, git: Git) -> None:
    def same() -> None:
        cached, fresh = read(repo_dir), read(repo_dir, use_cache=False)
        assert set(fresh.nodes) <= set(cached.nodes)
        assert all(cached.nodes[oid] == node for oid, node in fresh.nodes.items())
        assert {oid: note for oid, note in cached.notes.items() if oid in fresh.nodes} == fresh.notes
        assert (cached.integration, cached.branches) == (fresh.integration, fresh.branches)
        assert all(cached.products[tree] == product for tree, product in fresh.products.items())

    same()
    git(repo_dir, "checkout", "-q", "-b", "b2")
    empty(git, repo_dir, "✅ Wave 0 Complete")
    same()
    empty(git, repo_dir, "✅ Wave 0 Complete - amended", "--amend")
    same()
    git(repo_dir, "checkout", "-q", "main")
    git(repo_dir, "merge", "-q", "--no-ff", "-m", "land", "b2")
    same()
    git(repo_dir, "reset", "-q", "--hard", "HEAD~1")
    git(repo_dir, "branch", "-q", "-D", "b2")
    git(repo_dir, "reflog", "expire", "--expire=now", "--all")
    git(repo_dir, "gc", "-q", "--prune=now")
    same()
    empty(git, repo_dir, "after gc")
    same()


@pytest.mark.parametrize("content", [b"", b"garbage", b"0.1.0\n\xc1"])
def test_a_broken_cache_is_as_if_it_were_not_there(repo_dir: Path, content: bytes) -> None:
    fresh = read(repo_dir, use_cache=False)
    cache = repo_dir / ".git" / "conductor" / "cache"
    cache.mkdir(parents=True)
    (cache / "history").write_bytes(content)
    assert read(repo_dir) == fresh


def test_an_unborn_integration_branch_is_none(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "new")
    found = read(tmp_path / "new")
    assert (found.integration, found.nodes) == (None, {})


def test_with_an_upstream_the_upstream_is_the_truth(repo_dir: Path, tmp_path: Path, git: Git) -> None:
    git(tmp_path, "clone", "-q", str(repo_dir), "clone")
    ahead = empty(git, repo_dir, "ahead")
    git(tmp_path / "clone", "fetch", "-q")
    tip = read(tmp_path / "clone").integration
    assert tip is not None
    assert (tip.ref, tip.oid) == ("refs/remotes/origin/main", ahead)


def test_a_plan_branch_is_the_local_one_else_the_remotes(repo_dir: Path, tmp_path: Path, git: Git) -> None:
    git(repo_dir, "branch", "b2")
    git(tmp_path, "clone", "-q", str(repo_dir), "clone")
    clone = tmp_path / "clone"
    assert read(clone).branches["b2"].ref == "refs/remotes/origin/b2"
    git(clone, "checkout", "-q", "b2")
    local = empty(git, clone, "more")
    tip = read(clone).branches["b2"]
    assert (tip.ref, tip.oid) == ("refs/heads/b2", local)
    assert [ref for ref, _ in tip.others] == ["refs/remotes/origin/b2"]


def test_a_shallow_clone_without_since_cannot_tell(repo_dir: Path, tmp_path: Path, git: Git) -> None:
    since = git(repo_dir, "rev-parse", "HEAD")
    empty(git, repo_dir, "above")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo_dir}", "shallow")
    found = read(tmp_path / "shallow", since)
    assert (found.shallow, found.since_known, len(found.nodes)) == (True, False, 1)


def test_sha256_repositories_are_read(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "r")
    claim = empty(git, tmp_path / "r", "✅ Wave 0 Complete")
    found = read(tmp_path / "r")
    assert list(found.notes) == [claim]
    assert len(found.product(claim) or "") == 64


def merged(repo_dir: Path, git: Git) -> tuple[Oid, Oid]:
    git(repo_dir, "checkout", "-q", "-b", "b2")
    (repo_dir / "new").write_text("new\n")
    git(repo_dir, "add", "new")
    theirs = empty(git, repo_dir, "new")
    git(repo_dir, "checkout", "-q", "main")
    (repo_dir / "README").write_text("changed\n")
    git(repo_dir, "add", "README")
    return empty(git, repo_dir, "changed"), theirs


def test_a_merge_is_done_again_without_a_checkout(repo_dir: Path, git: Git) -> None:
    ours, theirs = merged(repo_dir, git)
    git(repo_dir, "merge", "-q", "-m", "land", "b2")
    assert product_of_merge(discover(str(repo_dir)), ours, theirs) == git(repo_dir, "rev-parse", "HEAD^{tree}")


def test_the_attributes_and_drivers_of_a_worktree_do_not_change_the_merge(repo_dir: Path, git: Git) -> None:
    ours, theirs = merged(repo_dir, git)
    clean = product_of_merge(discover(str(repo_dir)), ours, theirs)
    (repo_dir / ".git" / "info" / "attributes").write_text("* merge=evil\n")
    git(repo_dir, "config", "merge.evil.driver", "false")
    git(repo_dir, "config", "merge.renormalize", "true")
    assert product_of_merge(discover(str(repo_dir)), ours, theirs) == clean


def test_a_conflict_has_no_product(repo_dir: Path, git: Git) -> None:
    git(repo_dir, "checkout", "-q", "-b", "b2")
    (repo_dir / "README").write_text("theirs\n")
    theirs = empty(git, repo_dir, "theirs", "-a")
    git(repo_dir, "checkout", "-q", "main")
    (repo_dir / "README").write_text("ours\n")
    ours = empty(git, repo_dir, "ours", "-a")
    assert product_of_merge(discover(str(repo_dir)), ours, theirs) is None
