"""Make the namespaces of a scenario, run it inside, and see to it that nothing is left, however it ends."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.model.errors import LoopdiagError
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.lab.scenario import Scenario

# The first process inside dies with unshare (--kill-child), unshare dies with us (--pdeathsig): the kernel then ends
# every process of the PID namespace, and with the last one go the network, its devices and the mounts.
UNSHARE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork",
           "--kill-child", "--mount-proc")  # fmt: skip
_LAST_WORD = 3.0  # seconds that a question has after Ctrl-C
LONGEST = 120.0  # seconds for one scenario, build and question together

# Variables of the caller that would change what a scenario shows.
_FOREIGN = ("_proxy", "_PROXY")
_ALSO_FOREIGN = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "HOSTALIASES",
    "RES_HOST_CONF",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a scenario went. `fault` is set where it could not be built, or gave no answer in time; then nothing else
    counts. `seconds` is the question's own time, `status` its exit status."""

    fault: str | None = None
    status: int | None = None
    seconds: float | None = None
    out: str = ""
    err: str = ""


class Runner:
    """Runs scenarios one after another or side by side; `end()` ends all of them at once."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def report(self, file: Path, scenario: Scenario, longest: float = LONGEST) -> Run:
        """Build it, ask its question with --json, and take the answer."""
        with self._inside(file, scenario, "report", capture=True) as (process, results):
            try:
                out, err = process.communicate(timeout=longest)
            except subprocess.TimeoutExpired:
                return Run(fault=f"no answer within {longest:.0f} s")
            return _result(results, out, err)

    def page(self, file: Path, scenario: Scenario, words: Sequence[str] = ()) -> Run:
        """Build it and ask its question (or `words`) with our own stdout and stderr."""
        return self._attached(file, scenario, "page", words)

    def shell(self, file: Path, scenario: Scenario, words: Sequence[str]) -> Run:
        """Build it and run `words` in it, attached to our own terminal."""
        return self._attached(file, scenario, "shell", words)

    def end(self) -> None:
        """End everything that runs, now."""
        with self._lock:
            self._ended = True
            for process in self._running:
                process.kill()

    def _attached(self, file: Path, scenario: Scenario, mode: str, words: Sequence[str]) -> Run:
        with self._inside(file, scenario, mode, capture=False, words=words) as (process, results):
            _wait(process, patient=mode == "shell")
            return _result(results, "", "")

    def _inside(
        self, file: Path, scenario: Scenario, mode: str, *, capture: bool, words: Sequence[str] = ()
    ) -> _Inside:
        need_rights()
        return _Inside(self, [str(file.resolve()), scenario.name, mode, *words], capture)

    def _add(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.add(process)
            if self._ended:
                process.kill()

    def _discard(self, process: subprocess.Popen[str]) -> None:
        end_all(process)
        with self._lock:
            self._running.discard(process)


class _Inside:
    """The process inside, with the file that it writes its result to; gone when the block is left."""

    def __init__(self, runner: Runner, words: list[str], capture: bool) -> None:
        self._runner, self._words, self._capture = runner, words, capture

    def __enter__(self) -> tuple[subprocess.Popen[str], int]:
        from loopdiag.lab.cgroup import NAME_IN, name_for

        pipe = subprocess.PIPE if self._capture else None
        self._cgroup = name_for(id(self))
        self._results = os.memfd_create("loopdiag-lab")
        self._process = subprocess.Popen(
            [*UNSHARE, sys.executable, "-m", "loopdiag.lab.inside", str(self._results), *self._words],
            stdin=subprocess.DEVNULL if self._capture else None, stdout=pipe, stderr=pipe, text=True, errors="replace",
            env={**environment(), NAME_IN: self._cgroup}, cwd="/", pass_fds=(self._results,),
            start_new_session=self._capture,
        )  # fmt: skip
        self._runner._add(self._process)
        return self._process, self._results

    def __exit__(self, *_: object) -> None:
        from loopdiag.lab.cgroup import remove

        self._runner._discard(self._process)
        remove(self._cgroup)
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        os.close(self._results)


def _wait(process: subprocess.Popen[str], *, patient: bool) -> None:
    """Until the inside ends. Ctrl-C goes to the question too, which may still have its last word (as ping has)."""
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            if not patient:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LAST_WORD)
                return
        else:
            return


def end_all(process: subprocess.Popen[str]) -> None:
    """End unshare and, with it, all that is inside; returns when the last process there is gone."""
    if process.poll() is None:
        first = [os.pidfd_open(pid) for pid in _children(process.pid)]
        process.kill()
        process.wait()
        for handle in first:
            select.select([handle], [], [], 5)
            os.close(handle)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def need_rights() -> None:
    """Raises LoopdiagError with the right that is missing."""
    from shutil import which

    if sys.platform != "linux":
        raise LoopdiagError("the lab builds its hosts from Linux namespaces, which this system does not have")
    if os.geteuid() != 0:
        raise LoopdiagError("building a broken host needs root (CAP_SYS_ADMIN, to make namespaces): try it with sudo")
    for program in ("unshare", "setpriv", "ip"):
        if not which(program):
            raise LoopdiagError(f"building a broken host needs the program {program} (util-linux, iproute2)")


def environment() -> dict[str, str]:
    """The caller's environment without what would change a scenario, with this loopdiag first on both paths."""
    kept = {name: value for name, value in os.environ.items()
            if not name.endswith(_FOREIGN) and name not in _ALSO_FOREIGN}  # fmt: skip
    source = Path(__file__).resolve().parents[2]
    if "site-packages" not in source.parts:
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(source), kept.get("PYTHONPATH"))))
    programs = str(Path(sys.executable).parent)
    kept["PATH"] = os.pathsep.join((programs, kept.get("PATH", os.defpath)))
    return kept


def _result(results: int, out: str, err: str) -> Run:
    import json

    os.lseek(results, 0, os.SEEK_SET)
    line = os.read(results, 65536).decode()
    if not line:
        return Run(fault=f"the namespaces could not be made: {err.strip() or 'ended without a word'}", err=err)
    said = json.loads(line)
    if "fault" in said:
        return Run(fault=said["fault"], err=err)
    return Run(status=said["status"], seconds=said["seconds"], out=out, err=err)


def in_order(scenarios: Sequence[tuple[Path, Scenario]], jobs: int) -> Iterator[Run]:
    """The runs of all, `jobs` at a time, in the order given; leaving early ends those under way."""
    from concurrent.futures import ThreadPoolExecutor

    runner = Runner()
    pool = ThreadPoolExecutor(jobs)
    try:
        yield from pool.map(lambda one: runner.report(*one), scenarios)
    finally:
        runner.end()
        pool.shutdown(cancel_futures=True)
