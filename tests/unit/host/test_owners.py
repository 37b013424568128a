"""Who holds a socket, and what a process is: from a directory that stands for a host, and of our own process."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loopdiag.host.linux.owners import find_owners
from loopdiag.host.linux.processes import Processes
from loopdiag.model.process import Process
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


def told(root: Path | str, pid: int, *, brief: bool = False) -> Process:
    return Process(**Processes(root, brief=brief).tell(pid))


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
    found = find_owners({2}, root)[2]
    assert isinstance(found, tuple)
    (one,) = found
    assert (one.name, one.state, one.descriptors, one.descriptor_limit) == ("x (y) z", "T", 3, 1024)
    assert (one.unit, one.waits_in) == ("container abababababab", "do_signal_stop")


def test_a_traced_main_thread_is_not_stopped_while_others_run(root: Path) -> None:
    folder = process(root, 41, "debuggee", 20, State="t (tracing stop)", Threads="2")
    for task, state in ((41, "t"), (42, "S")):
        (folder / "task" / str(task)).mkdir(parents=True)
        (folder / "task" / str(task) / "status").write_text(f"State:\t{state}\n")
    assert told(root, 41).state == "S"


@pytest.mark.parametrize("mount", ["sys/fs/cgroup", "sys/fs/cgroup/unified"])
def test_a_process_that_is_frozen_with_its_cgroup(root: Path, mount: str) -> None:
    (root / "proc/30/cgroup").write_text("3:pids:/a\n0::/paused\n")
    assert not told(root, 30).frozen
    (root / mount / "paused").mkdir(parents=True)
    (root / mount / "paused/cgroup.events").write_text("populated 1\nfrozen 1\n")
    assert told(root, 30).frozen


@pytest.mark.parametrize(
    ("cgroup", "state", "waits_in"),
    [
        ("0::/at/rest", "S (sleeping)", None),  # the cgroup tells that it is not frozen
        ("6:freezer:/\n0::/", "S (sleeping)", None),  # nor can the root of all be
        ("6:freezer:/paused\n0::/", "D (disk sleep)", "do_freezer_trap"),  # which is how version 1 shows it
        ("0::/elsewhere", "S (sleeping)", "do_freezer_trap"),  # a cgroup that is not to be seen here
        ("6:freezer:/", "S (sleeping)", "do_freezer_trap"),
    ],
)
def test_in_brief_what_it_sleeps_in_is_read_where_nothing_else_tells_that_it_is_frozen(
    root: Path, cgroup: str, state: str, waits_in: str | None
) -> None:
    folder = process(root, 43, "web", 20, State=state)
    (folder / "cgroup").write_text(cgroup + "\n")
    (folder / "wchan").write_text("do_freezer_trap")
    (root / "sys/fs/cgroup/at/rest").mkdir(parents=True)
    (root / "sys/fs/cgroup/at/rest/cgroup.events").write_text("populated 1\nfrozen 0\n")
    (root / "proc/self/ns").mkdir(parents=True)
    (root / "proc/self/ns/cgroup").symlink_to("cgroup:[4026531835]")
    assert told(root, 43, brief=True).waits_in == waits_in
    assert told(root, 43).waits_in == "do_freezer_trap"


def test_the_root_of_a_cgroup_namespace_may_be_frozen(root: Path) -> None:
    (root / "proc/30/cgroup").write_text("0::/\n")
    (root / "proc/30/wchan").write_text("do_freezer_trap")
    (root / "proc/self/ns").mkdir(parents=True)
    (root / "proc/self/ns/cgroup").symlink_to("cgroup:[4026532000]")
    assert told(root, 30, brief=True).waits_in == "do_freezer_trap"


@pytest.mark.parametrize(("written", "name"), [("a\\\\b", "a\\b"), ("a\\nb", "a\nb"), ("a\\\\nb", "a\\nb")])
def test_a_name_as_it_is(root: Path, written: str, name: str) -> None:
    process(root, 42, written, 20)
    assert told(root, 42).name == name


def test_a_process_that_has_ended(root: Path) -> None:
    found = told(root, 99)
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
    assert told(root, 30).unit == unit


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
        assert [(one.name, one.descriptors) for one in owners] == [("gaps", 4)]


def test_sockets_with_the_same_owners_have_them_in_common(root: Path) -> None:
    process(root, 70, "many", 1, *range(300, 310))
    assert len({id(owners) for owners in find_owners(range(300, 310), root).values()}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_to_move_into_each_folder_finds_the_same(root: Path) -> None:
    for pid, inodes in ((71, (400, 401)), (72, (401,))):
        process(root, pid, "web", 1, *inodes)
    code = (
        "from loopdiag.host.linux.descriptors import search\n"
        f"proc = {str(root / 'proc')!r}\n"
        "there, moved = search(proc), search(proc, moving=True)\n"
        "assert there == moved, (there, moved)\n"
        "assert there[0][71] == (2, [400, 401])\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_files_of_a_process_whose_main_thread_has_ended(root: Path) -> None:
    left = process(root, 50, "threads", 1, State="Z (zombie)", Threads="2")
    for thread, links in (("50", ()), ("51", ("socket:[12]",))):
        (left / "task" / thread / "fd").mkdir(parents=True)
        (left / "task" / thread / "status").write_text(f"State:\t{'S' if links else 'Z'}\n")
        for number, link in enumerate(links):
            (left / "task" / thread / "fd" / str(number)).symlink_to(link)
    owners = find_owners({12}, root)[12]
    assert isinstance(owners, tuple)
    assert [(one.pid, one.descriptors) for one in owners] == [(50, 1)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_our_own_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        owners = find_owners([inode := os.fstat(ours.fileno()).st_ino])[inode]
        open_now = len(list(Path("/proc/self/fd").iterdir()))  # that of the listing is among them in both
    assert isinstance(owners, tuple)
    (found,) = owners
    assert found.descriptors == open_now
    assert found.descriptor_limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert (found.uid, found.state, found.parent) == (os.getuid(), "R", os.getppid())


@pytest.mark.needs("root", "unshare")
def test_the_limit_is_that_of_the_process_that_a_foreign_proc_means() -> None:
    """In a PID namespace of its own, with the /proc of ours, PID 1 is another process for every system call."""
    code = (
        "import resource, sys\n"
        "from loopdiag.host.linux.processes import Processes\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (77, 77))\n"
        "print(Processes().tell(1)['descriptor_limit'])"
    )
    inside = subprocess.run(["unshare", "--pid", "--fork", sys.executable, "-c", code], capture_output=True, text=True,
                            check=True)  # fmt: skip
    assert inside.stdout.split() == [str(told("/", 1).descriptor_limit)]
    assert inside.stdout.split() != ["77"]
