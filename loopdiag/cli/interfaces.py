"""`loopdiag interfaces`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopdiag.cli.deliver import deliver
from loopdiag.cli.options import probe_options

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings


@click.command("interfaces")
@probe_options
def interfaces(settings: Settings) -> int:
    """Interfaces and addresses, and what each address means for reachability.

    \b
    Examples:
      loopdiag interfaces
      loopdiag interfaces -6 -v
      loopdiag interfaces --json
    """
    from loopdiag.diagnose.interfaces import interfaces as diagnose

    return deliver(diagnose(settings.family), settings)
