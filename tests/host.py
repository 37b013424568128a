"""A host of a test's own, in namespaces that end with it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")
CLONE_NEWNET = 0x40000000
PROJECT = Path(__file__).resolve().parents[1]


class Host:
    """Fresh network, mount, UTS and PID namespaces. Nothing in it survives the `with` block."""

    def __enter__(self) -> Host:
        self._stack = contextlib.ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="loopdiag-test-")))
        self.folder.chmod(0o755)
        command = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc",
                   "sh", "-c", "echo ready; exec sleep 600"]  # fmt: skip
        holder = self._stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        self._stack.callback(holder.kill)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        self.pid = int(children[0])
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def command(self, *words: str, user: str | None = None) -> list[str]:
        """The words that run `words` inside; as `nobody` without any privilege where `user` says so."""
        plain = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all",
                 "--inh-caps=-all"] if user == "nobody" else []  # fmt: skip
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--uts", "--pid", *plain, *words]

    def sh(self, script: str, *, user: str | None = None) -> str:
        """Run a shell script inside; returns its output, fails the test when it fails."""
        done = subprocess.run(
            self.command("bash", "-euc", script, user=user), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def file(self, path: str, text: str | bytes) -> None:
        """Lay a file of that content over `path`, inside only."""
        source = self.folder / path.strip("/").replace("/", "_")
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        source.chmod(0o644)
        self.sh(f"mount --bind {source} {path}")

    def start(self, *words: str, user: str | None = None, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a program inside, wait for its first line of output; it is ended with the host."""
        process = subprocess.Popen(self.command(*words, user=user), stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, **(env or {})})  # fmt: skip
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline(), f"{words} ended without a word"
        return process

    def python(self, code: str, *, user: str | None = None) -> subprocess.Popen[str]:
        """Start a Python program inside that prints a line when it is ready."""
        return self.start(sys.executable, "-c", code, user=user)

    def loopdiag(
        self, *words: str, user: str | None = None, env: dict[str, str] | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run loopdiag inside."""
        return subprocess.run(
            self.command(sys.executable, "-m", "loopdiag", *words, user=user), capture_output=True, text=True,
            timeout=timeout, cwd=PROJECT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def report(self, *words: str, user: str | None = None, env: dict[str, str] | None = None) -> dict[str, Any]:
        """Run loopdiag inside with --json; returns the document."""
        done = self.loopdiag(*words, "--json", user=user, env=env)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout, f"exit {done.returncode}: {done.stderr}"
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function of ours in a thread that is inside the host's network namespace."""
        return in_network_of(self.pid, function, arguments)


def in_network_of(pid: int, function: Callable[..., Result], arguments: Sequence[Any] = ()) -> Result:
    """Run `function` in a thread of its own inside the network namespace of `pid`."""
    box: list[Result] = []
    faults: list[BaseException] = []

    def inside() -> None:
        handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            assert ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET) == 0
            box.append(function(*arguments))
        except BaseException as fault:  # noqa: BLE001 - handed to the caller's thread
            faults.append(fault)
        finally:
            os.close(handle)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]
    return box[0]
