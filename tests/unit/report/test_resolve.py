"""The page of `resolve`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from loopdiag.model.facts import Facts
from loopdiag.model.names import Answer, HostsLine, NameFacts, Source
from loopdiag.model.report import Report, Verdict
from loopdiag.model.target import parse_host
from loopdiag.report.formats import Layout, render

LINE = HostsLine(file="/etc/hosts", line=4, address="127.0.0.1", names=("app.test",), text="127.0.0.1 app.test")
NAMES = NameFacts(name="app.test", hosts=(LINE,), services=("files", "dns"), services_line=12, servers=("10.0.0.53",),
                  by_family={"ipv4": ("127.0.0.1",)}, configured_only=("127.0.0.1",),
                  configured_by_family={"ipv4": ("127.0.0.1",)})  # fmt: skip
ANSWER = Answer("127.0.0.1", "ipv4", Source("files", "/etc/hosts", 4))


def page(names: NameFacts = NAMES, *answers: Answer, verbose: int = 0) -> str:
    report = Report(
        command="resolve",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=0.01,
        target=parse_host(names.name),
        verdict=Verdict.WORKS,
        summary="it does",
        facts=Facts(names=names, answers=answers or (ANSWER,)),
    )
    text = render(report, "table", Layout(verbose=verbose))
    assert all(len(line) <= 80 for line in text.splitlines())
    return text


def test_each_address_with_its_source() -> None:
    text = page()
    assert "127.0.0.1  IPv4      /etc/hosts line 4" in text
    assert "files dns (nsswitch.conf line 12)" in text
    assert "AI_ADDRCONFIG" not in text
    assert "name server" not in text


def test_dns_is_named_with_its_server() -> None:
    text = page(replace(NAMES, datagrams=2), replace(ANSWER, source=Source("dns", server="10.0.0.53")))
    assert "dns, name server 10.0.0.53" in text
    assert "2 UDP datagrams" in text


def test_where_the_answer_differs() -> None:
    text = page(replace(NAMES, configured_only="EAI_NONAME"))
    assert "AI_ADDRCONFIG EAI_NONAME" in text


def test_all_questions_where_more_is_wanted() -> None:
    text = page(verbose=1)
    assert "IPv4 alone    127.0.0.1" in text
    assert "AI_ADDRCONFIG 127.0.0.1" in text


def test_a_skipped_line_and_what_it_holds_is_harmless() -> None:
    spoilt = replace(LINE, line=5, text="127.0.0.1\x1b[31mapp.test", fault="there is no space")
    text = page(replace(NAMES, hosts=(LINE, spoilt)))
    assert "\x1b" not in text
    assert "/etc/hosts line 5" in text


def test_no_answer() -> None:
    report = Report(command="resolve", started=datetime(2026, 1, 1, tzinfo=UTC), seconds=1.5, target=None,
                    verdict=Verdict.BROKEN, summary="it does not",
                    facts=Facts(names=replace(NAMES, errno="timed-out", seconds=1.5), answers=()))  # fmt: skip
    assert "app.test: timed-out after 1.50 s" in render(report, "table", Layout())


def test_a_source_that_is_not_known() -> None:
    assert "did not own up" in page(NAMES, replace(ANSWER, source=None))
