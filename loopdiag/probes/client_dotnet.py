"""Let .NET make one request: a small program, made by the compiler of its SDK on the spot.

The `dotnet` command itself is no client, and what it does besides (telemetry, restoring packages) is left out by
`dotnet exec`, which runs a program and nothing else.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass
from loopdiag.probes.client_installed import said_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopdiag.probes.client_programs import Command
    from loopdiag.probes.client_visit import Visit

_PATIENCE = 4.0  # seconds for the request itself, as other clients have
_WAITING = 98  # the program's exit code where it still waits after that
_FRAMEWORK = "Microsoft.NETCore.App"
_SOURCE = """
using System;
using System.Net.Http;
using System.Threading;
static class Client {
  static int Main(string[] words) {
    var handler = new HttpClientHandler { AllowAutoRedirect = false };
    handler.ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator;
    var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    var request = new HttpRequestMessage(HttpMethod.Head, words[0]);
    var asked = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    try { return asked.Wait(int.Parse(words[1])) ? 0 : 98; }
    catch (AggregateException fault) { Console.WriteLine(fault.InnerException.Message); return 1; }
  }
}
"""
_BUILD_AND_RUN = """
"$0" exec --fx-version "$1" "$2" -nologo -out:"$4/client.dll" -r:"$3" "$4/client.cs" >&2 || exit 97
shift 3
dotnet=$0 folder=$1
shift
exec "$dotnet" exec --runtimeconfig "$folder/client.json" "$folder/client.dll" "$@"
"""


@dataclass(frozen=True, slots=True)
class Kit:
    """What is there of a .NET: the newest runtime with the folder of its assemblies, and the newest compiler."""

    version: str
    assemblies: Path
    compiler: Path


def runtimes(listed: str) -> list[tuple[tuple[int, ...], str, Path]]:
    """Each runtime in what `dotnet --list-runtimes` says, `NAME VERSION [FOLDER]` a line: number, version, folder."""
    found = re.findall(rf"^{re.escape(_FRAMEWORK)} ((\d+(?:\.\d+)+)\S*) \[(.+)\]$", listed, re.MULTILINE)
    return [(_number(number), version, Path(folder) / version) for version, number, folder in found]


def kit_of(listed: str, sdks: str) -> Kit | None:
    """None where no runtime, or no SDK with a compiler, is among what `dotnet` lists of each."""
    _, version, assemblies = max(runtimes(listed), default=((), "", Path()))
    found = re.findall(r"^((\d+(?:\.\d+)+)\S*) \[(.+)\]$", sdks, re.MULTILINE)
    compilers = (
        Path(folder) / name / "Roslyn" / "bincore" / "csc.dll"
        for name, _, folder in sorted(found, key=lambda one: _number(one[1]), reverse=True)
    )
    compiler = next((one for one in compilers if one.is_file()), None)
    return Kit(version, assemblies, compiler) if version and compiler else None


def visit_with_dotnet(command: Command, path: str, values: Mapping[str, str]) -> Visit | None:
    """Make the program, run it, and delete it. None where there is nothing to make it with, or it cannot be made.

    Raises OSError where it cannot be started.
    """
    import tempfile

    from loopdiag.probes.client_process import filled, kept
    from loopdiag.probes.client_visit import Visit

    kit = kit_of(said_by(path, ("--list-runtimes",)), said_by(path, ("--list-sdks",)))
    if kit is None:
        return None
    with tempfile.TemporaryDirectory(prefix="loopdiag-client-", ignore_cleanup_errors=True) as folder:
        _write(Path(folder), kit)
        environment = {name: filled(value, {"folder": folder}) for name, value in command.environment.items()}
        with kept(_words(path, kit, folder, values["url"]), environment, folder, command.seconds) as process:
            out, _ = process.communicate()
    if process.returncode == _WAITING:
        return Visit(waited=_PATIENCE)
    return Visit(said=" ".join(out.split())) if process.returncode in (0, 1) else None


def _write(folder: Path, kit: Kit) -> None:
    (folder / "client.cs").write_text(_SOURCE, encoding="utf-8")
    framework = {"name": _FRAMEWORK, "version": kit.version}
    (folder / "client.json").write_text(json.dumps({"runtimeOptions": {"framework": framework}}), encoding="utf-8")


def _words(path: str, kit: Kit, folder: str, url: str) -> list[str]:
    assemblies = ",".join(str(one) for one in sorted(kit.assemblies.glob("System.*.dll")))
    given = (path, kit.version, str(kit.compiler), assemblies, folder, url, f"{_PATIENCE * 1000:.0f}")
    return ["sh", "-c", _BUILD_AND_RUN, *given]


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
