"""Signatures: what is forged succeeds while nothing asks for them, and counts for nothing once something does."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.canonical import canonical
from conductor_git.store.notes.signing import Signing, signing_for
from tests.signed import REPOSITORY, Keys, SignedTeam, count_calls
from tests.team import Team

AGENTS = 'attestations = "agent"'
CONDUCTOR = "conductor = true"
COMPLETE: tuple[str, str, list[str]] = ("complete", "signed", [])


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def signed(team: Team, keys: Keys) -> SignedTeam:
    return SignedTeam(team, keys)


@pytest.fixture
def agent(signed: SignedTeam) -> Signing:
    """The policy wants results signed, and agent-2 may sign: how agent-2 does."""
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent"))
    return signed.keys.signing("agent")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_signed_result_is_believed(signed: SignedTeam, kind: str) -> None:
    signed.rule(AGENTS, signed.line("agent-2", kind, "agent", kind=kind))
    signed.attest(signed.keys.signing(kind, kind=kind))
    assert signed.verdict() == COMPLETE
    assert signed.board().level == "L0"


def test_an_unsigned_result_counts_only_while_nothing_asks(signed: SignedTeam) -> None:
    signed.attest()
    assert signed.verdict() == ("complete", "self", [])
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent"))
    assert signed.verdict() == ("claimed", None, ["CG621"])
    assert "CG621" in [finding.code for finding in signed.board().findings]


def _forge(signed: SignedTeam, signing: Signing) -> bytes:
    """A result that failed, made one that passed, with the signature of the failure."""
    failed = signed.statement(passed=False, outcome="failed")
    line = json.loads(signed.rendered(signed.fields("attestation", {"statement": failed}), signing))
    payload = b64decode(line["payload"]).replace(b'"FAILED"', b'"PASSED"').replace(b'"failed"', b'"passed"')
    return canonical({**line, "payload": b64encode(payload).decode()}).encode() + b"\n"


def test_a_changed_result_is_seen(signed: SignedTeam) -> None:
    signing = signed.keys.signing("agent")
    signed.write(_forge(signed, signing))
    assert signed.verdict() == ("complete", "self", [])
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent"))
    assert signed.verdict() == ("claimed", None, ["CG622"])


def test_no_program_of_the_repository_says_that_a_signature_is_good(signed: SignedTeam, tmp_path: Path) -> None:
    liar = tmp_path / "liar"
    liar.write_text("#!/bin/sh\necho 'Good \"git\" signature for agent-2'\nexit 0\n")
    liar.chmod(0o755)
    signed.team.git(signed.team.root, "config", "gpg.ssh.program", str(liar))
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent"))
    signed.write(_forge(signed, signed.keys.signing("agent")))
    assert signed.verdict() == ("claimed", None, ["CG622"])


def test_the_words_of_one_wave_prove_no_other(signed: SignedTeam, agent: Signing) -> None:
    signed.attest(agent)
    signed.team.git(signed.team.root, "commit", "-q", "--no-verify", "--allow-empty", "-m", "✅ Wave 1 Complete")
    assert (signed.wave(0).state, signed.wave(1).state) == ("complete", "claimed")
    assert [finding.code for finding in signed.wave(1).findings] == ["CG201"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("agent-2", "other", "agent"), "CG623"),
        (("agent-3", "agent", "agent"), "CG623"),
        (("agent-2", "agent", "runner"), "CG624"),
        (("agent-*,!agent-2", "agent", "agent"), "CG623"),
    ],
)
def test_a_key_must_be_allowed_for_writer_and_role(signed: SignedTeam, line: tuple[str, str, str], code: str) -> None:
    signed.attest(signed.keys.signing("agent"))
    assert signed.verdict() == ("complete", "self", [])
    signed.rule(AGENTS, signed.line(*line))
    assert signed.verdict() == ("claimed", None, [code])


@pytest.mark.parametrize("namespace", ["git", "conductor-git/runner@v1"])
def test_what_was_signed_for_something_else_is_no_result(signed: SignedTeam, namespace: str) -> None:
    signed.rule(AGENTS, signed.line("agent-2", "agent"))
    signed.attest(Signing(str(signed.keys.path("agent")), namespace, REPOSITORY, required=True))
    assert signed.verdict() == ("claimed", None, ["CG624"])


def test_a_line_of_another_repository_is_not_believed(signed: SignedTeam) -> None:
    signing = signed.keys.signing("agent", "conductor", repo="another")
    data = {"commit": signed.team.git(signed.team.root, "rev-parse", "HEAD")}
    raw = signed.rendered(signed.fields("reopening", data, "conductor"), signing)
    signed.write(raw, "conductor")
    signed.attest()
    assert signed.verdict()[0] == "active"
    signed.rule(CONDUCTOR, signed.line("conductor", "agent", "conductor"))
    assert signed.verdict()[0] == "complete"
    assert [finding.code for finding in signed.board().findings] == ["CG625"]


def test_only_the_conductors_key_speaks_for_the_conductor(signed: SignedTeam) -> None:
    data = {"commit": signed.team.git(signed.team.root, "rev-parse", "HEAD")}
    signed.attest()
    signed.write(signed.rendered(signed.fields("reopening", data, "conductor"), None), "conductor")
    assert signed.verdict()[0] == "active"
    lines = (signed.line("conductor", "conductor", "conductor"), signed.line("agent-2", "agent", "agent"))
    signed.rule(CONDUCTOR, *lines)
    assert signed.verdict()[0] == "complete"
    fields = signed.fields("reopening", data, "conductor")
    signed.write(signed.rendered(fields, signed.keys.signing("agent", "conductor")), "conductor")
    assert sorted(finding.code for finding in signed.board().findings) == ["CG621", "CG623"]
    fields = signed.fields("reopening", data, "conductor")
    signed.write(signed.rendered(fields, signed.keys.signing("conductor", "conductor")), "conductor")
    assert signed.verdict()[0] == "active"


def test_nobody_takes_a_plan_over_without_the_conductors_key(signed: SignedTeam) -> None:
    said = {"agent": "agent-2", "agent_kind": "", "branch": "b2", "brief": "", "workspace": ""}
    first = signed.write(signed.rendered(signed.fields("delegation", said, "conductor", wave=None), None), "conductor")
    taken = {**said, "agent": "agent-9", "reason": "mine", "supersedes": first}
    signed.write(signed.rendered(signed.fields("delegation", taken, "conductor", wave=None), None), "conductor")
    plan = signed.board().plan("2")
    assert plan is not None
    assert plan.agent == "agent-9", "without signatures the conductor's name is anybody's"
    signed.rule(CONDUCTOR, signed.line("conductor", "conductor", "conductor"))
    plan = signed.board().plan("2")
    assert plan is not None
    assert plan.agent == "agent-2"
    assert [finding.code for finding in signed.board().findings] == ["CG621"]


RUNNERS = 'attestations = "runner"'


def test_where_runners_sign_an_agents_word_waits_for_one(signed: SignedTeam) -> None:
    signed.rule(RUNNERS, signed.line("runner-*", "runner", "runner"), attested_by="runner")
    signed.attest()
    assert signed.verdict() == ("claimed", "self", ["CG208"])
    signed.attest(signed.keys.signing("agent", "runner"), "runner-mine")
    assert signed.verdict() == ("claimed", "self", ["CG208"])
    assert "CG623" in [finding.code for finding in signed.board().findings]
    signed.attest(signed.keys.signing("runner", "runner"), "runner-linux")
    assert signed.verdict() == COMPLETE


def test_rules_of_an_earlier_time_do_not_spare_the_runner(signed: SignedTeam) -> None:
    """Under the rules of then an agent's word was enough, and it had to be signed by nobody."""
    statement = signed.statement()
    rules = statement["predicate"]["configuration"][1]["digest"]["sha256"]
    message = f"✅ Wave 0 Complete\n\nConductor-Plan: 2\nConductor-Wave: 0\nConductor-Rules: sha256:{rules}"
    signed.team.git(signed.team.root, "commit", "-q", "--no-verify", "--allow-empty", "-m", message)
    signed.write(signed.rendered(signed.fields("attestation", {"statement": statement}), None))
    signed.rule("", attested_by="runner")
    assert signed.verdict() == ("complete", "self", ["CG209"])
    signed.rule(RUNNERS, signed.line("runner-*", "runner", "runner"), attested_by="runner")
    assert signed.wave().state == "claimed"


def test_a_key_taken_away_vouches_for_nothing_and_a_retired_one_for_what_was(signed: SignedTeam) -> None:
    line = signed.line("agent-2", "agent", "agent")
    signed.rule(AGENTS, line)
    signed.attest(signed.keys.signing("agent"))
    assert signed.verdict() == COMPLETE
    signed.rule(AGENTS, signed.line("agent-2", "other", "agent"))
    assert signed.verdict() == ("claimed", None, ["CG623"])
    # NOW is 2027-01-15 08:00 UTC.
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent", options='valid-before="20270116"'))
    assert signed.verdict() == COMPLETE
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent", options='valid-before="20270115"'))
    assert signed.verdict() == ("claimed", None, ["CG623"])


def test_what_stood_before_signatures_were_asked_for_stays(signed: SignedTeam) -> None:
    signed.attest()
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent"))
    assert signed.verdict()[0] == "claimed"
    tip = signed.team.git(signed.team.root, "rev-parse", "b2")
    signed.rule(f'{AGENTS}\nsince = "{tip}"', signed.line("agent-2", "agent", "agent"))
    assert signed.verdict() == ("complete", "self", [])
    # A later claim of the same content is none of those.
    signed.team.git(signed.team.root, "commit", "-q", "--no-verify", "--allow-empty", "-m", "✅ Wave 1 Complete")
    signed.attest(wave=1)
    assert signed.wave(1).state == "claimed"


def test_each_signature_is_looked_at_once(signed: SignedTeam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent"))
    for _ in range(3):
        signed.attest(signed.keys.signing("agent"))
    (signed.team.root / ".git/conductor/cache/signatures").unlink()
    monkeypatch.setenv("PATH", os.environ["PATH"])
    calls = count_calls(tmp_path / "shim", "ssh-keygen")
    assert signed.verdict() == COMPLETE
    assert len(calls.read_text().splitlines()) == 3
    calls.unlink()
    assert signed.verdict() == COMPLETE
    assert not calls.exists()
    # Other allowed signers: all is looked at again.
    signed.rule(AGENTS, signed.line("agent-*", "agent", "agent"))
    assert signed.verdict() == COMPLETE
    assert len(calls.read_text().splitlines()) == 3


def test_without_ssh_keygen_nothing_is_said_where_signatures_count(
    signed: SignedTeam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed.rule(AGENTS, signed.line("agent-2", "agent", "agent"))
    signed.attest(signed.keys.signing("agent"))
    _without_ssh_keygen(tmp_path, monkeypatch)
    with pytest.raises(CannotRun, match="ssh-keygen is not on PATH"):
        signed.board()
    signed.rule("")
    assert signed.verdict() == ("complete", "self", [])


def _without_ssh_keygen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "sh", "env", "cat", "grep", "sed"):
        found = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True).stdout
        (programs / name).symlink_to(found.strip())
    monkeypatch.setenv("PATH", str(programs))


class TestWriting:
    """`validate` and `claim` sign, or say at once why they cannot."""

    def test_the_key_that_git_signs_with(self, signed: SignedTeam, agent: Signing) -> None:
        signed.team.git(signed.team.root, "config", "gpg.format", "ssh")
        signed.team.git(signed.team.root, "config", "user.signingKey", agent.key)
        signed.team.prove()
        assert signed.verdict() == COMPLETE

    def test_the_key_of_the_environment(self, signed: SignedTeam, agent: Signing) -> None:
        code, said = signed.team.run("conductor-git", "validate", "2.0", env={"CONDUCTOR_SIGNING_KEY": agent.key})
        assert code == 0, said
        assert signed.verdict() == COMPLETE

    def test_a_key_that_only_the_agent_has(self, signed: SignedTeam, agent: Signing, ssh_agent: dict[str, str]) -> None:
        subprocess.run(["ssh-add", "-q", agent.key], env={**os.environ, **ssh_agent}, check=True, capture_output=True)
        env = {**ssh_agent, "CONDUCTOR_SIGNING_KEY": f"key::{signed.keys.public('agent')}"}
        code, said = signed.team.run("conductor-git", "validate", "2.0", env=env)
        assert code == 0, said
        assert signed.verdict() == COMPLETE

    def test_no_key(self, signed: SignedTeam, agent: Signing) -> None:
        _refused(signed, "", "error: the policy wants 'agent-2' to sign this attestation, and no key is configured")

    def test_a_locked_key(self, signed: SignedTeam, agent: Signing, tmp_path: Path) -> None:
        locked = tmp_path / "locked"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        _refused(signed, str(locked), f"error: key '{locked}' is locked, and nobody is here to type a passphrase")

    def test_a_key_that_is_not_there(self, signed: SignedTeam, agent: Signing, tmp_path: Path) -> None:
        _refused(signed, str(tmp_path / "none"), f"error: there is no key '{tmp_path / 'none'}'")

    def test_a_key_that_nobody_allowed(self, signed: SignedTeam, agent: Signing) -> None:
        said = _refused(
            signed, str(signed.keys.path("other")), "error: what 'agent-2' signs here would count for nothing"
        )
        assert f'agent-2 namespaces="conductor-git/agent@v1" {signed.keys.public("other")}' in said

    def test_no_ssh_keygen(
        self, signed: SignedTeam, agent: Signing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _without_ssh_keygen(tmp_path, monkeypatch)
        signing = signing_for(
            signed.repo,
            signed.snapshot().policy,
            "agent-2",
            "attestation",
            environ={"CONDUCTOR_SIGNING_KEY": agent.key},
        )
        assert signing is not None
        with pytest.raises(CannotRun, match="ssh-keygen is not on PATH"):
            signing(b"message")

    def test_a_locked_key_that_nobody_asked_for_stops_nothing(self, signed: SignedTeam, tmp_path: Path) -> None:
        signed.team.git(signed.team.root, "config", "gpg.format", "ssh")
        signed.team.git(signed.team.root, "config", "user.signingKey", str(tmp_path / "none"))
        signed.team.prove()
        assert signed.verdict() == ("complete", "self", [])

    def test_a_claim_needs_the_signature_and_makes_it(self, signed: SignedTeam, agent: Signing) -> None:
        """The door refuses what the report would not believe, and `claim` mends it."""
        signed.team.git(signed.team.root, "checkout", "-q", "-B", "b2", "main")
        signed.attest()
        code, said = signed.team.commit("--allow-empty", "-m", "✅ Wave 0 Complete")
        assert (code, "by 'agent-2' does not count: it is not signed [CG621]" in said) == (1, True), said
        code, said = signed.team.run("conductor-git", "claim", "2.0", env={"CONDUCTOR_SIGNING_KEY": agent.key})
        assert code == 0, said
        assert signed.verdict() == COMPLETE


def _refused(signed: SignedTeam, key: str, first: str) -> str:
    before = signed.team.git(signed.team.root, "for-each-ref", "refs/notes")
    code, said = signed.team.run("conductor-git", "validate", "2.0", env={"CONDUCTOR_SIGNING_KEY": key})
    assert code == 2, said
    assert said.startswith(first)
    assert "\nhint: " in said
    assert signed.team.git(signed.team.root, "for-each-ref", "refs/notes") == before
    return said


@pytest.fixture
def ssh_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    socket = tmp_path_factory.mktemp("a") / "s"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        yield {"SSH_AUTH_SOCK": str(socket)}
    finally:
        agent.terminate()
        agent.wait()


class TestOtherReaders:
    """Programs that know DSSE and in-toto, and nothing of us, read our lines."""

    def test_the_envelope(self, signed: SignedTeam, agent: Signing, tmp_path: Path) -> None:
        dsse = pytest.importorskip("securesystemslib.dsse")
        id = signed.attest(agent)
        read = dsse.Envelope.from_dict(json.loads(signed.team.git(signed.team.root, "cat-file", "blob", id)))
        assert read.payload_type == "application/vnd.in-toto+json"
        ((keyid, signature),) = read.signatures.items()
        fingerprint = subprocess.run(
            ["ssh-keygen", "-l", "-f", f"{agent.key}.pub"], capture_output=True, text=True, check=True
        ).stdout.split()[1]
        assert keyid == fingerprint
        # The bytes that their reader wants signed are those that ssh's own program finds signed.
        blob = b64encode(bytes.fromhex(signature.signature)).decode()
        (tmp_path / "sig").write_text(f"-----BEGIN SSH SIGNATURE-----\n{blob}\n-----END SSH SIGNATURE-----\n")
        (tmp_path / "allowed").write_text(signed.line("agent-2", "agent", "agent"))
        verify = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "agent-2"]
        verify += ["-n", "conductor-git/agent@v1", "-s", str(tmp_path / "sig")]
        assert subprocess.run(verify, input=read.pae(), capture_output=True, check=False).returncode == 0

    def test_the_statement(self, signed: SignedTeam, agent: Signing) -> None:
        pytest.importorskip("in_toto_attestation")
        from google.protobuf import json_format
        from in_toto_attestation.v1 import statement_pb2
        from in_toto_attestation.v1.statement import Statement

        id = signed.attest(agent)
        line = json.loads(signed.team.git(signed.team.root, "cat-file", "blob", id))
        read = json_format.Parse(b64decode(line["payload"]), statement_pb2.Statement())
        Statement.copy_from_pb(read).validate()
        assert read.predicate_type == "https://in-toto.io/attestation/test-result/v0.1"
        assert read.subject[0].digest["gitTree"]
        assert read.predicate["conductor"]["clock"] == 1


def test_the_level_is_what_is_in_force(signed: SignedTeam) -> None:
    git, root = signed.team.git, signed.team.root
    assert (signed.board().level, signed.board().level_why) == (
        "L0",
        "no hub enforces for 'main'; the policy asks for no signed results",
    )
    git(root, "remote", "add", "origin", str(root))
    git(root, "update-ref", "refs/remotes/origin/main", "main")
    git(root, "config", "branch.main.remote", "origin")
    git(root, "config", "branch.main.merge", "refs/heads/main")
    git(root, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    git(root, "update-ref", "refs/conductor-remotes/origin/hub", "main")
    assert signed.board().level == "L1"
    git(root, "update-ref", "-d", "refs/conductor-remotes/origin/hub")
    lines = (signed.line("conductor", "conductor", "conductor"), signed.line("agent-*", "agent", "agent"))
    signed.rule(f"{AGENTS}\n{CONDUCTOR}", lines[0])
    assert signed.board().level == "L0"
    assert "CG721" in [finding.code for finding in signed.board().findings]
    signed.rule(f"{AGENTS}\n{CONDUCTOR}", *lines)
    assert signed.board().level == "L2"
    code, said = signed.team.run("conductor-git", "doctor")
    assert "L2: proofs are signed\n  the policy's [trust] asks for signatures" in said, code
    assert "the policy wants 'agent-2' to sign this attestation, and no key is configured" in said
    code, said = signed.team.run(
        "conductor-git", "doctor", env={"CONDUCTOR_SIGNING_KEY": str(signed.keys.path("agent"))}
    )
    assert "CG721" not in said


def test_rules_by_which_nobody_could_sign_are_not_committed(signed: SignedTeam) -> None:
    signed.team.git(signed.team.root, "checkout", "-q", "main")
    with (signed.team.root / ".conductor/conductor.toml").open("a") as policy:
        policy.write("[trust]\nconductor = true\n")
    code, said = signed.team.run("conductor-git", "plan", "commit")
    assert (code, "nobody may sign as conductor [CG721]" in said) == (1, True), said
    (signed.team.root / ".conductor/allowed_signers").write_text(signed.line("conductor", "conductor", "conductor"))
    code, said = signed.team.run("conductor-git", "plan", "commit")
    assert code == 0, said
    assert signed.team.git(signed.team.root, "show", "main:.conductor/allowed_signers").startswith("conductor ")
