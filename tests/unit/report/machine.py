"""Reports that the formats for machines must carry unharmed: a healthy one, and one that holds what outsiders wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from loopdiag.model.checkup import CheckResult, State
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.report import Report, Verdict
from loopdiag.model.target import parse_target
from loopdiag.model.unknown import Unknown

CONNECTED = TcpConnect(address="127.0.0.1", port=3000, outcome=Outcome.CONNECTED, seconds=0.000021)
REFUSED = TcpConnect(address="::1", port=3000, outcome=Outcome.REFUSED, errno="ECONNREFUSED", seconds=0.00002)
HEALTHY = Report(
    command="why",
    started=datetime(2026, 11, 23, 1, 2, 3, 4, tzinfo=UTC),
    seconds=0.0421,
    target=parse_target("localhost:3000"),
    verdict=Verdict.WORKS,
    summary="localhost:3000 answers",
    observations=(CONNECTED,),
)

# A process may be called anything: escapes, the marks of each format, a line end, half a character.
NASTY = "no\x1b[2J<b>|&\"'\\#,]]>\n::error::x\r##[add-mask]a\x00\x85\u2028\ufffe\ud800%0A `@me` {a=\"b\"} 'q' é"
FINDING = Finding(
    cause="listener-other-family",
    severity=Severity.ERROR,
    certainty=Certainty.LIKELY,
    subject="[::1]:3000",
    statement=f"{NASTY} listens on 127.0.0.1:3000 only",
    evidence=(Evidence("tcp-connect [::1]:3000", f"refused {NASTY}"),),
    fixes=(Fix("listen on ::"), Fix("connect to 127.0.0.1", f"curl http://127.0.0.1:3000/{NASTY}")),
)
TROUBLED = Report(
    command="why",
    started=HEALTHY.started,
    seconds=0.5,
    target=parse_target("localhost:3000"),
    verdict=Verdict.BROKEN,
    summary=FINDING.statement,
    findings=(FINDING,),
    observations=(REFUSED, CONNECTED, CONNECTED),
    unknown=(Unknown("packet filter rules", f"reading them needs CAP_NET_ADMIN {NASTY}"),),
)

CHECKUP = (
    CheckResult(name="localhost", state=State.PASSED, says="localhost resolves to 127.0.0.1", seconds=0.001),
    CheckResult(name="exposed", state=State.WARNED, says="one server is open", findings=(FINDING,)),
    CheckResult(name="proxies", state=State.SKIPPED, says="not asked for"),
)
DOCTOR = replace(HEALTHY, command="doctor", target=None, verdict=Verdict.DEGRADED, summary="one warning",
                 observations=(), findings=(FINDING,), extra={"checkup": CHECKUP})  # fmt: skip
