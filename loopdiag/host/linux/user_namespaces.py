"""Which user namespace owns this network namespace: ioctl_ns(2). Capabilities for its ports count in that one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NS_GET_USERNS = 0xB701  # linux/nsfs.h


def owns_network(root: Path = Path("/")) -> bool | None:
    """Whether capabilities of this process count for the network namespace that it is in.

    False where a user namespace outside of its own owns it; None where the kernel does not tell.
    """
    import fcntl

    try:
        network = os.open(root / "proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        os.close(fcntl.ioctl(network, NS_GET_USERNS))
    except OSError as fault:
        return False if fault.errno == errno.EPERM else None  # EPERM: the owner is outside of the caller's scope
    finally:
        os.close(network)
    return True
