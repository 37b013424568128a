"""A loopdiag.toml: what it may say, and how each mistake is told."""

from __future__ import annotations

import re

import pytest

from loopdiag.model.assertion import KINDS
from loopdiag.model.checkfile import parse_checks
from loopdiag.model.errors import UsageError

GOOD = """\
# checks
[[resolve]]
name = "localhost is loopback in both families"
target = "localhost"
expect = ["127.0.0.1", "0:0::1"]

[[tcp]]
name = "database"
target = "127.0.0.1:5432"
expect = "connected"          # or "refused", "timed-out"
timeout = "500ms"
retries = 2

[[listener]]
target = 5432
reach = "host"

[[tcp]]
target = ":3000"
timeout = 2

[[http]]
target = "localhost:8080/health"
expect = [200, 204]

[[interface]]
target = "lo"
addresses = ["127.0.0.1/8"]
mtu = 65536
"""


def test_the_assertions_come_in_the_order_of_the_file() -> None:
    found = parse_checks(GOOD, "f")
    assert [one.kind for one in found] == ["resolve", "tcp", "listener", "tcp", "http", "interface"]
    assert [one.line for one in found] == [2, 7, 14, 18, 22, 26]


def test_what_is_left_out_has_a_usual_value() -> None:
    resolve, database, listener, dev, http, interface = parse_checks(GOOD, "f")
    assert resolve.expect == ("127.0.0.1", "::1")
    assert (database.timeout, database.retries) == (0.5, 2)
    assert (listener.expect, listener.target, dict(listener.also)) == ("listening", "5432", {"reach": "host"})
    assert (dev.name, dev.expect, dev.timeout, dev.retries) == ("tcp :3000", "connected", 2.0, 0)
    assert http.expect == (200, 204)
    assert http.where is not None
    assert http.where.path == "/health"
    assert interface.also == {"addresses": ("127.0.0.1/8",), "mtu": 65536}


def test_every_kind_needs_a_target() -> None:
    for kind in KINDS:
        with pytest.raises(UsageError, match=f"^f:1: .*{kind}.* has no target"):
            parse_checks(f'[[{kind}]]\nname = "x"\n', "f")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[[tpc]]\ntarget = "x:1"', 1, "did you mean 'tcp'"),
        ('\n\n[[listner]]\ntarget = "1"', 3, "did you mean 'listener'"),
        ('[[tcp]]\ntarget = "x:1"\n\nexpct = "refused"', 4, "did you mean 'expect'"),
        ('[[tcp]]\ntarget = "x:1"\n[[tcp]]\ntarget = "x:2"\nretry = 1', 5, "did you mean 'retries'"),
        ('[[tcp]]\ntarget = "x:1"\nexpect = "conected"', 3, "did you mean 'connected'"),
        ('[[tcp]]\ntarget = "x:1"\nexpect = 5', 3, "must be one of"),
        ('[[tcp]]\ntarget = "x:1"\nretries = "2"', 3, "a whole number"),
        ('[[tcp]]\ntarget = "x:1"\nretries = -1', 3, "a whole number"),
        ('[[tcp]]\ntarget = "x:1"\nretries = true', 3, "a whole number"),
        ('[[tcp]]\ntarget = "x:1"\ntimeout = "soon"', 3, "a duration"),
        ('[[tcp]]\ntarget = "x:1"\nname = 3', 3, "a text"),
        ('[[tcp]]\ntarget = "localhost"', 2, "has no port"),
        ('[[tcp]]\ntarget = "x:99999"', 2, "is not a port"),
        ('[[tcp]]\ntarget = "udp://x:9"', 2, "something else"),
        ('[[http]]\ntarget = "x:1"\nexpect = 99', 3, "an HTTP status"),
        ('[[http]]\ntarget = "redis://x"', 2, "no http://"),
        ('[[tls]]\ntarget = "https://x"', 2, "no host:port"),
        ('[[resolve]]\ntarget = "localhost"', 1, "has no expect"),
        ('[[resolve]]\ntarget = "localhost"\nexpect = ["loopback"]', 3, "is no address"),
        ('[[bind]]\ntarget = "127.0.0.1"', 2, "has no port"),
        ('[[listener]]\ntarget = "22"\nreach = "world"', 3, "reach cannot be"),
        ('[[listener]]\ntarget = "localhost:22"', 2, "names no address"),
        ('[tcp]\ntarget = "x:1"', 1, "[[tcp]]"),
        ("tcp = 3", 1, "[[tcp]]"),
        ('x = 1\n[[tcp]]\ntarget = "x:1"', 1, "'x' is no kind"),
        ('[[tcp]]\ntarget = "x:1', 2, "not TOML"),
        ("[[tcp]\n", 1, "not TOML"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(text: str, line: int, says: str) -> None:
    with pytest.raises(UsageError) as said:
        parse_checks(text, "ci/loopdiag.toml")
    sentence = str(said.value)
    assert sentence.startswith(f"ci/loopdiag.toml:{line}: ")
    assert says in sentence
    assert "\n" not in sentence


def test_the_first_mistake_of_the_file_is_the_one_told() -> None:
    with pytest.raises(UsageError, match=re.escape("f:2:")):
        parse_checks('[[udp]]\nbad = 1\ntarget = "x:1"\n[[tcp]]\nworse = 1\n', "f")


def test_a_file_without_assertions_asserts_nothing_and_says_so() -> None:
    with pytest.raises(UsageError, match="no assertion"):
        parse_checks("# later\n", "f")
