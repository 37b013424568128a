"""The host under construction: what the steps act on. Runs inside the namespaces, as their first process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.model.errors import LoopdiagError

if TYPE_CHECKING:
    from collections.abc import Sequence

WORK = Path("/run/lab")  # on a tmpfs that only these namespaces see
_READY_WITHIN = 15.0  # seconds for a server to say that it is ready; making a key takes the longest
_SETTLED_WITHIN = 5.0


class CannotBuildError(LoopdiagError):
    """A step failed; the sentence says which and what it said."""


class Building:
    """State that steps leave for later ones and for the question: servers, environment, privileges."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.user: str | None = None
        self.under: tuple[str, ...] = ()
        self.cgroup: Path | None = None
        self._served: int | None = None
        self._started: list[subprocess.Popen[str]] = []
        self._laid: set[str] = set()

    def run(self, words: Sequence[str], at: str | None = None) -> None:
        """Run a program to its end; raises CannotBuildError when it is missing or fails."""
        try:
            done = subprocess.run(
                [*_where(at), *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                env=self._environment(), check=False,
            )  # fmt: skip
        except FileNotFoundError as missing:
            raise CannotBuildError(f"the program {missing.filename} is not on this machine") from None
        except subprocess.TimeoutExpired:
            raise CannotBuildError(f"'{words[0]}' did not end within 60 s") from None
        if done.returncode:
            raise CannotBuildError(f"'{words[0]}' failed: {(done.stderr or done.stdout).strip() or done.returncode}")

    def start(self, words: Sequence[str], at: str | None = None, *, served: bool = True) -> None:
        """Start a program and wait for its first line of output. `served`: `stop` and `kill` mean this one."""
        faults = (WORK / f"stderr-{len(self._started)}").open("w+")
        process = subprocess.Popen([*_where(at), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=faults, text=True, env=self._environment())  # fmt: skip
        self._started.append(process)
        line = _first_line(process)
        if not line:
            faults.seek(0)
            raise CannotBuildError(f"'{words[-1]}' did not get ready: {faults.read().strip()[-300:]}")
        word, _, pid = line.partition(" ")
        if served:
            self._served = int(pid) if word == "ready" and pid.strip().isdigit() else process.pid

    def start_python(self, module: str, words: Sequence[str], at: str | None = None, *, served: bool = True) -> None:
        """Start one of the lab's own programs."""
        self.start([sys.executable, "-m", module, *words], at, served=served)

    def lay(self, path: str, content: bytes | None, mode: int = 0o644) -> None:
        """Lay a file over `path` in this mount namespace; None keeps its content, so that only the mode changes."""
        target = Path(os.path.realpath(path))
        if not target.exists():
            self._own_folder(target)
        if content is None:
            content = target.read_bytes()
        if path in self._laid:
            target.write_bytes(content)
            target.chmod(mode)
            return
        source = WORK / "files" / str(len(self._laid))
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(content)
        source.chmod(mode)
        self.run(["mount", "--bind", str(source), str(target)])
        self._laid.add(path)

    def _own_folder(self, target: Path) -> None:
        """A copy of the folder in place of the machine's, so that a file that is missing there can be made."""
        if not target.parent.is_dir():
            raise CannotBuildError(f"there is no folder {target.parent} to lay {target.name} in")
        copy = WORK / "folders" / str(target.parent).strip("/").replace("/", "_")
        if not copy.exists():
            shutil.copytree(target.parent, copy, symlinks=True, ignore_dangling_symlinks=True)
            self.run(["mount", "--bind", str(copy), str(target.parent)])
        target.touch()

    def add_address(self, device: str, address: str, at: str | None = None) -> None:
        """Give a device an address; an IPv6 one without waiting for duplicate address detection."""
        self.run(["ip", "address", "add", address, "dev", device, *(["nodad"] if ":" in address else [])], at)

    def write_sysctl(self, name: str, value: str, at: str | None = None) -> None:
        """Write `value` to /proc/sys; dots part the name, and slashes where a part holds dots itself."""
        path = "/proc/sys/" + (name if "/" in name else name.replace(".", "/"))
        if not Path(path).exists() and at is None:
            raise CannotBuildError(f"this kernel has no {name}")
        self.run(["sh", "-c", 'printf "%s\\n" "$1" >"$2"', "sh", value, path], at)

    def stop_server(self) -> None:
        """SIGSTOP to the server started last, and wait until it is stopped."""
        pid = self._need_server()
        os.kill(pid, signal.SIGSTOP)
        _until(lambda: _state(pid) == "T", f"process {pid} does not stop")

    def kill_server(self) -> None:
        """SIGKILL to the server started last, and wait until it is gone."""
        pid = self._need_server()
        os.kill(pid, signal.SIGKILL)
        for process in self._started:
            if process.pid == pid:
                process.wait()
        _until(lambda: _state(pid) in (None, "Z"), f"process {pid} does not end")

    def confine(self, words: Sequence[str]) -> None:
        """The question is asked under a sandbox: see lab/confine.py for seccomp and landlock, lab/cgroup.py."""
        if words[0] == "cgroup":
            from loopdiag.lab.cgroup import denying_cgroup

            self.cgroup = denying_cgroup(words[1:])
            return
        self.under += (sys.executable, "-m", "loopdiag.lab.confine", *words, "--")

    def question(self, words: Sequence[str]) -> list[str]:
        """The words that ask as this host's user, with this host's privileges."""
        return [*self.under, *_as_user(self.user), *words]

    def asking_environment(self) -> dict[str, str]:
        """The environment of the question."""
        return {**self._environment(), **self.environment}

    def _environment(self) -> dict[str, str]:
        served = {} if self._served is None else {"SERVED": str(self._served)}
        return {**os.environ, **served, "TMPDIR": str(WORK / "tmp")}

    def _need_server(self) -> int:
        if self._served is None:
            raise CannotBuildError("no server was started")
        return self._served


def _where(at: str | None) -> list[str]:
    return ["ip", "netns", "exec", at] if at else []


def _as_user(user: str | None) -> list[str]:
    """setpriv(1) words for `user`; nobody has no privilege and cannot get any."""
    if user is None:
        return []
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise CannotBuildError(f"there is no user {user} on this machine") from None
    return ["setpriv", "--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups",
            "--bounding-set=-all", "--inh-caps=-all"]  # fmt: skip


def _first_line(process: subprocess.Popen[str]) -> str:
    import select

    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], _READY_WITHIN)
    return process.stdout.readline() if readable else ""


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def _until(true: object, else_say: str) -> None:
    import time

    assert callable(true)
    end = time.monotonic() + _SETTLED_WITHIN
    while not true():
        if time.monotonic() > end:
            raise CannotBuildError(else_say)
        time.sleep(0.002)
