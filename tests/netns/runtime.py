"""A container without a runtime: namespaces and a cgroup of its own, and a runtime's recorded answers on a socket."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.host import Host

# As Docker Engine 24 and Podman 4 answer `GET /containers/web/json`, cut to what matters and more.
RECORDED = {
    "Id": "ID", "Created": "2024-03-01T10:00:00.000000000Z", "Path": "python3", "Args": [], "Name": "/web",
    "State": {"Status": "running", "Running": True, "Paused": False, "Pid": 0, "ExitCode": 0},
    "HostConfig": {"NetworkMode": "bridge", "PortBindings": {}},
    "NetworkSettings": {"Ports": {"8080/tcp": None}, "IPAddress": "172.17.0.2"},
}  # fmt: skip
_SERVE = """
import json, os, socket, sys
path, mode, answers = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
os.makedirs(os.path.dirname(path), exist_ok=True)
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
print("ready", flush=True)
held = []
while True:
    link, _ = server.accept()
    if mode == "silent":
        held.append(link)
        continue
    what = link.recv(65536).split()[1].decode()
    body = json.dumps(answers.get(what) or {"message": "No such container: web"}).encode()
    status = b"200 OK" if what in answers else b"404 Not Found"
    if mode == "garbage":
        link.sendall(b"SSH-2.0-OpenSSH\\r\\n")
    elif mode == "chunked":
        link.sendall(b"HTTP/1.1 " + status + b"\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
        half = len(body) // 2
        for piece in (body[:half], body[half:]):
            link.sendall(b"%x\\r\\n%s\\r\\n" % (len(piece), piece))
        link.sendall(b"0\\r\\n\\r\\n")
        held.append(link)
        continue
    else:
        link.sendall(b"HTTP/1.0 " + status + b"\\r\\nContent-Type: application/json\\r\\n\\r\\n" + body)
    link.close()
"""


def start_runtime(
    host: Host, answers: Mapping[str, object], mode: str = "plain", path: str = "/run/docker.sock"
) -> None:
    """A socket inside `host` that gives these answers by path; `silent` says nothing, `garbage` no HTTP."""
    host.start("python3", "-c", _SERVE, path, mode, json.dumps(answers))


def recorded(identity: str, pid: int) -> dict[str, object]:
    """The answers about one container called web."""
    one = {**RECORDED, "Id": identity, "State": {**RECORDED["State"], "Pid": pid, "Running": pid != 0}}  # type: ignore[dict-item]
    listed = [{"Id": identity, "Names": ["/web"], "State": "running"}]
    return {"/containers/web/json": one, f"/containers/{identity}/json": one, "/containers/json": listed}


def start_box(host: Host, served: str, hosts: str = "127.0.0.1 localhost inner\n") -> int:
    """A process in network, mount and UTS namespaces of its own inside `host`; its pid as `host` counts.

    It has its own hosts file and host name, and listens where `served` (an expression of address and port) says.
    """
    source = host.folder / f"hosts-{served.__hash__() & 0xFFFF}"
    source.write_text(hosts)
    code = (f"import os, socket; s = socket.create_server({served}); print(os.getpid(), flush=True)\n"
            "while True:\n c = s.accept()[0]; c.sendall(b\"220 box\\\\r\\\\n\"); c.close()")  # fmt: skip
    script = f"mount --bind {source} /etc/hosts; hostname box; ip link set lo up; exec python3 -c '{code}'"
    process = subprocess.Popen(host.command("unshare", "--net", "--mount", "--uts", "sh", "-ec", script),
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    host._stack.enter_context(process)
    host._stack.callback(process.kill)
    assert process.stdout is not None
    return int(process.stdout.readline())


def cgroup_folder() -> Path | None:
    """Where cgroups of version 2 are."""
    for place in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
        if (place / "cgroup.procs").exists():
            return place
    return None


@contextlib.contextmanager
def in_cgroup(pid: int, name: str) -> Iterator[None]:
    """The process, by its pid out here, in a cgroup of that name while the block runs."""
    root = cgroup_folder()
    assert root is not None
    before = next(line.split(":", 2)[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()
                  if line.startswith("0:"))  # fmt: skip
    folder = root / name
    folder.mkdir()
    try:
        (folder / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        with contextlib.suppress(OSError):
            (root / before.lstrip("/") / "cgroup.procs").write_text(str(pid))
        with contextlib.suppress(OSError):
            folder.rmdir()
