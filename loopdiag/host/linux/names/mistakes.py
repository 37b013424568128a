"""Why a line of the hosts file that holds a name does not count for it."""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import replace
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopdiag.model.names import HostsLine

_BOM = "\ufeff"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_BLANK = re.compile("[\u00a0\u2000-\u200a\u202f\u3000]")
_COMMENT = re.compile(r"\s*(#+|;+|//+|--+|!|<!--|REM\s)", re.IGNORECASE)
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}")
_NUMBERS = re.compile(r"\d+(\.\d+)*")
_PARTS = re.compile(r"[\s,;=\[\]()'\"]+")


def mistake(line: HostsLine, text: str, name: str) -> HostsLine | None:
    """The line with its fault, or None where it does not bear on the name (another name that holds it, prose)."""
    for fault in (_marked, _taken_out, _joined, _no_name, _bad_address, _final_dot, _bad_name):
        found = fault(line, text, name)
        if found:
            return found
    return None


def _marked(line: HostsLine, text: str, name: str) -> HostsLine | None:
    if line.line != 1 or not text.startswith(_BOM) or not _holds(line.names, name):
        return None
    return replace(
        line,
        address=line.address.removeprefix(_BOM),
        fault="it begins with a byte order mark, which the C library takes for part of the address",
        meant=_first_address(text),
    )


def _taken_out(line: HostsLine, text: str, name: str) -> HostsLine | None:
    """An entry behind a comment sign; prose that merely holds the name is none."""
    sign = _COMMENT.match(text)
    words = text[sign.end() :].partition("#")[0].split() if sign else []
    if len(words) < 2 or not _ADDRESS.fullmatch(words[0]) or not _holds(words[1:], name):
        return None
    return replace(line, fault="it is commented out", meant=_first_address(words[0]), commented=True)


def _joined(line: HostsLine, text: str, name: str) -> HostsLine | None:
    start = _ADDRESS.match(line.address)
    if not start or line.address[start.end() :].lstrip(",;=:/|").lower() != name.lower():
        return None
    return replace(line, fault="there is no space between the address and the name", meant=_first_address(text))


def _no_name(line: HostsLine, text: str, name: str) -> HostsLine | None:
    behind = text.partition("#")[2].split()
    if not is_address(line.address) or not _holds(behind[:1], name):
        return None
    if line.names and behind[1:]:
        return None  # `127.0.0.1 db # app is elsewhere`: prose
    return replace(line, fault="the # turns the name into a comment", meant=line.address, commented=bool(line.names))


def _bad_address(line: HostsLine, text: str, name: str) -> HostsLine | None:
    if not line.address or is_address(line.address) or _COMMENT.match(text):
        return None
    meant = _first_address(line.address)
    if _holds([line.address], name) and _first_address(" ".join(line.names)):
        return replace(line, fault="the name stands before the address", meant=_first_address(" ".join(line.names)))
    if not _holds(line.names, name) and not _holds(_BLANK.split(line.address)[1:], name):
        return None
    if _BLANK.search(line.address) or _INVISIBLE.search(line.address):
        return replace(line, fault="an invisible or no-break character spoils the address", meant=meant)
    return replace(line, fault=f"'{line.address}' is not an address{_why(line.address)}", meant=meant)


def _final_dot(line: HostsLine, text: str, name: str) -> HostsLine | None:
    """Where question and line differ by the final dot alone: no fault of the line where the question has it."""
    other = name[:-1] if name.endswith(".") else name + "."
    if other.lower() not in (word.lower() for word in line.names):
        return None
    fault = f"it gives '{other}', and the hosts file is compared letter by letter, the final dot included"
    return replace(line, fault=fault, meant=line.address, commented=name.endswith("."))


def _bad_name(line: HostsLine, text: str, name: str) -> HostsLine | None:
    for word in line.names:
        fault = _name_fault(word, name)
        if fault and word.lower() != name.lower():
            return replace(line, fault=fault, meant=line.address)
    return None


def doubled_end(line: HostsLine | None, text: str, name: str) -> HostsLine | None:
    """The file's last line where no line end follows it: glibc takes white space off its front by moving the rest
    without the final NUL, so that as many characters stand twice at its end.
    """
    indent = len(text) - len(text.lstrip(" \t\r\v\f"))
    if line is None or line.fault or not indent or "#" in text:
        return line
    read = (text[indent:] + text[-indent:]).split()
    if name.lower() in (word.lower() for word in read[1:]):
        return line
    fault = (
        f"it begins with white space and no line end follows it, so this C library reads its last name as '{read[-1]}'"
    )
    return replace(line, fault=fault, meant=line.address)


def _name_fault(word: str, name: str) -> str | None:
    low = name.lower()
    if _INVISIBLE.sub("", word).lower() == low:
        return "the name holds an invisible character"
    if "*" in word and "." in word and fnmatchcase(low, word.lower()):
        return f"'{word}' is taken literally: the hosts file knows no wildcards"
    if low in re.split(r"[,;]", word.lower()):
        return f"'{word}' is taken for one name: names are parted by spaces"
    if re.fullmatch(rf"(?:[a-z]+://)?{re.escape(low)}(?::\d+)?(?:/.*)?", word.lower()):
        return f"'{word}' is taken literally: the hosts file takes neither scheme nor port"
    return None


def _why(word: str) -> str:
    if "%" in word:
        return " here: a zone is not taken"
    if _NUMBERS.fullmatch(word):
        return " here: it must be four numbers from 0 to 255 without leading zeros"
    return ""


def _holds(words: list[str] | tuple[str, ...], name: str) -> bool:
    parts = {_INVISIBLE.sub("", part).lower() for word in words for part in _PARTS.split(word)}
    return name.lower() in parts


def _first_address(text: str) -> str | None:
    for found in _ADDRESS.findall(text):
        if is_address(found):
            return str(found)
    with contextlib.suppress(OSError):  # `127.1`, `127.0.0.01`: read by inet_aton(3), not by the hosts file
        return socket.inet_ntoa(socket.inet_aton(text)) if _NUMBERS.fullmatch(text) else None
    return None


def is_address(word: str) -> bool:
    """inet_pton(3) takes it: four decimal numbers without leading zeros, or IPv6 without a zone."""
    try:
        return "%" not in word and bool(ip_address(word))
    except ValueError:
        return False
