"""`loopdiag resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopdiag.cli.clients import client_options
from loopdiag.cli.deliver import deliver
from loopdiag.cli.options import probe_options
from loopdiag.model.errors import UsageError
from loopdiag.model.target import parse_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.cli.options import Settings
    from loopdiag.model.report import Report


@click.command("resolve")
@click.argument("name")
@probe_options
@client_options
def resolve(name: str, settings: Settings, clients: Callable[[Report], Report]) -> int:
    """How this host turns NAME into addresses, in the order of getaddrinfo, and which source gave each.

    It says where the answer differs: for IPv4 or IPv6 alone, and for programs that ask with AI_ADDRCONFIG. A name
    server that does not answer is waited for 1.5 seconds, or as long as --timeout says.

    \b
    Examples:
      loopdiag resolve localhost
      loopdiag resolve -6 localhost
      loopdiag resolve app.localhost
      loopdiag resolve "$(hostname)" --json
      loopdiag resolve localhost --clients
    """
    if "://" in name or name.count(":") == 1:
        raise UsageError(f"'{name}' holds a scheme or a port: resolve takes the name alone")
    target = parse_host(name)
    from loopdiag.diagnose import resolve as diagnosis

    return deliver(clients(diagnosis.resolve(target, settings.family, settings.timeout)), settings)
