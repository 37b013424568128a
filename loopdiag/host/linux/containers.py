"""Containers: from their runtime's socket where one answers, else by the paths of cgroups: cgroups(7).

Docker and Podman speak the same HTTP interface on a UNIX socket (Docker Engine API, "Inspect a container"), containerd
speaks gRPC. Other runtimes, such as CRI-O, LXC and systemd-nspawn, are seen by the cgroup that each puts its containers
in.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.host.linux.processes import WATCHES
from loopdiag.model.space import Container
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from typing import TypeVar

    Answer = TypeVar("Answer")

RUNTIMES = (
    ("docker", "run/docker.sock"),
    ("docker", "var/run/docker.sock"),
    ("podman", "run/podman/podman.sock"),
    ("containerd", "run/containerd/containerd.sock"),
    ("containerd", "run/k3s/containerd/containerd.sock"),
    ("containerd", "var/snap/microk8s/common/run/containerd.sock"),
)
_NAMED = (("docker", "DOCKER_HOST"), ("containerd", "CONTAINERD_ADDRESS"))  # `unix://PATH`, and containerd's PATH alone
_OF_USER = (("docker", "docker.sock"), ("podman", "podman/podman.sock"))  # below $XDG_RUNTIME_DIR
_ID = re.compile(rf"(?<![0-9a-f])(?<!{WATCHES})[0-9a-f]{{64}}(?![0-9a-f])")
_PREFIX = re.compile(r"[0-9a-f]{4,64}")
_SHORT = 12  # digits of an id that runtimes show
_PIDS = range((1 << 22) + 1)  # 0 for what does not run; pid_max of proc_sys_kernel(5) is no more than 2^22


class SeveralError(Exception):
    """A name or the beginning of an id stands for more than one container."""


def find_container(name: str, root: Path = Path("/")) -> tuple[Container | None, tuple[Unknown, ...]]:
    """The container of that name or id (or its beginning), and which runtimes could not be asked.

    `pid` is 0 for a container that is not running. Raises SeveralError where the name is ambiguous.
    """
    gaps: list[Unknown] = []
    for runtime, path in runtime_sockets(root):
        found = (_among_all if runtime == "containerd" else _inspect)(runtime, path, name)
        if isinstance(found, Unknown):
            gaps.append(found)
        elif found:
            return found, tuple(gaps)
    return _by_cgroup(name, root), tuple(gaps)


def read_names(wanted: Collection[str], root: Path = Path("/")) -> Mapping[str, str] | Unknown:
    """The names of containers by the first 12 digits of their ids; Unknown where no runtime answers.

    No further runtime is asked once all those `wanted` are known.
    """
    names: dict[str, str] = {}
    gap: Unknown | None = None
    for runtime, path in runtime_sockets(root):
        if all(one in names for one in wanted):
            break
        listed = _every(runtime, path) if runtime == "containerd" else _list(runtime, path)
        if isinstance(listed, Unknown):
            gap = listed
        elif isinstance(listed, list):
            names.update(_names(listed))
    return gap if gap and not names else names


def runtime_sockets(root: Path = Path("/")) -> Iterator[tuple[str, str]]:
    """The runtimes' sockets that are there, each once: the machine's, the user's, and those of the environment."""
    places = [(runtime, root / path) for runtime, path in RUNTIMES]
    own = os.environ.get("XDG_RUNTIME_DIR")
    places += [(runtime, root / own.lstrip("/") / path) for runtime, path in _OF_USER if own]
    for runtime, variable in _NAMED:
        scheme, _, named = os.environ.get(variable, "").rpartition("://")
        if named.startswith("/") and scheme in ("unix", "" if runtime == "containerd" else "unix"):
            places.append((runtime, root / named.lstrip("/")))
    seen = set()
    for runtime, place in places:
        real = os.path.realpath(place)
        if real not in seen and os.path.exists(real):  # noqa: PTH110 - Path.exists() may raise
            seen.add(real)
            yield runtime, real


def _inspect(runtime: str, path: str, name: str) -> Container | Unknown | None:
    from urllib.parse import quote

    from loopdiag.host.linux.unix_http import NotThereError

    try:
        told = _ask(runtime, path, f"/containers/{quote(os.fsencode(name), safe='')}/json")
    except NotThereError:
        return None
    if isinstance(told, Unknown):
        return told
    state = told.get("State") if isinstance(told, dict) else None
    pid = state.get("Pid") if isinstance(state, dict) else None
    if not isinstance(told, dict) or type(pid) is not int or pid not in _PIDS:  # True would be an int, too
        return Unknown(f"containers of {runtime}", f"what {runtime} says on {path} is not understood")
    return Container(_text(told.get("Id")) or name, _text(told.get("Name")).removeprefix("/") or None, pid, runtime)


def _text(value: object) -> str:
    """JSON may have half a surrogate pair in its strings (RFC 8259, 8.2), which nothing can print."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _among_all(runtime: str, path: str, name: str) -> Container | Unknown | None:
    """containerd's way: an id's beginning of 4 digits and more will do too, as anywhere."""
    from loopdiag.host.linux.containerd import is_called

    every = _every(runtime, path)
    if isinstance(every, Unknown):
        return every
    begins = [one for one in every if _PREFIX.fullmatch(name) and one.id.startswith(name)]
    found = [one for one in every if is_called(one, name)] or begins
    if len(found) > 1:
        raise SeveralError(", ".join(sorted(one.name or one.id[:_SHORT] for one in found)))
    return found[0] if found else None


def _every(runtime: str, path: str) -> list[Container] | Unknown:
    from loopdiag.host.linux.containerd import read_containers

    return _answer(runtime, path, lambda: read_containers(path))


def _ask(runtime: str, path: str, what: str) -> object | Unknown:
    """The JSON that a runtime answers. Raises NotThereError where it says that there is no such thing."""
    from loopdiag.host.linux.unix_http import get_json

    return _answer(runtime, path, lambda: get_json(path, what))


def _answer(runtime: str, path: str, ask: Callable[[], Answer]) -> Answer | Unknown:
    try:
        return ask()
    except OSError as fault:
        why = "it did not answer in time" if isinstance(fault, TimeoutError) else fault.strerror or str(fault)
    except ValueError as fault:
        why = str(fault)
    return Unknown(f"containers of {runtime}", f"{runtime} cannot be asked on {path}: {why}")


def _list(runtime: str, path: str) -> object | Unknown:
    from loopdiag.host.linux.unix_http import NotThereError

    try:
        return _ask(runtime, path, "/containers/json")
    except NotThereError:
        return Unknown(f"containers of {runtime}", f"{runtime} on {path} has no list of containers")


def _names(listed: list[object]) -> Iterator[tuple[str, str]]:
    for one in listed:
        if isinstance(one, Container) and one.name:
            yield one.id[:_SHORT], one.name
        if isinstance(one, dict) and isinstance(names := one.get("Names"), list) and names:
            name = _text(names[0]).removeprefix("/")
            if name and isinstance(one.get("Id"), str):
                yield one["Id"][:_SHORT], name


def _by_cgroup(name: str, root: Path) -> Container | None:
    """The process with the shortest cgroup path, which is not in a container within the container."""
    found: dict[str, tuple[int, int]] = {}
    for pid, path in _cgroups(root):
        identity = _matching(path, name)
        if identity:
            found[identity] = min(found.get(identity, (len(path), pid)), (len(path), pid))
    if len(found) > 1 and name not in found:
        raise SeveralError(", ".join(sorted(one[:_SHORT] for one in found)))
    for identity, (_, pid) in found.items():
        return Container(identity, None, pid, "cgroup")
    return None


def _cgroups(root: Path) -> Iterator[tuple[int, str]]:
    for pid in sorted(int(entry) for entry in os.listdir(root / "proc") if entry.isdecimal()):  # noqa: PTH208
        try:
            lines = (root / "proc" / str(pid) / "cgroup").read_text(errors="replace").splitlines()
        except OSError:
            continue
        yield from ((pid, path) for path in {line.split(":", 2)[-1] for line in lines})


def _matching(path: str, name: str) -> str | None:
    """The id (or name) of the container whose processes have that cgroup, where it is the one asked for."""
    ids: list[str] = _ID.findall(path)
    if _PREFIX.fullmatch(name):
        return next((one for one in ids if one.startswith(name)), None)
    escaped = name.replace("-", "\\x2d")  # as systemd.unit(5) writes it in the name of a unit
    units = (f"machine-{escaped}.scope", f"systemd-nspawn@{escaped}.service", f"lxc.payload.{name}")
    parts = path.split("/")
    if any(part in units for part in parts) or f"/lxc/{name}/" in f"{path}/":
        return name
    return None
