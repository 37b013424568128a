"""Let a Firefox make one request, and keep it from every other one.

It is told what to ask for by the Remote Debugging Protocol (firefox-source-docs, devtools/backend/protocol: JSON
behind its length and a colon) over a UNIX socket in a profile of its own, so that nothing of this touches the network
that is looked at.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopdiag.probes.client_firefox_profile import SCRIPT, settings, write_profile
from loopdiag.probes.client_process import filled, kept
from loopdiag.probes.client_visit import Visit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from subprocess import Popen

    from loopdiag.probes.client_programs import Command

PATIENCE = 4.0  # seconds for the request itself, as other clients have
_PAUSE = 0.05  # seconds between two looks


def visit_with_firefox(command: Command, path: str, values: Mapping[str, str]) -> Visit | None:
    """Start it, let it ask for the URL, end it, and delete its folder. None where it did not get so far.

    Raises OSError where it cannot be started.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="loopdiag-client-", ignore_cleanup_errors=True) as folder:
        values = {**values, "folder": folder}
        write_profile(Path(folder), values["host"])
        words = [path, *(filled(word, values) for word in command.words)]
        environment = {name: filled(value, values) for name, value in command.environment.items()}
        with kept(words, environment, folder, command.seconds + 2 * PATIENCE, heard=False) as process:
            return _asked(process, Path(folder), values, time.monotonic() + command.seconds)


def _asked(process: Popen[str], folder: Path, values: Mapping[str, str], deadline: float) -> Visit | None:
    """Tell it what to ask for, and read what came of it; None where it did not get so far."""
    told = folder / "told"
    given = [values["url"], settings(values["host"]), str(told), PATIENCE]
    with (
        contextlib.suppress(OSError, ValueError, LookupError, TypeError),
        _connection(process, folder / "rdp", deadline) as talk,
    ):
        _evaluate(_Talk(talk), f"{SCRIPT}({json.dumps(given)})")
        latest = time.monotonic() + 2 * PATIENCE
        while not told.exists() and process.poll() is None and time.monotonic() < latest:
            time.sleep(_PAUSE)
        return _read(json.loads(told.read_text(encoding="utf-8")))
    return None


def _read(seen: Mapping[str, Any]) -> Visit | None:
    peer = (seen["peer"][0], seen["peer"][1]) if seen["peer"] else None
    if "unable" in seen:
        return None
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
                packet = json.loads(rest[: int(length)])
                if not isinstance(packet, dict):
                    raise LookupError("it speaks otherwise")
                return packet
            if not (part := self._stream.recv(65536)):
                raise LookupError("it ended the connection")
            self._rest += part
