"""The text of a loopdiag.toml -> assertions. Every mistake is told with its line; nothing is guessed."""

from __future__ import annotations

import tomllib
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from loopdiag.model.assertion import COMMON, KINDS, Assertion, Value
from loopdiag.model.duration import parse_duration
from loopdiag.model.errors import UsageError
from loopdiag.model.target import Target, parse_host, parse_port, parse_target, split_port
from loopdiag.model.tomllines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loopdiag.model.assertion import Kind


def parse_checks(text: str, file: str) -> tuple[Assertion, ...]:
    """The assertions in the order of the file; raises UsageError (`FILE:LINE: ...`) for the first mistake."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        said, _, place = str(fault).partition(" (at ")
        line = place.removeprefix("line ").partition(",")[0]
        where = f"{file}:{line}" if line.isdecimal() else f"{file}:{text.count(chr(10)) + 1}"
        raise UsageError(f"{where}: this is not TOML: {said[:1].lower()}{said[1:]}") from None
    lines = Lines(text)
    _tables(data, file, lines)
    tables = [
        (lines.table(kind, number), kind, number, table)
        for kind, several in data.items()
        for number, table in enumerate(several)
    ]
    if not tables:
        raise UsageError(f"{file}: there is no assertion in it, such as [[tcp]]")
    return tuple(_Reader(file, lines, kind, number, table).read() for _, kind, number, table in sorted(
        tables, key=lambda one: one[0]))  # fmt: skip


def _tables(data: Mapping[str, Any], file: str, lines: Lines) -> None:
    """Every name at the top is a kind, written as an array of tables."""
    for name, value in sorted(data.items(), key=lambda item: lines.table(item[0], 0)):
        where = f"{file}:{lines.table(name, 0)}"
        if name not in KINDS:
            raise UsageError(f"{where}: '{name}' is no kind of assertion{nearest(name, KINDS)}")
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise UsageError(f"{where}: '{name}' must be written as [[{name}]], with its keys below")


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'tcp'?)`, or the words that there are."""
    from difflib import get_close_matches

    words = list(known)
    close = get_close_matches(word.lower(), words, 1, 0.5)
    return f" (did you mean '{close[0]}'?)" if close else f"; there are {', '.join(words)}"


class _Reader:
    """One table."""

    def __init__(self, file: str, lines: Lines, kind: str, number: int, table: Mapping[str, Any]) -> None:
        self._file, self._lines, self._name, self._number, self._table = file, lines, kind, number, table
        self._kind: Kind = KINDS[kind]
        self._line = lines.table(kind, number)

    def read(self) -> Assertion:
        types: Mapping[str, str | tuple[str, ...]] = {**COMMON, **self._kind.keys}
        for key in self._table:
            if key not in types and key != "expect":
                raise self._wrong(key, f"'{key}' is no key of [[{self._name}]]{nearest(key, [*types, 'expect'])}")
        values = {key: self._value(key, types[key]) for key in self._table if key != "expect"}
        if "target" not in values:
            raise self._wrong(None, f"[[{self._name}]] has no target")
        target = str(values["target"])
        timeout, retries = values.get("timeout"), values.get("retries")
        return Assertion(
            kind=self._name,
            name=str(values.get("name") or f"{self._name} {target}"),
            target=target,
            where=self._target(target),
            expect=self._expect(),
            timeout=timeout if isinstance(timeout, float) else None,
            retries=retries if isinstance(retries, int) else 0,
            line=self._line,
            also={key: value for key, value in values.items() if key in self._kind.keys},
        )

    def _expect(self) -> Value | None:
        if "expect" not in self._table:
            if self._name == "resolve":
                raise self._wrong(None, '[[resolve]] has no expect, such as ["127.0.0.1", "::1"]')
            return self._kind.default
        given = self._table["expect"]
        if isinstance(given, str) and self._kind.words:
            return self._value("expect", self._kind.words)
        if not self._kind.types:
            return self._value("expect", self._kind.words)
        value = self._value("expect", self._kind.types[isinstance(given, list) and len(self._kind.types) > 1])
        if self._name == "resolve" and isinstance(value, tuple):
            return tuple(self._address(str(one)) for one in value)
        return value

    def _address(self, text: str) -> str:
        try:
            return str(ip_address(text))
        except ValueError:
            raise self._wrong("expect", f"'{text}' is no address") from None

    def _value(self, key: str, wanted: str | tuple[str, ...]) -> Value:
        given = self._table[key]
        if isinstance(wanted, tuple):
            if isinstance(given, str) and given in wanted:
                return given
            if isinstance(given, str):
                raise self._wrong(key, f"{key} cannot be '{given}'{nearest(given, wanted)}")
            raise self._wrong(key, f"{key} must be one of {', '.join(wanted)}")
        meaning, read = _TYPES[wanted]
        value = read(given)
        if value is None:
            raise self._wrong(key, f"{key} must be {meaning}")
        return value

    def _target(self, text: str) -> Target | None:
        try:
            return _TARGETS[self._name](text)
        except UsageError as fault:
            raise self._wrong("target", str(fault)) from None

    def _wrong(self, key: str | None, sentence: str) -> UsageError:
        line = self._line if key is None else self._lines.key(self._name, self._number, key)
        return UsageError(f"{self._file}:{line}: {sentence}")


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given.strip() else None


def _count(given: Any) -> int | None:
    return given if type(given) is int and given >= 0 else None


def _status(given: Any) -> int | None:
    return given if type(given) is int and 100 <= given <= 599 else None


def _duration(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        return None
    try:
        return parse_duration(str(given))
    except UsageError:
        return None


def _texts(given: Any) -> tuple[str, ...] | None:
    given = [given] if isinstance(given, str) else given
    return tuple(given) if isinstance(given, list) and all(map(_text, given)) else None


def _statuses(given: Any) -> tuple[int, ...] | None:
    return tuple(given) if isinstance(given, list) and given and all(map(_status, given)) else None


_TYPES: Mapping[str, tuple[str, Callable[[Any], Value | None]]] = {
    "text": ("a text that is not empty", _text),
    "target": ("a text that is not empty, or a port", lambda given: str(given) if _count(given) else _text(given)),
    "count": ("a whole number from 0 on", _count),
    "status": ("an HTTP status from 100 to 599, a list of them, or what kept an answer from coming", _status),
    "statuses": ("a list of HTTP statuses from 100 to 599", _statuses),
    "duration": ('a duration above 0: a number of seconds, or a text such as "500ms"', _duration),
    "texts": ("a list of texts", _texts),
}


def _of(*transports: str) -> Callable[[str], Target]:
    def read(text: str) -> Target:
        plain = "://" not in text and not text.startswith("unix:")
        target = parse_target(f"{transports[0]}://{text}" if plain and transports[0] == "udp" else text)
        if target.transport not in transports:
            raise UsageError(f"'{text}' has no port" if target.transport == "icmp" else f"'{text}' is something else")
        return target

    return read


def _web(text: str) -> Target:
    target = parse_target(text if "://" in text else f"http://{text}")
    if target.scheme not in ("http", "https"):
        raise UsageError(f"'{text}' is no http:// or https:// URL")
    return target


def _tls(text: str) -> Target:
    target = parse_target(text if "://" in text else f"tls://{text}")
    if target.scheme != "tls":
        raise UsageError(f"'{text}' is no host:port or tls:// target")
    return target


def _bind(text: str) -> Target:
    host, port = split_port(text)
    if port is None:
        raise UsageError(f"'{text}' has no port: write 127.0.0.1:8080")
    return parse_host(host, port, "tcp")


def _listener(text: str) -> Target:
    if text.removeprefix(":").isdecimal():
        return Target(text, "tcp", None, parse_port(text.removeprefix(":")))
    target = _bind(text)
    if target.address is None:
        raise UsageError(f"'{text}' names no address: write a port, or an address and a port")
    return target


_TARGETS: Mapping[str, Callable[[str], Target | None]] = {
    "tcp": _of("tcp", "unix"),
    "udp": _of("udp"),
    "http": _web,
    "tls": _tls,
    "ping": parse_host,
    "resolve": parse_host,
    "bind": _bind,
    "listener": _listener,
    "route": parse_host,
    "interface": lambda text: None,
}
