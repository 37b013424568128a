"""What keeps a process from accepting: it is stopped, or it may open no more files. proc_pid_stat(5), accept(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known

if TYPE_CHECKING:
    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket, UnixSocket

STOPPED = {"T": "stopped by a signal", "t": "stopped by a debugger"}
FREEZER = ("do_freezer_trap", "__refrigerator")  # where the tasks of a frozen cgroup sleep: cgroups(7)


def how_stopped(process: Process) -> str | None:
    """`stopped by a signal` and the like; None where it goes on."""
    if process.frozen or process.waits_in in FREEZER:
        return "frozen with its cgroup"
    return STOPPED.get(process.state or "")


def is_out_of_descriptors(process: Process) -> bool:
    """It has as many files open as it may have; accept() gives EMFILE then: RLIMIT_NOFILE of getrlimit(2)."""
    return (
        process.descriptors is not None
        and process.descriptor_limit is not None
        and process.descriptors >= process.descriptor_limit
    )


def is_activated(process: Process) -> bool:
    """It holds sockets for services that it starts on demand: systemd.socket(5), inetd(8)."""
    return process.name in ("systemd", "inetd", "xinetd")


def owners(socket: Socket | UnixSocket) -> tuple[Process, ...]:
    """The processes that hold it; none where that is hidden."""
    return known(socket.owners) or ()


def is_held_up(socket: Socket | UnixSocket) -> bool:
    """A process that holds it cannot accept, and waiting would not change that."""
    return any(how_stopped(one) or is_out_of_descriptors(one) for one in owners(socket))
