"""What confines this process: seccomp, capabilities, LSM label, Landlock. proc(5), capabilities(7), landlock(7)."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.host.linux.user_namespaces import owns_network
from loopdiag.model.limits import Sandbox
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECCOMP = {"0": "disabled", "1": "strict", "2": "filter"}
CAPABILITIES = (
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore",
)  # fmt: skip
MULTICAST = "ff01::1"  # TCP refuses it before any route is looked up: tcp_v6_connect()
NOWHERE = "2001:db8::1"  # RFC 3849: no host has it


def read_sandbox(port: int | None = None, root: Path = Path("/")) -> Sandbox | Unknown:
    """What /proc tells of this process's confinement, and what system calls that send nothing are refused.

    `port` is tried against Landlock, whose rules are by port and show nowhere in /proc.
    """
    try:
        status = _status((root / "proc/thread-self/status").read_text())
    except OSError as fault:
        return Unknown("sandbox of this process", f"/proc/thread-self/status cannot be read: {fault.strerror}")
    return Sandbox(
        seccomp=SECCOMP.get(status.get("Seccomp", ""), Unknown("seccomp", "this kernel does not tell")),
        no_new_privileges=_flag(status),
        capabilities=_capabilities(status),
        landlock=_refuses_port(port) if port else None,
        lsm=_label(root),
        user_namespace_owns_network=owns_network(root),
        refused=tuple(_tried(root)),
    )


def _status(text: str) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def _flag(status: Mapping[str, str]) -> bool | Unknown:
    told = status.get("NoNewPrivs")
    return Unknown("NoNewPrivs", "this kernel does not tell") if told is None else told == "1"


def _capabilities(status: Mapping[str, str]) -> tuple[str, ...] | Unknown:
    try:
        bits = int(status["CapEff"], 16)
    except (KeyError, ValueError):
        return Unknown("capabilities", "/proc/thread-self/status does not tell")
    return tuple(f"CAP_{name.upper()}" for at, name in enumerate(CAPABILITIES) if bits >> at & 1)


def _label(root: Path) -> str | None:
    """The label that SELinux, AppArmor or Smack gave; None where none of them is active."""
    try:
        return (root / "proc/thread-self/attr/current").read_text().strip("\0\n ") or None
    except OSError:
        return None


def _tried(root: Path) -> Iterator[tuple[str, str]]:
    """socket() for each kind that diagnosing needs: the call, and the errno where it is refused."""
    kinds = {
        "socket(AF_INET, SOCK_STREAM)": (socket.AF_INET, socket.SOCK_STREAM, 0),
        "socket(AF_INET, SOCK_DGRAM)": (socket.AF_INET, socket.SOCK_DGRAM, 0),
        "socket(AF_NETLINK, SOCK_RAW)": (socket.AF_NETLINK, socket.SOCK_RAW, 0),
        "socket(AF_UNIX, SOCK_STREAM)": (socket.AF_UNIX, socket.SOCK_STREAM, 0),
    }
    if (root / "proc/thread-self/net/if_inet6").exists():  # the kernel has IPv6
        kinds["socket(AF_INET6, SOCK_STREAM)"] = (socket.AF_INET6, socket.SOCK_STREAM, 0)
        kinds["socket(AF_INET6, SOCK_DGRAM)"] = (socket.AF_INET6, socket.SOCK_DGRAM, 0)
    for call, words in kinds.items():
        try:
            socket.socket(*words).close()
        except OSError as fault:
            yield call, errno.errorcode.get(fault.errno or 0, str(fault.errno))


def _refuses_port(port: int) -> str | None:
    """`denies connect` or `denies bind` where a security module refuses TCP on `port` whatever the address.

    Both calls fail for another reason right after the security hooks, so that nothing is sent and nothing bound:
    connect() to a multicast address (ENETUNREACH), bind() to an address that is not this host's (EADDRNOTAVAIL).
    """
    denied = [f"denies {call}" for call in ("connect", "bind") if _errno(call, port) == errno.EACCES]
    return " and ".join(denied) or None


def _errno(call: str, port: int) -> int | None:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            if call == "connect":
                probe.connect((MULTICAST, port))
            else:
                probe.bind((NOWHERE, port))
    except OSError as fault:
        return fault.errno
    return None
