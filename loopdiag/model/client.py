"""What clients that people use make of a target: predicted from their policy, and seen from the real one."""

from __future__ import annotations

from enum import StrEnum

from loopdiag.model.value import dataclass


class Ending(StrEnum):
    """How a client's attempt ends. `falls-back` reaches an address that is not its first; `hangs` waits in vain."""

    REACHES = "reaches"
    FALLS_BACK = "falls-back"
    PROXIED = "proxied"
    FAILS = "fails"
    HANGS = "hangs"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyUse:
    """The proxy that a variable sends the request to; `answers` is None where that could not be tried."""

    variable: str
    to: str
    answers: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What the real client did: the `peer` that it was connected to, or what it said. `agrees` with the prediction."""

    program: str
    peer: str | None
    says: str
    agrees: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One client's row. `seconds` pass before it tries the address that it reaches; None where nobody can say.

    `ran` are the versions that were run and did as the policy states; none where it rests on its sources alone.
    `addresses` are in the order of its attempts, empty where it has none; `tries` is `one`, `sequential` (each waits
    for `delay` seconds, or for the kernel's time-out), `racing` (the other IP version starts after `delay`).
    """

    client: str
    versions: str
    addresses: tuple[str, ...]
    tries: str
    delay: float | None
    ending: Ending
    address: str | None = None
    seconds: float | None = None
    says: str
    proxy: ProxyUse | None = None
    proxy_variables: tuple[str, ...] = ()
    no_proxy: str
    sources: tuple[str, ...]
    ran: tuple[str, ...] = ()
    verified: Witness | None = None
