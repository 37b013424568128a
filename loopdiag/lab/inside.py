"""The first process inside the namespaces: builds the host, asks the question (or opens a shell), and ends it all.

usage: python -m loopdiag.lab.inside RESULT-FD FILE NAME report|page|shell [WORDS OF ANOTHER QUESTION ...]

What it found goes as one JSON line to RESULT-FD: `fault`, or `status` and `seconds` of the question.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.lab.building import WORK, Building, CannotBuildError
from loopdiag.lab.scenario import parse_scenario
from loopdiag.lab.words import LINES_OF, WORDS, unescape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.lab.scenario import Scenario

# Where a scenario says nothing else: a plain host, the same on every machine.
DEFAULT_LINES = {
    "hosts": ("127.0.0.1 localhost", "::1 localhost"),
    "nsswitch": ("passwd: files", "group: files", "hosts: files dns"),
    "resolv": (),
}


def main(words: Sequence[str]) -> int:
    """Build the host and ask; returns the exit status of the question."""
    result, file, name, mode, *other = words
    scenario = parse_scenario(name, Path(file).read_text(encoding="utf-8"))
    try:
        building = build(scenario)
    except CannotBuildError as fault:
        tell(int(result), {"fault": str(fault)})
        return 1
    began = time.monotonic()
    status = ask(building, question(tuple(other) or scenario.ask, mode), mode)
    tell(int(result), {"status": status, "seconds": time.monotonic() - began})
    return status


def build(scenario: Scenario) -> Building:
    """Carry out the steps; raises CannotBuildError naming the step that failed."""
    _own_run_folder()
    building = Building()
    subprocess.run(["hostname", "lab"], check=False, capture_output=True)
    for word, path in LINES_OF.items():
        lines = [unescape(step.rest) for step in scenario.steps if step.word == word]
        if not lines and word in DEFAULT_LINES:
            lines = [line.encode() for line in DEFAULT_LINES[word]]
        if lines or word in DEFAULT_LINES:
            building.lay(path, b"".join(line + b"\n" for line in lines))
    for number, step in enumerate(scenario.steps, 1):
        try:
            WORDS[step.word].does(building, step)
        except CannotBuildError as fault:
            raise CannotBuildError(f"step {number} ({step}): {fault}") from None
    return building


def _own_run_folder() -> None:
    """A /run of one's own: named network namespaces stay ours, and no name service of the machine answers us."""
    resolver = os.path.realpath("/etc/resolv.conf")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        raise CannotBuildError(f"no file system of its own for /run: {done.stderr.strip()}")
    for folder in (WORK, WORK / "tmp", Path("/run/netns"), Path(resolver).parent):
        folder.mkdir(parents=True, exist_ok=True)
    (WORK / "tmp").chmod(0o1777)
    if resolver.startswith("/run/"):
        Path(resolver).touch()


def question(words: tuple[str, ...], mode: str) -> list[str]:
    """The command line that asks: as a JSON report, as the page people see, or the words of a shell."""
    if mode == "shell":
        return list(words)
    machine = [] if mode == "page" or "--json" in words or "--format" in words else ["--json"]
    return [sys.executable, "-m", "loopdiag", words[0], *machine, *words[1:]]


def ask(building: Building, words: Sequence[str], mode: str) -> int:
    """Run the question with our own stdin, stdout and stderr; Ctrl-C is for it, not for us."""
    if mode == "shell":
        signal.signal(signal.SIGINT, lambda *_: None)
    before = None if building.cgroup is None else lambda: _join(building.cgroup)
    process = subprocess.Popen(building.question(words), env=building.asking_environment(), cwd="/",
                               preexec_fn=before)  # fmt: skip
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _join(cgroup: Path | None) -> None:
    assert cgroup is not None
    (cgroup / "cgroup.procs").write_text(str(os.getpid()))


def tell(descriptor: int, what: dict[str, object]) -> None:
    """One JSON line to whoever built us."""
    os.write(descriptor, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
