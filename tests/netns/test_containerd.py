"""`--container` with a real containerd and real containers, which need no image: a folder is their root."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.containerd import read_containers
from tests.netns.test_inside import out_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host import Host

__all__ = ["out_here"]
pytestmark = pytest.mark.needs("root", "ip", "unshare", "containerd", "ctr", "runc", "busybox")
SOCKET = "/run/containerd/containerd.sock"
ID = "5ec0" * 16
LABELS = ("--label", "io.kubernetes.pod.name=shop-7d9", "--label", "io.kubernetes.container.name=web")


def ctr(host: Host, *words: str) -> str:
    return host.sh(" ".join(("ctr", "--address", SOCKET, *words)))


def run(host: Host, identity: str, *options: str, space: str = "default", command: str = "/bin/sleep 600") -> None:
    """A container with a network of its own, the host's programs, and an /etc of its own."""
    root = host.folder / f"{space}-{identity}"
    for name in ("proc", "sys", "dev", "etc", "tmp", "usr"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "etc/hosts").write_text(f"127.0.0.7 {identity[:8]}\n")
    programs = ("--mount", "type=bind,src=/usr,dst=/usr,options=rbind:ro")
    ctr(host, "--namespace", space, "run", "--detach", "--rootfs", *programs, *options, str(root), identity, command)


@pytest.fixture
def host_with_containerd(out_here: Host) -> Iterator[Host]:
    out_here.sh("mkdir -p /run/containerd")
    config = out_here.folder / "config.toml"
    config.write_text(
        f'version = 2\nroot = "{out_here.folder}/root"\nstate = "/run/containerd"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'  # it would read the machine's network configuration
    )
    out_here.start("sh", "-c", f"echo starting; exec containerd --config {config} 2>{out_here.folder}/log")
    deadline = time.monotonic() + 20
    while not out_here.sh(f"[ -S {SOCKET} ] && ctr --address {SOCKET} version || true"):
        assert time.monotonic() < deadline, (out_here.folder / "log").read_text()
        time.sleep(0.1)
    yield out_here
    for space in ("default", "k8s.io"):
        for identity in ctr(out_here, "--namespace", space, "tasks", "ls", "--quiet").split():
            ctr(
                out_here, "--namespace", space, "tasks", "rm", "--force", identity
            )  # its shim ends, and what it mounted


def test_containers_by_id_and_by_name(host_with_containerd: Host) -> None:
    host = host_with_containerd
    run(host, "plain")
    run(host, "labelled", "--label", "nerdctl/name=db")
    run(host, ID, *LABELS, space="k8s.io")
    for name, identity in (("plain", "plain"), ("db", "labelled"), ("labelled", "labelled"), ("shop-7d9/web", ID),
                           ("web", ID), (ID[:10], ID)):  # fmt: skip
        report = host.report("resolve", identity[:8], "--container", name)
        assert [one["address"] for one in report["facts"]["answers"]] == ["127.0.0.7"], name
        assert report["unknown"] == []
    done = host.loopdiag("interfaces", "--container", "nowhere")
    assert (done.returncode, "there is no container 'nowhere'" in done.stderr) == (2, True)


def test_a_name_of_several_containers_is_not_guessed(host_with_containerd: Host) -> None:
    host = host_with_containerd
    run(host, ID, *LABELS, space="k8s.io")
    run(host, "ab" * 32, "--label", "io.kubernetes.pod.name=shop-8e0", *LABELS[2:], space="k8s.io")
    done = host.loopdiag("interfaces", "--container", "web")
    assert (done.returncode, "shop-7d9/web, shop-8e0/web" in done.stderr) == (2, True)
    assert host.loopdiag("interfaces", "--container", "shop-8e0/web").returncode == 0


def test_a_container_without_a_task_does_not_run(host_with_containerd: Host) -> None:
    host = host_with_containerd
    run(host, "plain")
    ctr(host, "tasks", "rm", "--force", "plain")
    done = host.loopdiag("interfaces", "--container", "plain")
    assert (done.returncode, "is not running" in done.stderr) == (2, True)


def test_listeners_are_named_after_their_container(host_with_containerd: Host) -> None:
    run(host_with_containerd, ID, "--label", "nerdctl/name=db", "--net-host", command="/bin/busybox httpd -f -p 7100")
    for words in (("7100",), ("db",), (ID[:12],)):
        deadline = time.monotonic() + 10
        while not (found := host_with_containerd.report("listeners", *words)["facts"]["listeners"]):
            assert time.monotonic() < deadline, words
        assert [(one["port"], one["process"]["unit"]) for one in found] == [(7100, "container db")]


def test_a_containerd_that_may_not_be_asked_is_not_seen(host_with_containerd: Host) -> None:
    run(host_with_containerd, ID, command="/bin/sleep 600")
    done = host_with_containerd.loopdiag("interfaces", "--container", "plain", user="nobody")
    assert (done.returncode, f"containerd cannot be asked on {SOCKET}: Permission denied" in done.stderr) == (3, True)


def test_it_is_read_within_our_own_process_too(host_with_containerd: Host) -> None:
    run(host_with_containerd, "plain")
    path = f"/proc/{host_with_containerd.pid}/root{SOCKET}"
    (one,) = read_containers(path)
    assert (one.id, one.name, one.found_by) == ("plain", None, "containerd")
    assert one.pid > 0
