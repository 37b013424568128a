"""`listener-unix-socket`: nothing has the port, but the service that belongs to it has a UNIX socket: unix(7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.condition import owners
from loopdiag.explain.listeners.refused import are_refused, refusals, refused, subject
from loopdiag.explain.listeners.serving import protocol_of
from loopdiag.explain.listeners.wording import who
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.socket import UnixSocket

# The words that paths and processes of a service have in them, by its usual port.
SERVICES: dict[int, tuple[str, ...]] = {
    25: ("postfix", "exim", "sendmail"), 80: ("nginx", "httpd", "apache", "caddy"), 443: ("nginx", "httpd", "apache"),
    631: ("cups",), 783: ("spamd",), 1883: ("mosquitto",), 2019: ("caddy",), 2375: ("docker", "podman"),
    2376: ("docker", "podman"), 2379: ("etcd",), 3000: ("puma", "unicorn", "node", "grafana"), 3050: ("firebird",),
    3306: ("mysql", "mariadb"), 3307: ("mysql", "mariadb"), 3310: ("clamd", "clamav"), 4222: ("nats",),
    5000: ("gunicorn", "uwsgi", "flask"), 5432: (".s.pgsql.5432",), 5672: ("rabbitmq",), 6379: ("redis", "valkey"),
    6380: ("redis", "valkey"), 8000: ("gunicorn", "uwsgi", "uvicorn", "daphne", "hypercorn"), 8001: ("gunicorn",),
    8080: ("puma", "tomcat", "gunicorn", "uwsgi"), 8123: ("clickhouse",), 8983: ("solr",), 9000: ("php", "fpm"),
    9090: ("cockpit",), 11211: ("memcached",), 11332: ("rspamd",), 11333: ("rspamd",), 11334: ("rspamd",),
    27017: ("mongod",), 33060: ("mysqlx",),
}  # fmt: skip
_BY_SCHEME = {
    "redis": SERVICES[6379], "postgres": (".s.pgsql.",), "postgresql": (".s.pgsql.",), "mysql": SERVICES[3306],
    "mongodb": SERVICES[27017], "amqp": SERVICES[5672], "memcached": SERVICES[11211],
}  # fmt: skip
_TELLING = 1024  # a smaller number within a path (/run/user/0, /proc/80) is seldom a port


def unix_socket(case: Case) -> Iterator[Finding]:
    """Refused by TCP, nothing has the port, and a listening UNIX socket fits the service."""
    attempts = [one for one in refused(case) if protocol_of(one.seen) == "tcp" and not one.there]
    if not attempts:
        return
    port = attempts[0].seen.port or 0
    fitting = [one for one in known(case.facts.unix_sockets) or () if one.state == "LISTEN" and _fits(one, port, case)]
    if not fitting:
        return
    best = min(fitting, key=lambda one: (not names_port(one.path, port), len(one.path)))
    yield Finding(
        cause="listener-unix-socket",
        certainty=Certainty.LIKELY,
        subject=subject(case, attempts),
        statement=f"nothing listens on port {port} by TCP, but {who(best)} listens on the UNIX socket {best.path}; "
        f"it takes no TCP connections, so {are_refused(attempts)}",
        evidence=(
            *refusals(attempts),
            *(Evidence(f"UNIX socket {one.path}", f"LISTEN, {who(one)}") for one in [best, *fitting][:1]),
        ),
        fixes=(
            Fix(f"connect to {best.path} instead", f"loopdiag why unix:{best.path}"),
            Fix(f"let {who(best)} listen on TCP port {port} too"),
        ),
    )


def _fits(one: UnixSocket, port: int, case: Case) -> bool:
    if names_port(one.path, port):
        return True
    words = SERVICES.get(port) or _BY_SCHEME.get(case.target.scheme, ())
    told = [one.path.lower(), *(owner.name.lower() for owner in owners(one))]
    return any(word in text for word in words for text in told)


def names_port(path: str, port: int) -> bool:
    """Whether the last two parts of the path hold the port as a number of its own: `/run/app-3000.sock`."""
    if port < _TELLING:
        return False
    tail = "/".join(path.split("/")[-2:])
    return re.search(rf"(?<![0-9]){port}(?![0-9])", tail) is not None
