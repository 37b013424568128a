"""Whether a real client did what was predicted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.address import endpoint
from loopdiag.model.client import Ending

if TYPE_CHECKING:
    from loopdiag.explain.clients.predict import Surroundings
    from loopdiag.model.client import Prediction


def agreement(
    row: Prediction, here: Surroundings, peer: str | None, said: str, waited: float | None, *, certain: bool = True
) -> bool | None:
    """True, False, or None where that cannot be told. `peer` is the endpoint that it was connected to.

    `waited`: the seconds after which it was stopped; None where it had ended by itself. `certain`: that there is no
    `peer` is no mere want of a trace.
    """
    if row.ending is Ending.UNKNOWN or not (certain or row.ending in (Ending.FAILS, Ending.HANGS)):
        return None
    if row.proxy and row.ending is Ending.PROXIED:
        return None if row.proxy.answers is None else _port(peer) == _port(row.proxy.to)
    if row.proxy:
        return peer is None
    if row.address and peer:
        return peer == endpoint(row.address.partition("%")[0], here.port)
    if waited is not None:
        return row.ending is Ending.HANGS or (row.seconds or 0.0) > waited
    return row.ending is Ending.FAILS and peer is None and row.says in said


def _port(where: str | None) -> str | None:
    return where.rpartition(":")[2] if where else None
