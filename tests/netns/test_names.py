"""Names on hosts of the test's own: what the C library really does with a file, against what we say of it."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.host import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip", "getent")

# %d is the number of the line, so that each has a name of its own.
LINES = (
    r"""
127.0.0.1 n%d
\t127.0.0.1\tn%d\r
127.0.0.1 a N%d b # c
127.0.0.01 n%d
127.1 n%d
127.0.0.l n%d
127.0.0.1n%d
::1n%d
#127.0.0.1 n%d
127.0.0.1 #n%d
; 127.0.0.1 n%d
127.0.0.1,n%d
127.0.0.1, n%d
127.0.0.1:80 n%d
[::1] n%d
::1%lo n%d
::1 n%d
::ffff:10.0.0.1 n%d
fd00::1 n%d
127.0.0.1 n%d.
127.0.0.1 n%d,x
127.0.0.1 n%d:80
127.0.0.1 http://n%d
127.0.0.1\xa0n%d
127.0.0.1 *.n%d
n%d 127.0.0.1
256.0.0.1 n%d
0.0.0.0 n%d
\x0b127.0.0.1\x0cn%d
127.0.0.1 n%d#x
127.0.0.1
127.0.0.1 x\0 n%d
127.0.0.1 n%d\0x
10.0.0.1 n%d n%d
""".strip("\n")
    .encode()
    .decode("unicode_escape")
    .split("\n")
)
WEB_SERVER = """
from http.server import HTTPServer, SimpleHTTPRequestHandler
server = HTTPServer(("127.0.0.1", 8000), SimpleHTTPRequestHandler)
print("ready", flush=True)
server.serve_forever()
"""


@pytest.fixture
def plain(host: Host) -> Host:
    """lo up, files and DNS, a name server at 127.0.0.1 that does not exist."""
    host.sh("ip link set lo up")
    host.file("/etc/nsswitch.conf", "hosts: files dns\n")
    host.file("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    host.file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    return host


def nameserver(host: Host, *words: str) -> None:
    host.start(sys.executable, "-m", "loopdiag.lab.nameserver", "127.0.0.1", *words, env={"PYTHONPATH": str(PROJECT)})


def causes(report: dict[str, Any]) -> list[str]:
    return [found["cause"] for found in report["findings"] if found["severity"] != "note"]


def sources(report: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    return [(one["address"], one["source"]["service"], one["source"]["line"]) for one in report["facts"]["answers"]]


def test_lines_count_for_us_as_for_the_c_library(plain: Host) -> None:
    """Each line has a name of its own; getent asks nss_files alone."""
    plain.file("/etc/hosts", "\n".join(line.replace("%d", str(at)) for at, line in enumerate(LINES)))
    code = (
        "import json; from loopdiag.host.linux.names.read import read_names as read; "
        f"print(json.dumps([[line.address for line in read(f'n{{n}}').lines()] for n in range({len(LINES)})]))"
    )
    ours = json.loads(plain.sh(f'cd {PROJECT} && {sys.executable} -c "{code}"'))
    ask = "getent -A -s files ahosts n$n | awk '/STREAM/ {printf \"%s \", $1}'; echo"
    theirs = plain.sh(f"for n in $(seq 0 {len(LINES) - 1}); do {ask}; done")
    assert ours == [list(dict.fromkeys(line.split())) for line in theirs.splitlines()]


def test_a_byte_order_mark_takes_the_first_line(plain: Host) -> None:
    plain.file("/etc/hosts", "\ufeff127.0.0.1 localhost\n::1 localhost\n")
    report = plain.report("resolve", "localhost")
    assert sources(report) == [("::1", "files", 2)]
    assert causes(report) == ["hosts-file-malformed"]


def test_a_line_for_ipv6_answers_for_ipv4(plain: Host) -> None:
    plain.file("/etc/hosts", "::1 localhost\n")
    assert sources(plain.report("resolve", "-4", "localhost")) == [("127.0.0.1", "files", 1)]


def test_dns_is_named_with_its_server(plain: Host) -> None:
    nameserver(plain, "svc.test=10.1.1.1")
    report = plain.report("resolve", "svc.test")
    (answer,) = report["facts"]["answers"]
    assert answer["source"] == {"service": "dns", "file": None, "line": None, "server": "127.0.0.1"}
    assert report["facts"]["names"]["datagrams"] > 0
    assert report["verdict"] == "works"


def test_no_query_leaves_for_a_name_of_the_hosts_file(plain: Host) -> None:
    plain.file("/etc/hosts", "127.0.0.1 localhost\n")
    report = plain.report("resolve", "localhost")
    assert report["facts"]["names"]["datagrams"] == 0
    sent = plain.sh("awk '/^Udp: [0-9]/ {print $5}' /proc/self/net/snmp")
    assert sent.strip() == "0"


@pytest.mark.parametrize("command", ["resolve", "ping", "connect", "why", "route", "bind-test"])
def test_a_silent_name_server_holds_nobody_up(plain: Host, command: str) -> None:
    nameserver(plain, "silent")
    words = ["connect", "lost.test", "80"] if command == "connect" else [command, "lost.test"]
    began = time.monotonic()
    report = plain.report(*words)
    assert time.monotonic() - began < 5
    assert causes(report) == ["name-unresolvable"]
    assert report["findings"][0]["certainty"] == "likely"


def test_the_time_out_is_kept(plain: Host) -> None:
    nameserver(plain, "silent")
    report = plain.report("resolve", "lost.test", "--timeout", "0.2")
    assert report["facts"]["names"]["errno"] == "timed-out"
    assert report["seconds"] < 1.5


def test_who_gave_it_where_dns_is_asked_first(plain: Host) -> None:
    plain.file("/etc/nsswitch.conf", "hosts: dns files\n")
    plain.file("/etc/hosts", "127.0.0.1 both.test\n127.0.0.2 here.test\n")
    nameserver(plain, "both.test=127.0.0.1")
    assert sources(plain.report("resolve", "both.test")) == [("127.0.0.1", "dns", None)]
    assert sources(plain.report("resolve", "here.test")) == [("127.0.0.2", "files", 2)]


@pytest.mark.parametrize("path", ["/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf"])
def test_without_the_right_to_read(plain: Host, path: str) -> None:
    plain.sh(f"chmod 600 {path}")
    report = plain.report("resolve", "lost.test", user="nobody")
    assert causes(report) == ["resolver-file-unreadable"]
    assert path in [gap["what"] for gap in report["unknown"]]


def test_gai_conf_is_told(plain: Host) -> None:
    plain.sh("touch /etc/gai.conf")
    plain.file("/etc/gai.conf", "precedence ::ffff:0:0/96 100\n")
    report = plain.report("resolve", "localhost")
    assert [one["address"] for one in report["facts"]["answers"]] == ["127.0.0.1", "::1"]
    assert report["facts"]["names"]["gai_conf"] == ["precedence ::ffff:0:0/96 100"]


@pytest.mark.parametrize("name", ["a b", "host:80", "http://x", "256.1.1.1", "fe80::1%nowhere", "..", ""])
def test_what_can_be_no_name(plain: Host, name: str) -> None:
    done = plain.loopdiag("resolve", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("loopdiag: ")
    assert done.stderr.count("\n") == 1


def test_a_password_of_a_proxy_is_not_shown(plain: Host) -> None:
    plain.python(WEB_SERVER)
    environment = {"http_proxy": "http://me:s3cr/et@127.0.0.1:3128", "no_proxy": "", "NO_PROXY": ""}
    done = plain.loopdiag("why", "http://127.0.0.1:8000/", "--json", env=environment)
    report = json.loads(done.stdout)
    assert report["findings"][0]["cause"] == "proxy-captures-loopback"
    assert "s3cr" not in done.stdout


@pytest.mark.needs("nft")
def test_many_names_that_one_server_does_not_give_share_their_cause(plain: Host, tmp_path: Path) -> None:
    """They are waited for side by side, and one that the hosts file spoils is told by itself."""
    plain.sh("nft add table inet g; nft add chain inet g i '{ type filter hook input priority 0; }'")
    plain.sh("nft add rule inet g i udp dport 53 drop")
    plain.file("/etc/hosts", "127.0.0.1 localhost\n127.0.0.l odd.test\n")
    names = [*(f"n{number}.test" for number in range(25)), "odd.test"]
    checks = tmp_path / "loopdiag.toml"
    checks.write_text("".join(f'[[tcp]]\ntarget = "{name}:80"\n' for name in names))
    report = plain.report("check", str(checks))
    assert [one["cause"] for one in report["checks"]] == ["filter-drops"] * 25 + ["hosts-file-malformed"]
    assert sorted(causes(report)) == ["filter-drops", "hosts-file-malformed"]
    assert report["seconds"] < 15  # one after the other they would take 40
