"""The lines of ping as it runs, in the form that people and scripts know from iputils ping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass
from loopdiag.report.style import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.echo import EchoPlan, EchoProblem, EchoReply, EchoSilence, Statistics, Times

_HEADERS = 28  # bytes of the IPv4 and the ICMP header


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How lines are to look: `numeric` -n, `clock` -D, `verbose` -v; `paced`: by the answers (-f, -A)."""

    numeric: bool = False
    clock: bool = False
    verbose: bool = False
    paced: bool = False


def header(plan: EchoPlan) -> Iterator[str]:
    """What is about to be sent where."""
    if plan.pattern:
        yield f"PATTERN: 0x{plan.pattern}"
    chosen = f"from {plan.source or '?'} {plan.device or ''}: " if plan.source_chosen else ""
    host = harmless(plan.host)
    if ":" not in plan.address:
        yield f"PING {host} ({plan.address}) {chosen}{plan.size}({plan.size + _HEADERS}) bytes of data."
    elif _named(plan):
        yield f"PING {host}({host} ({plan.address})) {chosen}{plan.size} data bytes"
    else:
        yield f"PING {host}({plan.address}) {chosen}{plan.size} data bytes"


def reply(event: EchoReply, plan: EchoPlan, form: Form) -> str:
    """One reply: the round trip that the process saw, then the one between the kernel's time stamps."""
    ident = f" ident={plan.identifier}" if form.verbose and plan.socket_type == "raw" else ""
    ttl = "" if event.ttl is None else f" ttl={event.ttl}"
    kernel = "" if event.kernel_seconds is None else f" (kernel {clock_time(event.kernel_seconds)})"
    return (
        f"{_clock(event.at, form)}{event.bytes} bytes from {_sender(event.sender, plan, form)}: "
        f"icmp_seq={event.sequence & 0xFFFF}{ident}{ttl} time={clock_time(event.seconds)}{kernel}{_marks(event)}"
    )


def _marks(event: EchoReply) -> str:
    damage = "" if event.bad_checksum or not event.damage else f"\n{event.damage}"
    marks = (
        (event.duplicate, " (DUP!)"), (event.bad_checksum, " (BAD CHECKSUM!)"), (event.late, " (late)"),
        (event.reordered, " (reordered)"), (event.different_address, " (DIFFERENT ADDRESS!)"),
    )  # fmt: skip
    return "".join(mark for holds, mark in marks if holds) + damage


def problem(event: EchoProblem, form: Form) -> str:
    """An ICMP error with who sent it, or a refusal of the own kernel."""
    sequence = event.sequence & 0xFFFF
    if event.sender is None:
        return f"{_clock(event.at, form)}icmp_seq={sequence} {event.says} ({event.errno})"
    return f"{_clock(event.at, form)}From {event.sender} icmp_seq={sequence} {event.says}"


def silence(event: EchoSilence, form: Form) -> str:
    """No answer in time: ping says nothing here, unless asked by -O."""
    return f"{_clock(event.at, form)}no answer yet for icmp_seq={event.sequence & 0xFFFF} after {event.after:g} s"


def statistics(counts: Statistics, plan: EchoPlan, form: Form) -> Iterator[str]:
    """The closing block."""
    yield f"--- {harmless(plan.host)} ping statistics ---"
    extra = ((counts.duplicates, "duplicates"), (counts.corrupted, "corrupted"), (counts.errors, "errors"))
    more = "".join(f", +{count} {what}" for count, what in extra if count)
    loss = "" if counts.loss is None else f", {counts.loss * 100:g}% packet loss"
    yield (f"{counts.transmitted} packets transmitted, {counts.received} received{more}{loss}, "
           f"time {counts.seconds * 1000:.0f}ms")  # fmt: skip
    if counts.late or counts.reordered:
        yield f"{counts.late} late, {counts.reordered} reordered"
    if counts.rtt:
        yield _summed("rtt", counts.rtt) + _pace(counts, counts.rtt, form)
    if counts.kernel_rtt:
        yield _summed("kernel rtt", counts.kernel_rtt)
    if form.verbose:
        for name, times in (("rtt", counts.rtt), ("kernel rtt", counts.kernel_rtt)):
            if times:
                yield f"{name} p50/p90/p99 = {_row(times.p50, times.p90, times.p99)} ms"


def _summed(name: str, times: Times) -> str:
    return f"{name} min/avg/max/mdev = {_row(times.min, times.avg, times.max, times.mdev)} ms"


def _pace(counts: Statistics, rtt: Times, form: Form) -> str:
    if not form.paced or counts.transmitted < 2:
        return ""
    return f", ipg/ewma {_row(counts.seconds / (counts.transmitted - 1), rtt.ewma)} ms"


def progress(counts: Statistics) -> str:
    """The counts so far, on one line."""
    loss = "" if counts.loss is None else f", {counts.loss * 100:.0f}% loss"
    text = f"{counts.received}/{counts.transmitted} packets{loss}"
    if counts.rtt:
        times = _row(counts.rtt.min, counts.rtt.avg, counts.rtt.ewma, counts.rtt.max)
        text += f", min/avg/ewma/max = {times} ms"
    return text


def clock_time(seconds: float) -> str:
    """A round trip with as many places as ping gives it: three digits that count, never less than microseconds."""
    value = seconds * 1000
    places = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{places}f} ms"


def _row(*seconds: float) -> str:
    return "/".join(f"{one * 1000:.3f}" for one in seconds)


def _clock(at: float, form: Form) -> str:
    return f"[{at:.6f}] " if form.clock else ""


def _named(plan: EchoPlan) -> bool:
    return any(letter.isalpha() for letter in plan.host) and ":" not in plan.host and not plan.host.startswith("0x")


def _sender(sender: str, plan: EchoPlan, form: Form) -> str:
    """The name that was typed for the address that was asked: no name is looked up for it."""
    if form.numeric or not _named(plan) or sender != plan.address:
        return sender
    return f"{harmless(plan.host)} ({sender})"
