"""The words typed -> Target."""

from __future__ import annotations

from dataclasses import field

from loopdiag.model.address import Address, check_name, endpoint, parse_address
from loopdiag.model.errors import UsageError
from loopdiag.model.value import dataclass

DEFAULT_PORTS = {
    "http": 80, "https": 443, "ws": 80, "wss": 443, "redis": 6379, "postgres": 5432, "postgresql": 5432,
    "mysql": 3306, "mongodb": 27017, "amqp": 5672, "memcached": 11211,
}  # fmt: skip
PLAIN = ("tcp", "udp", "icmp", "tls")


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for. `scheme` is tcp, udp, icmp, unix, tls, or an application's own (http, redis, ...)."""

    input: str
    scheme: str
    host: str | None
    port: int | None
    path: str | None = None
    address: Address | None = field(default=None, metadata={"json": False})  # where the host was typed as a number

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix:{self.path}"
        if self.scheme == "file":
            return f"file:{self.path}"
        return endpoint(self.host or "", self.port)

    @property
    def transport(self) -> str:
        """`tcp`, `udp`, `icmp`, `unix` or (awaited only) `file`."""
        return self.scheme if self.scheme in ("udp", "icmp", "unix", "file") else "tcp"


def parse_target(text: str) -> Target:
    """Read a TARGET in any of the forms of the command line; raises UsageError with one sentence."""
    text = text.strip()
    if not text:
        raise UsageError("the target is empty")
    if text.startswith("unix:"):
        return _unix(text)
    if "://" in text:
        return _url(text)
    if text.startswith(":") and text[1:].isdecimal():
        return _target(text, "tcp", "localhost", text[1:])
    if text.isdecimal():
        return _target(text, "tcp", "localhost", text)
    host, port = split_port(text)
    return _target(text, "icmp" if port is None else "tcp", host, port)


def parse_awaited(text: str) -> Target:
    """Read what `wait` takes: any TARGET, or `file:/path`; raises UsageError with one sentence."""
    text = text.strip()
    if not text.startswith("file:"):
        return parse_target(text)
    path = text.removeprefix("file:")
    if path.startswith("//"):
        path = "/" + path.removeprefix("//localhost/").lstrip("/")
    if not path.startswith("/") or "\0" in path:
        raise UsageError(f"'{text}' needs an absolute path after file:")
    return Target(text, "file", None, None, path)


def parse_host(text: str, port: int | str | None = None, scheme: str = "icmp") -> Target:
    """Read a HOST of `ping`, `resolve`, `connect`: never a port, so a bare number is an address."""
    host = text.strip()
    bare, after = split_port(host) if host.startswith("[") else (host, None)
    if after is not None:
        raise UsageError(f"'{host}' holds a port, where a host alone is wanted")
    return _target(host, scheme, bare, port)


def parse_port(text: str | int) -> int:
    """A port as a number; raises UsageError outside 0 to 65535."""
    if str(text).isascii() and str(text).isdecimal() and int(text) <= 65535:
        return int(text)
    raise UsageError(f"'{text}' is not a port: it must be a number from 0 to 65535")


def split_port(text: str) -> tuple[str, str | None]:
    """Part `host:port`, `[v6]:port`, `v6` and `host`; the port is None where there is none."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise UsageError(f"'{text}' has no matching ] around its IPv6 address")
        return host, rest[1:] if rest else None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host or "localhost", port
    return text, None


def _target(text: str, scheme: str, host: str, port: int | str | None, path: str | None = None) -> Target:
    address = parse_address(host)
    shown = str(address) if address else check_name(host)
    return Target(text, scheme, shown, None if port is None else parse_port(port), path, address)


def _unix(text: str) -> Target:
    path = text.removeprefix("unix:")
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    if not path.startswith(("/", "@")) or "\0" in path:
        raise UsageError(f"'{text}' needs an absolute path after unix:, or @name for an abstract socket")
    if len(path.encode()) > 107:  # sun_path holds 108 bytes with its NUL: unix(7)
        raise UsageError(f"'{text}' is longer than the 107 bytes that a UNIX socket path can have")
    return Target(text, "unix", None, None, path)


def _url(text: str) -> Target:
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme not in PLAIN and scheme not in DEFAULT_PORTS:
        raise UsageError(f"'{scheme}://' is not a known scheme: use one of {', '.join((*PLAIN, *DEFAULT_PORTS))}")
    cut = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority, path = rest[:cut], rest[cut:].partition("#")[0]
    secret, at, authority = authority.rpartition("@")  # user:password must not reach a report
    shown = text.replace(f"{secret}@", "", 1) if at else text
    host, port = split_port(authority)
    if port == "":
        port = None
    if port is None and scheme in ("tcp", "udp", "tls"):
        raise UsageError(f"'{shown}' needs a port, as in {scheme}://localhost:3000")
    if scheme == "icmp" and port is not None:
        raise UsageError(f"'{shown}' has a port, which ICMP does not know")
    if path.startswith("?"):
        path = "/" + path
    return _target(shown, scheme, host, DEFAULT_PORTS.get(scheme) if port is None else port, path or None)
