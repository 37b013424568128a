"""The programs that clients are, and the words and scripts with which each makes its one request.

A script says where it got to, as `peer ADDRESS PORT`, or the client's own words for what went wrong.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHONS = ("urllib", "requests", "httpx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run. Words know {host}, {port}, {scheme}, {url} and {folder}, an empty one that is deleted afterwards.

    `tells_peer`: it says itself where it got to. Otherwise the kernel's table of connections is watched, and
    `failed_if_said` is what it says where it got nowhere; so it is with browsers, which do not always say it.
    """

    words: tuple[str, ...]
    stdin: str = ""  # what is put into it
    tells_peer: bool = True
    failed_if_said: str = ""  # a regular expression
    seconds: float = 4.0  # until it is stopped, its start-up included
    environment: Mapping[str, str] = field(default_factory=dict)
    runner: str = ""  # chromium, firefox or dotnet: what has a module of its own that runs it
    unless_said: str = ""  # a regular expression: it cannot do what it is told where it says so
    only_if_said: str = ""  # it was the client that was meant only where it says so
    as_root: tuple[str, ...] = ()  # words that root must add
    direct_only: bool = False  # not run where a proxy variable is set: it would use that for more than the request


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
# The go command itself, as a client of a module proxy: it asks for one list of versions. It is built as any Go program
# is, and needs no folder that could be written to.
_GO = {"GOSUMDB": "off", "GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": "-mod=mod", "GOWORK": "off",
       "GOPROXY": "{url}", "GONOPROXY": "none", "GOPRIVATE": "", "GOPATH": "/dev/null/go", "GOCACHE": "/dev/null/cache",
       "HOME": "/dev/null", "XDG_CONFIG_HOME": "/dev/null", "GOTELEMETRY": "off"}  # fmt: skip
_CHROMIUM = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-pings", "--incognito",
    "--disable-breakpad", "--ignore-certificate-errors", "--user-data-dir={folder}", "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {host}", "about:blank",
)  # fmt: skip

# Nothing of its user's is read or written, no other program of the desktop is spoken to, no crash is reported.
_FIREFOX = {**dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR"), "{folder}"),
            "HOSTALIASES": "{folder}/aliases", "DBUS_SESSION_BUS_ADDRESS": "disabled:", "XAUTHORITY": "/dev/null",
            "MOZ_CRASHREPORTER_DISABLE": "1"}  # fmt: skip

# No pipes for debuggers, no data for cultures that it would look for elsewhere, nothing told to anybody.
_DOTNET = {
    **dict.fromkeys(("HOME", "TMPDIR", "DOTNET_CLI_HOME"), "{folder}"),
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "DOTNET_NOLOGO": "1",
    "DOTNET_EnableDiagnostics": "0",
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
}


def _python(script: str) -> Command:
    return Command(words=("-c", _PYTHON + script, "{url}"))


def _go(resolver: str, only_if_said: str = "") -> Command:
    return Command(words=("list", "-m", "-versions", "example.invalid/x"), tells_peer=False, failed_if_said="dial tcp",
                   only_if_said=only_if_said, environment={**_GO, "GODEBUG": f"netdns={resolver}+1"})  # fmt: skip


COMMANDS: dict[str, Command] = {
    "curl": Command(
        words=("-sS", "-k", "-I", "-o", "/dev/null", "-w", "peer %{remote_ip} %{remote_port}\n", "{url}")
    ),
    "node": Command(words=("-e", _NODE, "{host}", "{port}", "{scheme}")),
    "urllib": _python(_URLLIB),
    "requests": _python(_OTHER.format(name="requests")),
    "httpx": _python(_OTHER.format(name="httpx")),
    "java": Command(
        words=("-XX:TieredStopAtLevel=1", "-Xshare:auto", "--source", "11", "/dev/stdin", "{host}", "{port}"),
        stdin=_JAVA, seconds=10.0,
        unless_said="release version|nrecognized option",  # a JRE without compiler, or before Java 11
    ),
    "ruby": Command(words=("-W0", "-e", _RUBY, "{url}")),
    "php": Command(words=("-n", "-r", _PHP, "{url}")),
    "busybox": Command(words=("wget", "-S", "--spider", "{url}")),
    "go": _go("go"),
    "go-cgo": _go("cgo", "using cgo"),
    "psql": Command(
        words=("-X", "-w", "-h", "{host}", "-p", "{port}", "-U", "nobody", "-d", "postgres", "-c", "")
    ),
    "mysql": Command(
        words=("--no-defaults", "-h", "{host}", "-P", "{port}", "-u", "nobody", "--connect-timeout=2", "-e", ""),
        seconds=8.0,  # MariaDB asks a failing name server again and again, for twice its time-out
        tells_peer=False, failed_if_said="Can't connect|Unknown (MySQL )?server host",
    ),
    "chromium": Command(
        words=_CHROMIUM, runner="chromium", seconds=15.0, as_root=("--no-sandbox",), direct_only=True,
        failed_if_said="ERR_(CONNECTION_(REFUSED|TIMED_OUT)|ADDRESS|NAME|INTERNET|NETWORK_ACCESS|UNSAFE_PORT)",
    ),
    "firefox": Command(
        words=("--headless", "--no-remote", "--profile", "{folder}", "--start-debugger-server", "{folder}/rdp",
               "about:blank"),
        runner="firefox", seconds=15.0, direct_only=True, environment=_FIREFOX,
        failed_if_said="CONNECTION_REFUSED|UNKNOWN_HOST|PORT_ACCESS|NET_TIMEOUT|OFFLINE",
    ),
    "dotnet": Command(
        words=(), runner="dotnet", seconds=12.0, tells_peer=False, environment=_DOTNET,
        failed_if_said="^(Connection (refused|timed out)|Network is|No route|Cannot assign|Operation not|Permission|"
                       "Invalid argument|Name or service|No address|Address family|Resource temporarily)",
    ),
}  # fmt: skip
