"""A hub: each attack works on a bare repository that does not enforce, and is refused by one that does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git
from tests.forced import VARIABLE, Shop
from tests.signed import Keys, count_calls
from tests.team import CLAIM, Team
from tests.test_audit import rewrite
from tests.test_landings import land, put


@pytest.fixture
def shop(founded: Path, tmp_path: Path, git: Git) -> Shop:
    for name in ("shop", "hub.git", "open.git"):
        shutil.copytree(founded / name, tmp_path / name, symlinks=True)
    return Shop(tmp_path, git)


def test_proven_work_goes_in_from_claim_to_landing(shop: Shop) -> None:
    shop.git(shop.root, "checkout", "-q", "main")
    put(shop, "direct")
    shop.taken("ada", "main")
    shop.git(shop.root, "checkout", "-q", "b2")
    shop.claim()
    shop.taken("bob", "b2", shop.ledger("agent-2"))
    land(shop, "b2")
    assert (
        shop.run("conductor-git", "validate", "2.0", "--commit", "HEAD", env={"CONDUCTOR_WRITER": "conductor"})[0] == 0
    )
    shop.taken("ada", "main", shop.ledger("conductor"))
    shop.taken("eve", "b2:refs/heads/elsewhere", "HEAD~1:refs/tags/v1")
    shop.taken("bob", ":b2")


def test_a_claim_without_a_proof(shop: Shop) -> None:
    put(shop, "work")
    assert shop.commit("--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
    assert "[CG201]" in shop.refused("bob", "b2")
    # One bad ref refuses all of the push, and work without the claim goes in.
    assert "[CG201]" in shop.shut("bob", "b2", "b2~1:refs/heads/other")
    shop.taken("bob", "b2~1:refs/heads/b2", "b2:refs/heads/other")
    # What passes on a branch of nobody's does not pass by another door.
    assert "[CG201]" in shop.shut("bob", "b2")


def test_a_claim_whose_proof_comes_with_it_or_came_before(shop: Shop) -> None:
    shop.claim()
    assert "[CG201]" in shop.shut("bob", "b2")
    shop.taken("bob", "b2", shop.ledger("agent-2"))


def test_a_ledger_line_in_anothers_name(shop: Shop) -> None:
    shop.say("conductor")
    assert "[CG652]" in shop.refused("eve", shop.ledger("conductor"))
    shop.say("agent-2")
    assert "[CG652]" in shop.refused("eve", shop.ledger("agent-2"))
    # In a ledger of one's own, another's name is in the line.
    forged = shop.ledger("agent-2").replace("agent-2", "agent-3")
    assert "[CG602]" in shop.refused("eve", f"{shop.ledger('agent-2')}:{forged}")
    # Names that readers would take for a writer's, and copies of others' ledgers.
    for ref in ("refs/notes/conductor/x/conductor.00000000", "refs/notes/conductor-remotes/x/conductor.00000000"):
        assert "[CG654]" in shop.refused("eve", f"{shop.ledger('conductor')}:{ref}")


def test_a_ledger_that_goes_back(shop: Shop) -> None:
    shop.say("agent-2")
    ref = shop.ledger("agent-2")
    first = shop.git(shop.root, "rev-parse", ref)
    shop.say("agent-2", data={"text": "again"})
    for place in (shop.hub, shop.open):
        assert shop.push("bob", ref, to=place)[0] == 0
    tip = shop.git(shop.root, "rev-parse", ref)
    assert "[CG611]" in shop.refused("bob", f"+{first}:{ref}")
    assert shop.push("bob", f"+{tip}:{ref}", to=shop.open)[0] == 0
    assert "[CG611]" in shop.refused("bob", f":{ref}")
    assert shop.push("bob", f"+{tip}:{ref}", to=shop.open)[0] == 0
    # What is only below a further parent is no longer what the ledger says.
    tree = shop.git(shop.root, "rev-parse", f"{first}^{{tree}}")
    evil = shop.git(shop.root, "commit-tree", "-p", first, "-p", tip, "-m", "conductor: clock 9 known 9", tree)
    assert "[CG611]" in shop.refused("bob", f"{evil}:{ref}")


def test_a_ledger_commit_that_drops_a_line(shop: Shop) -> None:
    shop.say("agent-2")
    ref = shop.ledger("agent-2")
    shop.say("agent-2", data={"text": "again"})
    for place in (shop.hub, shop.open):
        assert shop.push("bob", ref, to=place)[0] == 0

    def drop(folder: Path) -> None:
        next(path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts[-1]).unlink()

    rewrite(shop, drop, ref=ref)
    assert "[CG610]" in shop.refused("bob", ref)


def test_a_note_under_another_key_and_a_large_one(shop: Shop) -> None:
    shop.say("agent-2")
    ref = shop.ledger("agent-2")
    good = shop.git(shop.root, "rev-parse", ref)

    def scribble(folder: Path) -> None:
        (folder / "anything").write_text("x\n")

    rewrite(shop, scribble, ref=ref)
    assert "[CG605]" in shop.refused("bob", ref)
    shop.git(shop.root, "update-ref", ref, good)

    def fill(folder: Path) -> None:
        line = json.dumps({"text": "x" * 300_000}).encode()
        oid = discover(str(shop.root)).hash("blob", line)
        (folder / oid[:2]).mkdir(exist_ok=True)
        (folder / oid[:2] / oid[2:]).write_bytes(line)

    rewrite(shop, fill, ref=ref)
    assert "[CG653]" in shop.refused("bob", f"+{ref}")


def test_rules_are_not_changed_by_whom_they_bind(shop: Shop) -> None:
    put(shop, "work")
    assert shop.commit("--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
    shop.git(shop.root, "checkout", "-q", "main")
    put(shop, ".conductor/scripts/verify.sh", "#!/bin/sh\n")
    shop.git(shop.root, "checkout", "-q", "b2")
    said = shop.refused("bob", "main", "b2")
    assert "only the conductor moves 'refs/heads/main'" in said
    assert "[CG656]" in said
    # Nor by the conductor in the same push: what is pushed is judged by the rules that stand.
    assert "[CG201]" in shop.shut("ada", "main", "b2")
    shop.taken("ada", "main")


def test_rules_that_nobody_could_obey_do_not_come_in(shop: Shop) -> None:
    shop.git(shop.root, "checkout", "-q", "main")
    put(shop, ".conductor/conductor.toml", "format = 1\nrepositry = 'x'\n")
    said = shop.refused("ada", "main")
    assert "[CG657]" in said
    assert "did you mean 'repository'?" in said


def test_a_hub_whose_rules_are_broken_takes_only_what_mends_them(shop: Shop) -> None:
    shop.git(shop.root, "checkout", "-q", "main")
    good = (shop.root / ".conductor/conductor.toml").read_text()
    put(shop, ".conductor/conductor.toml", "format = 2\n")
    shop.git(shop.root, "push", "-q", str(shop.open), "main")
    shop.git(shop.hub, "fetch", "-q", str(shop.open), "main:main")
    said = shop.shut("bob", "main:refs/heads/other")
    assert "this hub cannot judge" in said
    assert "'ada' pushes a policy that can be obeyed" in said
    put(shop, ".conductor/conductor.toml", good)
    shop.taken("ada", "main")
    shop.taken("bob", "main:refs/heads/other")


def test_another_branch_is_not_taken_for_the_control_branch(shop: Shop, git: Git) -> None:
    """Where the control branch is not called 'main', clones would read a policy on 'main' first."""
    policy = (shop.root / ".conductor/conductor.toml").read_text()
    git(shop.root, "checkout", "-q", "-b", "trunk", "main")
    put(shop, ".conductor/conductor.toml", policy.replace("[validation]", 'integration = "trunk"\n[validation]'))
    for place in (shop.hub, shop.open):
        git(shop.root, "push", "-q", "--receive-pack=git -c core.hooksPath=/dev/null receive-pack", str(place), "trunk")
        git(place, "update-ref", "-d", "refs/heads/main")
    git(shop.hub, "config", "conductor.control", "trunk")
    assert "would be taken for the control branch" in shop.refused("eve", "main")
    shop.taken("eve", "main:refs/heads/other")


def test_integration_is_moved_by_the_conductor_only_and_forward(shop: Shop) -> None:
    shop.claim()
    assert "[CG656]" in shop.refused("bob", "b2:main", shop.ledger("agent-2"))
    assert shop.push("ada", "+main", to=shop.open)[0] == 0
    assert "[CG502]" in shop.refused("ada", "b2:main")
    assert shop.push("ada", "+main", to=shop.open)[0] == 0
    assert "[CG656]" in shop.shut("ada", ":main")
    shop.git(shop.root, "checkout", "-q", "main")
    put(shop, "direct")
    for place in (shop.hub, shop.open):
        assert shop.push("ada", "main", to=place)[0] == 0
    assert "[CG508]" in shop.refused("ada", "+main~1:main")


def test_each_signature_is_looked_at_once(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, policy = Keys(tmp_path), shop.root / ".conductor/conductor.toml"

    def rule(*agents: str) -> None:
        shop.git(shop.root, "checkout", "-q", "main")
        lines = (f'{agent} namespaces="conductor-git/agent@v1" {keys.public(agent)}\n' for agent in agents)
        put(shop, ".conductor/allowed_signers", "".join(lines))
        shop.taken("ada", "main")
        shop.git(shop.root, "checkout", "-q", "b2")

    shop.git(shop.root, "checkout", "-q", "main")
    put(shop, ".conductor/conductor.toml", f'{policy.read_text()}[trust]\nattestations = "agent"\n')
    rule("agent-2")
    monkeypatch.setenv("CONDUCTOR_SIGNING_KEY", str(keys.path("agent-2")))
    shop.claim()
    monkeypatch.setenv("PATH", os.environ["PATH"])
    keys.path("agent-3")
    calls = count_calls(tmp_path / "shim", "ssh-keygen")
    shop.taken("bob", "b2", shop.ledger("agent-2"))
    assert len(calls.read_text().splitlines()) == 1
    calls.unlink()
    put(shop, "more")
    shop.taken("bob", "b2")
    assert not calls.exists()
    # By other allowed signers what was said is nobody's word.
    rule("agent-3")
    put(shop, "still more")
    shop.taken("bob", "b2")
    assert len(calls.read_text().splitlines()) == 1


def test_a_fast_forward_onto_unclaimed_work_of_a_plan(shop: Shop) -> None:
    put(shop, "work")
    for place in (shop.hub, shop.open):
        assert shop.push("bob", "b2", to=place)[0] == 0
    assert "[CG502]" in shop.refused("ada", "b2:main")


def test_a_merge_of_unclaimed_work_of_a_plan(shop: Shop) -> None:
    put(shop, "work")
    for place in (shop.hub, shop.open):
        assert shop.push("bob", "b2", to=place)[0] == 0
    land(shop, "b2")
    assert "[CG503]" in shop.refused("ada", "main")


def test_a_landing_without_its_proof_and_an_evil_one(shop: Shop) -> None:
    shop.claim()
    shop.git(shop.root, "checkout", "-q", "main")
    put(shop, "other")
    land(shop, "b2")
    ledger = shop.ledger("agent-2")
    for place in (shop.hub, shop.open):
        assert shop.push("bob", "b2", ledger, to=place)[0] == 0
    assert "[CG504]" in shop.refused("ada", "main")
    assert (
        shop.run("conductor-git", "validate", "2.0", "--commit", "HEAD", env={"CONDUCTOR_WRITER": "conductor"})[0] == 0
    )
    proof = shop.ledger("conductor")
    put(shop, "smuggled")
    tree = shop.git(shop.root, "rev-parse", "HEAD^{tree}")
    evil = shop.git(shop.root, "commit-tree", "-p", "HEAD~1^1", "-p", "HEAD~1^2", "-m", "land", tree)
    assert "[CG505]" in shop.shut("ada", f"{evil}:main", proof)
    shop.taken("ada", "HEAD~1:main", proof)


def test_a_wave_that_lands_before_its_plan(shop: Shop) -> None:
    shop.git(shop.root, "checkout", "-q", "main")
    path = shop.root / ".conductor/conductor.toml"
    path.write_text(path.read_text().replace("waves = true", "waves = false"))
    shop.git(shop.root, "commit", "-q", "--no-verify", "-a", "-m", "plans land as a whole")
    for place in (shop.hub, shop.open):
        assert shop.push("ada", "main", to=place)[0] == 0
    shop.git(shop.root, "checkout", "-q", "b2")
    shop.claim()
    land(shop, "b2")
    for place in (shop.hub, shop.open):
        assert shop.push("bob", "b2", shop.ledger("agent-2"), to=place)[0] == 0
    assert "[CG519]" in shop.refused("ada", "main")


def test_claims_are_not_lost_and_a_rewrite_carries_them(shop: Shop) -> None:
    commit = shop.claim()
    for place in (shop.hub, shop.open):
        assert shop.push("bob", "b2", shop.ledger("agent-2"), to=place)[0] == 0
    assert "[CG655]" in shop.refused("bob", "+b2~1:b2")
    assert shop.push("bob", "b2", to=shop.open)[0] == 0
    assert "[CG655]" in shop.refused("bob", ":b2")
    shop.git(shop.root, "checkout", "-q", "main")
    put(shop, "other")
    shop.taken("ada", "main")
    shop.git(shop.root, "checkout", "-q", "b2")
    shop.git(shop.root, "rebase", "-q", "main")
    assert shop.git(shop.root, "rev-parse", "HEAD") != commit
    shop.taken("bob", "+b2")


def test_a_squash_alone_keeps_no_claim(shop: Shop) -> None:
    shop.claim()
    for target, line in (("2.1", "✅ Wave 1 Complete"), ("2", "✅ PLAN 2 COMPLETE")):
        shop.prove(target)
        assert shop.commit("--allow-empty", "-m", f"{line}\n\nConductor-Plan: 2")[0] == 0
    for place in (shop.hub, shop.open):
        assert shop.push("bob", "b2", shop.ledger("agent-2"), to=place)[0] == 0
    shop.git(shop.root, "checkout", "-q", "main")
    shop.git(shop.root, "merge", "-q", "--squash", "b2")
    shop.git(shop.root, "commit", "-q", "-m", "Land plan 2")
    for place in (shop.hub, shop.open):
        assert shop.push("ada", "main", to=place)[0] == 0
    said = shop.refused("bob", ":b2")
    assert "was squashed, and its branch alone keeps it [CG655]" in said
    code, said = shop.run("conductor-git", "clean", env={"CONDUCTOR_WRITER": "conductor"})
    assert (code, said) == (0, "plan 2: removed 'b2'\n")
    shop.taken("ada", shop.ledger("conductor"))
    shop.taken("bob", ":b2")


def test_paths_of_others_and_the_control_tree(shop: Shop) -> None:
    put(shop, "docs/of-plan-3")
    assert "[CG402]" in shop.refused("bob", "b2")
    shop.git(shop.root, "reset", "-q", "--hard", "main")
    put(shop, ".conductor/scripts/verify.sh", "#!/bin/sh\n")
    assert "[CG403]" in shop.shut("bob", "b2")


def test_refs_that_change_what_others_mean(shop: Shop, git: Git) -> None:
    evil = git(shop.root, "commit-tree", "-m", "another beginning", "HEAD^{tree}")
    replaced = f"{evil}:refs/replace/{git(shop.root, 'rev-parse', 'main')}"
    code, said = shop.push("eve", replaced, to=shop.open)
    assert code == 0, said
    code, said = shop.push("eve", replaced)
    assert (code, "deny updating a hidden ref" in said) == (1, True)
    for ref in ("refs/conductor/hub", "refs/remotes/origin/b2", "refs/notes/conductor", "refs/heads/MAIN"):
        assert "[CG654]" in shop.shut("eve", f"+{evil}:{ref}"), ref
    # A name that stands for another one in the hub.
    git(shop.hub, "symbolic-ref", "refs/heads/master", "refs/heads/main")
    assert "[CG654]" in shop.shut("eve", f"+{evil}:refs/heads/master")


def test_hostile_names_are_taken_as_names(shop: Shop) -> None:
    names = [f"refs/heads/{name}" for name in ("$(touch x)", "`id`", "-x", "a;b", "\u202egnp", "--delete", "'q'")]
    shop.taken("eve", *(f"main:{name.replace(' ', '')}" for name in names))
    put(shop, "docs/x")
    said = shop.shut("eve", "b2", "b2:refs/replace-\u202e", "b2:refs/remotes/\u202e")
    assert "'refs/remotes/\\u202e' is a name that nobody pushes to" in said


def test_who_pushes_is_one_person_or_nobody(shop: Shop, git: Git) -> None:
    assert "[CG651]" in shop.refused("", "main:refs/heads/x")
    assert "[CG651]" in shop.refused("ada bob", "main:refs/heads/y")
    assert "two people are named" in shop.refused("bob", "main:refs/heads/z", carried="REMOTE_USER=ada")
    assert "a deploy key pushes" in shop.refused("bob", "main:refs/heads/k", carried="GITEA_DEPLOY_KEY_ID=7")
    shop.taken("bob", "main:refs/heads/x")
    git(shop.hub, "config", "--add", "conductor.identity", "REMOTE_USER")
    assert "goes by 2 variables" in shop.shut("bob", "main:refs/heads/y")
    git(shop.hub, "config", "--unset-all", "conductor.identity")
    assert "is not set up to know who pushes" in shop.shut("bob", "main:refs/heads/y")


def test_the_configuration_of_who_pushes_opens_nothing(shop: Shop, git: Git, tmp_path: Path) -> None:
    """Over a path the environment of the one who pushes reaches the hub's git."""
    put(shop, "work")
    assert shop.commit("--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
    (tmp_path / "empty").mkdir()
    config = tmp_path / "evil"
    config.write_text(
        f"[core]\n\thooksPath = {tmp_path / 'empty'}\n[conductor]\n\tidentity = USER\n\tcontrol = b2\n\tfounder = bob\n"
    )
    env = {"GIT_CONFIG_GLOBAL": str(config), VARIABLE: "bob", "USER": "ada", "PYTHONPATH": str(tmp_path)}
    env |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(tmp_path / "empty"),
    }
    (tmp_path / "msgspec.py").write_text("raise SystemExit(0)\n")
    hooked = shop.open / "hooks" / "pre-receive"
    hooked.write_text("#!/bin/sh\nexit 1\n")
    hooked.chmod(0o755)
    assert shop.run("git", "push", str(shop.open), "b2", env=env)[0] == 0
    code, said = shop.run("git", "push", str(shop.hub), "b2", env=env)
    assert code != 0
    assert "[CG201]" in said


def test_what_a_push_says_it_replaces_must_be_what_stands(shop: Shop, git: Git) -> None:
    """A client may say anything: git then refuses that one ref, and takes the others."""
    hook = shop.hub / "hooks" / "pre-receive"
    zero, main = "0" * 40, git(shop.root, "rev-parse", "main")
    env = {**os.environ, "GIT_DIR": ".", VARIABLE: "ada"}
    lines = f"{zero} {main} refs/heads/main\n{zero} {main} refs/heads/new\n"
    done = subprocess.run([hook], cwd=shop.hub, env=env, input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "[CG658]" in done.stderr


def test_a_hub_that_cannot_judge_refuses(shop: Shop) -> None:
    hook = shop.hub / "hooks" / "pre-receive"
    text = hook.read_text()
    hook.write_text(text.replace(sys.executable, "/nowhere/python"))
    said = shop.shut("ada", "main:refs/heads/x", carried="PATH=/usr/bin:/bin")
    assert "[CG711]" in said
    assert "doctor --fix" in said
    hook.write_text("\n".join([text.partition("\n")[0], "PATH=/nowhere", text.partition("\n")[2]]))
    before = shop.git(shop.hub, "for-each-ref")
    assert shop.push("ada", "main:refs/heads/x")[0] != 0
    assert shop.git(shop.hub, "for-each-ref") == before
    shop.git(shop.hub, "update-ref", "-d", "refs/heads/main")
    hook.write_text(text)
    assert "it has no policy yet" in shop.shut("bob", "main:refs/heads/x")


def test_a_hook_that_stood_there_runs_first(shop: Shop, tmp_path: Path) -> None:
    assert shop.run("conductor-git", "hub", "install", at=shop.hub)[1].count("nothing was changed") == 1
    kept = shop.hub / "hooks" / "pre-receive.kept-by-conductor"
    kept.write_text(f"#!/bin/sh\ncat >{tmp_path}/seen\nexit 3\n")
    kept.chmod(0o755)
    assert shop.push("ada", "main:refs/heads/x")[0] != 0
    assert (tmp_path / "seen").read_text().endswith(" refs/heads/x\n")


GITEA = """\
#!/usr/bin/env bash
data=$(cat)
for hook in "${GIT_DIR}/hooks/pre-receive.d/"*; do
  test -x "$hook" || continue
  echo "$data" | "$hook" || exit $?
done
"""


@pytest.mark.parametrize("forge", ["gitea", "gitlab"])
def test_in_a_forges_folders_the_door_stands_where_the_forge_lets_hooks_stay(shop: Shop, forge: str) -> None:
    """The layouts alone, made by hand: who calls what is told by both forges' manuals."""
    hub = shop.open
    folder = hub / ("hooks/pre-receive.d" if forge == "gitea" else "custom_hooks/pre-receive.d")
    folder.mkdir(parents=True)
    # GitLab has a hooks folder of its own for all repositories, from where it runs those of each.
    dispatcher = hub / "hooks/pre-receive"
    text = GITEA if forge == "gitea" else GITEA.replace("hooks/pre-receive.d", "custom_hooks/pre-receive.d")
    dispatcher.write_text(text)
    dispatcher.chmod(0o755)
    put(shop, "work")
    assert shop.commit("--allow-empty", "--no-verify", "-m", CLAIM)[0] == 0
    shop.git(shop.root, "branch", "other", "b2~1")
    install = ("conductor-git", "hub", "install", "--identity", VARIABLE, "--conductor", "ada")
    assert shop.run(*install, at=hub)[0] == 0
    assert ((folder / "pre-receive").exists(), dispatcher.read_text()) == (True, text)
    code, said = shop.push("bob", "b2", to=hub)
    assert (code != 0, "[CG201]" in said) == (True, True), said
    assert shop.push("bob", "other", to=hub)[0] == 0
    assert shop.run("conductor-git", "doctor", at=hub)[0] == 0
    # The forge writes its own file again; after that the door still stands.
    dispatcher.write_text(text)
    assert shop.push("bob", "b2", to=hub)[0] != 0
    assert shop.run("conductor-git", "uninstall", at=hub)[0] == 0
    assert (list(folder.iterdir()), dispatcher.read_text()) == ([], text)
    assert shop.push("bob", "b2", to=hub)[0] == 0, "control: without the door it goes in"


def test_two_pushes_at_once_by_one_writer_leave_one_of_them_whole(shop: Shop) -> None:
    shop.claim()
    ledger = shop.ledger("agent-2")
    refs = ("b2", ledger)
    with ThreadPoolExecutor(4) as pool:
        ended = [done.result() for done in [pool.submit(shop.push, "bob", *refs) for _ in range(4)]]
    assert [said for code, said in ended if code and "Traceback" in said] == []
    assert 0 in [code for code, _ in ended]
    tips = [shop.git(at, "rev-parse", *refs) for at in (shop.root, shop.hub)]
    assert tips[0] == tips[1]
    shop.taken("bob", *refs)


def test_clones_know_a_hub_after_a_fetch(shop: Shop, git: Git) -> None:
    git(shop.root, "remote", "add", "origin", str(shop.hub))
    git(shop.root, "fetch", "-q")
    git(shop.root, "branch", "-q", "-u", "origin/main", "main")
    assert "L0: doors advise" in shop.run("conductor-git", "doctor")[1]
    assert shop.run("conductor-git", "install")[0] == 0
    git(shop.root, "fetch", "-q")
    said = shop.run("conductor-git", "doctor")[1]
    assert "L1: a hub refuses what is not proven\n  'origin' says that it is a hub" in said


def doctor(shop: Shop, *args: str) -> tuple[int, str]:
    return shop.run("conductor-git", "doctor", *args, at=shop.hub)


def test_doctor_says_what_a_hub_enforces_and_mends_it(shop: Shop, git: Git) -> None:
    code, said = doctor(shop)
    assert (code, said.splitlines()) == (
        0,
        [
            "'pre-receive' answers",
            f"who pushes is read from '{VARIABLE}'",
            "conducted by ada",
            f"rules are read from 'refs/heads/main', at '{git(shop.hub, 'rev-parse', 'main')[:12]}'",
        ],
    )
    hook = shop.hub / "hooks" / "pre-receive"
    text = hook.read_text()
    for broken in ("#!/bin/sh\nexit 0\n", text.replace("exit $?", "exit 0"), text.replace("| cg_judge", "| :")):
        hook.write_text(broken)
        code, said = doctor(shop)
        assert (code, "[CG711]" in said) == (1, True), broken
        assert doctor(shop, "--fix")[0] == 0
        hook.with_name("pre-receive.kept-by-conductor").unlink(missing_ok=True)
    assert hook.read_text() == text
    hook.chmod(0o644)
    git(shop.hub, "config", "--unset", "core.hooksPath")
    git(shop.hub, "update-ref", "-d", "refs/conductor/hub")
    code, said = doctor(shop)
    assert [line for line in said.splitlines() if "[CG" in line] == [
        f"error: '{hook}' is not executable: what is not proven comes in, or nothing does [CG711]",
        "error: the hub's configuration lacks 'core.hooksPath = hooks' [CG712]",
        "warning: 'refs/conductor/hub' is not there: clones cannot tell that this is a hub [CG712]",
    ]
    assert doctor(shop, "--fix")[0] == 0
    git(shop.hub, "config", "--unset", "conductor.identity")
    assert "[CG651]" in doctor(shop)[1]
    git(shop.hub, "update-ref", "-d", "refs/heads/main")
    assert "only the conductor's pushes go in: there is no policy [CG657]" in doctor(shop)[1]


def test_installed_twice_and_taken_back_nothing_is_left(tmp_path: Path, git: Git, repo_dir: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), "old.git")
    old = tmp_path / "old.git"
    team = Team(old, git)
    hook = old / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    git(old, "config", "receive.fsckObjects", "true")

    def state() -> tuple[list[str], list[str], str]:
        files = sorted(path.name for path in (old / "hooks").iterdir() if not path.name.endswith(".sample"))
        return files, sorted(git(old, "config", "--local", "--list").splitlines()), git(old, "for-each-ref")

    before = state()
    assert team.run("conductor-git", "hub", "install", "--identity", "GL_USER", "--conductor", "ada")[0] == 0
    after = state()
    assert after != before
    for command in (("hub", "install"), ("install",), ("hub", "install", "--identity", "GL_USER")):
        code, said = team.run("conductor-git", *command)
        assert (code, said.splitlines()[0]) == (0, "it was a hub already; nothing was changed")
    assert state() == after
    assert team.run("conductor-git", "uninstall")[0] == 0
    assert (state(), hook.read_text()) == (before, "#!/bin/sh\nexit 0\n")
    code, said = team.run("conductor-git", "hub", "install", at=repo_dir)
    assert (code, "is no bare repository" in said) == (2, True)


def test_a_hub_that_was_moved_still_refuses(shop: Shop, tmp_path: Path) -> None:
    shop.hub = shop.hub.rename(tmp_path / "moved to.git")
    put(shop, "docs/x")
    assert "[CG402]" in shop.shut("bob", "b2")
    assert doctor(shop)[0] == 0


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_control_on_a_branch_of_its_own(tmp_path: Path, git: Git, object_format: str) -> None:
    shop = Shop(tmp_path, git)
    git(tmp_path, "init", "-q", f"--object-format={object_format}", "shop")
    git(shop.root, "commit", "-q", "--allow-empty", "-m", "begin")
    assert shop.run("conductor-git", "init", "--validate", "true", "--control", "conductor")[0] == 0
    git(tmp_path, "init", "-q", "--bare", f"--object-format={object_format}", "hub.git")
    git(tmp_path, "clone", "-q", "--bare", str(shop.root), "open.git")
    git(shop.root, "config", "core.hooksPath", "/dev/null")
    said = shop.run("conductor-git", "hub", "install", "--identity", VARIABLE, "--conductor", "ada", at=shop.hub)
    assert said[0] == 0
    shop.taken("ada", "main", "conductor")
    tree = git(shop.root, "rev-parse", "conductor^{tree}")
    newer = git(shop.root, "commit-tree", "-p", "conductor", "-m", "a plan", tree)
    assert "[CG656]" in shop.refused("eve", f"{newer}:conductor")
    assert "[CG654]" in shop.refused("eve", "conductor:refs/heads/master")
    shop.taken("ada", f"{newer}:conductor")
    assert "[CG508]" in shop.refused("ada", "+conductor:conductor")
    assert "[CG656]" in shop.refused("ada", ":conductor")
    put(shop, "direct")
    shop.taken("ada", "main")


def test_a_hub_that_has_worktrees_and_doors_of_its_own(shop: Shop, git: Git, tmp_path: Path) -> None:
    """The doors of those who work in it must not judge a push as if its own user had made it."""
    git(shop.hub, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"), "main")
    code, said = doctor(shop)
    assert (code, "lacks 'core.hooksPath = " in said) == (1, True)
    assert doctor(shop, "--fix")[0] == 0
    for command in (("install",), ("doctor",)):
        assert shop.run("conductor-git", *command, at=tmp_path / "tree")[0] == 0
    git(shop.root, "checkout", "-q", "main")
    put(shop, ".conductor/plans/4.md", "---\nplan: 4\ntitle: Four\nwaves:\n  0: {title: A}\n---\n")
    git(shop.root, "checkout", "-q", "-b", "side", "HEAD~1")
    put(shop, "side")
    land(shop, "side")
    assert "[CG656]" in shop.shut("eve", "main")
    shop.taken("ada", "main")
    # From within, where nobody is known to push, they stay shut.
    assert shop.run("git", "update-ref", "refs/heads/main", "main~1", at=tmp_path / "tree")[0] != 0
