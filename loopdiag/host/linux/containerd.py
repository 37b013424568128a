"""The containers of containerd, in all of its namespaces: the services of its API, api/services/*/v1/*.proto.

Its containers have ids that need not be numbers (`ctr run ... web`), and names by the labels of whoever made them:
nerdctl's, or the pod and container of Kubernetes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.host.linux.grpc import Connection
from loopdiag.model.space import Container

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVICES = "/containerd.services"
_POD, _IN_POD, _NERDCTL = "io.kubernetes.pod.name", "io.kubernetes.container.name", "nerdctl/name"
# Field numbers of the messages.
_ELEMENTS = 1  # of each answer: namespaces, containers, tasks
_ID, _LABELS = 1, 2  # of a Namespace (its name) and of a Container
_TASK_ID, _TASK_PID = 2, 3  # of a Process
_KEY, _VALUE = 1, 2  # of an entry of a map

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of Protocol Buffers


def read_containers(path: str) -> list[Container]:
    """All of them, `pid` 0 where one does not run. Raises OSError, or ValueError with half a sentence."""
    found: list[Container] = []
    with Connection(path) as containerd:
        spaces = containerd.call(f"{_SERVICES}.namespaces.v1.Namespaces/List")
        for space in (_text(one, _ID) for one in _elements(spaces)):
            made = containerd.call(f"{_SERVICES}.containers.v1.Containers/List", containerd_namespace=space)
            tasks = containerd.call(f"{_SERVICES}.tasks.v1.Tasks/List", containerd_namespace=space)
            pids = {_text(one, _TASK_ID): _number(one, _TASK_PID) for one in _elements(tasks)}
            for one in _elements(made):
                identity = _text(one, _ID)
                found.append(Container(identity, _name(one), pids.get(identity, 0), "containerd"))
    return found


def is_called(one: Container, name: str) -> bool:
    """By its id or its name; a container of a pod by POD/CONTAINER, or without its pod."""
    return name == one.id or (one.name is not None and name in (one.name, one.name.rpartition("/")[2]))


def _name(container: bytes) -> str | None:
    labels = {_text(entry, _KEY): _text(entry, _VALUE) for number, entry in _fields(container)
              if number == _LABELS and isinstance(entry, bytes)}  # fmt: skip
    pod, in_pod = labels.get(_POD), labels.get(_IN_POD)
    return labels.get(_NERDCTL) or (f"{pod}/{in_pod}" if pod and in_pod else None)


def _elements(message: bytes) -> Iterator[bytes]:
    return (value for number, value in _fields(message) if number == _ELEMENTS and isinstance(value, bytes))


def _text(message: bytes, wanted: int) -> str:
    return next((value.decode(errors="replace") for number, value in _fields(message)
                 if number == wanted and isinstance(value, bytes)), "")  # fmt: skip


def _number(message: bytes, wanted: int) -> int:
    return next((value for number, value in _fields(message) if number == wanted and isinstance(value, int)), 0)


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message by their numbers: "Encoding" of the documentation of Protocol Buffers."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("its answer is not understood")
        if at + length > len(message):
            raise ValueError("its answer is cut short")
        if kind == _BYTES:
            yield key >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("its answer is cut short")
