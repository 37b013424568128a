#!/usr/bin/env python3
"""The whole of `loopdiag listeners` on a host with 15,000 listeners and 2,000 processes, beside `ss -lntp` there; and
`listeners --all-namespaces` with 300 network namespaces.

Run as root: python benchmarks/listeners.py [LISTENERS] [PROCESSES] [NAMESPACES]
All of it happens in namespaces of its own, which end with it.
"""

from __future__ import annotations

import subprocess
import sys

from sockets import _LISTEN, _NAMESPACES, _SLEEP, INSIDE, best, started


def command(*words: str) -> float:
    """Milliseconds of the quickest of five runs."""
    return best(lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True))


def main(listeners: int, processes: int, namespaces: int) -> None:
    ours = (sys.executable, "-m", "loopdiag", "listeners")
    with started([sys.executable, "-c", _LISTEN, str(listeners)]) as one, \
            started(["sh", "-c", _SLEEP % processes]) as two:  # fmt: skip
        print(f"{listeners} listeners, {processes} other processes")
        print(f"  ss -lntp                     {command('ss', '-lntp'):8.1f} ms")
        print(f"  loopdiag listeners           {command(*ours):8.1f} ms")
        print(f"  loopdiag listeners 2001      {command(*ours, '2001'):8.1f} ms")
        print(f"  loopdiag listeners --json    {command(*ours, '--json'):8.1f} ms")
        one.kill()
        two.kill()
    with started(["sh", "-c", _NAMESPACES % namespaces]) as three:
        print(f"{namespaces} network namespaces")
        print(f"  loopdiag listeners --all-namespaces {command(*ours, '--all-namespaces'):8.1f} ms")
        three.kill()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word != INSIDE]
    if INSIDE in sys.argv:
        main(*numbers)
    else:
        wanted = [*numbers, *[15000, 2000, 300][len(numbers) :]]
        subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
                        'ip link set lo up; exec "$@"', "sh", sys.executable, __file__, *map(str, wanted), INSIDE],
                       check=True)  # fmt: skip
