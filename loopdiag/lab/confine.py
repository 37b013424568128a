"""Confine this process, then become the program that is to feel it.

usage: python -m loopdiag.lab.confine seccomp CALL[:AF_NAME] ERRNO -- PROGRAM WORDS
       python -m loopdiag.lab.confine landlock bind|connect [PORT ...] -- PROGRAM WORDS

seccomp(2): CALL (for socket, of that address family alone) fails with ERRNO. landlock(7): TCP bind or connect is denied
but for these ports.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2  # linux/prctl.h, linux/seccomp.h
_RET_ALLOW, _RET_ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h: BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_CALLS = {  # asm/unistd.h
    "x86_64": {"socket": 41, "connect": 42, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50, "setsockopt": 54},
    "aarch64": {"socket": 198, "connect": 203, "sendto": 206, "sendmsg": 211, "bind": 200, "listen": 201,
                "setsockopt": 208},
}  # fmt: skip
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_NET = {"bind": 1, "connect": 2}  # linux/landlock.h: LANDLOCK_ACCESS_NET_*
_RULE_NET_PORT = 2
_ABI_WITH_NET = 4


def main(words: Sequence[str]) -> None:
    """Confine, then exec; ends with a sentence where this kernel cannot."""
    at = list(words).index("--")
    kind, *what = words[:at]
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    if kind == "seccomp":
        seccomp(libc, *what)
    elif kind == "landlock":
        landlock(libc, what[0], [int(port) for port in what[1:]])
    else:
        sys.exit(f"'{kind}' confines nothing: seccomp or landlock")
    os.execvp(words[at + 1], list(words[at + 1 :]))


def seccomp(libc: ctypes.CDLL, call: str, error: str) -> None:
    """A filter that lets everything pass but `call`."""
    name, _, family = call.partition(":")
    number = _CALLS[platform.machine()][name]
    refuse = struct.pack("HBBI", _RETURN, 0, 0, _RET_ERRNO | getattr(errno, error))
    allow = struct.pack("HBBI", _RETURN, 0, 0, _RET_ALLOW)
    program = struct.pack("HBBI", _LOAD, 0, 0, 0)  # seccomp_data.nr
    if family:
        program += struct.pack("HBBI", _JUMP_EQUAL, 0, 3, number)
        program += struct.pack("HBBI", _LOAD, 0, 0, 16)  # seccomp_data.args[0]
        program += struct.pack("HBBI", _JUMP_EQUAL, 0, 1, getattr(socket, family))
    else:
        program += struct.pack("HBBI", _JUMP_EQUAL, 0, 1, number)
    program += refuse + allow
    held = ctypes.create_string_buffer(program, len(program))
    sock_fprog = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))
    _check(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, sock_fprog, 0, 0), "seccomp")


def landlock(libc: ctypes.CDLL, access: str, ports: Sequence[int]) -> None:
    """A ruleset that handles `access` of TCP, and allows it for `ports` alone."""
    abi = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if abi < _ABI_WITH_NET:
        sys.exit("this kernel's Landlock does not know TCP")
    attribute = struct.pack("QQ", 0, _NET[access])
    ruleset = libc.syscall(_CREATE_RULESET, attribute, ctypes.c_size_t(len(attribute)), 0)
    _check(min(ruleset, 0), "landlock_create_ruleset")
    for port in ports:
        rule = struct.pack("QQ", _NET[access], port)
        _check(libc.syscall(_ADD_RULE, ruleset, _RULE_NET_PORT, rule, 0), "landlock_add_rule")
    _check(libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def _check(result: int, what: str) -> None:
    if result != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(sys.argv[1:])
