"""`check`: the assertions of a file, side by side, in the file's order; what fails with its cause, each cause once."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.checking import attempt, reading
from loopdiag.diagnose.checking.causes import Causes, cause_of, diagnose, has_cause
from loopdiag.diagnose.checking.state import State
from loopdiag.diagnose.session import Session
from loopdiag.model.assertion import Check
from loopdiag.model.facts import Facts
from loopdiag.model.report import Verdict
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from loopdiag.model.assertion import Assertion, Got
    from loopdiag.model.finding import Finding
    from loopdiag.model.report import Report

AT_A_TIME, MOST_AT_A_TIME = 8, 64  # side by side: at first, and where many wait for an answer that does not come
MORE_AFTER = 0.02  # seconds until there is one more
AGAIN = 0.2  # seconds before a retry

TRIES: Mapping[str, Callable[[Assertion, State], Got]] = {
    "tcp": attempt.tcp,
    "udp": attempt.udp,
    "http": attempt.http,
    "tls": attempt.tls,
    "ping": attempt.ping,
    "resolve": attempt.resolve,
    "bind": attempt.bind,
    "listener": reading.listener,
    "route": reading.route,
    "interface": reading.interface,
}


def check(
    assertions: Sequence[Assertion], *, family: int | None = None, timeout: float | None = None, causes: bool = True,
    file: str | None = None,
) -> Report:  # fmt: skip
    """Try all assertions; `timeout` is for those that have none of their own. The key `checks` has one entry for each.

    `file` is where they stand, told in the key of that name. Raises UsageError for an address that cannot be meant.
    """
    session = Session("check")
    asked = [one if one.timeout or not timeout else replace(one, timeout=timeout) for one in assertions]
    state = State(family)
    got = _side_by_side(asked, state, family)
    failed = [(one, answer) for one, (answer, _) in zip(asked, got, strict=True) if _has_failed(one, answer)]
    found = diagnose(failed, state, family) if causes else Causes()
    checks = tuple(_check(one, answer, took, found) for one, (answer, took) in zip(asked, got, strict=True))
    undiagnosed = sum(found.report(one) is None for one, _ in failed) if causes else 0
    reports = tuple(found.reports.values())
    return session.report(
        None,
        _verdict(checks),
        _summary(checks),
        findings=_findings(reports),
        observations=[seen for one in reports for seen in one.observations],
        facts=Facts(),
        unknown=[*_unknown(asked, got, reports), *_left_out(undiagnosed)],
        extra={**({"file": file} if file else {}), "checks": checks},
    )


def _side_by_side(assertions: Sequence[Assertion], state: State, family: int | None) -> list[tuple[Got, float]]:
    """What each got and how long it took, in order; a bug in one is raised."""
    got: dict[int, tuple[Got, float]] = {}
    faults: list[BaseException] = []
    left, lock, begun = iter(enumerate(assertions)), threading.Lock(), threading.Event()

    def work() -> None:
        while not faults:
            with lock:
                at, one = next(left, (0, None))
            if one is None:
                break
            try:
                got[at] = _tried(one, state, family)
            except BaseException as fault:  # noqa: BLE001 - raised again in the thread that waits
                faults.append(fault)
        begun.set()  # all of them

    threads: list[threading.Thread] = []
    while len(threads) < min(MOST_AT_A_TIME, len(assertions)):
        if len(threads) >= AT_A_TIME and begun.wait(MORE_AFTER):
            break
        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return [got[at] for at in range(len(assertions))]


def _tried(one: Assertion, state: State, family: int | None) -> tuple[Got, float]:
    began = time.perf_counter()
    got = TRIES[one.kind](one, state)
    for _ in range(one.retries):
        if got.ok:
            break
        time.sleep(AGAIN)
        got = TRIES[one.kind](one, State(family))
    return got, time.perf_counter() - began


def _has_failed(one: Assertion, got: Got) -> bool:
    return got.ok is False and has_cause(one, got)


def _check(one: Assertion, got: Got, took: float, causes: Causes) -> Check:
    report = causes.report(one) if _has_failed(one, got) else None
    return Check(
        name=one.name, kind=one.kind, target=one.target, expect=_expected(one), got=got.says, ok=got.ok, seconds=took,
        cause=cause_of(report) if report else None,
    )  # fmt: skip


def _expected(one: Assertion) -> str | tuple[str, ...]:
    """As typed; what is expected beside `expect` too."""
    if one.kind == "resolve" and isinstance(one.expect, tuple):
        return tuple(map(str, one.expect))
    if one.kind == "http":
        wanted = one.expect if isinstance(one.expect, tuple) else (one.expect,)
        named = " or ".join(f"status {each}" if isinstance(each, int) else str(each) for each in wanted)
        return "status 200 to 399" if one.expect is None else named
    more = (f"{key} {_joined(value)}" for key, value in one.also.items() if key != "protocol")
    return ", ".join([str(one.expect), *more])


def _joined(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _verdict(checks: Sequence[Check]) -> Verdict:
    if any(one.ok is False for one in checks):
        return Verdict.BROKEN
    return Verdict.UNKNOWN if any(one.ok is None for one in checks) else Verdict.WORKS


def _summary(checks: Sequence[Check]) -> str:
    bad = [one for one in checks if not one.ok]
    if not bad:
        return f"all {len(checks)} checks hold" if len(checks) > 1 else "the check holds"
    first = bad[0]
    got = ", ".join(first.got) if isinstance(first.got, tuple) else first.got
    what = f"'{first.name}' got {got} in place of {_joined(first.expect)}"
    if first.ok is None:
        what = f"'{first.name}' could not be told"
    return f"{len(bad)} of {len(checks)} checks {'do' if len(bad) > 1 else 'does'} not hold: {what}"


def _findings(reports: Iterable[Report]) -> tuple[Finding, ...]:
    from loopdiag.diagnose.awaiting.missing import causes_of

    return causes_of(tuple(reports))


def _unknown(
    asked: Sequence[Assertion], got: Sequence[tuple[Got, float]], reports: Iterable[Report]
) -> Iterator[Unknown]:
    for one, (answer, _) in zip(asked, got, strict=True):
        if answer.ok is None:
            yield Unknown(one.name, answer.because or "it could not be read")
    for report in reports:
        yield from report.unknown


def _left_out(count: int) -> Iterator[Unknown]:
    if count:
        yield Unknown(f"the cause of {count} more failed checks", "only so many are diagnosed in one run")
