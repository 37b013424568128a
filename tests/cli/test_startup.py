"""Start-up is a budget: which modules a command may load."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.host import PROJECT

# What none of these commands may pay for: the seconds are those of a first import.
HEAVY = {
    "scapy", "tabulate", "subprocess", "asyncio", "ssl", "ctypes", "json", "xml", "http", "psutil", "pyroute2",
    "importlib.metadata", "email", "multiprocessing", "logging", "tempfile", "urllib.request", "random", "decimal",
}  # fmt: skip
FRAME = {
    "loopdiag",
    "loopdiag.cli",
    "loopdiag.cli.app",
    "loopdiag.cli.leaving",
    "loopdiag.cli.main",
    "loopdiag.model",
    "loopdiag.model.errors",
}

# What a ping of a numeric address that answers may load of ours, as packages or modules.
PING = (
    "loopdiag.cli.deliver", "loopdiag.cli.options", "loopdiag.cli.ping", "loopdiag.cli.ping_live",
    "loopdiag.cli.tracing",  # the two options alone: what they do is loaded where they are used
    "loopdiag.diagnose", "loopdiag.explain", "loopdiag.model", "loopdiag.probes.icmp", "loopdiag.probes.outcome",
    "loopdiag.probes.resolve", "loopdiag.report.formats", "loopdiag.report.style", "loopdiag.report.table",
    "loopdiag.report.text.findings", "loopdiag.report.text.interfaces", "loopdiag.report.text.ping",
    "loopdiag.report.text.ping_lines", "loopdiag.host.portable", "loopdiag.host.read",
    "loopdiag.host.linux.addresses", "loopdiag.host.linux.counters", "loopdiag.host.linux.interfaces",
    "loopdiag.host.linux.links", "loopdiag.host.linux.lookup", "loopdiag.host.linux.netlink",
    "loopdiag.host.linux.policy", "loopdiag.host.linux.routes", "loopdiag.host.linux.rules",
)  # fmt: skip

_CODE = """
import sys
from loopdiag.cli.main import main
sys.addaudithook(lambda event, about: event == "import" and about[0] == "psutil" and print("psutil is loaded"))
code = main(sys.argv[1:])
loaded = sorted(sys.modules)
import json
print(json.dumps([code, loaded]), file=sys.stderr)
"""


def run(*words: str) -> tuple[int, str, set[str]]:
    """The exit code, what was printed, and the modules that were loaded by the end."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, *words], capture_output=True, text=True, timeout=60, cwd=PROJECT
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, done.stdout, set(modules)


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.split(".")[0] == "loopdiag"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_frame_alone_answers(option: str) -> None:
    code, _, modules = run(option)
    assert code == 0
    assert ours(modules) == FRAME
    assert not modules & HEAVY


def test_ping_loads_what_it_needs() -> None:
    modules = of_a_ping("-q")[1]
    packages = {name.rpartition(".")[0] for name in PING} | FRAME | {"loopdiag.host.linux", "loopdiag.report"}
    unexpected = {
        name for name in ours(modules) - packages if not any(name == one or name.startswith(f"{one}.") for one in PING)
    }
    assert not unexpected
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith("scapy")}


def test_ping_loads_psutil_once_all_is_answered_and_nothing_else() -> None:
    printed, modules = of_a_ping()
    assert printed.index("bytes from") < printed.index("rtt min/avg/max") < printed.index("psutil is loaded")
    assert modules & HEAVY == {"psutil", "subprocess"}  # psutil itself loads the other


def of_a_ping(*options: str) -> tuple[str, set[str]]:
    code, printed, modules = run("ping", "-c", "1", *options, "127.0.0.1")
    if code != 0:
        pytest.skip("127.0.0.1 cannot be pinged here")
    return printed, modules


def test_why_loads_no_library_for_what_it_prints() -> None:
    """The host decides whether the packet filter's programs are asked (subprocess) or the kernel's cgroups (ctypes)."""
    code, printed, modules = run("why", "127.0.0.1:1")
    assert code == 1, printed
    assert not modules & HEAVY - {"subprocess", "json", "ctypes", "tempfile"}
