"""Processes, as far as they own sockets."""

from __future__ import annotations

from loopdiag.model.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process. `state` is the letter of proc_pid_stat(5) (R, S, D, T, t, Z).

    The command line is left out: it may hold secrets.
    """

    pid: int
    name: str
    uid: int | None = None
    user: str | None = None
    state: str | None = None
    parent: int | None = None
    parent_name: str | None = None
    descriptors: int | None = None  # open now
    descriptor_limit: int | None = None  # soft RLIMIT_NOFILE
    unit: str | None = None  # systemd unit or container, by cgroup
    frozen: bool = False  # with its cgroup: docker pause, cgroup.freeze
    waits_in: str | None = None  # the kernel function that it sleeps in, where it was read

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"
