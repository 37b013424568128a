"""Let a Firefox make one request, and keep it from every other one.

It is told what to ask for by the Remote Debugging Protocol (firefox-source-docs, devtools/backend/protocol: JSON
behind its length and a colon) over a UNIX socket in a profile of its own, so that nothing of this touches the network
that is looked at.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopdiag.probes.client_firefox_profile import SCRIPT, settings, write_profile
from loopdiag.probes.client_process import ended, filled, started
from loopdiag.probes.client_visit import Visit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from subprocess import Popen

    from loopdiag.probes.client_programs import Command

PATIENCE = 4.0  # seconds for the request itself, as other clients have
_PAUSE = 0.05  # seconds between two looks
_GOODBYE = 3.0  # seconds for it to be ended and its folder deleted
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
"""


def visit_with_firefox(command: Command, path: str, values: Mapping[str, str]) -> Visit:
    """Start it, let it ask for the URL, end it, and delete its folder. Raises OSError where it cannot be started."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="loopdiag-client-", ignore_cleanup_errors=True) as folder:
        values = {**values, "folder": folder}
        write_profile(Path(folder), values["host"])
        with _running(command, path, values) as process:
            return _asked(process, Path(folder), values, time.monotonic() + command.seconds)


@contextlib.contextmanager
def _running(command: Command, path: str, values: Mapping[str, str]) -> Iterator[Popen[str]]:
    """Its keeper, which has ended it and deleted its folder after the block."""
    its_end, our_end = os.pipe()
    with os.fdopen(its_end), os.fdopen(our_end, "w") as held:
        keeper = (sys.executable, "-I", "-c", _KEEPER, values["folder"], str(its_end), f"{command.seconds + 9:g}")
        words = [*keeper, path, *(filled(word, values) for word in command.words)]
        environment = {name: filled(value, values) for name, value in command.environment.items()}
        process = started(words, environment, keep=(its_end,), heard=False)
        try:
            yield process
        finally:
            held.close()
            ended(process, _GOODBYE)


def _asked(process: Popen[str], folder: Path, values: Mapping[str, str], deadline: float) -> Visit:
    """Tell it what to ask for, and read what came of it; nothing where it did not get so far."""
    told = folder / "told"
    given = [values["url"], settings(values["host"]), str(told), PATIENCE]
    with contextlib.suppress(OSError, ValueError, LookupError), _connection(process, folder / "rdp", deadline) as talk:
        _evaluate(_Talk(talk), f"{SCRIPT}({json.dumps(given)})")
        latest = time.monotonic() + 2 * PATIENCE
        while not told.exists() and process.poll() is None and time.monotonic() < latest:
            time.sleep(_PAUSE)
        return _read(json.loads(told.read_text(encoding="utf-8")))
    return Visit()


def _read(seen: Mapping[str, Any]) -> Visit:
    peer = (seen["peer"][0], seen["peer"][1]) if seen["peer"] else None
    if "unable" in seen:
        return Visit()
    said = seen["said"].removesuffix(")").rpartition(" ")[2]  # of TLS: NAME(MODULE, NAME)
    return Visit(peer, said, None if seen["over"] else PATIENCE)


def _connection(process: Popen[str], path: Path, deadline: float) -> socket.socket:
    """To its UNIX socket, once that is there. Raises OSError where it never is."""
    while True:
        talk = socket.socket(socket.AF_UNIX)
        talk.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            talk.connect(str(path))
        except OSError:
            talk.close()
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return talk


def _evaluate(talk: _Talk, script: str) -> None:
    """Have the script run by the browser itself; raises LookupError where it does not take it."""
    browser = talk.ask("root", "getProcess", id=0)["processDescriptor"]["actor"]
    console = talk.ask(browser, "getTarget")["process"]["consoleActor"]
    talk.ask(console, "evaluateJSAsync", text=script)["resultID"]


class _Talk:
    """Packets over the socket."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._rest = b""

    def ask(self, to: str, kind: str, **more: object) -> dict[str, Any]:
        """The actor's answer; what it and others tell unasked has a `type`, and is left out."""
        packet = json.dumps({"to": to, "type": kind, **more}).encode()
        self._stream.sendall(b"%d:%s" % (len(packet), packet))
        while True:
            heard = self._heard()
            if heard.get("from") == to and "type" not in heard and "applicationType" not in heard:
                return heard

    def _heard(self) -> dict[str, Any]:
        while True:
            length, colon, rest = self._rest.partition(b":")
            if colon and len(rest) >= int(length):
                self._rest = rest[int(length) :]
                packet: dict[str, Any] = json.loads(rest[: int(length)])
                return packet
            if not (part := self._stream.recv(65536)):
                raise LookupError("it ended the connection")
            self._rest += part
