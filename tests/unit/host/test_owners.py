"""Who holds a socket, and what a process is: from a directory that stands for a host, and of our own process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from loopdiag.host.linux.owners import find_owners
from loopdiag.host.linux.processes import Processes
from loopdiag.model.unknown import Unknown


def process(root: Path, pid: int, name: str, parent: int, *inodes: int, **status: str) -> Path:
    folder = root / "proc" / str(pid)
    (folder / "fd").mkdir(parents=True)
    for number, inode in enumerate(inodes):
        (folder / "fd" / str(number)).symlink_to(f"socket:[{inode}]")
    lines = {"Name": name, "State": "S (sleeping)", "PPid": str(parent), "Uid": "1000\t1000\t1000\t1000", **status}
    (folder / "status").write_text("".join(f"{key}:\t{value}\n" for key, value in lines.items()))
    (folder / "limits").write_text("Max open files            1024                 4096                 files\n")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("ada:x:1000:1000::/home/ada:/bin/sh\n")
    process(tmp_path, 30, "worker", 20, 7)
    process(tmp_path, 20, "master", 1, 7, 8)
    process(tmp_path, 1, "init", 0)
    return tmp_path


def test_owners_are_found_ancestors_first(root: Path) -> None:
    owners = find_owners({7, 8, 0}, root)
    assert isinstance(owners[7], tuple)
    assert [(one.name, one.parent_name, one.user) for one in owners[7]] == [
        ("master", "init", "ada"),
        ("worker", "master", "ada"),
    ]
    assert 0 not in owners


def test_an_owner_that_is_not_there_is_unknown(root: Path) -> None:
    found = find_owners({9}, root)[9]
    assert isinstance(found, Unknown)
    assert "PID namespace" in found.because


@pytest.mark.needs("user")
def test_hidden_descriptors_are_unknown_with_the_right_that_would_show_them(root: Path) -> None:
    (root / "proc/1/fd").chmod(0)
    found = find_owners({9}, root)[9]
    assert isinstance(found, Unknown)
    assert "CAP_SYS_PTRACE" in found.because


def test_a_process_in_full(root: Path) -> None:
    folder = process(root, 40, "x (y) z", 20, 1, 2, 3, State="T (stopped)", Threads="1")
    (folder / "wchan").write_text("do_signal_stop")
    (folder / "cgroup").write_text(f"0::/system.slice/docker-{'ab' * 32}.scope\n")
    found = Processes(root).read(40)
    assert (found.name, found.state, found.descriptors, found.descriptor_limit) == ("x (y) z", "T", 3, 1024)
    assert (found.unit, found.waits_in) == ("container abababababab", "do_signal_stop")


def test_a_traced_main_thread_is_not_stopped_while_others_run(root: Path) -> None:
    folder = process(root, 41, "debuggee", 20, State="t (tracing stop)", Threads="2")
    for task, state in ((41, "t"), (42, "S")):
        (folder / "task" / str(task)).mkdir(parents=True)
        (folder / "task" / str(task) / "status").write_text(f"State:\t{state}\n")
    assert Processes(root).read(41).state == "S"


@pytest.mark.parametrize("mount", ["sys/fs/cgroup", "sys/fs/cgroup/unified"])
def test_a_process_that_is_frozen_with_its_cgroup(root: Path, mount: str) -> None:
    (root / "proc/30/cgroup").write_text("3:pids:/a\n0::/paused\n")
    assert not Processes(root).read(30).frozen
    (root / mount / "paused").mkdir(parents=True)
    (root / mount / "paused/cgroup.events").write_text("populated 1\nfrozen 1\n")
    assert Processes(root).read(30).frozen


@pytest.mark.parametrize(("written", "name"), [("a\\\\b", "a\\b"), ("a\\nb", "a\nb"), ("a\\\\nb", "a\\nb")])
def test_a_name_as_it_is(root: Path, written: str, name: str) -> None:
    process(root, 42, written, 20)
    assert Processes(root).read(42).name == name


def test_a_process_that_has_ended(root: Path) -> None:
    found = Processes(root).read(99)
    assert (found.pid, found.name, found.state) == (99, "?", None)


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/nginx.service", "nginx.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
        ("0::/", None),
        (f"4:pids:/docker/{'0f' * 32}", "container 0f0f0f0f0f0f"),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{'1e' * 32}.scope", "container 1e1e1e1e1e1e"),
        (f"0::/machine.slice/libpod_{'2d' * 32}/container", "container 2d2d2d2d2d2d"),
        (f"0::/x{'2d' * 32}", None),
        (f"0::/machine.slice/libpod-conmon-{'2d' * 32}.scope", f"libpod-conmon-{'2d' * 32}.scope"),
        ("0::/system.slice/web.service/worker", "web.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", "web.service"),
        ("0::/user@1000.service/app.slice/plain", None),
        ("2:cpu:/\n0::/system.slice/ssh.service", "ssh.service"),
    ],
)
def test_units_and_containers_by_cgroup(root: Path, cgroup: str, unit: str | None) -> None:
    (root / "proc/30/cgroup").write_text(cgroup + "\n")
    assert Processes(root).read(30).unit == unit


def test_a_process_that_has_ended_since_holds_nothing(root: Path) -> None:
    process(root, 80, "was", 1, 31, State="Z (zombie)", Threads="1")
    assert isinstance(find_owners({31}, root)[31], Unknown)


def test_without_process_1_some_are_hidden(root: Path) -> None:
    (root / "proc/1").rename(root / "proc/other")
    found = find_owners({9}, root)[9]
    assert isinstance(found, Unknown)
    assert "CAP_SYS_PTRACE" in found.because


def test_descriptors_are_found_behind_a_gap(root: Path) -> None:
    folder = process(root, 60, "gaps", 1, 21)
    for number, link in ((2, "/dev/null"), (4, "socket:[22]"), (5000, "socket:[23]")):
        (folder / "fd" / str(number)).symlink_to(link)
    for inode in (21, 22, 23):
        owners = find_owners({inode}, root)[inode]
        assert isinstance(owners, tuple)
        assert [one.name for one in owners] == ["gaps"]


def test_sockets_with_the_same_owners_have_them_in_common(root: Path) -> None:
    process(root, 70, "many", 1, *range(300, 310))
    assert len({id(owners) for owners in find_owners(range(300, 310), root).values()}) == 1


def test_files_of_a_process_whose_main_thread_has_ended(root: Path) -> None:
    left = process(root, 50, "threads", 1, State="Z (zombie)", Threads="2")
    for thread, links in (("50", ()), ("51", ("socket:[12]",))):
        (left / "task" / thread / "fd").mkdir(parents=True)
        (left / "task" / thread / "status").write_text(f"State:\t{'S' if links else 'Z'}\n")
        for number, link in enumerate(links):
            (left / "task" / thread / "fd" / str(number)).symlink_to(link)
    owners = find_owners({12}, root)[12]
    assert isinstance(owners, tuple)
    assert [one.pid for one in owners] == [50]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_our_own_process() -> None:
    found = Processes().read(os.getpid())
    assert found.descriptor_limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert found.descriptors == len(list(Path("/proc/self/fd").iterdir())) - 1  # that of the listing itself
    assert (found.uid, found.state, found.parent) == (os.getuid(), "R", os.getppid())


@pytest.mark.needs("root", "unshare")
def test_the_limit_is_that_of_the_process_that_a_foreign_proc_means() -> None:
    """In a PID namespace of its own, with the /proc of ours, PID 1 is another process for every system call."""
    code = (
        "import resource, sys\n"
        "from loopdiag.host.linux.processes import Processes\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (77, 77))\n"
        "print(Processes().read(1).descriptor_limit)"
    )
    inside = subprocess.run(["unshare", "--pid", "--fork", sys.executable, "-c", code], capture_output=True, text=True,
                            check=True)  # fmt: skip
    assert inside.stdout.split() == [str(Processes().read(1).descriptor_limit)]
    assert inside.stdout.split() != ["77"]
