"""Run the real client where it is installed: one request (HEAD where it is HTTP), bounded in time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass
from loopdiag.probes.client_programs import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loopdiag.probes.client_programs import Command
    from loopdiag.probes.client_visit import Visit

_PEER = re.compile(r"^peer (\S+) (\d+)$", re.MULTILINE)
_FAILED = (
    "connection refused", "network is unreachable", "no route to host", "cannot assign requested address",
    "connection timed out", "operation not permitted", "permission denied", "invalid argument",
)  # fmt: skip
_CHATTER = re.compile(r":(ERROR|WARNING|INFO):dbus|^go package net: |^WARNING: ")  # of what has nothing to do with it
_MOST_SAID = 400  # characters
_NOT_THERE = 97  # a script's exit code for a library that is not installed


@dataclass(frozen=True, slots=True)
class Run:
    """`peer` is the address and port that the client was connected to; None where it was not.

    `waited`: the seconds after which it was stopped; None where it ended by itself. `certain`: that there is no peer
    is no mere want of a trace.
    """

    program: str
    peer: tuple[str, int] | None
    said: str
    waited: float | None = None
    certain: bool = True


def run_client(program: str, path: str, host: str, port: int, scheme: str, proxies: Sequence[int] = ()) -> Run | None:
    """Let the client `program` of policies.toml, which is at `path`, make its one request.

    `proxies` are the ports of proxies that it may ask instead. None where it turns out not to be there, not to be
    what was meant, or where it could not be kept to one request.
    """
    command = COMMANDS[program]
    if command.direct_only and proxies:
        return None
    shown = f"[{host}]" if ":" in host else host
    kind = "https" if scheme in ("https", "wss") else "http"
    values = {"host": host, "port": str(port), "scheme": kind, "url": f"{kind}://{shown}:{port}/"}
    try:
        run = _run(command, path, values, (port, *proxies))
    except OSError:  # it cannot be started by this user, or no folder can be made for it
        return None
    return run and replace(run, program=program.partition("-")[0])


def _run(command: Command, path: str, values: Mapping[str, str], ports: Sequence[int]) -> Run | None:
    from loopdiag.probes.client_peer import Watch
    from loopdiag.probes.client_process import ended, filled, started, words_of

    if command.runner:
        return _visited(command, path, values, ports)
    environment = {name: filled(value, values) for name, value in command.environment.items()}
    with words_of(command, path, values) as words, Watch(() if command.tells_peer else ports) as watch:
        process = started(words, environment, command.stdin)
        out, err, over = ended(process, command.seconds)
    unable = command.unless_said and re.search(command.unless_said, err)
    if process.returncode == _NOT_THERE or unable or command.only_if_said not in err:
        return None
    failed = bool(command.failed_if_said) and re.search(command.failed_if_said, err) is not None
    peer = _told(out, err) if command.tells_peer else watch.peer(failed=failed)
    said = _last(out, err) if over else f"no end within {command.seconds:g} s"
    return Run("", peer, said, None if over else command.seconds, certain=command.tells_peer or failed or bool(peer))


def _visited(command: Command, path: str, values: Mapping[str, str], ports: Sequence[int]) -> Run | None:
    """What one makes of the URL that has a way of its own to be run; None where it did not get so far."""
    from loopdiag.probes.client_peer import Watch

    with Watch(ports) as watch:
        seen = _runner(command)(command, path, values)
    if seen is None:
        return None
    failed = re.search(command.failed_if_said, seen.said) is not None
    peer = seen.peer or watch.peer(failed=failed)  # no browser tells where it was when TLS failed, .NET never does
    said = f"no end within {seen.waited:g} s" if seen.waited else seen.said
    return Run("", peer, said, seen.waited, certain=failed or bool(peer or seen.waited))


def _runner(command: Command) -> Callable[[Command, str, Mapping[str, str]], Visit | None]:
    if command.runner == "firefox":
        from loopdiag.probes.client_firefox import visit_with_firefox

        return visit_with_firefox
    if command.runner == "dotnet":
        from loopdiag.probes.client_dotnet import visit_with_dotnet

        return visit_with_dotnet
    from loopdiag.probes.client_browser import visit_with_chromium

    return visit_with_chromium


def _told(out: str, err: str) -> tuple[str, int] | None:
    found = _PEER.findall(out)
    if found and found[-1][1] != "0":
        return found[-1][0].removeprefix("/"), int(found[-1][1])
    return _postgres_peer(err) or _busybox_peer(err)


def _postgres_peer(said: str) -> tuple[str, int] | None:
    """psql names the address; whatever is not an error of connect() came after it was connected."""
    told = re.findall(r'server at "([^"]+)"(?: \((\S+)\))?, port (\d+) failed: (.*)', said)
    if not told or told[-1][3].lower() in _FAILED:
        return None
    name, address, port, _ = told[-1]
    return address or name, int(port)


def _busybox_peer(said: str) -> tuple[str, int] | None:
    """BusyBox names where it connects to before it does."""
    told = re.findall(r"Connecting to \S+ \(\[?([^\])]+?)\]?:(\d+)\)", said)
    return (told[-1][0], int(told[-1][1])) if told and "can't connect" not in said else None


def _last(out: str, err: str) -> str:
    lines = [line for line in (*out.splitlines(), *err.splitlines()) if line.strip() and not line.startswith("peer ")]
    return " ".join(line for line in lines if not _CHATTER.search(line))[:_MOST_SAID]
