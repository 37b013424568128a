"""Why a check does not hold: the diagnosis of its target, bounded, and the same target asked about once."""

from __future__ import annotations

import threading
import time
from dataclasses import field, replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.watcher import NAME
from loopdiag.diagnose.checking.alike import alike
from loopdiag.model.finding import Evidence, Severity
from loopdiag.model.report import Verdict
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopdiag.diagnose.checking.state import State
    from loopdiag.model.assertion import Assertion, Got
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target

MOST = 16  # targets that are diagnosed
AT_A_TIME = 4
WITHIN = 5.0  # seconds for all of them
_NAMED = 3  # of those that share a cause


@dataclass(frozen=True, slots=True)
class Causes:
    """The diagnoses by what they are about, and by whose diagnosis the others' cause is known."""

    reports: Mapping[str, Report] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)

    def report(self, one: Assertion) -> Report | None:
        """The diagnosis that holds for a failed check; None where there is none."""
        subject = about(one)
        return self.reports.get(self.shared.get(subject, subject))


def diagnose(failed: Sequence[tuple[Assertion, Got]], state: State, family: int | None) -> Causes:
    """Why each failed check fails, in their order, as far as the bounds allow.

    Each is diagnosed by itself as long as they are few; of many, one of all those that are alike.
    """
    wanted = {about(one): (one, got) for one, got in reversed(failed)}
    distinct = list(wanted.values())[::-1]
    if len(distinct) <= MOST:
        return Causes(_reports([one for one, _ in distinct], family))
    groups = sorted(alike(distinct, state), key=len, reverse=True)[:MOST]
    reports = _reports([group[0] for group in groups], family)
    for group in groups:
        if len(group) > 1 and about(group[0]) in reports:
            reports[about(group[0])] = _for_all(reports[about(group[0])], group)
    return Causes(reports, {about(one): about(group[0]) for group in groups for one in group})


def _for_all(report: Report, group: Sequence[Assertion]) -> Report:
    """The diagnosis of the first, whose first finding tells that the others are like it."""
    if not report.findings:
        return report
    others = [f"'{one.name}'" for one in group[1:]]
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    same = Evidence("check", f"the same of {', '.join(others[:_NAMED])}{more}: nothing that bears on it is different")
    first = report.findings[0]
    return replace(report, findings=(replace(first, evidence=(*first.evidence, same)), *report.findings[1:]))


def _reports(wanted: Sequence[Assertion], family: int | None) -> dict[str, Report]:
    reports: dict[str, Report] = {}
    faults: list[BaseException] = []
    left, lock = iter(wanted), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                one = next(left, None)
            if one is None or time.monotonic() > deadline:
                return
            try:
                reports[about(one)] = _report(one, family)
            except BaseException as fault:  # noqa: BLE001 - raised again in the thread that waits
                faults.append(fault)
                return

    deadline = time.monotonic() + WITHIN
    threads = [threading.Thread(target=work, daemon=True, name=NAME) for _ in range(min(AT_A_TIME, len(wanted)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if faults:
        raise faults[0]
    return {about(one): reports[about(one)] for one in wanted if about(one) in reports}


def has_cause(one: Assertion, got: Got) -> bool:
    """Whether a diagnosis can say why: a listener that is there, though it should not, has none; nor has an MTU."""
    if one.kind == "interface":
        return got.says == "down" and one.expect == "up"
    return one.kind != "listener" or got.says == "absent"


def about(one: Assertion) -> str:
    """What a diagnosis of it is about: assertions that share it share the diagnosis."""
    kind = "why" if one.kind in ("tcp", "udp", "http", "tls", "ping") else one.kind
    return f"{kind} {one.where.scheme if one.where else ''} {one.where or one.target} {one.also.get('protocol', '')}"


def cause_of(report: Report) -> str | None:
    """The first error's cause of a target that does not work."""
    if report.verdict is Verdict.WORKS:
        return None
    return next((found.cause for found in report.findings if found.severity is Severity.ERROR), None)


def _report(one: Assertion, family: int | None) -> Report:
    if one.kind == "interface":
        from loopdiag.diagnose.interfaces import interfaces

        return interfaces(family)
    assert one.where is not None
    if one.kind == "resolve":
        from loopdiag.diagnose.resolve import resolve

        return resolve(one.where, family)
    if one.kind == "route":
        from loopdiag.diagnose.route import route

        return route(one.where, family)
    if one.kind == "bind":
        from loopdiag.diagnose.bind_test import bind_test

        return bind_test(_with_scheme(one), family=family)
    from loopdiag.diagnose.why import why

    return why(_with_scheme(one) if one.kind == "listener" else one.where, family=family)


def _with_scheme(one: Assertion) -> Target:
    assert one.where is not None
    host = one.where.host or "localhost"
    return replace(one.where, scheme=str(one.also.get("protocol", "tcp")), host=host)
