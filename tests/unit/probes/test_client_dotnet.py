"""What `dotnet` lists, and what of it is taken."""

from __future__ import annotations

from pathlib import Path

from loopdiag.probes.client_dotnet import kit_of, runtimes

LISTED = """Microsoft.AspNetCore.App 9.0.1 [/opt/dotnet/shared/Microsoft.AspNetCore.App]
Microsoft.NETCore.App 8.0.4 [/opt/dotnet/shared/Microsoft.NETCore.App]
Microsoft.NETCore.App 10.0.0-rc.1.25451.107 [/opt/dot net/shared/Microsoft.NETCore.App]
"""


def sdks(folder: Path, *versions: str) -> str:
    for version in versions:
        (folder / version / "Roslyn" / "bincore").mkdir(parents=True)
        (folder / version / "Roslyn" / "bincore" / "csc.dll").touch()
    return "".join(f"{version} [{folder}]\n" for version in (*versions, "11.0.100"))


def test_every_runtime_is_found_and_nothing_else() -> None:
    assert runtimes(LISTED) == [
        ((8, 0, 4), "8.0.4", Path("/opt/dotnet/shared/Microsoft.NETCore.App/8.0.4")),
        ((10, 0, 0), "10.0.0-rc.1.25451.107",
         Path("/opt/dot net/shared/Microsoft.NETCore.App/10.0.0-rc.1.25451.107")),
    ]  # fmt: skip


def test_the_newest_of_each_is_taken_that_is_there(tmp_path: Path) -> None:
    kit = kit_of(LISTED, sdks(tmp_path, "9.0.100", "10.0.100"))
    assert kit is not None
    assert kit.version.startswith("10.0.0-rc")
    assert kit.compiler == tmp_path / "10.0.100" / "Roslyn" / "bincore" / "csc.dll"


def test_without_a_runtime_or_a_compiler_there_is_nothing_to_run(tmp_path: Path) -> None:
    assert kit_of(LISTED, "") is None
    assert kit_of(LISTED, sdks(tmp_path)) is None
    assert kit_of("", sdks(tmp_path, "9.0.100")) is None
