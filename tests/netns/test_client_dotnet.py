"""The real .NET, where its SDK is installed: it does as predicted, makes one request and leaves nothing behind."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.netns.leftovers import ends_with_us
from tests.netns.test_clients import NO_PROXY, PROXY, SETUPS, Setup, build, verified, wrong

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip", "dotnet")

SILENT = """nft add table inet t; nft 'add chain inet t in { type filter hook input priority 0; }'
nft add rule inet t in tcp dport 3000 drop
"""


@pytest.mark.parametrize("name", SETUPS)
def test_dotnet_does_as_predicted(host: Host, name: str) -> None:
    build(host, SETUPS[name])
    rows = verified(host, SETUPS[name].ask, "--client", ".net", env=SETUPS[name].env)
    assert rows.keys() == {".NET"}
    assert not wrong(rows)


def test_every_form_of_no_proxy_is_read_as_predicted(host: Host) -> None:
    build(host, Setup(listen=("127.0.0.1", "127.0.0.1/3128")))
    for value, ask in NO_PROXY.items():
        rows = verified(host, ask, "--client", ".net", env={**PROXY, "no_proxy": value})
        assert rows.keys() == {".NET"}
        assert not wrong(rows), value


@pytest.mark.needs("nft")
def test_a_silent_listener_is_waited_for_and_then_left(host: Host) -> None:
    build(host, Setup(steps=SILENT))
    rows = verified(host, "http://127.0.0.1:3000", "--timeout", "200ms", "--client", ".net")
    assert rows[".NET"]["verified"]["says"] == "no end within 4 s"
    assert not wrong(rows)


@pytest.mark.needs("nft")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
@pytest.mark.parametrize("stage", ["client.cs", "client.dll"])  # the files that are there as it is made, and when made
def test_nothing_of_it_stays_when_we_are_ended(host: Host, sent: signal.Signals, stage: str) -> None:
    build(host, Setup(steps=SILENT))
    ends_with_us(host, ".net", stage, sent)
