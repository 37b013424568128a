"""What a command is sure to read is begun before click and the rest of loopdiag are loaded, which takes 60 ms.

What is loaded for it holds it up: neither typing nor re (TYPE_CHECKING is true to a type checker, whoever sets it).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

TOPICS = {"listeners": "owners_ahead"}  # by command; each is read in a child process
_NOT_HERE = ("--netns", "--pid", "--container", "--help", "-h")  # then something else will be read, or nothing
_begun: dict[str, Any] = {}


def begin(words: Sequence[str]) -> None:
    """Begin to read for this command line; one that turns out to be wrong leaves a child that ends by itself."""
    topic = TOPICS.get(words[0]) if words else None
    if topic and not any(word.startswith(_NOT_HERE) for word in words):
        from loopdiag.host.read import read

        _begun[topic] = read(topic)


def begun(topic: str) -> Any:
    """What was begun, or begins now; each is handed out once."""
    if topic in _begun:
        return _begun.pop(topic)
    from loopdiag.host.read import read

    return read(topic)
