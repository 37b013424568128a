"""The words that steps are made of. docs/architecture.md describes each; a test keeps both lists the same."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.lab.building import Building
    from loopdiag.lab.scenario import Step


class Word(NamedTuple):
    """`does` carries a step out. `least` is how many words must follow; `splits`: the rest is split as a shell would.

    `program` must be on the machine; `elsewhere`: the step may also be done at a neighbour.
    """

    does: Callable[[Building, Step], None]
    usage: str
    least: int = 1
    splits: bool = True
    program: str | None = None
    elsewhere: bool = False


LINES_OF = {  # step word -> the file that its lines make up
    "hosts": "/etc/hosts",
    "nsswitch": "/etc/nsswitch.conf",
    "resolv": "/etc/resolv.conf",
    "gai": "/etc/gai.conf",
}


def _lo(building: Building, step: Step) -> None:
    building.run(["ip", "link", "set", "lo", step.words[0]], step.at)


def _program(building: Building, step: Step) -> None:
    building.run([step.word, *step.words], step.at)


def _nft(building: Building, step: Step) -> None:
    building.run(["nft", step.rest], step.at)


def _sysctl(building: Building, step: Step) -> None:
    name, _, value = step.rest.partition(" ")
    building.write_sysctl(name, value.strip(), step.at)


def _laid_before(building: Building, step: Step) -> None:
    """The lines of these files are laid before the first step."""


def _file(building: Building, step: Step) -> None:
    path, _, text = step.rest.partition(" ")
    building.lay(path, unescape(text))


def _unreadable(building: Building, step: Step) -> None:
    building.lay(step.words[0], None, mode=0)


def _cable(building: Building, step: Step) -> None:
    device, *addresses = step.words
    building.run(["ip", "link", "add", device, "type", "veth", "peer", "name", f"{device}-peer"])
    for address in addresses:
        building.add_address(device, address)
    for end in (device, f"{device}-peer"):
        building.run(["ip", "link", "set", end, "up"])


def _neighbour(building: Building, step: Step) -> None:
    name, device, address, peer = step.words[:4]
    building.run(["ip", "netns", "add", name])
    building.run(["ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name])
    building.add_address(device, address)
    building.add_address("eth0", peer, name)
    building.run(["ip", "link", "set", device, "up"])
    for end in ("lo", "eth0"):
        building.run(["ip", "link", "set", end, "up"], name)


def _serve(building: Building, step: Step) -> None:
    building.start_python("loopdiag.lab.server", step.words, step.at)


def _nameserver(building: Building, step: Step) -> None:
    building.start_python("loopdiag.lab.nameserver", step.words, step.at, served=False)


def _connect(building: Building, step: Step) -> None:
    building.start_python("loopdiag.lab.client", step.words, step.at, served=False)


def _stop(building: Building, step: Step) -> None:
    building.stop_server()


def _kill(building: Building, step: Step) -> None:
    building.kill_server()


def _env(building: Building, step: Step) -> None:
    name, _, value = step.rest.partition("=")
    building.environment[name] = value


def _as(building: Building, step: Step) -> None:
    building.user = step.words[0]


def _under(building: Building, step: Step) -> None:
    building.under += step.words


def _confine(building: Building, step: Step) -> None:
    building.confine(step.words)


def _run(building: Building, step: Step) -> None:
    building.run(["bash", "-euc", step.rest], step.at)


def _start(building: Building, step: Step) -> None:
    building.start(["bash", "-euc", step.rest], step.at)


WORDS: dict[str, Word] = {
    "lo": Word(_lo, "lo up", program="ip", elsewhere=True),
    "ip": Word(_program, "ip WORDS", program="ip", elsewhere=True),
    "nft": Word(_nft, "nft COMMAND", splits=False, program="nft", elsewhere=True),
    "tc": Word(_program, "tc WORDS", program="tc", elsewhere=True),
    "iptables": Word(_program, "iptables WORDS", program="iptables", elsewhere=True),
    "ip6tables": Word(_program, "ip6tables WORDS", program="ip6tables", elsewhere=True),
    "iptables-legacy": Word(_program, "iptables-legacy WORDS", program="iptables-legacy", elsewhere=True),
    "ip6tables-legacy": Word(_program, "ip6tables-legacy WORDS", program="ip6tables-legacy", elsewhere=True),
    "ipset": Word(_program, "ipset WORDS", program="ipset", elsewhere=True),
    "sysctl": Word(_sysctl, "sysctl NAME VALUE", least=2, splits=False, elsewhere=True),
    "hosts": Word(_laid_before, "hosts LINE", least=0, splits=False),
    "nsswitch": Word(_laid_before, "nsswitch LINE", least=0, splits=False),
    "resolv": Word(_laid_before, "resolv LINE", least=0, splits=False),
    "gai": Word(_laid_before, "gai LINE", least=0, splits=False),
    "file": Word(_file, "file PATH TEXT", splits=False),
    "unreadable": Word(_unreadable, "unreadable PATH"),
    "cable": Word(_cable, "cable DEV ADDRESS/LEN ...", program="ip"),
    "neighbour": Word(_neighbour, "neighbour NAME DEV ADDRESS/LEN PEER/LEN", least=4, program="ip"),
    "serve": Word(_serve, "serve ADDRESS:PORT MODE ...", elsewhere=True),
    "nameserver": Word(_nameserver, "nameserver ADDRESS [NAME=ADDRESS ...] [silent|servfail]", elsewhere=True),
    "connect": Word(_connect, "connect ADDRESS:PORT [COUNT] [MODE ...]", elsewhere=True),
    "stop": Word(_stop, "stop", least=0),
    "kill": Word(_kill, "kill", least=0),
    "env": Word(_env, "env NAME=VALUE", splits=False),
    "as": Word(_as, "as USER", program="setpriv"),
    "under": Word(_under, "under PROGRAM WORDS"),
    "confine": Word(_confine, "confine seccomp|landlock|cgroup WHAT", least=2),
    "run": Word(_run, "run LINE", splits=False, program="bash", elsewhere=True),
    "start": Word(_start, "start LINE", splits=False, program="bash", elsewhere=True),
}


def unescape(text: str) -> bytes:
    r"""`\n`, `\t`, `\r`, `\\` and `\xNN` become the bytes that they stand for; all else is UTF-8."""
    plain = {"n": b"\n", "t": b"\t", "r": b"\r", "\\": b"\\"}
    out, at = b"", 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in plain:
            out, at = out + plain[text[at + 1]], at + 2
        elif text[at] == "\\" and text[at + 1 : at + 2] == "x":
            out, at = out + bytes.fromhex(text[at + 2 : at + 4]), at + 4
        else:
            out, at = out + text[at].encode(), at + 1
    return out


def programs(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The programs that these steps need on the machine, each once."""
    needed = dict.fromkeys(WORDS[step.word].program for step in steps)
    return tuple(program for program in needed if program)


def show(words: tuple[str, ...]) -> str:
    """Words as one would type them."""
    return shlex.join(words)
