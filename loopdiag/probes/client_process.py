"""Start a client's program, bound it in time, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loopdiag.probes.client_programs import Command

_QUIET = {"LC_ALL": "C", "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
# Starts the words that follow, and ends them as soon as the other end of the pipe is closed, be it that we were killed.
_KEEPER = """
import os, select, shutil, signal, subprocess, sys, time
folder, pipe, seconds, *words = sys.argv[1:]
child, end = None, time.monotonic() + float(seconds)
try:
    child = subprocess.Popen(words, process_group=0)
    while child.poll() is None and time.monotonic() < end and not select.select([int(pipe)], [], [], 0.05)[0]: pass
finally:
    if child and child.returncode is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(child.returncode & 255)
"""
_GOODBYE = 3.0  # seconds for what is kept to be ended and its folder deleted
_CLEAN_UP = '"$@"; rm -rf -- "$0"'  # what `sh -c` is given, with the folder and the words


@contextlib.contextmanager
def words_of(command: Command, path: str, values: Mapping[str, str]) -> Iterator[list[str]]:
    """The command line. Where it needs a folder, a shell deletes that at the end, even if we are killed before."""
    as_root = command.as_root if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    words = [path, *as_root, *command.words]
    if not any("{folder}" in word for word in words):
        yield [filled(word, values) for word in words]
        return
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="loopdiag-client-")
    bounded = ["timeout", "-k", "1", f"{command.seconds:g}"] if shutil.which("timeout") else []
    try:
        yield ["sh", "-c", _CLEAN_UP, folder, *bounded, *(filled(word, {**values, "folder": folder}) for word in words)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def started(
    words: list[str], environment: Mapping[str, str], text: str = "", keep: Sequence[int] = (), *, heard: bool = True
) -> subprocess.Popen[str]:
    """The program, in a session of its own, with `text` to read and the descriptors `keep` open.

    What it says is kept where it is `heard`, and thrown away otherwise.
    """
    says = subprocess.PIPE if heard else subprocess.DEVNULL
    with _file(text) as stdin:
        return subprocess.Popen(
            words, stdin=stdin, stdout=says, stderr=says, text=True, errors="replace", start_new_session=True,
            env={**os.environ, **_QUIET, **environment}, pass_fds=keep,
        )  # fmt: skip


@contextlib.contextmanager
def kept(
    words: Sequence[str], environment: Mapping[str, str], folder: str, seconds: float, *, heard: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """A keeper that runs the words, and exits as they do. After the block, if we are killed or after `seconds`, it has
    ended them and deleted the folder.
    """
    import sys

    its_end, our_end = os.pipe()
    with os.fdopen(its_end), os.fdopen(our_end, "w") as held:
        keeper = [sys.executable, "-I", "-c", _KEEPER, folder, str(its_end), f"{seconds:g}"]
        process = started([*keeper, *words], environment, keep=(its_end,), heard=heard)
        try:
            yield process
        finally:
            held.close()
            ended(process, _GOODBYE)


def ended(process: subprocess.Popen[str], seconds: float) -> tuple[str, str, bool]:
    """What it said on both, and whether it ended by itself; it and its children are over afterwards."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _kill(process)
        out, err = process.communicate()
        return out or "", err or "", False
    finally:
        _kill(process)
    return out or "", err or "", True


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the names in braces replaced that are values; scripts have braces of their own."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def _kill(process: subprocess.Popen[str]) -> None:
    import signal

    if process.poll() is None and hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode is None:
        process.kill()


def _file(text: str) -> IO[bytes]:
    """The text as an open file that is nowhere on a disk (Java seeks in its source, so a pipe will not do)."""
    handle = os.memfd_create("client") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)
    file = os.fdopen(handle, "w+b")
    file.write(text.encode())
    file.seek(0)
    return file
