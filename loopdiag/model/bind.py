"""What `bind-test` sees: an attempt to own a port, and the connections made to it from this host itself."""

from __future__ import annotations

from ipaddress import ip_address
from typing import ClassVar

from loopdiag.model.observation import Observation, TcpConnect, UdpExchange
from loopdiag.model.target import split_port
from loopdiag.model.value import dataclass


@dataclass(frozen=True, slots=True)
class BindTry:
    """One socket(), bind(), listen() sequence. `failed_call` is the call that gave `errno`; both None: it went well."""

    reuseaddr: bool
    failed_call: str | None = None
    errno: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind(Observation):
    """A local address and port asked for. `local` is the endpoint that the kernel gave.

    `tries` are all the ways in which it was asked, with and without SO_REUSEADDR; the last one is the outcome.
    `families` are the IP versions that the socket serves. `strangers` are peers that connected while it listened.
    """

    kind: ClassVar[str] = "bind"
    protocol: str = "tcp"
    failed_call: str | None = None
    reuseaddr: bool = False
    families: tuple[str, ...] = ()
    tries: tuple[BindTry, ...] = ()
    strangers: tuple[str, ...] = ()

    @property
    def wildcard(self) -> bool:
        """It asked for every address: 0.0.0.0 or ::."""
        return ip_address(self.address.partition("%")[0]).is_unspecified

    def attempt(self, *, reuseaddr: bool) -> BindTry | None:
        """The try with or without SO_REUSEADDR, if it was made."""
        return next((one for one in self.tries if one.reuseaddr is reuseaddr), None)


@dataclass(frozen=True, slots=True)
class Way:
    """A connection to make: to `destination`, from `source` or (None) from what the kernel chooses."""

    destination: str
    source: str | None = None


def source_of(one: Observation) -> str | None:
    """The address that a connection to a port just bound was made from, without port; None for other attempts."""
    if not isinstance(one, BoundConnect | BoundExchange) or not one.local:
        return None
    return split_port(one.local)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundConnect(TcpConnect):
    """A connection to the port just bound. `seen_as` is the client as the listener saw it."""

    seen_as: str | None = None
    accepted_at: str | None = None  # the listener's own end of the connection


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundExchange(UdpExchange):
    """A datagram to the port just bound. `seen_as` is the client as the bound socket saw it."""

    seen_as: str | None = None
