"""What nsswitch.conf(5) lets follow when a service has answered: the actions in brackets behind it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONE = re.compile(r"(!?)\s*(\w+)\s*=\s*(\w+)")


def action(services: Sequence[str], service: str, status: str) -> str:
    """`return`, `continue` or `merge`: what follows where `service` ends with `status` (success, notfound, ...)."""
    found = "return" if status == "success" else "continue"
    for word in _behind(services, service):
        for negated, on, then in _ONE.findall(word):
            if (on.lower() == status) is not bool(negated):
                found = then.lower()
    return found


def never_asked(services: Sequence[str], name_in_files: bool) -> tuple[str, ...]:
    """The services behind `files` that are not asked because of what it ends with."""
    if "files" not in services:
        return ()
    status = "success" if name_in_files else "notfound"
    behind = services[services.index("files") + 1 :]
    ends = action(services, "files", status) == "return"
    return tuple(one for one in behind if not one.startswith("[")) if ends else ()


def _behind(services: Sequence[str], service: str) -> list[str]:
    """The words in brackets that follow the service at once."""
    found: list[str] = []
    for word in services[services.index(service) + 1 :] if service in services else ():
        if not word.startswith("["):
            break
        found.append(word)
    return found
