"""`check` on this host, with sockets of the test's own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

from loopdiag.diagnose.check import check
from loopdiag.model.checkfile import parse_checks
from loopdiag.model.report import Verdict
from tests.host import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from loopdiag.model.assertion import Check


def checked(text: str) -> tuple[Verdict, tuple[Check, ...]]:
    report = check(parse_checks(text, "f"), causes=False)
    return report.verdict, report.extra["checks"]


def loopdiag(*words: str, cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "loopdiag", "check", *words], capture_output=True, text=True,
                          cwd=cwd, timeout=60, env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"})  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_what_is_so_holds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port, silent, free = server.getsockname()[1], udp.getsockname()[1], free_port()
        verdict, checks = checked(f"""
            [[tcp]]
            target = "127.0.0.1:{port}"
            [[tcp]]
            target = "127.0.0.1:{free}"
            expect = "refused"
            [[udp]]
            target = "127.0.0.1:{free}"
            expect = "refused"
            [[udp]]
            target = "127.0.0.1:{silent}"
            expect = "timed-out"
            timeout = "50ms"
            [[listener]]
            target = {port}
            reach = "host"
            [[listener]]
            target = "{free}"
            expect = "absent"
            [[bind]]
            target = "127.0.0.1:{free}"
            [[bind]]
            target = "127.0.0.1:{port}"
            expect = "failed"
            [[route]]
            target = "127.0.0.1"
            device = "lo"
            [[interface]]
            target = "lo"
            addresses = ["127.0.0.1"]
            [[interface]]
            target = "no-such0"
            expect = "absent"
            [[resolve]]
            target = "127.0.0.1"
            expect = ["127.0.0.1"]
        """)
    assert [(one.name, one.got) for one in checks if not one.ok] == []
    assert verdict is Verdict.WORKS


def test_what_is_not_so_fails_and_says_what_came() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port, free = server.getsockname()[1], free_port()
        verdict, checks = checked(f"""
            [[tcp]]
            target = "127.0.0.1:{port}"
            expect = "refused"
            [[tcp]]
            target = "127.0.0.1:{free}"
            [[http]]
            target = "http://127.0.0.1:{free}/"
            [[listener]]
            target = "{port}"
            reach = "none"
            [[listener]]
            target = "{port}"
            expect = "absent"
            [[bind]]
            target = "127.0.0.1:{port}"
            [[route]]
            target = "127.0.0.1"
            device = "eth9"
            [[interface]]
            target = "lo"
            mtu = 7
            [[resolve]]
            target = "127.0.0.1"
            expect = ["127.0.0.1", "::1"]
        """)
    assert verdict is Verdict.BROKEN
    assert [one.name for one in checks if one.ok] == []
    assert checks[0].got == "connected"
    assert checks[1].got == "refused (ECONNREFUSED)"
    assert f"listening on 0.0.0.0:{port}" in checks[3].got
    assert checks[5].got == "failed (EADDRINUSE)"
    assert checks[8].got == ("127.0.0.1",)


def test_a_shared_cause_is_told_once(tmp_path: Path) -> None:
    free = free_port()
    file = tmp_path / "f.toml"
    table = f'[[tcp]]\ntarget = "127.0.0.1:{free}"\n'
    file.write_text(table * 3 + f'[[http]]\ntarget = "http://127.0.0.1:{free}/"\n')
    done = loopdiag(str(file), "--json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1
    assert [one["cause"] for one in document["checks"]] == ["no-listener"] * 4
    assert [one["cause"] for one in document["findings"]] == ["no-listener"]
    assert set(document["checks"][0]) == {"name", "kind", "target", "expect", "got", "ok", "seconds", "cause"}


def test_a_thousand_checks_are_one_reading() -> None:
    free = free_port()
    absent = f'[[listener]]\ntarget = "{free}"\nexpect = "absent"\n'
    text = absent + f'[[tcp]]\ntarget = "127.0.0.1:{free}"\nexpect = "refused"\n'
    verdict, checks = checked(text * 500)
    assert verdict is Verdict.WORKS
    assert len(checks) == 1000


def test_retries_end_when_it_holds(tmp_path: Path) -> None:
    _, (one,) = checked(f'[[tcp]]\ntarget = "127.0.0.1:{free_port()}"\nretries = 1\n')
    assert one.seconds >= 0.2


def test_the_file_that_init_writes_passes(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert loopdiag("--init", cwd=tmp_path).returncode == 0
        made = tomllib.loads((tmp_path / "loopdiag.toml").read_text())
        endpoint = f"127.0.0.1:{server.getsockname()[1]}"
        assert [one["reach"] for one in made["listener"] if one["target"] == endpoint] == ["host"]
        only = tmp_path / "own.toml"  # other programs' listeners may end meanwhile
        only.write_text(f'[[listener]]\ntarget = "{endpoint}"\nreach = "host"\n')
        assert loopdiag(str(only)).returncode == 0
    again = loopdiag("--init", cwd=tmp_path)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert loopdiag("--init", "--force", cwd=tmp_path).returncode == 0


def test_a_wrong_file_is_one_sentence_and_nothing_runs(tmp_path: Path) -> None:
    wrong = tmp_path / "f.toml"
    wrong.write_text('[[tcp]]\ntarget = "127.0.0.1:1"\n[[tpc]]\n')
    for words in ((str(wrong),), (str(tmp_path / "none.toml"),), (str(tmp_path),), ("--force",)):
        done = loopdiag(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
    wrong.write_bytes(b"\xff\xfe")
    assert "UTF-8" in loopdiag(str(wrong)).stderr


def test_a_handshake_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        verdict, (one,) = checked(f"""
            [[tls]]
            target = "127.0.0.1:{server.getsockname()[1]}"
            timeout = "100ms"
        """)
    assert verdict is Verdict.BROKEN
    assert (one.expect, one.got) == ("accepted", "timed-out")


def test_of_many_that_fail_those_alike_share_their_cause() -> None:
    """Each port of the crowd is closed for the same reason; two among them are not like the others."""
    with socket.socket() as bound, socket.create_server(("127.0.0.2", 0)) as other:
        bound.bind(("127.0.0.1", 0))
        odd = {bound.getsockname()[1]: "bound-not-listening", other.getsockname()[1]: "listener-other-address"}
        ports = [*{free_port() for _ in range(25)}, *odd]
        report = check(parse_checks("".join(f'[[tcp]]\ntarget = "127.0.0.1:{port}"\n' for port in ports), "f"))
    causes = [one.cause for one in report.extra["checks"]]
    assert causes == ["no-listener"] * (len(ports) - len(odd)) + list(odd.values())
    assert sorted(one.cause for one in report.findings) == [
        "bound-not-listening",
        "listener-other-address",
        "no-listener",
    ]
    shared = next(one for one in report.findings if one.cause == "no-listener")
    assert f"and {len(ports) - len(odd) - 4} more" in shared.evidence[-1].says
    assert not report.unknown
