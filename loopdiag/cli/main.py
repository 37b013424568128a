"""The entry point and the one error boundary: what each kind of end prints, and its exit code."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import click

from loopdiag.cli.app import app
from loopdiag.cli.leaving import leave
from loopdiag.model.errors import LoopdiagError

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN = {"✓": "+", "✗": "x", "→": ">", "…": "~", "µ": "u"}
USAGE, CANNOT_TELL, BUG, INTERRUPTED = 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    _open_what_is_closed()
    _replace_what_has_no_character()
    try:
        code = leave(_run(words))
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_stdout()  # its reader went away: nobody is left to tell
        return 0
    except OSError as fault:
        _give_up_stdout()
        return _end(words, USAGE, f"the output cannot be written: {fault.strerror}")
    return code


def _open_what_is_closed() -> None:
    """A stream that was closed before we started (`>&-`) is None: what it would say goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - it lasts as long as we do


def _replace_what_has_no_character() -> None:
    """In a locale without UTF-8, our marks or a process's name may have none: a `?` is better than no report."""
    codecs.register_error("loopdiag", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="loopdiag")


def _plainly(fault: UnicodeError) -> tuple[str, int]:
    assert isinstance(fault, UnicodeEncodeError)
    return _PLAIN.get(fault.object[fault.start], "?"), fault.start + 1


def _give_up_stdout() -> None:
    """What is still in its buffer goes nowhere, so that Python does not try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    try:
        code = app.main(words, "loopdiag", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as fault:
        click.echo(fault.format_message(), err=True)
        return USAGE
    except click.ClickException as fault:
        command = fault.ctx.command_path if isinstance(fault, click.UsageError) and fault.ctx else None
        return _end(words, USAGE, fault.format_message(), command)
    except LoopdiagError as fault:
        return _end(words, fault.exit_code, str(fault))
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit:  # click's own way to end on EPIPE, before it reaches us
        raise BrokenPipeError from None
    except Exception as fault:  # noqa: BLE001 - the boundary: anything else is a bug of ours and says so
        if isinstance(fault, OSError):
            click.echo()  # raises the same again where printing was what failed
        return _bug(words, fault)
    return code if isinstance(code, int) else 0


def _end(words: list[str], code: int, sentence: str, command: str | None = None) -> int:
    """Say the sentence; returns the exit code."""
    hint = f" (see '{command} --help')" if command else ""
    from loopdiag.report.style import harmless

    sentence = harmless(" ".join(sentence.split()))
    with contextlib.suppress(OSError):  # a stderr that takes nothing does not change how this ends
        click.echo(f"loopdiag: {sentence}{hint}", err=True)
    match _format(words):
        case "nagios":  # it takes all that did not run as it should for UNKNOWN, and shows stdout alone
            click.echo(f"LOOPDIAG UNKNOWN - {sentence.replace('|', '/')}")
            return CANNOT_TELL
        case "json":  # one document, on failure too
            from loopdiag.cli.envelope import failed

            click.echo(failed("loopdiag" if words[0].startswith("-") else words[0], sentence), nl=False)
    return code


def _format(words: list[str]) -> str:
    """What was asked for, as far as the words were understood; those behind `--` are another program's."""
    ours = " ".join([*words, "--"][: [*words, "--"].index("--")]).replace("--format=", "--format ").split()
    if "--json" in ours:
        return "json"
    return next((value for name, value in pairwise(ours) if name == "--format"), "table")


def _bug(words: list[str], fault: Exception) -> int:
    if os.environ.get("LOOPDIAG_DEBUG"):
        raise fault
    import traceback

    where = traceback.extract_tb(fault.__traceback__)[-1]
    place = f"{os.path.basename(where.filename)}:{where.lineno}"  # noqa: PTH119 - pathlib is not loaded for this
    sentence = f"a bug in loopdiag: {type(fault).__name__}: {fault} ({place})"
    return _end(words, BUG, f"{sentence}; LOOPDIAG_DEBUG=1 shows the whole of it")
