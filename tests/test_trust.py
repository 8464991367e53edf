"""Tables for signatures: envelopes, who must sign what, who may, and the level."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_git.core.events.canonical import canonical
from conductor_git.core.events.demand import Demand, Trust
from conductor_git.core.events.dsse import Envelope, pae, parse_envelope, render_envelope
from conductor_git.core.events.event import BadLine, Event, Kind, line_fields, parse_line, render_signed
from conductor_git.core.events.ledger import Ledger, assemble
from conductor_git.core.events.signers import AllowedKey, Signers, matches_list
from conductor_git.core.events.sshsig import armour, read_signature, unarmour
from conductor_git.core.events.trust import Doubt, Vouched, Word, needed_role, sift
from conductor_git.core.judgement.levels import judge_level
from conductor_git.core.planning.plan import Wave
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.policyfile import BrokenPolicy, parse_policy
from conductor_git.core.planning.policytext import render_policy
from conductor_git.core.reporting.fold import fold
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid, Target
from tests.scene import REPOSITORY, Scene, oid, plan

REF = "refs/notes/conductor/agent-2.0a1b2c3d"
ID = Oid("1" * 40)
KEY = b"\0\0\0\x0bssh-ed25519" + b"k" * 36
PUBLIC = f"ssh-ed25519 {b64encode(KEY).decode()}"


def sign(message: bytes) -> tuple[str, bytes]:
    return "SHA256:key", b"signature of " + message[:8]


def signed_line(writer: str = "agent-2", kind: Kind = "guidance", **data: Any) -> bytes:
    fields = line_fields(clock=7, writer=writer, kind=kind, time=9, data=data, target=Target("2", 3))
    return render_signed(fields, repository="mine", sign=sign)


def test_what_is_signed_is_what_dsse_says() -> None:
    """The example of the DSSE protocol."""
    encoded = pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_signed_line_says_what_was_signed() -> None:
    raw = signed_line(text="mind the gap")
    event = parse_line(raw, id=ID, ref=REF)
    assert isinstance(event, Event)
    assert (event.clock, event.writer, event.kind, event.time, event.target) == (
        7,
        "agent-2",
        "guidance",
        9,
        Target("2", 3),
    )
    assert (event.data, event.repository, event.signer) == ({"text": "mind the gap"}, "mine", "")
    assert json.loads(raw)["v"] == 2
    assert event.sealed is not None
    assert event.sealed.sig == b"signature of DSSEv1 4"


def resealed(raw: bytes, **changes: Any) -> bytes:
    """A signed line with other fields in its payload, or another type."""
    line = json.loads(raw)
    opened = parse_envelope(raw)
    assert isinstance(opened, Envelope)
    said = json.loads(opened.payload) | changes
    kept = {key: value for key, value in said.items() if value is not None}
    return canonical({**line, "payload": b64encode(canonical(kept).encode()).decode()}).encode() + b"\n"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"payload":"', "not an envelope"),
        (signed_line().replace(b'"v":2', b'"v":3'), "not canonical"),
        (signed_line().replace(b'"v":2}', b'"v":2,"w":1}'), "not canonical"),
        (signed_line().replace(b"}\n", b"}"), "not canonical"),
        (signed_line().replace(b'"payload":"ey', b'"payload":"-y'), "not an envelope"),
        (signed_line().replace(b'"signatures":[', b'"signatures":[{"keyid":"","sig":""},'), "2 signatures, not one"),
        (
            signed_line().replace(b"event+json", b"other+json"),
            "payload type 'application/vnd.conductor-git.other",
        ),
        (
            signed_line().replace(b"vnd.conductor-git.event+json", b"vnd.in-toto+json"),
            "is of another kind",
        ),
        (resealed(signed_line(), repository=None), "missing required field `repository`"),
        (resealed(signed_line(), clock=-1), "not an event"),
        (resealed(signed_line(), v=2), "version 2 is not known here"),
        (resealed(signed_line(), plan=None), "names a wave and no plan"),
        (resealed(signed_line(), kind="attestation"), "no Statement"),
        (resealed(signed_line(), data={"n": 2**70}), "64 bits"),
    ],
)
def test_what_is_no_signed_line_is_kept_and_not_believed(raw: bytes, why: str) -> None:
    line = parse_line(raw, id=ID, ref=REF)
    assert isinstance(line, BadLine)
    assert why in line.why
    assert line.code == "CG601"


def test_a_signed_line_in_anothers_ledger_is_not_believed() -> None:
    line = parse_line(signed_line(), id=ID, ref="refs/notes/conductor/agent-3.0a1b2c3d")
    assert isinstance(line, BadLine)
    assert line.code == "CG602"


json_values = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@settings(max_examples=40, deadline=None)
@given(st.binary(), st.dictionaries(st.sampled_from(["payload", "payloadType", "signatures", "v"]), json_values))
def test_no_envelope_raises(noise: bytes, changes: dict[str, Any]) -> None:
    for raw in (b'{"payload":' + noise, json.dumps(json.loads(signed_line()) | changes, sort_keys=True).encode()):
        assert isinstance(parse_envelope(raw), Envelope | str)
        assert isinstance(parse_line(raw, id=ID, ref=REF), Event | BadLine)


@settings(max_examples=40, deadline=None)
@given(json_values)
def test_no_payload_raises(value: Any) -> None:
    for kind in ("application/vnd.in-toto+json", "application/vnd.conductor-git.event+json"):
        statement = {"predicate": {"conductor": value}}
        for said in (value, statement, {**json.loads(b64_payload()), "data": value}):
            sealed = render_envelope(Envelope(kind, json.dumps(said).encode(), "", b"sig"))
            raw = canonical({**sealed, "v": 2}).encode() + b"\n"
            assert isinstance(parse_line(raw, id=ID, ref=REF), Event | BadLine)


def b64_payload() -> bytes:
    opened = parse_envelope(signed_line())
    assert isinstance(opened, Envelope)
    return opened.payload


@settings(max_examples=40, deadline=None)
@given(st.binary(), st.text(max_size=9), st.text(max_size=9), st.binary())
def test_an_envelope_is_read_as_it_was_written(payload: bytes, kind: str, keyid: str, sig: bytes) -> None:
    envelope = Envelope(kind, payload, keyid, sig)
    assert parse_envelope(canonical(render_envelope(envelope)).encode()) == envelope


@settings(max_examples=40, deadline=None)
@given(st.binary())
def test_no_signature_raises(blob: bytes) -> None:
    assert unarmour(armour(blob)) == blob
    read_signature(blob)
    read_signature(b"SSHSIG\0\0\0\1" + blob)


@pytest.mark.parametrize(
    ("kind", "writer", "data", "attestations", "conductor", "role"),
    [
        ("attestation", "agent-2", {}, "none", True, None),
        ("attestation", "agent-2", {}, "agent", False, "agent"),
        ("attestation", "agent-2", {}, "runner", False, None),
        ("attestation", "runner-linux", {}, "runner", False, "runner"),
        ("attestation", "runner-linux", {}, "agent", False, "runner"),
        ("attestation", CONDUCTOR, {}, "agent", False, "conductor"),
        ("waiver", CONDUCTOR, {}, "agent", False, None),
        ("waiver", CONDUCTOR, {}, "none", True, "conductor"),
        ("acceptance", "agent-2", {}, "none", True, "conductor"),
        ("landing", "agent-2", {}, "none", True, "conductor"),
        ("guidance", CONDUCTOR, {}, "none", True, "conductor"),
        ("guidance", "agent-2", {}, "none", True, None),
        ("reopening", "agent-2", {}, "none", True, None),
        ("resolution", CONDUCTOR, {}, "none", True, "conductor"),
        ("delegation", CONDUCTOR, {}, "none", True, None),
        ("delegation", CONDUCTOR, {"supersedes": "x"}, "none", True, "conductor"),
        ("delegation", "agent-2", {"supersedes": "x"}, "none", True, "conductor"),
        ("delegation", "agent-2", {"supersedes": "x"}, "agent", False, None),
    ],
)
def test_who_must_sign_what(
    kind: str, writer: str, data: dict[str, Any], attestations: Demand, conductor: bool, role: str | None
) -> None:
    assert needed_role(kind, writer, data, Trust(attestations, conductor)) == role


def test_what_is_set_aside_counts_for_the_clock_and_for_nothing_else() -> None:
    lines = [
        parse_line(signed_line(CONDUCTOR, "waiver", n=n), id=Oid(str(n) * 40), ref="refs/notes/conductor/conductor.1")
        for n in range(3)
    ]
    ledger = assemble(lines, {})
    words: dict[Oid, Word] = {Oid("0" * 40): Vouched("SHA256:key"), Oid("1" * 40): Doubt("CG622", "changed")}
    found = sift(ledger, Trust(conductor=True), "mine", words)
    assert [(event.data, event.signer) for event in found.events] == [({"n": 0}, "SHA256:key")]
    assert [(doubt.code, doubt.why) for doubt in found.doubted] == [
        ("CG622", "changed"),
        ("CG623", "its signature was not looked at"),
    ]
    assert found.clock_limit == ledger.clock_limit
    assert sift(ledger, Trust(), "mine", {}) == ledger
    elsewhere = sift(ledger, Trust(conductor=True), "other", words)
    assert {doubt.code for doubt in elsewhere.doubted} == {"CG625"}


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (f"agent-2 {PUBLIC} a comment", AllowedKey(1, "agent-2", KEY)),
        (f'"agent-2" {PUBLIC}', AllowedKey(1, "agent-2", KEY)),
        (f'a,b namespaces="x,y",valid-after="20260101" {PUBLIC}', AllowedKey(1, "a,b", KEY, "x,y")),
        (f"* cert-authority {PUBLIC}", AllowedKey(1, "*", KEY, None, True)),
        (PUBLIC, "a line is 'WRITER [OPTIONS] KEY-TYPE KEY'"),
        (f'agent-2 namespace="x" {PUBLIC}', "unknown option 'namespace'; known: "),
        ("agent-2 ssh-ed25519 c29tZXRoaW5n", "what follows 'ssh-ed25519' is no public key"),
        ('agent-2 namespaces="x" rsa AAAA', "'rsa' is no type of key"),
    ],
)
def test_allowed_signers_are_read_as_ssh_reads_them(line: str, read: AllowedKey | str) -> None:
    signers = Signers(ID, f"{line}\n# a comment\n\n")
    if isinstance(read, AllowedKey):
        assert (signers.keys, signers.problems) == ((read,), ())
    else:
        ((number, why),) = signers.problems
        assert (number, signers.keys) == (1, ())
        assert why.startswith(read)


@pytest.mark.parametrize(
    ("name", "patterns", "matches"),
    [
        ("agent-2", "agent-2", True),
        ("agent-2", "agent-?", True),
        ("agent-22", "agent-?", False),
        ("agent-2", "*,!agent-2", False),
        ("agent-2", "!agent-3", False),
        ("agent.2", "agent-2", False),
        ("agentx2", "agent.2", False),
    ],
)
def test_patterns_match_as_those_of_ssh(name: str, patterns: str, matches: bool) -> None:
    assert matches_list(name, patterns) is matches


NO_HUB = "no hub enforces for 'main'; "
SIGNED = "the policy's [trust] asks for signatures, and the control branch says whose count"
HUB = "'origin' says that it is a hub; "
RESULTS = "the policy asks for no signed results"
AGENT_LINE = f'agent-* namespaces="conductor-git/agent@v1" {PUBLIC}\n'
CONDUCTOR_LINE = f'conductor namespaces="conductor-git/conductor@v1" {PUBLIC}\n'
BOTH = Trust("agent", conductor=True)


@pytest.mark.parametrize(
    ("trust", "signers", "hub", "level", "why"),
    [
        (
            Trust(),
            AGENT_LINE + CONDUCTOR_LINE,
            "",
            "L0",
            NO_HUB + RESULTS,
        ),
        (Trust(), "", "origin", "L1", HUB + RESULTS),
        (
            Trust("agent"),
            AGENT_LINE,
            "",
            "L0",
            "no hub enforces for 'main'; the policy does not ask the conductor to sign",
        ),
        (BOTH, AGENT_LINE, "origin", "L1", HUB + "nobody may sign as conductor"),
        (BOTH, CONDUCTOR_LINE, "", "L0", NO_HUB + "nobody may sign as agent"),
        (
            Trust("runner", True),
            AGENT_LINE + CONDUCTOR_LINE,
            "",
            "L0",
            "no hub enforces for 'main'; nobody may sign as runner",
        ),
        (
            BOTH,
            f"* {PUBLIC}\n",
            "",
            "L2",
            "the policy's [trust] asks for signatures, and the control branch says whose count",
        ),
    ],
)
def test_the_level_is_no_higher_than_what_is_in_force(
    trust: Trust, signers: str, hub: str, level: str, why: str
) -> None:
    footing = judge_level(Policy("mine", trust=trust), Signers(ID, signers), hub)
    assert (footing.level, footing.why) == (level, why)
    assert footing.stops.startswith("stops ")


START = 'format = 1\nrepository = "0123456789abcdef"\n'


def test_a_policy_with_trust_is_read_as_it_was_written() -> None:
    policy = Policy("0123456789abcdef", trust=Trust("agent", conductor=True, since="1" * 40))
    assert parse_policy(render_policy(policy)) == policy
    assert "[trust]" not in render_policy(Policy("0123456789abcdef"))


@pytest.mark.parametrize(
    ("trust", "line", "said"),
    [
        ("attestation = 'agent'", 4, "did you mean 'attestations'?"),
        ("attestations = 'all'", 4, "'trust.attestations' is one of none, agent, runner, not the text 'all'"),
        ("conductor = 'yes'", 4, "'trust.conductor' is true or false"),
        ("since = 'main'", 4, "'trust.since' cannot be 'main'"),
        ("attestations = 'runner'", 4, "needs 'validation.attested-by' = 'runner'"),
    ],
)
def test_what_is_wrong_with_trust_is_said_with_its_line(trust: str, line: int, said: str) -> None:
    read = parse_policy(f"{START}[trust]\n{trust}\n")
    assert isinstance(read, BrokenPolicy)
    (error,) = read.errors
    assert error.line == line
    assert said in error.message


def test_runners_sign_where_their_word_counts() -> None:
    read = parse_policy(f"{START}[validation]\nattested-by = 'runner'\n[trust]\nattestations = 'runner'\n")
    assert isinstance(read, Policy)
    assert read.trust == Trust("runner")
    assert Ledger().doubted == ()


def landed(trust: Trust) -> list[str]:
    """The codes of a board where a plan landed, all of it proven by nobody's signature."""
    policy = Policy(REPOSITORY, trust=trust)
    scene = Scene(plan("2", Wave(0, "Audit")), policy=policy)
    scene.commit("root")
    scene.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    scene.commit("c0", "start", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0")
    scene.commit("whole", "c0", line="✅ PLAN 2 COMPLETE", tree="work", plan="2")
    scene.commit("landing", "root", "whole", tree="work")
    scene.branch("b2", "whole")
    scene.branch("main", "landing")
    for target in (Target("2", 0), Target("2")):
        scene.attest(target, "work")
    snapshot = scene.snapshot()
    ledger = sift(snapshot.ledger, trust, REPOSITORY, {})
    signers = Signers(ID, AGENT_LINE)
    board = fold(msgspec.structs.replace(snapshot, ledger=ledger, signers=signers), 1000)
    return [finding.code for finding in board.findings]


def test_landings_that_stood_before_signatures_were_asked_for_are_no_alarm() -> None:
    assert landed(Trust()) == []
    assert landed(Trust("agent")) == ["CG503", "CG621"]
    assert landed(Trust("agent", since=oid("landing"))) == ["CG621"]
    # The claims alone: the merge that brought them came later, and nobody signed for it.
    assert landed(Trust("agent", since=oid("whole"))) == ["CG504", "CG621"]
