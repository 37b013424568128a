"""What a rule does to a packet that matches: the same words for nft and for iptables."""

from __future__ import annotations

from loopdiag.model.value import dataclass

TERMINAL = ("accept", "drop", "reject", "queue", "stolen")
NAT = ("dnat", "redirect", "snat", "masquerade")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing that a rule does.

    `kind` is a verdict (accept, drop, reject, queue, stolen, jump, goto, return), a nat (dnat, redirect, snat,
    masquerade), or a change (mark, connmark, notrack, rewrite, tproxy, synproxy). `sure` is False where the rule may
    not have matched; `depends_on` says what that hangs on.
    """

    kind: str
    sure: bool = True
    depends_on: str = ""
    target: str = ""  # of jump and goto; the reject kind; the queues, as `3` or `3-5`
    address: str | None = None  # of a nat; None: as it is, or not known where `vague`
    port: int | None = None
    vague: bool = False  # the nat picks from several addresses or ports, named in `target`
    value: int | None = None  # of mark and connmark; None: not known
    bypass: bool = False  # of queue: without a reader the packet is accepted
    field: str = ""  # of rewrite: the packet's field
