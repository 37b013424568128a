"""Interfaces with their addresses on Windows, as psutil reads them."""

from __future__ import annotations

from loopdiag.host.portable import read_interfaces

__all__ = ["read_interfaces"]
