"""Zero-copy channels between interpreters: immutable bytes in, read-only views out.

    tx, rx = viewchan.channel()
    tx.send(b"...")              # nothing is copied
    view = rx.recv()             # a read-only memoryview, in this interpreter or in another one

Only creating a view and releasing it acquire the sender's GIL, and some strategies do without even that. Reading,
slicing and copying a view acquire nobody's.
"""

import sys

if "t" in sys.abiflags:
    raise ImportError(
        "viewchan does not support free-threaded builds of Python: its channels are guarded by the GILs of interpreters"
    )

from ._viewchan import (
    Buffer,
    ClosedError,
    EmptyError,
    Error,
    FullError,
    NotShareableError,
    OwnerEndedError,
    ReceiveEnd,
    RunFailedError,
    SendEnd,
    TimeoutError,
    __version__,
    channel,
    collect,
    frozen,
    pinned,
    stats,
)
from ._interpreters import create_interpreter
from ._run import RunResult, run

__all__ = [
    "Buffer",
    "ClosedError",
    "EmptyError",
    "Error",
    "FullError",
    "NotShareableError",
    "OwnerEndedError",
    "ReceiveEnd",
    "RunFailedError",
    "RunResult",
    "SendEnd",
    "TimeoutError",
    "channel",
    "collect",
    "create_interpreter",
    "frozen",
    "pinned",
    "run",
    "stats",
]
