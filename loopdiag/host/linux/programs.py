"""Other programs that we ask, bounded in time: only where the kernel's own interface would be another program's job."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence

PATIENCE = 5.0  # seconds
SBIN = ("/usr/sbin", "/sbin", "/usr/local/sbin")  # not in the PATH of ordinary users


def find_program(names: Iterable[str]) -> str | None:
    """The path of the first of these programs that there is, in PATH or where administrators' programs live."""
    from shutil import which

    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SBIN))
    return next((found for name in names if (found := which(name, path=path))), None)


def ask_programs(what: str, commands: Sequence[Sequence[str]]) -> tuple[str | Unknown, ...]:
    """The output of these commands, run side by side; an Unknown about `what` for each that failed or took too long."""
    import subprocess

    running: list[subprocess.Popen[bytes] | Unknown] = []
    for words in commands:
        try:
            running.append(
                subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**os.environ, "LC_ALL": "C"},
                )
            )
        except OSError as fault:
            running.append(Unknown(what, f"{words[0]} could not be run: {fault.strerror}"))
    return tuple(one if isinstance(one, Unknown) else _output(what, one) for one in running)


def _output(what: str, process: subprocess.Popen[bytes]) -> str | Unknown:
    import subprocess

    program = os.path.basename(str(process.args[0]))  # type: ignore[index]  # noqa: PTH119
    with process:
        try:
            said, complained = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            return Unknown(what, f"{program} gave no answer within {PATIENCE:g} s")
    if process.returncode != 0:
        lines = complained.decode(errors="replace").strip().splitlines()
        return Unknown(what, f"{program} failed: {lines[0][:200] if lines else f'exit {process.returncode}'}")
    return said.decode(errors="replace")
