"""`loopdiag lab`: hosts broken on purpose."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from loopdiag.model.errors import LoopdiagError

if TYPE_CHECKING:
    from loopdiag.lab.build import Run
    from loopdiag.lab.scenario import Scenario
    from loopdiag.lab.score import Score

SECTIONS = ("names", "interfaces", "routing", "filter", "listeners", "binding", "client", "service", "healthy")
_only = click.option("--only", type=click.Choice(SECTIONS), help="The scenarios of one section.")
_json = click.option("--json", "as_json", is_flag=True, help="As one JSON document.")


@click.group()
def lab() -> None:
    """Hosts broken on purpose, each in namespaces of its own, with its true cause known.

    \b
    Examples:
      loopdiag lab list
      loopdiag lab show offline
      sudo loopdiag lab run offline
      sudo loopdiag lab shell offline
      sudo loopdiag lab score --only healthy

    Nothing of the machine is changed: all ends with the command. `list` and `show` work for everybody, the others need
    root.
    """


@lab.command("list")
@_only
@_json
def list_(only: str | None, as_json: bool) -> int:
    """All scenarios with the cause that each must show."""
    from loopdiag.lab.library import load_all

    scenarios = load_all(only)
    if as_json:
        return _document("lab list", f"{len(scenarios)} scenarios", [_plain(one) for one in scenarios])
    rows = [(one.section, one.name, _causes(one.expect.cause)) for one in scenarios]
    click.echo(_table(sorted(rows), ("section", "name", "cause")))
    click.echo(f"\n{len(scenarios)} scenarios; 'loopdiag lab show NAME' tells what is broken")
    return 0


@lab.command()
@click.argument("name")
@_json
def show(name: str, as_json: bool) -> int:
    """What is broken in scenario NAME, how, and what the diagnosis must be."""
    from loopdiag.lab.library import load

    scenario = load(name)
    if as_json:
        return _document("lab show", scenario.title, [_plain(scenario)])
    click.echo(_what(scenario))
    click.echo(f"cause   {' or '.join(scenario.expect.cause) or 'none: this host is healthy'}")
    return 0


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("question", nargs=-1, type=click.UNPROCESSED)
def run(name: str, question: tuple[str, ...]) -> int:
    """Build scenario NAME, diagnose it inside, tear it down.

    QUESTION, when given, is asked in place of the scenario's own; options alone are added to it.

    \b
    Examples:
      sudo loopdiag lab run offline -v
      sudo loopdiag lab run offline ping ::1
    """
    from loopdiag.lab.build import Runner, need_rights
    from loopdiag.lab.library import load, path_of

    scenario = load(name)
    need_rights()
    if question and question[0].startswith("-"):
        question = (*scenario.ask, *question)
    if "--json" not in question:
        click.echo(_what(scenario, question) + "\n")
        sys.stdout.flush()
    done = Runner().page(path_of(name), scenario, question)
    return _status(scenario, done)


@lab.command()
@click.argument("name")
def shell(name: str) -> int:
    """A shell ($SHELL) on the host of scenario NAME; it is torn down when the shell ends."""
    from loopdiag.lab.build import Runner, need_rights
    from loopdiag.lab.library import load, path_of

    scenario = load(name)
    need_rights()
    click.echo(f"{_what(scenario)}\ninside the lab; 'exit' leaves it, and nothing stays", err=True)
    done = Runner().shell(path_of(name), scenario, [os.environ.get("SHELL") or "/bin/sh"])
    return _status(scenario, done)


@lab.command()
@click.argument("names", nargs=-1)
@_only
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="How many at a time (one a processor).")
@_json
def score(names: tuple[str, ...], only: str | None, jobs: int | None, as_json: bool) -> int:
    """Run scenarios (all, or NAMES) and grade each diagnosis; exit 1 when one falls short."""
    from loopdiag.lab.build import need_rights
    from loopdiag.lab.library import load, path_of
    from loopdiag.lab.library import names as every
    from loopdiag.lab.score import score as run_all

    chosen = [(path_of(name), load(name)) for name in names or every()]
    chosen = [one for one in chosen if only in (None, one[1].section)]
    need_rights()
    scores, began = [], time.monotonic()
    if not as_json:
        click.echo(f"{'':4} {'scenario':38} {'expected (found)':28} {'s':>6}")
    for one in run_all(chosen, jobs or os.cpu_count() or 1):
        scores.append(one)
        if not as_json:
            _progress(one)
    held = sum(one.holds for one in scores)
    unrun = sum(one.lacks is not None for one in scores)
    summary = f"{held} of {len(scores)} as expected" + (f", {unrun} not run" if unrun else "")
    if as_json:
        _document(
            "lab score",
            summary,
            [_plain(one) for one in scores],
            good=held + unrun == len(scores),
            seconds=time.monotonic() - began,
        )
    else:
        click.echo(f"\n{_wrong(scores)}{summary}")
    return 0 if held + unrun == len(scores) else 1


def _status(scenario: Scenario, done: Run) -> int:
    if done.fault:
        raise LoopdiagError(f"scenario {scenario.name} could not be built: {done.fault}")
    assert done.status is not None
    return done.status if done.status >= 0 else 128 - done.status


def _what(scenario: Scenario, question: tuple[str, ...] = ()) -> str:
    """What is broken: title, story, steps, question."""
    from loopdiag.lab.words import show as words
    from loopdiag.report.style import paragraph

    lines = [paragraph(f"{scenario.name}: {scenario.title}", 80), "", paragraph(scenario.about, 78, "  "), ""]
    for number, step in enumerate(scenario.steps, 1):
        label = "steps   " if number == 1 else "        "
        lines.append(label + paragraph(str(step), 72, "          ").lstrip())
    lines.append(f"asks    loopdiag {words(question or scenario.ask)}")
    return "\n".join(lines)


def _progress(one: Score) -> None:
    """A row of the table of scores, as soon as it is known; what was found only where it differs."""
    mark = "-" if one.lacks else "ok" if one.holds else "FAIL"
    took = "" if one.seconds is None else f"{one.seconds:.2f}"
    click.echo(f"{mark:4} {one.name:38} {_causes(one.expected):28} {took:>6}".rstrip())
    if one.faults:
        click.echo(f"     {'':38} {_causes(one.found)}")


def _causes(names: tuple[str, ...]) -> str:
    """The first of them, short enough for a column."""
    return "-" if not names else names[0] if len(names) == 1 else f"{names[0]:.24} ..."


def _wrong(scores: list[Score]) -> str:
    """What falls short, scenario by scenario."""
    from loopdiag.report.style import paragraph

    lines = [f"{one.name}: {'; '.join(one.faults)}" for one in scores if one.faults]
    lines += [f"{one.name}: not run, this machine has no {one.lacks}" for one in scores if one.lacks]
    return "\n".join(paragraph(line, 80, "    ").lstrip() for line in lines) + "\n\n" if lines else ""


def _table(rows: list[tuple[str, ...]], headers: tuple[str, ...]) -> str:
    from tabulate import tabulate

    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True)


def _plain(value: Any) -> Any:
    from loopdiag.report.data import plain

    return plain(value)


def _document(command: str, summary: str, scenarios: list[Any], *, good: bool = True, seconds: float = 0.0) -> int:
    """The envelope that every command's JSON has, with the scenarios."""
    from loopdiag.cli.envelope import show as envelope

    return envelope(command, summary, {"scenarios": scenarios}, good=good, seconds=seconds)
