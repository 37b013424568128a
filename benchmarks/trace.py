"""Measure `trace` (as root): `python benchmarks/trace.py`. Everything happens on hosts in namespaces of its own.

Wall time from start to end; 100 traces in a row beside other traffic on both cores, each with its own packets alone;
100 kills at random moments, each leaving one instance at most; what setting up a watch for drops costs.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from loopdiag.host.linux.trace.drops import watch_drops
from loopdiag.host.linux.trace.instance import PREFIX
from loopdiag.host.linux.trace.tracefs import Tracefs, open_tracefs
from tests.host import PROJECT, Host

SERVER = """
import socket
server = socket.create_server(("127.0.0.1", 7300))
print("on", flush=True)
while True:
    server.accept()[0].close()
"""
LOAD = "import socket\nprint('on',flush=True)\nwhile True: socket.create_connection(('127.0.0.1',7300)).close()"


def percentiles(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    print(f"{name:44} median {statistics.median(ordered) * 1000:7.1f} ms   p99 "
          f"{ordered[int(len(ordered) * 0.99)] * 1000:7.1f} ms   n {len(ordered)}")  # fmt: skip


def wall_time(host: Host, count: int = 20) -> None:
    for target in ("127.0.0.1", "127.0.0.1:7300", "127.0.0.1:7310"):
        took = []
        for _ in range(count):
            began = time.perf_counter()
            host.loopdiag("trace", target)
            took.append(time.perf_counter() - began)
        percentiles(f"trace {target}", took)


def own_packets_alone(host: Host, count: int = 100) -> None:
    for _ in range(2):
        host.python(LOAD)
    wrong = lost = 0
    for _ in range(count):
        report = host.report("trace", "127.0.0.1:7300")
        ours = {report["observations"][0]["from"].rpartition(":")[2], "7300"}
        ports = {port for step in report["journey"] for port in re.findall(r"^port (\d+):", step["says"])}
        wrong += not (ports <= ours and 3 <= report["crossing"]["packets"].get("lo", 0) <= 8)
        lost += report["lost_events"]
    print(f"{'traces beside other traffic':44} {count - wrong} of {count} with own packets alone, {lost} events lost")


def kills(host: Host, tracefs: Tracefs, count: int = 100) -> None:
    moments, pids, most = random.Random(4), set[int](), 0
    command = ["nsenter", "--target", str(host.pid), "--net", sys.executable, "-m", "loopdiag", "trace", "127.0.0.1"]
    for _ in range(count):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=PROJECT)
        pids.add(process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0.05, 0.35))
        process.send_signal(signal.SIGKILL)
        process.wait()
        most = max(most, left(tracefs, pids))
    subprocess.run(command, stdout=subprocess.DEVNULL, cwd=PROJECT, check=True)
    print(f"{f'{count} kills at random':44} at most {most} instance left, {left(tracefs, pids)} after the next run")


def left(tracefs: Tracefs, pids: set[int]) -> int:
    names = [path.name for path in Path(f"{tracefs.path}/instances").iterdir() if path.name.startswith(PREFIX)]
    return sum(int(name.split("-")[1]) in pids for name in names)


def watching(host: Host, count: int = 20) -> None:
    took = []
    for _ in range(count):
        began = time.perf_counter()
        host.call(lambda: watch_drops(lambda: None, settle=0.0))
        took.append(time.perf_counter() - began)
        time.sleep(0.1)  # the instance is removed beside what follows: wait, so that each run is measured alone
    percentiles("a watch for drops, set up and read", took)


def main() -> None:
    tracefs = open_tracefs()
    assert isinstance(tracefs, Tracefs), tracefs
    with Host() as host:
        host.sh("ip link set lo up; nft add table ip t; nft 'add chain ip t i { type filter hook input priority 0; }'\n"
                "nft add rule ip t i tcp dport 7310 drop")  # fmt: skip
        host.python(SERVER)
        watching(host)
        wall_time(host)
        kills(host, tracefs)
        own_packets_alone(host)
    print(json.dumps({"python": sys.version.split()[0]}))


if __name__ == "__main__":
    main()
