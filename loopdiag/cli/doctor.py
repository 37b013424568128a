"""`loopdiag doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopdiag.cli.deliver import deliver
from loopdiag.cli.options import probe_options

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings


@click.command()
@click.option("--only", multiple=True, metavar="CHECK", help="This check alone; may be given several times.")
@click.option("--skip", multiple=True, metavar="CHECK", help="Without this check; may be given several times.")
@probe_options
def doctor(only: tuple[str, ...], skip: tuple[str, ...], settings: Settings) -> int:
    """Every check of the host's own loopback, as a checklist.

    A tick is fine, ! is a warning, a cross has failed, - was skipped and says why. With --strict a warning counts
    as failed.

    \b
    Examples:
      loopdiag doctor
      loopdiag doctor --only localhost --only tcp-ipv4
      loopdiag doctor --skip exposed --format nagios
    """
    from loopdiag.diagnose.doctor import doctor as diagnose

    return deliver(diagnose(only, skip), settings)
