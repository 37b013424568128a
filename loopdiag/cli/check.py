"""`loopdiag check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopdiag.cli.deliver import deliver, write_whole
from loopdiag.cli.options import probe_options
from loopdiag.model.errors import UsageError

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings

FILE = "loopdiag.toml"
_LARGEST = 4 << 20  # bytes


@click.command()
@click.argument("file", default=FILE, metavar="[FILE]")
@click.option("--init", "make", is_flag=True, help="Write FILE from the present state of this host.")
@click.option("--force", is_flag=True, help="With --init: overwrite FILE.")
@probe_options
def check(file: str, make: bool, force: bool, settings: Settings) -> int:
    """The assertions of FILE (loopdiag.toml), for CI and monitoring: exit 0 when all hold, 1 when one does not.

    The tables are [[tcp]], [[udp]], [[http]], [[tls]], [[ping]], [[resolve]], [[bind]], [[listener]], [[route]]
    and [[interface]], each with target and, where they differ from what is usual, name, expect, timeout and retries.
    All are tried side by side; what fails is diagnosed, and a shared cause is told once. docs/check.md has all keys.

    \b
    Examples:
      loopdiag check --init
      loopdiag check
      loopdiag check ci/hosts.toml --format junit --output report.xml
    """
    if make:
        return _init(file, force, settings)
    if force:
        raise click.UsageError("--force goes with --init")
    from loopdiag.diagnose.check import check as run
    from loopdiag.model.checkfile import parse_checks

    assertions = parse_checks(_read(file), file)
    return deliver(run(assertions, family=settings.family, timeout=settings.timeout, file=file), settings)


def _read(file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"'{file}' is longer than 4 MiB")
        return data.decode("utf-8").removeprefix("\ufeff")
    except FileNotFoundError:
        raise UsageError(
            f"there is no file '{file}': loopdiag check --init writes one from this host's state"
        ) from None
    except UnicodeDecodeError as fault:
        raise UsageError(f"'{file}' is not UTF-8: byte {fault.start} cannot be read") from None
    except (OSError, ValueError) as fault:
        raise UsageError(f"'{file}' cannot be read: {getattr(fault, 'strerror', None) or fault}") from None


def _init(file: str, force: bool, settings: Settings) -> int:
    if Path(file).exists() and not force:
        raise UsageError(f"'{file}' is there already: --force overwrites it")
    from loopdiag.diagnose.checking.init import init

    text = init(settings.family)
    write_whole(file, text)
    if not settings.quiet:
        click.echo(f"loopdiag: wrote {text.count('[[')} assertions to {file}", err=True)
    return 0
