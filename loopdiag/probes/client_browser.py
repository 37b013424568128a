"""Let a Chromium make one request: over its debugging pipe, so that nothing that the page asks for is fetched.

Chrome DevTools Protocol: JSON messages that end in NUL, read by the browser from descriptor 3 and written to 4.
"""

from __future__ import annotations

import os
import time
from dataclasses import field
from typing import TYPE_CHECKING, Any

from loopdiag.model.value import dataclass
from loopdiag.probes.client_visit import Visit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loopdiag.probes.client_programs import Command

# Starts the words that follow with our two ends of the pipes as descriptors 3 and 4.
LAUNCH = "import os, sys; a, b, *words = sys.argv[1:]; os.dup2(int(a), 13); os.dup2(int(b), 14); " \
    "os.dup2(13, 3); os.dup2(14, 4); os.execvp(words[0], words)"  # fmt: skip
_NO_CONTENT = 204
_GOODBYE = 3.0  # seconds for it to end


def visit_with_chromium(command: Command, path: str, values: Mapping[str, str]) -> Visit | None:
    """Start it, let it ask for the URL, and end it. None where it does not say how that went.

    Raises OSError where it cannot be started.
    """
    import sys

    from loopdiag.probes.client_process import ended, started, words_of

    (its_reading, writing), (reading, its_writing) = os.pipe(), os.pipe()
    try:
        with words_of(command, path, values) as words:
            words = [sys.executable, "-c", LAUNCH, str(its_reading), str(its_writing), *words]
            process = started(words, {}, keep=(its_reading, its_writing), heard=False)
            os.close(its_reading)
            os.close(its_writing)
            seen = Browser(reading, writing, command.seconds).visit(values["url"])
            ended(process, _GOODBYE)
    finally:
        os.close(reading)
        os.close(writing)
    return seen


@dataclass(slots=True)
class Browser:
    """The two ends of the pipes. Nothing is waited for longer than `seconds` altogether."""

    reading: int
    writing: int
    seconds: float
    _count: int = field(default=0, init=False)
    _asked: bool = field(default=False, init=False)  # the one request; all that come after it are left waiting
    _rest: bytes = field(default=b"", init=False)

    def visit(self, url: str) -> Visit | None:
        """Ask for the URL, and for nothing else; the browser is told to end afterwards."""
        self._tell("Target.createTarget", url="about:blank")
        seen = next((visit for message in self._heard() if (visit := self._answered(message, url))), None)
        self._tell("Browser.close")
        return seen

    def _answered(self, message: dict[str, Any], url: str) -> Visit | None:
        """Go on by what the browser says; the visit once it is known how that went."""
        result, about, session = message.get("result", {}), message.get("params", {}), message.get("sessionId", "")
        if "targetId" in result:
            self._tell("Target.attachToTarget", targetId=result["targetId"], flatten=True)
        elif "sessionId" in result:
            self._tell("Network.enable", result["sessionId"])
            stages = [{"requestStage": "Request"}, {"requestStage": "Response"}]
            self._tell("Fetch.enable", result["sessionId"], patterns=stages)
            self._tell("Page.navigate", result["sessionId"], url=url)
        elif message.get("method") == "Fetch.requestPaused":
            self._went_on(about, session)
        return _ending(message.get("method"), about)

    def _went_on(self, about: dict[str, Any], session: str) -> None:
        """Let the one request go on; the page gets an empty answer in its place, as it would ask for more otherwise."""
        if "responseStatusCode" in about:
            self._tell("Fetch.fulfillRequest", session, requestId=about["requestId"], responseCode=_NO_CONTENT)
        elif "responseErrorReason" in about or not self._asked:
            self._asked = True
            self._tell("Fetch.continueRequest", session, requestId=about["requestId"])

    def _tell(self, method: str, session: str = "", **params: object) -> None:
        import contextlib
        import json

        self._count += 1
        message = {"id": self._count, "method": method, "params": params, **({"sessionId": session} if session else {})}
        with contextlib.suppress(OSError):
            os.write(self.writing, json.dumps(message).encode() + b"\0")

    def _heard(self) -> Iterator[dict[str, Any]]:
        import json
        import select

        deadline = time.monotonic() + self.seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.reading], [], [], left)[0]:
                return
            if not (part := os.read(self.reading, 65536)):
                return
            *whole, self._rest = (self._rest + part).split(b"\0")
            yield from (json.loads(one) for one in whole)


def _ending(method: str | None, about: dict[str, Any]) -> Visit | None:
    """The answer's headers, a redirect, or an error: the first of these ends the visit, before anything is loaded."""
    response = about.get("response") if method == "Network.responseReceived" else about.get("redirectResponse")
    if response:
        return Visit((response["remoteIPAddress"].strip("[]"), response["remotePort"]))
    if method == "Network.loadingFailed":
        return Visit(said=about["errorText"])
    return None
