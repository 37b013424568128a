"""The words of an iptables rule, taken apart: iptables(8), iptables-extensions(8)."""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = {
    "-p": "--protocol", "-s": "--source", "-d": "--destination", "-i": "--in-interface", "-o": "--out-interface",
    "-f": "--fragment", "--proto": "--protocol", "--src": "--source", "--dst": "--destination",
    "--source-port": "--sport", "--destination-port": "--dport", "--source-ports": "--sports",
    "--destination-ports": "--dports", "--mss": "--mss",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a match: the module it belongs to ("" for iptables' own), its name, `!`, and its values."""

    module: str
    name: str
    negated: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """A rule: the options that must hold, and the target with its own options. `jump` is -j or -g."""

    options: tuple[Option, ...]
    modules: tuple[str, ...]
    target: str = ""
    goto: bool = False
    target_options: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@lru_cache(maxsize=4096)
def parse_words(words: tuple[str, ...]) -> Words:
    """Take the words of one rule apart; what stands behind -j or -g belongs to the target."""
    options: list[Option] = []
    modules: list[str] = []
    module = target = ""
    goto = False
    target_options: dict[str, tuple[str, ...]] = {}
    for negated, name, values in _options(words):
        if name in ("-m", "--match"):
            module = values[0] if values else ""
            modules.append(module)
        elif name in ("-j", "--jump", "-g", "--goto"):
            target, goto = (values[0] if values else ""), name in ("-g", "--goto")
        elif target:
            target_options[name] = values
        elif name in ("-4", "-6", "-c"):
            continue
        else:
            own = name in ("--protocol", "--source", "--destination", "--in-interface", "--out-interface", "--fragment")
            options.append(Option("" if own else module, name, negated, values))
    return Words(tuple(options), tuple(modules), target, goto, target_options)


def _options(words: tuple[str, ...]) -> Iterator[tuple[bool, str, tuple[str, ...]]]:
    """Each option with its values, and whether `!` stood before it (or, in old rules, behind it)."""
    at = 0
    while at < len(words):
        negated = words[at] == "!"
        at += negated
        if at >= len(words):
            return
        name = LONG.get(words[at], words[at])
        at += 1
        values = []
        while at < len(words) and words[at] != "!" and not _is_option(words[at]):
            values.append(words[at])
            at += 1
        yield negated, name, tuple(values)


def _is_option(word: str) -> bool:
    return word.startswith("--") or (len(word) == 2 and word[0] == "-" and word[1].isalpha())
