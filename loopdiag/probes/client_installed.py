"""Which clients are installed: under which names, of which version, and how they were built."""

from __future__ import annotations

import contextlib
import re
from functools import cache
from pathlib import Path

from loopdiag.model.value import dataclass

NAMES = {
    "urllib": r"python3", "requests": r"python3", "httpx": r"python3", "node": r"node(js)?(-?\d+)?",
    "mysql": r"mysql|mariadb", "go-cgo": r"go",
    "firefox": r"firefox(-esr)?", "chromium": r"chromium(-browser)?|google-chrome(-stable)?",
}  # fmt: skip
_VERSION_WORDS = {"java": ("-version",), "go": ("version",), "go-cgo": ("version",), "busybox": ()}
_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Installed:
    """A program at `path`. `version` is None where it does not say; `build` is glibc, musl, mysql, mariadb or empty."""

    path: str
    version: tuple[int, ...] | None
    build: str = ""


@cache
def installed(program: str) -> tuple[Installed, ...]:
    """Every program on PATH that is this client of policies.toml, the one by its plain name first."""
    return tuple(_looked_at(program, path) for path in _paths(NAMES.get(program, program)))


def _paths(pattern: str) -> list[str]:
    import os
    import sys

    found: list[Path] = []
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        with contextlib.suppress(OSError):
            named = [path for path in Path(folder).iterdir() if re.fullmatch(pattern, path.name)]
            able = (path for path in named if path.is_file() and os.access(path, os.X_OK))
            found += sorted(able, key=lambda path: len(path.name))
    if pattern == "python3":  # our own too, which is another than the one that its environment was made from
        return list(dict.fromkeys([*map(str, found[:1]), sys.executable]))
    return list({path.resolve(): str(path) for path in reversed(found)}.values())[::-1]


def _looked_at(program: str, path: str) -> Installed:
    if program in ("urllib", "requests", "httpx"):
        return Installed(path, None)
    if program == "dotnet":
        return Installed(path, _dotnet_version(path))
    said = said_by(path, _VERSION_WORDS.get(program, ("--version",)))
    number = re.search(r"Distrib (\d+(?:\.\d+)+)", said) or re.search(r"(\d+(?:\.\d+)+)", said)
    version = tuple(int(part) for part in number[1].split(".")) if number else None
    if program == "mysql":
        return Installed(path, version, "mariadb" if "MariaDB" in said else "mysql")
    return Installed(path, version, _c_library(path) if program == "busybox" else "")


def _dotnet_version(path: str) -> tuple[int, ...] | None:
    """Of the newest runtime, which is the one that is run."""
    from loopdiag.probes.client_dotnet import runtimes

    return max((number for number, *_ in runtimes(said_by(path, ("--list-runtimes",)))), default=None)


def said_by(path: str, words: tuple[str, ...]) -> str:
    """What the program says to these words, on its output or else as errors; nothing where it cannot be run."""
    import subprocess

    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run([path, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=_SECONDS, check=False, errors="replace")  # fmt: skip
        return done.stdout or done.stderr
    return ""


def _c_library(path: str) -> str:
    """Which C library a program has in it, or asks for."""
    with contextlib.suppress(OSError):
        content = Path(path).read_bytes()
        return "glibc" if b"GLIBC_" in content or b"GNU C Library" in content else "musl"
    return ""
