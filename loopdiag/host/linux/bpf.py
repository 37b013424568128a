"""The bpf(2) system call, as far as reading needs it: linux/bpf.h."""

from __future__ import annotations

import os
import platform
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CALL: Mapping[str, int] = {
    "x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351, "armv7l": 386, "i686": 357,
    "loongarch64": 280,
}  # fmt: skip
PROG_GET_FD_BY_ID, OBJ_GET_INFO_BY_FD, PROG_QUERY = 13, 15, 16
MOST = 64  # programs of one kind on one cgroup: BPF_CGROUP_MAX_PROGS
NAME = 64  # offset of `name` in struct bpf_prog_info: type, id, tag, 2 lengths, 2 pointers, load_time, uid, nr_map_ids,
#            map_ids


def bpf(command: int, attributes: bytearray) -> int:
    """One bpf(2); the kernel's answers stand in `attributes` afterwards. Raises OSError."""
    import ctypes

    number = CALL.get(platform.machine())
    if number is None:
        raise OSError(38, "no bpf(2) known on this machine")  # ENOSYS
    libc = ctypes.CDLL(None, use_errno=True)
    block = (ctypes.c_char * len(attributes)).from_buffer(attributes)
    result: int = libc.syscall(ctypes.c_long(number), ctypes.c_long(command), block, ctypes.c_ulong(len(attributes)))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def attached(cgroup: int, attach_type: int) -> tuple[int, ...]:
    """The ids of the programs attached to the open directory `cgroup` itself. Raises OSError."""
    import ctypes

    ids = (ctypes.c_uint32 * MOST)()
    query = bytearray(struct.pack("=IIIIQII", cgroup, attach_type, 0, 0, ctypes.addressof(ids), MOST, 0) + bytes(32))
    bpf(PROG_QUERY, query)
    count = struct.unpack_from("=I", query, 24)[0]
    return tuple(ids[:count])


def program_name(program: int) -> str:
    """The name of a loaded program, empty where it has none or may not be seen."""
    import ctypes

    try:
        handle = bpf(PROG_GET_FD_BY_ID, bytearray(struct.pack("=III", program, 0, 0)))
    except OSError:
        return ""
    try:
        info = (ctypes.c_char * 256)()
        bpf(OBJ_GET_INFO_BY_FD, bytearray(struct.pack("=IIQ", handle, len(info), ctypes.addressof(info))))
        return info.raw[NAME : NAME + 16].split(b"\0", 1)[0].decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(handle)
