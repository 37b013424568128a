"""Each form of NO_PROXY against each kind of host: read by those that say so, and by no other."""

from __future__ import annotations

import pytest

from loopdiag.explain.clients.no_proxy import broken_by, captured_by, honoured
from loopdiag.explain.clients.policy import FORMS, ProxyPolicy

PROXY = {"http_proxy": "http://127.0.0.1:3128"}
# The form -> an entry that only it covers, and the host.
COVERED = {
    "star": ("*", "localhost"),
    "star-among": ("a,*", "localhost"),
    "host": ("localhost", "localhost"),
    "domain": ("localhost", "app.localhost"),
    "dot-domain": (".localhost", "app.localhost"),
    "leading-dot": (".localhost", "localhost"),
    "host:port": ("localhost:3000", "localhost"),
    "address:port": ("127.0.0.1:3000", "127.0.0.1"),
    "cidr": ("127.0.0.0/8", "127.0.0.1"),
    "cidr-of-name": ("10.0.0.0/8", "box"),
    "::1": ("::1", "::1"),
    "[::1]": ("[::1]", "::1"),
    "glob": ("127.*", "127.0.0.1"),
}


def policy(*forms: str, never: bool = False) -> ProxyPolicy:
    return ProxyPolicy(http=("http_proxy",), no_proxy=("no_proxy",), forms=forms, never_for_loopback=never)


def captured(by: ProxyPolicy, no_proxy: str, host: str, port: int = 3000) -> bool:
    environment = {**PROXY, "no_proxy": no_proxy}
    return captured_by(by, environment, False, host, port, loopback=True, address="10.7.0.1") is not None


def test_every_form_is_here() -> None:
    assert COVERED.keys() == FORMS.keys()


@pytest.mark.parametrize("form", COVERED)
def test_a_form_covers_what_it_says_and_is_not_read_by_others(form: str) -> None:
    entry, host = COVERED[form]
    extra = ("host",) if form.endswith(":port") else ()
    assert not captured(policy(form, *extra), entry, host)
    assert captured(policy(*extra), entry, host)


@pytest.mark.parametrize("no_proxy", ["", "other", "localhost.example", "host", "localhost:3001", "127.0.0.1", "a *"])
def test_what_does_not_name_localhost_does_not_cover_it(no_proxy: str) -> None:
    assert captured(policy(*FORMS), no_proxy, "localhost")


def test_the_first_variable_that_is_set_counts() -> None:
    by = ProxyPolicy(http=("http_proxy", "all_proxy"), https=("https_proxy",))
    found = captured_by(
        by, {"http_proxy": "", "all_proxy": "socks5://127.0.0.1"}, False, "localhost", 80, loopback=True
    )
    assert found is not None
    assert (found.variable, found.port) == ("all_proxy", 1080)
    assert captured_by(by, PROXY, True, "localhost", 443, loopback=True) is None


def test_loopback_is_never_sent_to_a_proxy_by_those_that_say_so() -> None:
    assert not captured(policy(never=True), "", "localhost")
    assert captured_by(policy(never=True), PROXY, False, "box", 80, loopback=False)


def test_an_entry_that_breaks_a_client_is_seen_among_others() -> None:
    by = ProxyPolicy(no_proxy=("no_proxy",), breaks_on=("[::1]",))
    assert broken_by(by, {"no_proxy": "localhost, [::1]"}, None)
    assert broken_by(by, {"no_proxy": "[fd00::7]"}, None)
    assert not broken_by(by, {"no_proxy": "localhost, ::1"}, None)
    assert not broken_by(ProxyPolicy(no_proxy=("no_proxy",)), {"no_proxy": "[::1]"}, None)


@pytest.mark.parametrize(("schemeless", "taken", "broken"), [
    ("read", True, False), ("ignored", False, False), ("fails", True, True),
])  # fmt: skip
def test_a_proxy_without_a_scheme(schemeless: str, taken: bool, broken: bool) -> None:
    by = ProxyPolicy(http=("http_proxy",), schemeless=schemeless)
    bare = {"http_proxy": "127.0.0.1:3128"}
    found = captured_by(by, bare, False, "box", 80, loopback=False)
    assert (found is not None) is taken
    assert broken_by(by, bare, found) is broken
    assert not broken_by(by, PROXY, captured_by(by, PROXY, False, "box", 80, loopback=False))


def test_a_variable_that_is_empty_hides_the_next_from_some() -> None:
    names = ("http_proxy", "HTTP_PROXY")
    environment = {"http_proxy": "", "HTTP_PROXY": "http://127.0.0.1:3128"}
    assert captured_by(ProxyPolicy(http=names), environment, False, "box", 80, loopback=False)
    hides = ProxyPolicy(http=names, empty_hides=("proxy",))
    assert captured_by(hides, environment, False, "box", 80, loopback=False) is None


@pytest.mark.parametrize(("hides", "taken"), [((), False), (("no_proxy",), True)])
def test_an_empty_no_proxy_hides_the_next_from_some(hides: tuple[str, ...], taken: bool) -> None:
    by = ProxyPolicy(
        http=("http_proxy",), no_proxy=("no_proxy", "NO_PROXY"), forms=("host",), empty_hides=hides,
    )  # fmt: skip
    environment = {**PROXY, "no_proxy": "", "NO_PROXY": "box"}
    assert (captured_by(by, environment, False, "box", 80, loopback=False) is not None) is taken


def test_what_is_read_is_said() -> None:
    assert honoured(ProxyPolicy()) == "reads no proxy variable"
    assert honoured(policy("host", "cidr")) == "no_proxy: the host itself, 127.0.0.0/8"
    assert honoured(ProxyPolicy(http=("http_proxy",))) == "reads no NO_PROXY"
