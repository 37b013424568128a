"""The frames of one probe, captured by packet socket on whatever interface they crossed: packet(7), CAP_NET_RAW."""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ETH_P_ALL, PACKET_OUTGOING, ARPHRD_LOOPBACK, ARPHRD_ETHER = 3, 4, 772, 1  # linux/if_ether.h, if_packet.h, if_arp.h
SO_TIMESTAMPNS = 35  # asm-generic/socket.h
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33  # asm-generic/socket.h
_BUFFER = 64 << 20  # bytes that may wait between two looks, on a host that is busy with others' packets
# On loopback what is sent and not what comes in, else each packet would be there twice: linux/filter.h.
_ONCE = (
    (0x20, 0, 0, 0xFFFFF01C),  # load the hardware type (SKF_AD_HATYPE)
    (0x15, 0, 2, ARPHRD_LOOPBACK),
    (0x20, 0, 0, 0xFFFFF004),  # load the packet type (SKF_AD_PKTTYPE)
    (0x15, 0, 1, PACKET_OUTGOING),
    (0x06, 0, 0, 0x40000),  # keep it whole
    (0x06, 0, 0, 0),  # leave it out
)
_LOOK = 0.05  # seconds: seldom enough not to disturb what is measured
_MOST = 64 << 20  # bytes to keep at most
_WHAT = "a capture of this probe's packets"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it crossed `device`: `at` is the wall clock in nanoseconds, `data` begins with the link header.

    `stamped` is whether `at` is the moment of crossing; else it is the one of reading.
    """

    at: int
    device: str
    data: bytes
    outgoing: bool
    stamped: bool = True


@dataclass(frozen=True, slots=True)
class Captured:
    """All frames of a stretch of time; `missed` is how many found no room."""

    frames: list[Frame]
    missed: int

    @property
    def gap(self) -> Unknown | None:
        """What is not known where frames were missed."""
        if not self.missed:
            return None
        return Unknown(
            _WHAT, f"this host was so busy that {self.missed} packets found no room, ours perhaps among them"
        )


class Capture:
    """Captures on every interface between `start` and `stop`. On loopback each packet is kept once, as it is sent."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._size = 0
        self._over = threading.Event()
        self._socket: socket.socket | None = None
        self.missed = 0  # packets for which there was no room

    def start(self) -> Unknown | None:
        """Begin; Unknown where packet sockets are not to be had."""
        if sys.platform != "linux":
            return Unknown(_WHAT, f"loopdiag cannot capture on {sys.platform}")
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            _prepare(self._socket)
        except PermissionError:
            return Unknown(_WHAT, "packet sockets need CAP_NET_RAW (root)")
        except OSError as fault:
            return Unknown(_WHAT, f"no packet socket can be opened: {fault.strerror}")
        self._socket.setblocking(False)
        self._thread = threading.Thread(target=self._collect, name="loopdiag-capture", daemon=True)
        self._thread.start()
        return None

    def stop(self) -> list[Frame]:
        """End, and return everything that was captured, other people's packets too."""
        if self._socket is None:
            return []
        self._over.set()
        self._thread.join()
        self._drain(self._socket)
        statistics = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        self.missed = struct.unpack("=II", statistics)[1]
        self._socket.close()
        self._socket = None
        return self._frames

    def _collect(self) -> None:
        while not self._over.wait(_LOOK) and self._socket is not None:
            self._drain(self._socket)

    def _drain(self, receiving: socket.socket) -> None:
        while self._size < _MOST:
            called = time.time_ns()
            try:
                data, control, _, name = receiving.recvmsg(1 << 16, 64)
            except OSError:
                return
            device, _, kind, hardware = name[:4]
            if hardware in (ARPHRD_LOOPBACK, ARPHRD_ETHER):
                at, outgoing = _stamp(control), kind == PACKET_OUTGOING
                # Until stamping is switched on, the kernel fills the stamp in as it is asked for: net/socket.c.
                self._frames.append(Frame(at, device, data, outgoing, stamped=at <= called))
                self._size += len(data)


def captured(work: Callable[[], object]) -> Captured | Unknown:
    """Everything that crossed an interface while `work` ran; `work` runs in any case."""
    capture = Capture()
    refused = capture.start()
    try:
        work()
    finally:
        frames = capture.stop()
    return refused or Captured(frames, capture.missed)


def time_between(frames: Sequence[Frame]) -> float | Unknown | None:
    """Seconds from the first frame to the second one; None where there is no second one."""
    if len(frames) < 2:
        return None
    request, answer = frames[:2]
    if not (request.stamped and answer.stamped):
        # The kernel begins some moments after a first socket has asked for it: net_enable_timestamp(), net/core/dev.c.
        return Unknown("the time between the kernel's stamps", "the kernel had not begun to stamp packets yet")
    return (answer.at - request.at) / 1e9


def _prepare(opened: socket.socket) -> None:
    import ctypes

    program = b"".join(struct.pack("=HBBI", *step) for step in _ONCE)
    held = ctypes.create_string_buffer(program)
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(_ONCE), ctypes.addressof(held)))
    opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    try:
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _BUFFER)  # CAP_NET_ADMIN
    except OSError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)


def _stamp(control: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= 16:
            seconds, nanoseconds = struct.unpack("=qq", data[:16])
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()
