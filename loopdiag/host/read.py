"""The one place where a platform's readers are picked.

A topic is read by a function below `loopdiag.host.<platform>`; what a platform has no reader for is Unknown.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from typing import Any

PLATFORM = {"linux": "linux", "darwin": "darwin", "win32": "windows"}.get(sys.platform, "other")

# topic -> module:function below the platform's package
READERS = {
    "interfaces": "interfaces:read_interfaces",
    "route": "lookup:ask_route",
    "local_table": "routes:read_local_table",
    "rules": "rules:read_rules",
    "counters": "counters:read_counters",
    "sysctls": "sysctls:read_sysctls",
    "sockets": "sockets:read_sockets",
    "unlisted": "unlisted:read_unlisted",
    "listener_watch": "listener_watch:watch_listener",
    "unix_sockets": "unix_sockets:read_unix_sockets",
    "owners": "owners:find_owners",
    "owners_ahead": "owners_ahead:seek_owners",  # begins to look, and returns the reader
    "elsewhere": "namespaces:read_sockets_elsewhere",
    "spaces": "spaces:read_spaces",
    "space_of": "spaces:read_space_of",  # of one address
    "container_names": "containers:read_names",
    "names": "names.read:read_names",
    "ruleset": "ruleset:read_ruleset",
    "conntrack": "conntrack:read_conntrack",
    "qdiscs": "qdiscs:read_qdiscs",
    "cgroup_programs": "cgroups:read_cgroup_programs",
    "sandbox": "sandbox:read_sandbox",
    "excluded_ports": "excluded_ports:read_excluded_ports",  # Windows only
    "far_end": "far_end:read_far_end",  # of one connection
    "drops": "trace.drops:watch_drops",  # takes a callable that sends a probe
    "backends": "trace.backends:watch_connects",  # the same
    "journey": "trace.journey:record_journey",  # the same
}


def read(topic: str, *arguments: Any, **named: Any) -> Any:
    """Read one topic of this host; an Unknown where this platform has no reader for it."""
    module, _, function = READERS[topic].partition(":")
    name = f"loopdiag.host.{PLATFORM}.{module}"
    try:
        reader = import_module(name)
    except ModuleNotFoundError as missing:
        if not name.startswith(missing.name or "?"):
            raise
        from loopdiag.model.unknown import Unknown

        return Unknown(topic.replace("_", " "), f"loopdiag cannot read this on {sys.platform}")
    return getattr(reader, function)(*arguments, **named)
