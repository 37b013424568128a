"""`loopdiag why TARGET`."""

from __future__ import annotations

import click

from loopdiag.cli.deliver import deliver
from loopdiag.cli.options import Settings, probe_options


@click.command()
@click.argument("target")
@probe_options
def why(target: str, settings: Settings) -> int:
    """The root cause, whatever the layer: why TARGET works, or why it does not.

    TARGET is a host, host:port, port, URL or unix:/path. Every address of it is tried as a client would; what the
    sockets saw is explained from the host's own state.

    \b
    Examples:
      loopdiag why localhost:3000
      loopdiag why http://localhost:3000/health
      loopdiag why 127.0.0.1
      loopdiag why udp://127.0.0.1:53
      loopdiag why unix:/run/docker.sock
    """
    from loopdiag.diagnose.why import why as diagnose

    return deliver(diagnose(target, family=settings.family, timeout=settings.timeout), settings)
