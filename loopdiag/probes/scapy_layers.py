"""Load scapy without a trace: by itself it writes to the user's ~/.cache and makes ~/.config on import."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS = {"XDG_CACHE_HOME": ".cache", "XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"}
_NOWHERE = os.devnull  # a path below it can neither exist nor be made


def ethernet() -> Any:
    """scapy's Ether class, with IPv4, IPv6, ICMP, TCP and UDP known to it."""
    with _leaving_nothing():
        import scapy.layers.inet6  # brings inet and l2
        from scapy.layers.l2 import Ether

        assert scapy.layers.inet6
        return Ether


def pcap_writer() -> Any:
    """scapy's PcapWriter class."""
    with _leaving_nothing():
        from scapy.utils import PcapWriter

        return PcapWriter


@contextmanager
def _leaving_nothing() -> Iterator[None]:
    """Where scapy has a cache already it may read it; it gets no folder to make one in."""
    before = {name: os.environ.get(name) for name in _FOLDERS}
    try:
        for name, default in _FOLDERS.items():
            folder = Path(before[name] or Path.home() / default) / "scapy"
            if not _complete(folder):
                os.environ[name] = _NOWHERE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _complete(folder: Path) -> bool:
    try:
        return (folder / "manufdb.pickle").exists() and (folder / "services.pickle").exists()
    except OSError:
        return False
