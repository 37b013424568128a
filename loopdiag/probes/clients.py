"""Run the real client where it is installed: one request (HEAD where it is HTTP), bounded in time.

Each program says where it got to, as `peer ADDRESS PORT`, or its own words for what went wrong.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT = 4.0  # seconds for one client, start-up of a virtual machine included
_PEER = re.compile(r"^peer (\S+) (\d+)$", re.MULTILINE)
_NODE = """
const [host, port, scheme] = process.argv.slice(1);
const told = e => { console.log(e.name + (e.errors ? ' [' + e.code + ']' : ': ' + e.message)); process.exit(0) };
const ask = require(scheme).request({host, port, method: 'HEAD', rejectUnauthorized: false});
ask.on('socket', s => s.on('connect', () => {
  console.log('peer', s.remoteAddress, s.remotePort); process.exitCode = 0; setTimeout(() => process.exit(), 200) }));
ask.on('response', () => process.exit()); ask.on('error', told); ask.end();
"""
_PYTHON = """
import sys
sys.path[:] = filter(None, sys.path)  # no module of the folder that this happens to run in
import socket
url, real = sys.argv[1], socket.socket.connect
def connect(self, to):
    real(self, to)
    print("peer", *self.getpeername()[:2], flush=True)
socket.socket.connect = connect
"""
_URLLIB = """
import urllib.request
try: urllib.request.urlopen(urllib.request.Request(url, method="HEAD"))
except Exception as fault: print(fault)
"""
_NOT_CONNECTED = (
    "Connection refused", "Network is unreachable", "No route to host", "Cannot assign requested address",
    "Connection timed out", "Operation not permitted", "Permission denied", "Invalid argument",
)  # fmt: skip
_OTHER = """
try: import {name}
except ImportError: sys.exit(97)
try: {name}.head(url)
except Exception as fault: print(fault)
"""
_JAVA = """
public class Client { public static void main(String[] words) throws Exception {
  try (java.net.Socket socket = new java.net.Socket(words[0], Integer.parseInt(words[1]))) {
    System.out.println("peer " + socket.getInetAddress().getHostAddress() + " " + socket.getPort());
  } catch (java.io.IOException fault) { System.out.println(fault); } } }
"""
_RUBY = """
require 'net/http'
begin
  url = URI(ARGV[0])
  Net::HTTP.start(url.hostname, url.port, use_ssl: url.scheme == 'https', verify_mode: 0) { |http|
    at = http.instance_variable_get(:@socket).io.to_io.remote_address
    puts "peer #{at.ip_address} #{at.ip_port}"; STDOUT.flush
    http.head('/') }
rescue => fault
  puts fault.message
end
"""
_PHP = """
$how = ['http' => ['method' => 'HEAD', 'ignore_errors' => true], 'ssl' => ['verify_peer' => false]];
$stream = @fopen($argv[1], 'r', false, stream_context_create($how));
if ($stream) { [$at, $port] = preg_split('/:(?=[0-9]+$)/', stream_socket_get_name($stream, true));
  echo 'peer ', trim($at, '[]'), ' ', $port, "\\n"; } else { echo error_get_last()['message'], "\\n"; }
"""


@dataclass(frozen=True, slots=True)
class Run:
    """`peer` is the address and port that the client was connected to; None where it was not.

    `waited`: the seconds after which it was stopped; None where it ended by itself.
    """

    program: str
    peer: tuple[str, int] | None
    said: str
    waited: float | None = None


@cache
def installed_version(program: str) -> tuple[int, ...] | None:
    """The version of a client that is a program; None where it is not installed or does not say."""
    import shutil
    import subprocess

    if not shutil.which(program):
        return None
    words = [program, "-version" if program == "java" else "--version"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        found = re.search(r"\d+(\.\d+)+", done.stdout or done.stderr)
        return tuple(int(part) for part in found[0].split(".")) if found else None
    return None


def run_client(program: str, host: str, port: int, scheme: str = "http", timeout: float = TIMEOUT) -> Run | None:
    """Let the client `program` of policies.toml make its one request; None where it is not installed."""
    shown = f"[{host}]" if ":" in host else host
    url = f"{'https' if scheme in ('https', 'wss') else 'http'}://{shown}:{port}/"
    for words, text in _ways(program, host, port, url):
        found = _run(words, text, timeout)
        if found:
            return found
    return None


def _ways(program: str, host: str, port: int, url: str) -> Sequence[tuple[list[str], str]]:
    """The command lines by which the client may be had, each with what is put into its standard input."""
    import sys

    if program == "curl":
        told = "peer %{remote_ip} %{remote_port}\n"
        return [(["curl", "-sS", "-k", "-I", "-o", "/dev/null", "-w", told, url], "")]
    if program == "node":
        return [(["node", "-e", _NODE, host, str(port), url.partition(":")[0]], "")]
    if program == "java":
        return [(["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "--source", "11", "/dev/stdin", host, str(port)],
                 _JAVA)]  # fmt: skip
    if program == "ruby":
        return [(["ruby", "-W0", "-e", _RUBY, url], "")]
    if program == "php":
        return [(["php", "-n", "-r", _PHP, url], "")]
    if program == "busybox":
        return [(["busybox", "wget", "-S", "--spider", url], "")]
    if program == "psql":
        return [(["psql", "-X", "-w", "-h", host, "-p", str(port), "-U", "nobody", "-d", "postgres", "-c", ""], "")]
    code = _PYTHON + (_URLLIB if program == "urllib" else _OTHER.format(name=program))
    return [([python, "-c", code, url], "") for python in dict.fromkeys(("python3", sys.executable))]


def _run(words: list[str], text: str, timeout: float) -> Run | None:
    import shutil
    import subprocess

    if not shutil.which(words[0]):
        return None
    with _file(text) as stdin:
        try:
            done = subprocess.run(words, stdin=stdin, capture_output=True, text=True, timeout=timeout, check=False,
                                  errors="replace", env=_environment())  # fmt: skip
        except subprocess.TimeoutExpired as fault:
            said = fault.stdout.decode(errors="replace") if isinstance(fault.stdout, bytes) else fault.stdout or ""
            return Run(words[0], _peer(said), f"no end within {timeout:g} s", timeout)
    if done.returncode == 97:
        return None
    peer = _peer(done.stdout) or _postgres_peer(done.stderr) or _busybox_peer(done.stderr)
    return Run(words[0], peer, _last(done.stdout, done.stderr))


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "LC_ALL": "C", "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}


def _file(text: str) -> IO[bytes]:
    """The text as an open file that is nowhere on a disk (Java seeks in its source, so a pipe will not do)."""
    import os

    handle = os.memfd_create("client") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)
    file = os.fdopen(handle, "w+b")
    file.write(text.encode())
    file.seek(0)
    return file


def _peer(said: str) -> tuple[str, int] | None:
    found = _PEER.findall(said)
    return (found[-1][0].removeprefix("/"), int(found[-1][1])) if found and found[-1][1] != "0" else None


def _postgres_peer(said: str) -> tuple[str, int] | None:
    """psql names the address; whatever is not an error of connect() came after it was connected."""
    told = re.findall(r'server at "([^"]+)"(?: \((\S+)\))?, port (\d+) failed: (.*)', said)
    if not told or told[-1][3] in _NOT_CONNECTED:
        return None
    name, address, port, _ = told[-1]
    return address or name, int(port)


def _busybox_peer(said: str) -> tuple[str, int] | None:
    """BusyBox names where it connects to before it does."""
    told = re.findall(r"Connecting to \S+ \(\[?([^\])]+?)\]?:(\d+)\)", said)
    return (told[-1][0], int(told[-1][1])) if told and "can't connect" not in said else None


def _last(out: str, err: str) -> str:
    lines = [line for line in (*out.splitlines(), *err.splitlines()) if line.strip() and not line.startswith("peer ")]
    return " ".join(lines[:4])
