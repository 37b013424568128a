"""The command group: every command by name, loaded only when it is run."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from loopdiag import __version__


class Entry(NamedTuple):
    """Where a command lives (`module:attribute` below loopdiag.cli) and its line in `--help`."""

    where: str
    help: str


COMMANDS = {
    "why": Entry("why:why", "The root cause, whatever the layer: type this when something on localhost fails."),
    "ping": Entry("ping:ping", "ICMP echo, and why it worked or failed."),
    "connect": Entry("connect:connect", "TCP (or UDP) to every address of a name, each with its outcome."),
    "resolve": Entry("resolve:resolve", "How this host turns a name into addresses, and which source gave each."),
    "bind-test": Entry(
        "bind_test:bind_test", "Bind, listen, connect from every local address; or say why binding fails."
    ),
    "route": Entry("route:route", "The kernel's own answer for an address: rule, table, route, device, source."),
    "interfaces": Entry("interfaces:interfaces", "Interfaces and addresses, and what each means for reachability."),
    "listeners": Entry("listeners:listeners", "Who listens, on what, and from where it can be reached."),
    "trace": Entry("trace:trace", "The packet's way through the kernel, step by step, with drop reasons (root)."),
    "compare": Entry("compare:compare", "ICMP beside TCP and UDP: sockets, headers byte by byte, time of each."),
    "wait": Entry("wait:wait", "Return as soon as all targets answer; on time-out, the diagnosis of what is missing."),
    "doctor": Entry("doctor:doctor", "Every check of the host's own loopback, as a checklist."),
    "check": Entry("check:check", "The assertions of a loopdiag.toml, for CI and monitoring; --init writes one."),
    "explain": Entry("explain:explain", "What a cause means, how it is proven, how it is mended."),
    "lab": Entry("lab:lab", "Hosts broken on purpose: see them, diagnose them, step inside, score the diagnoses."),
}


class LazyGroup(click.Group):
    """Lists and finds commands from COMMANDS: neither `--help` nor completion loads one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.where.partition(":")
        command = getattr(import_module(f"loopdiag.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="loopdiag %(version)s")
def app() -> None:
    """Why can('t) this host reach itself?

    loopdiag opens real sockets against localhost, 127.0.0.1, ::1 and the host's own addresses, and explains each
    result from the host's own interfaces, routes, listeners, resolver files and packet filter.

    \b
    Examples:
      loopdiag why localhost:3000
      loopdiag ping 127.0.0.1
      loopdiag resolve localhost
      loopdiag bind-test 0.0.0.0

    \b
    Exit codes: 0 works, 1 broken, 2 usage, 3 could not tell, 4 a bug in loopdiag,
    124 wait timed out, 130 interrupted.
    """
