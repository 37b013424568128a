"""`connect` on hosts of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip")

SERVE = """
import socket, threading
six = ":" in "{0}"
s = socket.create_server(("{0}", {1}), family=socket.AF_INET6 if six else socket.AF_INET, dualstack_ipv6=six)
print(1, flush=True)
while True:
    s.accept()
"""


@pytest.fixture
def up(host: Host) -> Host:
    host.sh("ip link set lo up")
    host.file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    return host


def outcomes(report: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {one["to"]: one["outcome"] for one in report["observations"]}


def test_every_address_in_the_resolvers_order(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7100))
    report = up.report("connect", "localhost", "7100")
    assert list(outcomes(report).items()) == [("[::1]:7100", "refused"), ("127.0.0.1:7100", "connected")]
    assert report["verdict"] == "degraded"
    assert report["findings"][0]["cause"] == "listener-other-family"
    assert [one["to"] for one in report["proves"]] == ["[::1]:7100", "127.0.0.1:7100"]
    assert "python" in report["proves"][1]["says"]


@pytest.mark.parametrize("option", ["-4", "-6"])
def test_one_family(up: Host, option: str) -> None:
    report = up.report("connect", option, "localhost", "7101")
    assert len(report["observations"]) == 1
    assert ("[::1]" in report["observations"][0]["to"]) is (option == "-6")


def test_all_of_localhost_and_the_unspecified_address(up: Host) -> None:
    up.python(SERVE.format("::", 7102))
    for words in (["localhost:7102"], ["0.0.0.0", "7102"], ["[::]:7102"], ["127.9.9.9", "7102"], ["tcp://[::1]:7102"]):
        assert up.report("connect", *words)["verdict"] == "works", words


@pytest.mark.needs("nft")
def test_silence_ends_in_time_and_a_reject_is_seen_by_its_icmp_error(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7103))
    up.sh("nft add table inet t; nft add chain inet t i '{ type filter hook input priority 0; }';"
          "nft add rule inet t i tcp dport 7103 drop; nft add rule inet t i tcp dport 7104 reject")  # fmt: skip
    report = up.report("connect", "127.0.0.1", "7103")
    assert report["observations"][0]["outcome"] == "timed-out"
    assert report["seconds"] < 3
    report = up.report("connect", "127.0.0.1", "7104")
    assert report["observations"][0]["error_from"] == "127.0.0.1"
    assert "no-listener" not in [one["cause"] for one in report["findings"]]


def test_an_ordinary_user_is_told_what_stays_hidden(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7105))
    report = up.report("connect", "127.0.0.1:7105", user="nobody")
    assert report["verdict"] == "works"
    assert any("CAP_SYS_PTRACE" in gap["because"] for gap in report["unknown"])
    assert report["facts"]["listeners"][0]["process"] is None


def test_a_server_that_is_slow_to_accept_is_no_alarm(up: Host) -> None:
    late = SERVE.replace("    s.accept()", "    threading.Event().wait(0.2); s.accept()")
    up.python(late.format("127.0.0.1", 7106))
    report = up.report("connect", "127.0.0.1:7106")
    assert (report["verdict"], report["findings"]) == ("works", [])


@pytest.mark.parametrize("words", [["localhost"], ["localhost:80", "80"], ["localhost", "99999"], ["icmp://localhost"],
                                   ["--udp", "tcp://localhost:80"], ["unix:relative"]])  # fmt: skip
def test_wrong_words_are_one_sentence(up: Host, words: list[str]) -> None:
    done = up.loopdiag("connect", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_page_fits_80_columns(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7107))
    for words in (["localhost", "7107"], ["localhost", "7108"], ["--udp", "localhost", "7108"]):
        done = up.loopdiag("connect", *words)
        assert max(map(len, done.stdout.splitlines())) <= 80
        assert "7107" in done.stdout or "7108" in done.stdout
