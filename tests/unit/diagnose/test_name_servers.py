"""Name servers of this host: which are asked why they gave no answer."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from loopdiag.diagnose.name_servers import own_servers
from tests.unit.explain.names.cases import NAMES, V4

if TYPE_CHECKING:
    from loopdiag.model.names import NameFacts

UNANSWERED = replace(NAMES, name="db.test", hosts=(), errno="EAI_AGAIN", servers=("127.0.0.1",))


@pytest.mark.parametrize(
    "names",
    [
        replace(UNANSWERED, servers=("resolver.test", "127.1", "fe80::1%nowhere", "192.0.2.53", "224.0.0.1", "")),
        replace(UNANSWERED, errno="EAI_NONAME"),
        replace(UNANSWERED, services=("files",)),
        replace(UNANSWERED, hosts=(V4,)),
        replace(UNANSWERED, name="localhost"),
    ],
    ids=["none of this host", "it answered", "not asked", "the hosts file has a say", "localhost"],
)
def test_none_is_asked_in_vain(names: NameFacts) -> None:
    assert own_servers(names) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells")
def test_one_of_this_host_is_asked() -> None:
    (asked,) = own_servers(UNANSWERED)
    assert asked.address == "127.0.0.1"
    assert asked.says
