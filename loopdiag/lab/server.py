"""The lab's server: one program whose behaviour a scenario chooses.

usage: python -m loopdiag.lab.server ADDRESS:PORT MODE ...     (unix:/path or unix:@name for a UNIX socket)

The socket:
  udp                 UDP in place of TCP; it echoes, or stays silent with `silent`
  udp-from:ADDRESS    UDP, answers from that address
  v6only, dual        IPV6_V6ONLY set or cleared
  reuseport           SO_REUSEPORT; noreuse leaves SO_REUSEADDR out
  freebind            IP_FREEBIND: an address that is not there (yet)
  mptcp               a Multipath TCP socket, as newer Go programs open
  device:DEV          SO_BINDTODEVICE
  backlog:N           of listen()
  bound               bind, never listen
  noaccept            listen, never accept
  inherited           a child holds the socket, its parent is gone, nobody accepts
  workers:N           N processes of one parent, each with a SO_REUSEPORT socket of its own
  also:ADDRESS:PORT   a second socket of the same process, with the same modes
  fds:N               the limit of open files leaves room for N connections
  name:NAME           what the process is called
What it speaks: echo (where nothing is said), http, tls, ... as in lab/service.py.

It prints `ready PID` once its socket is set up.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_IP_FREEBIND = 15  # linux/in.h
_IPPROTO_MPTCP = 262  # linux/in.h


def main(words: Sequence[str]) -> None:
    """Open the socket, say so, and serve until killed."""
    where, *modes = words
    name = option(modes, "name")
    if name:
        Path("/proc/self/comm").write_text(name)
    workers = int(option(modes, "workers") or 0)
    server = fork_workers(where, modes, workers) if workers else open_socket(where, modes)
    second = option(modes, "also")
    beside = open_socket(second, modes) if second else None
    context = None
    if has(modes, "tls"):
        from loopdiag.lab.certificates import server_context

        context = server_context(option(modes, "tls") or "self-signed", option(modes, "ca"))
    if "inherited" in modes:
        leave_to_child()
    if not workers:
        ready()
    if {"bound", "noaccept", "inherited"} & set(modes):
        threading.Event().wait()
    if server.type == socket.SOCK_DGRAM:
        answer_datagrams(server, modes)
    if beside:
        threading.Thread(target=accept_all, args=(beside, modes, context), daemon=True).start()
    accept_all(server, modes, context)


def ready() -> None:
    """Tell the lab, which waits for this line, that all is set up and which process it is."""
    print("ready", os.getpid(), flush=True)  # noqa: T201


def option(modes: Sequence[str], name: str) -> str | None:
    """What stands after `name:` in the modes; None where it is not there."""
    return next((mode.partition(":")[2] for mode in modes if mode.startswith(f"{name}:")), None)


def has(modes: Sequence[str], name: str) -> bool:
    """`name` or `name:...` is among the modes."""
    return any(mode == name or mode.startswith(f"{name}:") for mode in modes)


def sockaddr(where: str) -> tuple[socket.AddressFamily, Any]:
    """The family and address of `127.0.0.1:80`, `[::1]:80`, `:::80`, an address alone, or `unix:/path`."""
    if where.startswith("unix:"):
        path = where.removeprefix("unix:")
        return socket.AF_UNIX, f"\0{path[1:]}" if path.startswith("@") else path
    host, colon, port = where.rpartition(":")
    if not colon or where.endswith("]"):
        host, port = where, "0"
    host = host.removeprefix("[").removesuffix("]")
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    found = socket.getaddrinfo(host, int(port), 0, socket.SOCK_STREAM, 0, numeric)
    return found[0][0], found[0][4]


def open_socket(where: str, modes: Sequence[str]) -> socket.socket:
    """Socket, options, bind, listen."""
    family, address = sockaddr(where)
    kind = socket.SOCK_DGRAM if has(modes, "udp") or has(modes, "udp-from") else socket.SOCK_STREAM
    server = socket.socket(family, kind, _IPPROTO_MPTCP if "mptcp" in modes else 0)
    if "noreuse" not in modes:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "reuseport" in modes:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6 and {"v6only", "dual"} & set(modes):
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int("v6only" in modes))
    if "freebind" in modes:
        server.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    if device := option(modes, "device"):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    server.bind(address)
    if kind == socket.SOCK_STREAM and "bound" not in modes:
        server.listen(int(option(modes, "backlog") or 128))
    return server


def fork_workers(where: str, modes: Sequence[str], count: int) -> socket.socket:
    """In each of `count` children its own socket; their parent says when all are there, and only waits."""
    told, tell = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            server = open_socket(where, [*modes, "reuseport"])
            os.write(tell, b"!")
            return server
    for _ in range(count):
        os.read(told, 1)
    ready()
    raise AssertionError(threading.Event().wait())


def leave_to_child() -> None:
    """Only a child that knows nothing of the socket has it open: the parent ends."""
    if os.fork():
        os._exit(0)
    os.setsid()


def answer_datagrams(server: socket.socket, modes: Sequence[str]) -> None:
    """Echo each datagram, from another socket where `udp-from` names its address."""
    other = option(modes, "udp-from")
    answering = server
    if other:
        answering = socket.socket(server.family, socket.SOCK_DGRAM)
        answering.bind(sockaddr(f"{other}:0" if ":" not in other else f"[{other}]:0")[1])
    while True:
        data, peer = server.recvfrom(65535)
        if "silent" not in modes:
            answering.sendto(data, peer)


def accept_all(server: socket.socket, modes: Sequence[str], context: Any) -> None:
    """A thread for each connection, until killed. Out of descriptors, it waits for one as real servers do."""
    from loopdiag.lab.service import converse

    if spare := option(modes, "fds"):
        limit_descriptors(int(spare))
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            threading.Event().wait(0.05)
            continue
        threading.Thread(target=converse, args=(connection, modes, context), daemon=True).start()


def limit_descriptors(spare: int) -> None:
    """A limit of open files that leaves `spare` descriptors."""
    import resource

    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + spare, free + spare))


if __name__ == "__main__":
    main(sys.argv[1:])
