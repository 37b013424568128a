"""The errors that end a command. Each says what failed, on what, and what to do, in one sentence."""

from __future__ import annotations


class LoopdiagError(Exception):
    """A foreseen end of the command; `exit_code` is what the process returns."""

    exit_code = 3


class UsageError(LoopdiagError):
    """The words typed are wrong: nothing was probed."""

    exit_code = 2
