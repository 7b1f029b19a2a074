# The extension module: what of it is public, and for the modules beside it the rest.

from viewchan import (
    Buffer as Buffer,
    ClosedError as ClosedError,
    EmptyError as EmptyError,
    Error as Error,
    FullError as FullError,
    NotShareableError as NotShareableError,
    OwnerEndedError as OwnerEndedError,
    ReceiveEnd as ReceiveEnd,
    RunFailedError as RunFailedError,
    SendEnd as SendEnd,
    TimeoutError as TimeoutError,
    channel as channel,
    collect as collect,
    frozen as frozen,
    pinned as pinned,
    stats as stats,
)

def __getattr__(name: str) -> object: ...
