"""The scenario files that come with loopdiag, by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from loopdiag.lab.scenario import Scenario, parse_scenario
from loopdiag.model.errors import UsageError


def names() -> tuple[str, ...]:
    """The names of all scenarios, sorted."""
    folder = files("loopdiag.lab") / "scenarios"
    found = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def path_of(name: str) -> Path:
    """The file of the scenario called `name`, or `name` itself where it is a path; raises UsageError."""
    if "/" in name or name.endswith(".toml"):
        return Path(name)
    if name not in names():
        raise UsageError(f"there is no scenario '{name}'{_nearest(name)}")
    return Path(str(files("loopdiag.lab") / "scenarios" / f"{name}.toml"))


def load(name: str) -> Scenario:
    """The scenario called `name`, or the one in the file `name` where it is a path; raises UsageError."""
    path = path_of(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read the scenario '{path}': {reason}") from None
    return parse_scenario(path.stem, text)


def load_all(section: str | None = None) -> tuple[Scenario, ...]:
    """All scenarios, or those of one section, in the order of their names."""
    every = (load(name) for name in names())
    return tuple(scenario for scenario in every if section in (None, scenario.section))


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names(), 1)
    return f"; did you mean '{close[0]}'?" if close else "; 'loopdiag lab list' shows them"
