"""Zero-copy channels between interpreters: immutable bytes in, read-only views out.

Only creating a view and releasing it acquire the sender's GIL, and some strategies do without even that. Reading,
slicing and copying a view acquire nobody's.
"""

import builtins
from collections.abc import Awaitable, Buffer as _SupportsBuffer, Callable, Iterator, Mapping
from typing import Any, Literal, Protocol, Self, TypeAlias, final

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

_Strategy: TypeAlias = Literal["view", "handover", "deferred", "proxy", "shared"]
_Undelivered: TypeAlias = Literal["deliver", "error", "remove"]
_Sendable: TypeAlias = bytes | memoryview[Any] | Buffer | SendEnd | ReceiveEnd
# Or a SendEnd or a ReceiveEnd, if one was sent, which the receiver knows.
_Received: TypeAlias = memoryview[Any] | Any

__version__: str

class Error(Exception):
    """Base of this package's errors."""

class ClosedError(Error):
    """The end was closed or sent away, the channel is closed, or the interpreter of the waiting thread is ending."""

class EmptyError(Error):
    """There is no message at the moment."""

class FullError(Error):
    """There is no space at the moment."""

class TimeoutError(Error, builtins.TimeoutError):
    """Nothing came, or no space, in time. After a send that timed out nothing of it is in the channel."""

class NotShareableError(Error, TypeError):
    """The object cannot be sent. The message says what can be done."""

class OwnerEndedError(Error):
    """The interpreter that sent the message has ended, and the message with it; the channel goes on."""

class RunFailedError(Error):
    """Code that ran in another interpreter failed with an exception that has no counterpart here."""

@final
class SendEnd:
    """The end that sends. There may be many; after the last one the receiver gets what is inside, then ClosedError.

    Sent through a channel or passed to another interpreter, it is copied: both ends work.
    """

    undelivered: _Undelivered
    """What becomes of messages sent through this end whose owner ends before they are received. Can be set."""
    @property
    def id(self) -> int: ...
    @property
    def strategy(self) -> _Strategy: ...
    @property
    def closed(self) -> bool:
        """Whether this end was closed here. Says nothing of the other side."""
    def send(self, obj: _Sendable, timeout: float | None = None) -> None:
        """Send without copying; wait for space for at most `timeout` seconds, for ever if None.

        Raises NotShareableError, ClosedError, TimeoutError.
        """
    def send_nowait(self, obj: _Sendable) -> None:
        """Send if there is space now. Raises NotShareableError, ClosedError, FullError."""
    def clone(self) -> SendEnd:
        """Another send end of the same channel."""
    def close(self) -> None:
        """Close this end. Others of the same channel go on. Closing twice is fine."""
    def shutdown(self) -> None:
        """Close the channel for all its send ends. What is inside can still be received."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None:
        """Close this end."""

@final
class ReceiveEnd:
    """The end that receives. There is one: sent through a channel or passed to another interpreter, it moves there.

    Closed, or forgotten, it discards what is inside, and senders get ClosedError.
    """

    @property
    def id(self) -> int: ...
    @property
    def strategy(self) -> _Strategy: ...
    @property
    def closed(self) -> bool:
        """Whether this end was closed or has moved away. Says nothing of the other side."""
    def recv(self, timeout: float | None = None) -> _Received:
        """The next message; wait for at most `timeout` seconds, for ever if None.

        A buffer arrives as a read-only memoryview with its format, shape and strides. Its memory is released when the
        last memoryview or slice of it is gone or released.

        Raises ClosedError, TimeoutError, OwnerEndedError.
        """
    def recv_nowait(self) -> _Received:
        """The next message, if there is one. Raises ClosedError, EmptyError, OwnerEndedError."""
    def recv_async(self) -> Awaitable[_Received]:
        """The next message, for asyncio: waits for `fileno()`. Raises ClosedError, OwnerEndedError."""
    def qsize(self) -> int:
        """Number of messages inside, at this moment."""
    def fileno(self) -> int:
        """A file descriptor that is readable exactly while `recv_nowait` would not raise EmptyError.

        For select and selectors. Do not read from it. It belongs to this end and is closed with it.
        """
    def close(self) -> None:
        """Close the channel and discard what is inside. Closing twice is fine."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None:
        """Close."""
    def __iter__(self) -> Iterator[_Received]:
        """Receive until the channel is closed. Messages whose owner has ended are passed over."""
    def __next__(self) -> _Received: ...

@final
class Buffer(_SupportsBuffer):
    """Memory that is writable until it is frozen, and can then be sent without a copy."""

    def __new__(cls, shape: int | tuple[int, ...], format: str = "B") -> Self:
        """Zeroed memory: a number of bytes, or an array in C order, with elements of a format of the module struct."""
    @property
    def frozen(self) -> bool: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def format(self) -> str: ...
    def freeze(self) -> Self:
        """Make it immutable. Raises BufferError while a memoryview or an array could still write to it."""
    def thaw(self) -> Self:
        """Make it writable again. Raises BufferError while a message, a view or anything else refers to its memory."""
    def __buffer__(self, flags: int, /) -> memoryview[Any]: ...
    def __len__(self) -> int: ...

class _SupportsId(Protocol):
    @property
    def id(self) -> int: ...

_InterpreterOrId: TypeAlias = int | _SupportsId

def channel(
    maxsize: int = 0, strategy: _Strategy = "view", undelivered: _Undelivered = "deliver"
) -> tuple[SendEnd, ReceiveEnd]:
    """A new channel, of at most `maxsize` messages (0: without a limit)."""

def frozen(obj: _SupportsBuffer, /) -> Buffer:
    """A frozen copy of anything that exports its memory, with its format and shape. This copies once."""

def stats(interp: _InterpreterOrId | None = None) -> dict[str, int]:
    """How often viewchan acquired an interpreter's GIL, by cause. None: the present one.

    Causes: "attach", "return", "safepoint", "view creation", "view release", "collection".
    """

def pinned(interp: _InterpreterOrId | None = None) -> int:
    """How many of an interpreter's buffers are pinned by messages and views, or wait to be collected."""

def collect() -> int:
    """Take back what others have released of this interpreter's buffers; the number still pinned."""

@final
class RunResult:
    """What `run` came to."""

    value: Any
    """What the callable returned; None for source text, and after a failure."""
    ok: bool
    error: str | None
    """The last line of the traceback, or None."""
    traceback: str | None
    """The whole traceback as text, or None."""
    def __init__(
        self, value: Any, error: str | None, traceback: str | None, exception: tuple[str, tuple[Any, ...]] | None
    ) -> None: ...
    def reraise(self) -> Any:
        """The value; or raise: the same exception if it is a builtin one, RunFailedError otherwise."""

def run(
    interp: _InterpreterOrId,
    work: str | Callable[..., Any],
    *,
    channels: Mapping[str, SendEnd | ReceiveEnd] | None = None,
    reraise: bool = False,
) -> RunResult:
    """Run source text, or a function without closure, in another interpreter, on the calling thread.

    Only channel ends can be passed: source text finds them as globals, a function gets them as keyword arguments.
    The value of a function must be what the module marshal takes. With `reraise`, a failure raises at once.
    """

class _Interpreter(Protocol):
    @property
    def id(self) -> int: ...
    def exec(self, code: str, /) -> None: ...
    def prepare_main(self, ns: Mapping[str, Any] | None = None, /, **kwargs: Any) -> None: ...
    def close(self) -> None: ...

def create_interpreter() -> _Interpreter:
    """A new interpreter with its own GIL: `concurrent.interpreters.create()`, or its like before 3.14."""
