"""`--netns`, `--pid`, `--container`: the question is asked in there, with the program and nothing else of out here."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.host import PROJECT
from tests.netns.runtime import cgroup_folder, in_cgroup, recorded, start_box, start_runtime

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip", "unshare")
ID = "0123456789abcdef" * 4


@pytest.fixture
def out_here(host: Host) -> Host:
    host.sh("ip link set lo up; mount -t tmpfs tmpfs /run; mkdir /run/netns")
    host.file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    host.file("/etc/nsswitch.conf", "hosts: files\n")
    return host


def test_a_process_is_asked_for_by_its_own_network_and_names(out_here: Host) -> None:
    pid = start_box(out_here, '("127.0.0.1", 7100)')
    report = out_here.report("why", "inner:7100", "--pid", str(pid))
    assert report["verdict"] == "works", report["summary"]
    assert report["unknown"] == []
    answers = out_here.report("resolve", "inner", "--pid", str(pid))["facts"]["answers"]
    assert [(one["address"], one["source"]["file"]) for one in answers] == [("127.0.0.1", "/etc/hosts")]
    assert out_here.report("resolve", "inner")["verdict"] != "works"
    assert out_here.report("why", "127.0.0.1:7100")["findings"][0]["cause"] == "listener-other-namespace"


def test_nothing_of_it_stays_out_here(out_here: Host) -> None:
    pid = start_box(out_here, '("127.0.0.1", 7100)')
    scratch = out_here.folder / "scratch"  # /tmp itself is everybody's
    scratch.mkdir()
    before = out_here.sh("cat /etc/hosts; cat /proc/mounts; ls -a /run")
    out_here.report("resolve", "inner", "--pid", str(pid), env={"TMPDIR": str(scratch)})
    assert out_here.sh("cat /etc/hosts; cat /proc/mounts; ls -a /run") == before
    assert list(scratch.iterdir()) == []


def test_links_lead_where_they_lead_in_there(out_here: Host) -> None:
    """An absolute symbolic link in a container is no way to a file of the host."""
    folder = out_here.folder / "root"
    for name in ("etc", "run", "proc"):
        (folder / name).mkdir(parents=True)
    (folder / "etc/hosts").symlink_to("/run/hosts")
    (folder / "run/hosts").write_text("127.0.0.9 linked\n")
    code = f"import os, time; os.chroot('{folder}'); print(os.getpid(), flush=True); time.sleep(600)"
    process = out_here.start("unshare", "--net", "python3", "-c", code)
    pid = out_here.sh(f"cat /proc/{_inside(process.pid)}/status | grep ^NSpid").split()[-1]
    answers = out_here.report("resolve", "linked", "--pid", pid)["facts"]["answers"]
    assert [one["address"] for one in answers] == ["127.0.0.9"]


def _inside(pid: int) -> str:
    """The pid by which the host knows a process that was started in it: nsenter forks for the PID namespace."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = re.search(r"^NSpid:.*\s(\d+)$", Path(f"/proc/{children[0]}/status").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_a_name_of_ip_netns_with_its_files(out_here: Host) -> None:
    out_here.sh("ip netns add box; ip -n box link set lo up; mount -t tmpfs tmpfs /srv; "
                "mkdir /srv/netns /srv/work; cp -a /etc /srv/etc; mkdir -p /srv/etc/netns/box; "
                "echo 127.0.0.5 inner > /srv/etc/netns/box/hosts; mount --bind /srv/etc /etc")  # fmt: skip
    answers = out_here.report("resolve", "inner", "--netns", "box")["facts"]["answers"]
    assert [one["address"] for one in answers] == ["127.0.0.5"]
    assert [one["name"] for one in out_here.report("interfaces", "--netns", "box")["facts"]["interfaces"]] == ["lo"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--netns", "nowhere"), "no network namespace 'nowhere'"),
        (("--netns", "/etc/hosts"), "not a network namespace"),
        (("--pid", "4000000"), "no process 4000000"),
        (("--container", "nowhere"), "no container 'nowhere'"),
        (("--pid", "1", "--netns", "x"), "exclude each other"),
    ],
)
def test_what_is_not_there_is_one_sentence(out_here: Host, words: tuple[str, ...], says: str) -> None:
    done = out_here.loopdiag("interfaces", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_the_right_it_is_not_told_for_broken(out_here: Host) -> None:
    pid = start_box(out_here, '("127.0.0.1", 7100)')
    done = out_here.loopdiag("interfaces", "--pid", str(pid), user="nobody")
    assert done.returncode == 3
    assert "CAP_SYS_ADMIN" in done.stderr


@pytest.mark.parametrize("mode", ["plain", "chunked"])
def test_a_container_by_its_name_through_the_runtime(out_here: Host, mode: str) -> None:
    pid = start_box(out_here, '("127.0.0.1", 7100)')
    start_runtime(out_here, recorded(ID, pid), mode)
    report = out_here.report("why", "inner:7100", "--container", "web")
    assert (report["verdict"], report["unknown"]) == ("works", [])
    done = out_here.loopdiag("why", "inner:7100", "--container", "other")
    assert (done.returncode, "no container 'other'" in done.stderr) == (2, True)


def test_a_fifo_is_no_namespace_and_nobody_waits_for_its_writer(out_here: Host) -> None:
    out_here.sh("mkfifo /run/netns/pipe")
    done = out_here.loopdiag("interfaces", "--netns", "pipe", timeout=20)
    assert (done.returncode, "not a network namespace" in done.stderr) == (2, True)
    assert out_here.loopdiag("listeners", "--all-namespaces", timeout=20).returncode == 0


def test_a_container_whose_process_is_gone(out_here: Host) -> None:
    start_runtime(out_here, recorded(ID, 4_000_000))
    done = out_here.loopdiag("interfaces", "--container", "web")
    assert (done.returncode, "docker says that its process is 4000000" in done.stderr) == (2, True)


def test_files_are_taken_over_where_ended_children_are_ignored(out_here: Host) -> None:
    pid = start_box(out_here, '("127.0.0.1", 7100)')
    command = f"cd {PROJECT}; trap '' CHLD; exec {sys.executable} -m loopdiag resolve inner --json --pid {pid}"
    answers = json.loads(out_here.sh(command))["facts"]["answers"]
    assert [one["address"] for one in answers] == ["127.0.0.1"]


def test_a_container_that_does_not_run(out_here: Host) -> None:
    start_runtime(out_here, recorded(ID, 0), path="/run/podman/podman.sock")
    done = out_here.loopdiag("interfaces", "--container", "web")
    assert (done.returncode, "is not running" in done.stderr) == (2, True)


@pytest.mark.skipif(cgroup_folder() is None, reason="needs cgroups of version 2")
@pytest.mark.parametrize("mode", ["silent", "garbage"])
def test_by_cgroup_where_the_runtime_does_not_answer(out_here: Host, mode: str) -> None:
    pid = start_box(out_here, '("127.0.0.1", 7100)')
    start_runtime(out_here, {}, mode)
    with in_cgroup(_outside(out_here, pid), f"docker-{ID}.scope"):
        report = out_here.report("connect", "127.0.0.1:7100", "--container", ID[:12])
        assert report["verdict"] == "works"
        assert [one["what"] for one in report["unknown"]] == ["containers of docker"]
        found = out_here.report("listeners", "7100", "--all-namespaces")["facts"]["listeners"]
        assert [one["process"]["unit"] for one in found] == [f"container {ID[:12]}"]
    done = out_here.loopdiag("connect", "127.0.0.1:7100", "--container", ID[:12])
    assert (done.returncode, "/run/docker.sock" in done.stderr) == (3, True)


@pytest.mark.skipif(cgroup_folder() is None, reason="needs cgroups of version 2")
def test_listeners_are_named_after_their_container(out_here: Host) -> None:
    pid = start_box(out_here, '("127.0.0.1", 7100)')
    start_runtime(out_here, recorded(ID, pid))
    with in_cgroup(_outside(out_here, pid), f"libpod-{ID}.scope"):
        found = out_here.report("listeners", "--all-namespaces", "web")["facts"]["listeners"]
    assert [(one["port"], one["process"]["unit"]) for one in found] == [(7100, "container web")]


def _outside(host: Host, pid: int) -> int:
    """The pid that this machine has for a process of the host."""
    space = Path(f"/proc/{host.pid}/ns/pid").readlink()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = re.search(r"^NSpid:.*$", (folder / "status").read_text(), re.MULTILINE)
            if line and line[0].split()[-1] == str(pid) and (folder / "ns/pid").readlink() == space:
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"no process {pid} in the host")


@pytest.mark.needs("setpriv")
def test_a_rootless_container_is_its_users_to_enter(out_here: Host) -> None:
    source = out_here.folder / "rootless"
    source.write_text("127.0.0.7 rootless\n")
    out_here.folder.chmod(0o755)
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    script = f"mount --bind {source} /etc/hosts && ip link set lo up && exec python3 -c '{code}'"
    process = out_here.start("unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-ec", script,
                             user="nobody")  # fmt: skip
    answers = out_here.report("resolve", "rootless", "--pid", _inside(process.pid), user="nobody")["facts"]["answers"]
    assert [one["address"] for one in answers] == ["127.0.0.7"]
