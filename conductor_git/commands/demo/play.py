"""What is played: who types what, in which order, and how it must be answered."""

from __future__ import annotations

import msgspec


class Turn(msgspec.Struct, frozen=True):
    """One line that somebody types into a shell, with what the answer must be."""

    who: str
    types: str
    code: int = 0
    says: tuple[str, ...] = ()
    """What the answer must have in it."""
    lines: int = 4
    """How many lines of the answer are worth showing."""


class Scene(msgspec.Struct, frozen=True):
    """Turns that show one thing."""

    title: str
    why: str
    turns: tuple[Turn, ...]


FILES = {
    "README.md": "# mathlib\n\nComputer algebra, small enough to be looked through in a minute.\n",
    "crates/core/src/node.txt": "tag 8\nleft 16\nright 16\nhash 8\n",
    "crates/core/src/solvers.rs": "// linear, quadratic\n",
    "crates/core/src/explain.rs": "// undecided\n",
    "crates/core/src/educational/steps.rs": "// steps of the quadratic solver\n",
    "bindings/python/build.toml": "[build]\n",
    "bindings/python/stubs.pyi": "# to come\n",
    "bindings/node/module.ts": "// to come\n",
    "docs/performance/notes.md": "# Performance\n",
    "docs/educational/notes.md": "# Explanations\n",
    "docs/python/notes.md": "# Python\n",
    "tests/core.sh": (
        "# One identity, for every number from 1 to 677.\n"
        "i=0\n"
        'while [ "$i" -lt 677 ]; do\n'
        "    i=$((i + 1))\n"
        '    [ $((i + i)) -eq $((2 * i)) ] || printf "not "\n'
        '    echo "ok $i - x + x is 2x for $i"\n'
        "done\n"
    ),
    "tests/ode/separable.sh": "echo 'ok - separable 1'\necho 'ok - separable 2'\n",
    "bench/node.sh": (
        "# How large an expression node is: the sum of its fields.\n"
        "bytes=0\n"
        "while read -r _ size; do bytes=$((bytes + size)); done <crates/core/src/node.txt\n"
        'echo "# metric expression.bytes $bytes"\n'
        'echo "# metric bench.build $((bytes * 10))"\n'
        'echo "ok - a node has $bytes bytes"\n'
    ),
}
"""The product that the team works on."""


def work(who: str, path: str, line: str, subject: str) -> Turn:
    """Ordinary work: a line more in a file, committed."""
    return Turn(who, f"echo '{line}' >> {path} && git commit -q -a -m '{subject}'")


def claim(who: str, target: str, note: str = "") -> Turn:
    """Proving and claiming in one step."""
    noted = f" -m '{note}'" if note else ""
    return Turn(who, f"conductor-git claim {target}{noted}", says=(f"{target} claimed", "proof: sha256:"), lines=1)


_NOTES = "docs/performance/notes.md"
_CLAIM_OF_2_3 = "git log -1 --format=%H --grep='Wave 3 Complete' agent-2/educational"

PLAY = (
    Scene(
        "The conductor writes the rules down",
        "Policy, five plans and the scripts that judge them go on main; from then on they are read from there.",
        (
            Turn("conductor", "git init -q && git add -A && git commit -q -m 'A small maths library'"),
            Turn("conductor", "conductor-git init", says=("integration branch 'main'", "commit-msg"), lines=3),
            Turn("conductor", 'cp "$EXAMPLES"/plans/* .conductor/plans && cp "$EXAMPLES"/scripts/* .conductor/scripts'),
            Turn("conductor", "conductor-git plan check", says=("5 plans checked: they can be obeyed",), lines=1),
            Turn("conductor", "conductor-git plan commit", says=("committed to 'main'",)),
            Turn("conductor", "conductor-git plan graph", says=("3.4 waits for 2.3",), lines=12),
        ),
    ),
    Scene(
        "Agents get their plans",
        "Each has a branch, a worktree and a brief of its own; nobody gets a plan that somebody has.",
        (
            Turn("conductor", "conductor-git delegate 1", says=("You are the orchestrator of plan 1",)),
            Turn("conductor", "conductor-git delegate 2", says=("You are the orchestrator of plan 2",), lines=1),
            Turn("conductor", "conductor-git delegate 2 --to agent-9", code=1, says=("delegated to 'agent-2'",)),
        ),
    ),
    Scene(
        "Saying is not proving",
        "A claim is an ordinary commit. git takes it when the ledger proves that exactly this content passes.",
        (
            work("agent-1", _NOTES, "simplify() copies its argument", "docs: name the regression"),
            Turn("agent-1", "git commit --allow-empty -m 'Wave 1 done'", 1, ("is not a claim", "CG102")),
            Turn("agent-1", "git commit --allow-empty -m '✅ Wave 1 Complete'", 1, ("CG201", "nothing was committed")),
            Turn("agent-1", "conductor-git validate", says=("1.1 passed", "proof: sha256:"), lines=2),
            Turn("agent-1", "git commit -q --allow-empty -m '✅ Wave 1 Complete'"),
            Turn("agent-1", "git log -1 --format=%B", says=("Conductor-Wave: 1", "Conductor-Proof: sha256:"), lines=6),
        ),
    ),
    Scene(
        "There is an order",
        "A wave follows the one before it, and what it needs of other plans.",
        (
            Turn("agent-1", "conductor-git claim 1.3", 1, ("needs 1.2", "CG301")),
            Turn("agent-2", "conductor-git claim", 1, ("2.0 needs 1,", "CG302")),
        ),
    ),
    Scene(
        "What does not pass is not claimed",
        "Plan 1 wants expressions of at most 48 bytes; the numbers come from the run, not from the agent.",
        (
            work("agent-1", "crates/core/src/node.txt", "cache 8", "core: cache what was simplified"),
            Turn("agent-1", "conductor-git claim", 1, ("'expression.bytes' is 56", "nothing was committed"), lines=3),
            Turn("agent-1", "git revert --no-edit HEAD", lines=1),
            claim("agent-1", "1.2"),
            work("agent-1", _NOTES, "48 bytes, and why", "docs: explain the size of a node"),
            claim("agent-1", "1.3"),
            work("agent-1", _NOTES, "run bench/ before you push", "docs: tell how a regression is found"),
            claim("agent-1", "1.4"),
            claim("agent-1", "1", "ready to land"),
        ),
    ),
    Scene(
        "The conductor lands what is proven",
        "The merge is validated before main moves to it; whoever waited for plan 1 can go on.",
        (
            Turn("conductor", "conductor-git merge 1", lines=2),
            Turn("conductor", "conductor-git delegate 3", says=("orchestrator of plan 3",), lines=1),
            Turn("conductor", "conductor-git delegate 4", says=("orchestrator of plan 4",), lines=1),
            Turn("conductor", "conductor-git delegate 7", says=("orchestrator of plan 7",), lines=1),
            Turn("agent-2", "git merge -q --no-edit main"),
            claim("agent-2", "2.0", "a third of it exists"),
        ),
    ),
    Scene(
        "A wave that waits for another plan",
        "3.4 binds what 2.3 settles: it can be claimed once 2.3 is complete, and only on top of it.",
        (
            work("agent-3", "bindings/python/build.toml", "wheels = true", "python: build wheels"),
            claim("agent-3", "3.1"),
            work("agent-3", "bindings/python/stubs.pyi", "class Expression: ...", "python: ship type stubs"),
            claim("agent-3", "3.2"),
            work("agent-3", "docs/python/notes.md", "typeset", "docs: show a notebook"),
            claim("agent-3", "3.3"),
            Turn("agent-3", "conductor-git claim", 1, ("3.4 needs 2.3", "CG302")),
            Turn("agent-3", "conductor-git log-status 3", says=("waiting", "nothing to do for agent-3"), lines=20),
        ),
    ),
    Scene(
        "Meanwhile, in the other plan",
        "2.3 settles the interface; from then on agent-3 can go on.",
        (
            work("agent-2", "docs/educational/notes.md", "780 lines less", "docs: say what went"),
            claim("agent-2", "2.1"),
            work("agent-2", "crates/core/src/educational/steps.rs", "// every solver", "core: explain every solver"),
            claim("agent-2", "2.2"),
            work("agent-2", "crates/core/src/explain.rs", "pub fn explain() {}", "core: settle explain()"),
            claim("agent-2", "2.3", "Expression.explain() API stable"),
            Turn("agent-3", "conductor-git claim", 1, ("not in this history", "CG303")),
            Turn("agent-3", f'git merge -q --no-edit "$({_CLAIM_OF_2_3})"'),
            claim("agent-3", "3.4", "explain() bound"),
            Turn("agent-3", "conductor-git claim", says=("3.5 claimed", "awaits"), lines=8),
        ),
    ),
    Scene(
        "Hooks can be skipped, and it does not help",
        "git takes what agent-4 commits without any hook. Whoever reads asks the ledger, and it has no proof.",
        (
            work("agent-4", "bindings/node/module.ts", "export {}", "node: build the native module"),
            claim("agent-4", "4.1"),
            Turn(
                "agent-4",
                "echo '// mine' >> crates/core/src/solvers.rs && git commit -q -a -m 'core: change a solver'",
                128,
                ("crates/core/src/solvers.rs", "nothing was committed"),
            ),
            Turn(
                "agent-4",
                "git reset -q --hard && git commit -q --no-verify --allow-empty -m '✅ Wave 2 Complete'",
                128,
                ("has no passing validation [CG201]", "nothing was committed"),
            ),
            Turn("agent-4", "git -c core.hooksPath=/dev/null commit -q --allow-empty -m '✅ Wave 2 Complete'"),
            Turn("conductor", "conductor-git log-status --check 4", 1, ("4.2  claimed", "CG201"), lines=20),
        ),
    ),
    Scene(
        "Where the team stands",
        "All of it is read from commits, notes and refs: whoever has them sees the same.",
        (
            work("agent-7", "tests/ode/separable.sh", 'echo "not ok - separable 3"', "tests: show what fails"),
            Turn("agent-7", "conductor-git claim", 1, ("separable 3", "nothing was committed"), lines=3),
            Turn("conductor", "conductor-git log-status", says=("merged", "4.2  claimed", "awaits"), lines=60),
        ),
    ),
)
"""The whole play."""

ENDS = {"1": "merged", "2": "active", "3": "active", "4": "active", "7": "active"}
"""The state of every plan at the end."""
