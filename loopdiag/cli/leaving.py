"""The end of a command whose threads may be busy still."""

from __future__ import annotations

import gc
import os
import sys
import threading


def leave(code: int) -> int:
    """`code`, with the interpreter's own end made quick: who waits for us waits for that too (15 ms less of it).

    Where a thread of ours is still within a TLS handshake the process ends here: OpenSSL must not be taken down
    around it.
    """
    from loopdiag.diagnose.awaiting.watcher import NAME

    gc.freeze()
    if any(thread.name == NAME for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
