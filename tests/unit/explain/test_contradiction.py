from __future__ import annotations

from dataclasses import replace

from loopdiag.explain.contradiction import contradictions
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.finding import Evidence, Finding
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.socket import Socket
from loopdiag.model.target import parse_target
from loopdiag.model.unknown import Unknown

LISTENER = Socket(protocol="tcp", state="LISTEN", address="127.0.0.1", port=80, families=("ipv4",))
SEEN = TcpConnect(address="127.0.0.1", port=80, outcome=Outcome.CONNECTED)
HEALTHY = Case("why", parse_target("127.0.0.1:80"), (SEEN,), Facts(listeners=(LISTENER,)))


def test_what_agrees_is_not_told() -> None:
    assert not list(contradictions(HEALTHY, ()))


def test_refused_although_a_listener_is_there() -> None:
    case = replace(HEALTHY, observations=(replace(SEEN, outcome=Outcome.REFUSED, errno="ECONNREFUSED"),))
    (told,) = contradictions(case, ())
    assert told.what == "why 127.0.0.1:80 gave ECONNREFUSED"


def test_a_finding_settles_it() -> None:
    case = replace(HEALTHY, observations=(replace(SEEN, outcome=Outcome.REFUSED),))
    finding = Finding(cause="filter-rejects", subject="x", statement="x", evidence=(Evidence("a", "b"),))
    assert not list(contradictions(case, (finding,)))


def test_connected_although_nobody_listens() -> None:
    (told,) = contradictions(replace(HEALTHY, facts=Facts(listeners=())), ())
    assert told.what == "who answers on 127.0.0.1:80"


def test_tables_that_could_not_be_read_predict_nothing() -> None:
    assert not list(contradictions(replace(HEALTHY, facts=Facts(listeners=Unknown("listeners", "refused"))), ()))
