"""`--format prometheus`: for node_exporter's textfile collector, with --output, which writes the file whole.

The text exposition format 0.0.4 without time stamps, which that collector refuses. Every series names command and
target, so that the files of several targets can lie side by side.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from loopdiag.model.report import Verdict
from loopdiag.report.rows import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout

Sample = tuple[dict[str, str], float]


def render(report: Report, layout: Layout) -> str:
    """Every metric with its HELP and TYPE."""
    return "".join(line + "\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    whose = {"command": report.command, "target": _target(report)}
    states = [({"verdict": one.value}, float(one is report.verdict)) for one in Verdict]
    yield from _gauge("verdict", "The verdict: 1 for the one that holds.", states, whose)
    up = report.verdict in (Verdict.WORKS, Verdict.DEGRADED)
    yield from _gauge("up", "Whether the target answers: the verdict is works or degraded.", [({}, float(up))], whose)
    yield from _gauge("duration_seconds", "How long the diagnosis took.", [({}, report.seconds)], whose)
    yield from _gauge("unknowns", "How many things could not be seen.", [({}, float(len(report.unknown)))], whose)
    yield from _gauge("finding", "1 for each finding, the root cause first in rank.", _findings(report), whose)
    yield from _gauge("check", "1 for each check, with the state in which it ended.", _checks(report), whose)
    tried = _by_destination(report.observations)
    yield from _gauge("attempts", "Attempts made.", [(to, float(len(seen))) for to, seen in tried], whose)
    yield from _gauge("attempts_failed", "Attempts that did not get what they asked for.", _failed(tried), whose)
    yield from _gauge("attempt_seconds", "The quickest attempt that succeeded.", _quickest(tried), whose)


def _target(report: Report) -> str:
    """The target, the targets, or the file of checks: two series must not have all their labels in common."""
    if report.target:
        return report.target.input
    waited = ", ".join(one.target.input for one in report.extra.get("waited", ()))
    return waited or str(report.extra.get("file", ""))


def _checks(report: Report) -> Iterator[Sample]:
    """Checks that share a name are numbered from the second on."""
    names: Counter[str] = Counter()
    for name, state in _states(report):
        names[name] += 1
        yield {"check": name if names[name] == 1 else f"{name} ({names[name]})", "state": state}, 1.0


def _states(report: Report) -> Iterator[tuple[str, str]]:
    yield from ((one.name, one.state.value) for one in report.extra.get("checkup", ()))
    for one in report.extra.get("checks", ()):
        yield one.name, "unknown" if one.ok is None else "passed" if one.ok else "failed"
    for one in report.extra.get("waited", ()):
        yield one.target.input, "passed" if one.ready else "failed"


def _findings(report: Report) -> Iterator[Sample]:
    for rank, found in enumerate(report.findings, 1):
        yield {"cause": found.cause, "severity": found.severity.value, "certainty": found.certainty.value,
               "subject": found.subject, "rank": str(rank)}, 1.0  # fmt: skip


def _by_destination(seen: Iterable[Observation]) -> list[tuple[dict[str, str], list[Observation]]]:
    groups: dict[tuple[str, str], list[Observation]] = {}
    for one in seen:
        groups.setdefault((one.kind, one.to), []).append(one)
    return [({"kind": kind, "to": to}, members) for (kind, to), members in groups.items()]


def _failed(tried: list[tuple[dict[str, str], list[Observation]]]) -> Iterator[Sample]:
    for to, seen in tried:
        yield to, float(sum(not one.outcome.good for one in seen))


def _quickest(tried: list[tuple[dict[str, str], list[Observation]]]) -> Iterator[Sample]:
    for to, seen in tried:
        times = [one.seconds for one in seen if one.outcome.good and one.seconds is not None]
        if times:
            yield to, min(times)


def _gauge(name: str, help_: str, samples: Iterable[Sample], whose: dict[str, str]) -> Iterator[str]:
    """HELP, TYPE and the samples; nothing where there is none."""
    lines = [f"loopdiag_{name}{_labels({**whose, **labels})} {value!r}" for labels, value in samples]
    if lines:
        yield f"# HELP loopdiag_{name} {help_}"
        yield f"# TYPE loopdiag_{name} gauge"
        yield from lines


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')
