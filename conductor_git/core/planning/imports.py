"""Making plans of documents: which key each line gives, and which lines give none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

import msgspec

from conductor_git.core.planning.documents import Fact, PlanDocument, Remark, WaveDocument
from conductor_git.core.planning.newplan import new_plan
from conductor_git.core.planning.plan import Plan, Validation, Wave
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.refnames import branch_problem, slug
from conductor_git.core.planning.values import agent_problem, pattern_problem, plan_problem
from conductor_git.core.targets import Target

_NEED = re.compile(
    r"(?:(?:plan|agent)[ _-]*(?P<plan>[0-9]{1,9})\W*)?\bwave[ _-]*(?P<wave>[0-9]{1,9})"
    r"|(?:plan|agent)[ _-]*(?P<whole>[0-9]{1,9})"
    r"|\b(?P<target>[0-9]{1,9}(?:\.[0-9]{1,9})?)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"\W*(?:none|nothing|no dependencies|n/a|-)?(?:\W.*)?", re.IGNORECASE | re.DOTALL)
_SCRIPT = re.compile(r"[\w./-]+")


class Known(msgspec.Struct, frozen=True):
    """What an imported plan may refer to."""

    policy: Policy
    scripts: Collection[str]
    waves: Mapping[str, Collection[int]]
    """Plan -> its waves, of those that are declared and those that are being imported."""


class Made(msgspec.Struct, frozen=True):
    """A plan that was made of a document, what each line was read as, and what could not be read."""

    plan: Plan
    read: tuple[Remark, ...]
    unread: tuple[Remark, ...]


def make_plan(document: PlanDocument, number: str, known: Known) -> Made:
    """The plan that a document means, as `number`."""
    maker = _Maker(document, number, known)
    return maker.make()


def plan_name(document: PlanDocument) -> str:
    """The number or slug that a document gives its plan; empty where it gives none that can be one."""
    return "" if plan_problem(document.plan) else document.plan


class _Maker:
    def __init__(self, document: PlanDocument, number: str, known: Known) -> None:
        self.document, self.number, self.known = document, number, known
        self.read: list[Remark] = [Remark(document.line, f"plan {number} '{document.title}'")]
        self.unread: list[Remark] = []

    def make(self) -> Made:
        given: dict[str, str] = {}
        validation: Validation | None = None
        needs: list[Target] = []
        scope: list[str] = []
        for fact in self.document.facts:
            if fact.label in ("agent", "branch"):
                self._name(fact, given)
            elif fact.label == "validation":
                validation = validation or self._validation(fact)
            elif fact.label == "needs":
                needs += self._needs(fact)
            elif fact.label == "scope":
                scope += self._scope(fact)
            elif fact.label == "unblocks":
                self.read.append(Remark(fact.line, f"'{fact.text}' is left out: what a plan unblocks is derived"))
            else:
                self.unread.append(Remark(fact.line, f"workspace '{fact.text}': the default place is taken"))
        begun = new_plan(self.document.title, (), self.known.policy, self.number, **given)
        waves = tuple(self._wave(wave) for wave in self.document.waves)
        plan = msgspec.structs.replace(
            begun, waves=waves, validation=validation, needs=_once(needs), scope=_once(scope), text=self.document.text
        )
        return Made(plan, _sorted(self.read), _sorted(self.unread))

    def _wave(self, wave: WaveDocument) -> Wave:
        tasks = f" ({wave.tasks} task{'s' if wave.tasks > 1 else ''})" if wave.tasks else ""
        self.read.append(Remark(wave.line, f"wave {self.number}.{wave.number} '{wave.title}'{tasks}"))
        needs: list[Target] = []
        validation = None
        for fact in wave.facts:
            if fact.label == "needs":
                needs += self._needs(fact)
            elif fact.label == "validation":
                validation = validation or self._validation(fact)
        # A wave follows the one before it, and needs itself least of all.
        order = [each.number for each in self.document.waves]
        before = order[order.index(wave.number) - 1] if order.index(wave.number) else None
        own = {Target(self.number, wave.number), Target(self.number, before)}
        return Wave(
            wave.number,
            wave.title,
            needs=_once(need for need in needs if need not in own),
            validation=validation,
            text=wave.text,
        )

    def _name(self, fact: Fact, given: dict[str, str]) -> None:
        text = _bare(fact.text)
        if fact.label == "agent" and agent_problem(text):
            text = slug(text, otherwise="")
        problem = agent_problem(text) if fact.label == "agent" else branch_problem(text)
        if problem or fact.label in given:
            why = problem or f"{fact.label} is '{given[fact.label]}' already"
            self.unread.append(Remark(fact.line, f"{fact.label} '{fact.text}': {why}"))
            return
        given[fact.label] = text
        self.read.append(Remark(fact.line, f"{fact.label} '{text}'"))

    def _validation(self, fact: Fact) -> Validation | None:
        words = [word.rpartition("/")[2] for word in _SCRIPT.findall(fact.text)]
        script = next((word for word in words if word in self.known.scripts), None)
        if script is None:
            told = f"validation '{_short(fact.text)}' names no script of '{self.known.policy.scripts}'"
            self.unread.append(Remark(fact.line, told))
            return None
        self.read.append(Remark(fact.line, f"validation '{script}'"))
        return Validation(script)

    def _needs(self, fact: Fact) -> list[Target]:
        found = list(_NEED.finditer(fact.text))
        needs = [need for each in found if (need := self._need(fact, each))]
        if not found and not _NOTHING.fullmatch(fact.text):
            self.unread.append(Remark(fact.line, f"needs '{_short(fact.text)}': no plan or wave is named"))
        if needs:
            self.read.append(Remark(fact.line, f"needs {', '.join(map(str, needs))}"))
        return needs

    def _need(self, fact: Fact, said: re.Match[str]) -> Target | None:
        plan, _, wave = (said["target"] or "").partition(".")
        plan = _number(said["plan"] or said["whole"] or plan) or self.number
        number = _number(said["wave"] or wave)
        target = Target(plan, int(number) if number else None)
        waves = self.known.waves.get(plan)
        if waves is None or (target.wave is not None and target.wave not in waves):
            what = f"plan {plan}" if waves is None else f"wave {target}"
            self.unread.append(
                Remark(fact.line, f"needs '{said[0]}': {what} is not declared, and not among these files")
            )
            return None
        return None if target == Target(self.number) else target

    def _scope(self, fact: Fact) -> list[str]:
        found = re.findall(r"`([^`]+)`", fact.text) or [part for part in re.split(r"[,;\s]+", fact.text) if part]
        wrong = [pattern for pattern in found if pattern_problem(pattern)]
        self.unread += [Remark(fact.line, f"scope '{each}': {pattern_problem(each)}") for each in wrong]
        right = [pattern for pattern in found if pattern not in wrong]
        if right:
            self.read.append(Remark(fact.line, f"scope {', '.join(right)}"))
        return right


def _bare(text: str) -> str:
    found = re.search(r"`([^`]+)`", text)
    return (found[1] if found else text).strip().strip("*_").strip()


def _number(text: str) -> str:
    return str(int(text)) if text else ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


T = TypeVar("T")


def _once(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))


def _sorted(remarks: list[Remark]) -> tuple[Remark, ...]:
    return tuple(sorted(remarks, key=lambda remark: remark.line))
