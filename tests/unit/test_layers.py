"""Imports point down."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).resolve().parents[2] / "loopdiag"

# package -> the packages of ours that it may import. "" is the top level of loopdiag itself.
MAY_IMPORT = {
    "": {"cli", "diagnose"},  # the lazy public functions, and python -m
    "model": set[str](),
    "probes": {"model"},
    "host": {"model"},
    "explain": {"model"},
    "report": {"model", ""},  # "": __version__
    "diagnose": {"probes", "host", "explain", "model"},
    "lab": {"diagnose", "report", "explain", "host", "model"},
    "cli": {"lab", "diagnose", "report", "explain", "host", "probes", "model", ""},
}


def layer(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_imports_point_down() -> None:
    scanned = 0
    for path in PACKAGE.rglob("*.py"):
        scanned += 1
        here = layer(path)
        assert here in MAY_IMPORT, f"{path} is in a package without a place in the layers"
        for module in imports(ast.parse(path.read_text())):
            if module.split(".")[0] != "loopdiag":
                continue
            there = module.split(".")[1] if "." in module else ""
            assert there == here or there in MAY_IMPORT[here], f"{path.relative_to(PACKAGE)} imports {module}"
    assert scanned > 30


def test_relative_imports_are_not_used() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path} imports relatively"
