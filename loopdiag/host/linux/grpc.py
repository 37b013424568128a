"""Unary gRPC calls over a UNIX socket, bounded in time and size: enough to ask containerd.

The protocol is "gRPC over HTTP2" of the gRPC documentation; HTTP/2 (RFC 9113) is h2's.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from h2.events import Event

TIMEOUT = 2.0  # seconds for all calls of a connection together
MOST = 8 << 20  # bytes of one answer
_PREFIX = struct.Struct("!BI")  # before a message: whether it is compressed, its length


class Connection:
    """A client. Calls raise OSError, or ValueError with half a sentence; so does opening it."""

    def __init__(self, path: str) -> None:
        self._until = time.monotonic() + TIMEOUT
        self._http = H2Connection()
        self._link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._link.settimeout(TIMEOUT)
            self._link.connect(path)
        except OSError:
            self._link.close()
            raise
        self._http.initiate_connection()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._link.close()

    def call(self, method: str, message: bytes = b"", **metadata: str) -> bytes:
        """The message that answers; `method` is `/package.Service/Method`, a _ in a name of metadata stands for -."""
        stream = self._http.get_next_available_stream_id()
        names = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        self._http.send_headers(stream, [
            (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "localhost"),
            ("te", "trailers"), ("content-type", "application/grpc"), *names,
        ])  # fmt: skip
        self._http.send_data(stream, _PREFIX.pack(0, len(message)) + message, end_stream=True)
        return _message(*self._answer())

    def _answer(self) -> tuple[bytes, dict[bytes, bytes]]:
        """The body, and the headers with the trailers; there is one call at a time."""
        body = bytearray()
        headers: dict[bytes, bytes] = {}
        while len(body) <= MOST:
            for event in self._events():
                match event:
                    case DataReceived():
                        self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                        body += event.data
                    case ResponseReceived() | TrailersReceived():
                        headers.update(event.headers or ())
                    case StreamEnded():
                        return bytes(body), headers
                    case StreamReset() | ConnectionTerminated():
                        raise ValueError("it ends the call without an answer")
        raise ValueError(f"its answer is longer than {MOST >> 20} MiB")

    def _events(self) -> Iterable[Event]:
        """What comes next, after what we have to say is said."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._link.settimeout(left)
        self._link.sendall(self._http.data_to_send())
        data = self._link.recv(1 << 16)
        if not data:
            raise ValueError("it closes the connection without an answer")
        if data.startswith(b"HTTP/1"):  # which h2 takes for the beginning of a long frame
            raise ValueError("its answer is no HTTP/2")
        try:
            return self._http.receive_data(data)
        except ProtocolError:
            raise ValueError("its answer is no HTTP/2") from None


def _message(body: bytes, headers: dict[bytes, bytes]) -> bytes:
    status = headers.get(b"grpc-status", b"")
    if status not in (b"", b"0"):
        says = headers.get(b"grpc-message", b"").decode(errors="replace")
        raise ValueError(f"it answers gRPC status {status.decode(errors='replace')}" + (f" ({says})" if says else ""))
    if len(body) < _PREFIX.size or body[0] or _PREFIX.size + _PREFIX.unpack_from(body)[1] != len(body):
        raise ValueError("its answer is no gRPC message")
    return body[_PREFIX.size :]
