"""`loopdiag listeners`."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import click

from loopdiag.cli.head_start import begun
from loopdiag.cli.options import probe_options
from loopdiag.model.errors import UsageError

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings


@click.command()
@click.argument("which", required=False, metavar="[PORT|PROCESS]")
@click.option("--exposed", is_flag=True, help="Only what others than this host can reach.")
@click.option("--all-namespaces", is_flag=True, help="Every network namespace of this machine (root sees all).")
@click.option("--verify", is_flag=True, help="Prove each reach by connecting to own addresses (TCP; no data is sent).")
@probe_options
def listeners(which: str | None, exposed: bool, all_namespaces: bool, verify: bool, settings: Settings) -> int:
    """Who listens, on what, and from where it can be reached.

    Every TCP listener and UDP socket with the IP versions that it really serves, its process, and its reach by
    addresses and devices; a packet filter may narrow that, which --verify shows. PROCESS is a name as ps shows it, a
    systemd unit or a container; its UNIX sockets are shown too.

    \b
    Examples:
      loopdiag listeners
      loopdiag listeners 8080
      loopdiag listeners nginx --verify
      loopdiag listeners --exposed --all-namespaces
    """
    port, process = _asked(which)
    gc.disable()  # nothing here makes cycles, and 15,000 listeners are collected through again and again
    seek = begun("owners_ahead")  # what takes the longest; the rest is loaded while it goes on
    import loopdiag.report.text.listeners  # noqa: F401 - as the last of all it would be waited for
    from loopdiag.cli.deliver import deliver
    from loopdiag.diagnose.listeners import Wish
    from loopdiag.diagnose.listeners import listeners as diagnose

    wish = Wish(port=port, process=process, exposed=exposed, all_namespaces=all_namespaces, verify=verify,
                family=settings.family, timeout=settings.timeout)  # fmt: skip
    return deliver(diagnose(wish, seek), settings)


def _asked(which: str | None) -> tuple[int | None, str | None]:
    """A port (`8080`, `:8080`), or a process's name."""
    if which is None:
        return None, None
    digits = which.removeprefix(":")
    if digits.isdecimal() or which.startswith(":"):
        from loopdiag.model.target import parse_port

        return parse_port(digits), None
    if not which.strip() or "\0" in which:
        raise UsageError("the name of the process is empty")
    return None, which
