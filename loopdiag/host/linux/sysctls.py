"""Kernel settings below /proc/sys, those of the calling thread's network namespace: sysctl(8), proc(5)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_sysctls(names: Iterable[str], root: Path = Path("/")) -> dict[str, str | Unknown]:
    """The settings by dotted name; one that this kernel does not have is left out.

    In a name, `/` stands for a dot within a part, as in sysctl(8): `net.ipv4.conf.eth0/100.rp_filter`.
    """
    found: dict[str, str | Unknown] = {}
    if not (root / "proc/sys/net").is_dir():
        return {"net": Unknown("kernel settings", "/proc/sys/net is not there: mount proc to let them be read")}
    for name in names:
        value = read_sysctl(name, root)
        if value is not None:
            found[name] = value
    return found


def read_sysctl(name: str, root: Path = Path("/")) -> str | Unknown | None:
    """One setting without its line end; None where this kernel does not have it."""
    path = root / "proc/sys" / name.translate(str.maketrans("./", "/."))
    try:
        return path.read_text(errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return Unknown(name, f"{path} may not be read by this user: ask as root")
    except OSError as fault:
        return Unknown(name, f"{path} cannot be read: {fault.strerror}")
