"""A scenario: a host broken (or not) in one known way, one question, and what the answer must be. Read from TOML."""

from __future__ import annotations

import shlex
import tomllib
from typing import TYPE_CHECKING, Any

from loopdiag.model.errors import UsageError
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECTIONS = ("names", "interfaces", "routing", "filter", "listeners", "binding", "client", "service", "healthy")
VERDICTS = ("works", "degraded", "broken", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What the report must say. An empty tuple asks for nothing; `within` is seconds for the question alone."""

    verdict: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()  # the first finding's is any of these
    also: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    says: tuple[str, ...] = ()  # text within the first finding, or within the report where there is none
    exit: tuple[int, ...] = ()
    within: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: its word, and the rest of the line as written. `at` names the neighbour that it is done on."""

    word: str
    rest: str = ""
    at: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The rest as a shell would split it."""
        return tuple(shlex.split(self.rest))

    def __str__(self) -> str:
        text = f"{self.word} {self.rest}".rstrip()
        return f"at {self.at} {text}" if self.at else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`ask` is the command line of the question, without `loopdiag`."""

    name: str
    title: str
    section: str
    about: str
    steps: tuple[Step, ...]
    ask: tuple[str, ...]
    expect: Expect


def parse_scenario(name: str, text: str) -> Scenario:
    """Read a scenario file's text; raises UsageError with what is wrong and where."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(f"scenario {name} is not TOML: {fault}") from None
    _only(name, data, ("title", "section", "about", "steps", "ask", "expect"))
    section = _text(name, data, "section")
    if section not in SECTIONS:
        raise UsageError(f"scenario {name}: section '{section}' is none of {', '.join(SECTIONS)}")
    ask = _texts(name, data, "ask")
    if not ask:
        raise UsageError(f"scenario {name}: ask is empty")
    steps = tuple(_step(name, at, line) for at, line in enumerate(_texts(name, data, "steps"), 1))
    return Scenario(name=name, title=_text(name, data, "title"), section=section, about=_text(name, data, "about"),
                    steps=steps, ask=ask, expect=_expect(name, data.get("expect")))  # fmt: skip


def _expect(name: str, data: Any) -> Expect:
    from loopdiag.explain.causes import NAMES

    if not isinstance(data, dict):
        raise UsageError(f"scenario {name} has no [expect] table")
    _only(name, data, ("verdict", "cause", "also", "never", "says", "exit", "within"), "expect.")
    said = {key: _texts(name, data, key, "expect.") for key in ("verdict", "cause", "also", "never", "says")}
    for verdict in said["verdict"]:
        _known(name, "expect.verdict", verdict, VERDICTS)
    for key in ("cause", "also", "never"):
        for cause in said[key]:
            _known(name, f"expect.{key}", cause, NAMES)
    codes, within = data.get("exit", []), data.get("within")
    if not isinstance(codes, list) or not all(type(code) is int for code in codes):
        raise UsageError(f"scenario {name}: expect.exit must be a list of numbers")
    if within is not None and (isinstance(within, bool) or not isinstance(within, (int, float)) or within <= 0):
        raise UsageError(f"scenario {name}: expect.within must be a number of seconds above 0")
    return Expect(**said, exit=tuple(codes), within=within)


def _step(name: str, number: int, line: str) -> Step:
    from loopdiag.lab.words import WORDS

    where = f"scenario {name}: step {number}"
    word, _, rest = line.strip().partition(" ")
    at = None
    if word == "at":
        at, _, rest = rest.strip().partition(" ")
        word, _, rest = rest.strip().partition(" ")
    if word not in WORDS:
        raise UsageError(f"{where}: '{word}' is no word of the lab{_nearest(word, WORDS)}")
    step = Step(word=word, rest=rest.strip(), at=at)
    try:
        given = len(step.words) if WORDS[word].splits else len(step.rest.split())
    except ValueError as fault:
        raise UsageError(f"{where}: '{line}' cannot be split into words: {fault}") from None
    if given < WORDS[word].least:
        raise UsageError(f"{where}: '{line}' is too short; it is: {WORDS[word].usage}")
    if at and not WORDS[word].elsewhere:
        raise UsageError(f"{where}: '{word}' cannot be done at a neighbour")
    return step


def _only(name: str, data: Mapping[str, Any], keys: tuple[str, ...], prefix: str = "") -> None:
    for key in data:
        if key not in keys:
            raise UsageError(f"scenario {name}: '{prefix}{key}' is no key of a scenario{_nearest(key, keys)}")


def _known(name: str, key: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise UsageError(f"scenario {name}: {key} holds '{value}', which is none{_nearest(value, known)}")


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), 1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _text(name: str, data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"scenario {name}: {key} must be a text")
    return value.strip()


def _texts(name: str, data: Mapping[str, Any], key: str, prefix: str = "") -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"scenario {name}: {prefix}{key} must be a list of texts")
    return tuple(value)
