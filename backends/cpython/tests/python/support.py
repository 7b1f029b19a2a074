"""What the cases share. Light on purpose: other interpreters import it too, and 3.12 can import little there.

So threading, ctypes, select and subprocess are imported by those functions that are for the main interpreter.
"""

import gc
import os
import sys
import time
from contextlib import contextmanager

import viewchan

PATIENCE = 30
"""Seconds after which something that should come at once is missing. Only what is broken waits so long."""
MEGABYTE = 1 << 20

kept = {}
"""For work in another interpreter: what is to stay there between two calls. Every interpreter has its own."""


# Other interpreters and threads.


@contextmanager
def interpreters(number):
    """New interpreters, closed afterwards, also after a failure."""
    made = [viewchan.create_interpreter() for _ in range(number)]
    try:
        yield made
    finally:
        for interp in made:
            interp.close()


@contextmanager
def interpreter():
    """A new interpreter, closed afterwards, also after a failure."""
    with interpreters(1) as [interp]:
        yield interp


def call(interp, function, *args, **channels):
    """Calls a function of a module in another interpreter, with arguments that repr can spell and channel ends."""
    given = ", ".join([*map(repr, args), *(f"{name}={name}" for name in channels)])
    source = f"lambda {', '.join(channels)}: __import__({function.__module__!r}).{function.__name__}({given})"
    return viewchan.run(interp, eval(source), channels=channels, reraise=True).value


class Background:
    """A call in a thread of its own."""

    def __init__(self, function, *args, **kwargs):
        import threading

        self.value = self.error = None
        self.work = lambda: function(*args, **kwargs)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.value = self.work()
        except BaseException as error:
            self.error = error
            sys.excepthook(
                *sys.exc_info()
            )  # Whoever waits for what this thread did not do may never ask for the error.
        finally:
            self.work = None  # It may hold ends, and channels close with their last end.

    def done(self, seconds=PATIENCE):
        """Whether it ends within so many seconds."""
        self.thread.join(seconds)
        return not self.thread.is_alive()

    def result(self):
        """What it returned, or raises what it raised."""
        assert self.done(), "the thread did not come to an end"
        if self.error is not None:
            raise self.error
        return self.value


def wait_until(condition, what):
    """Waits for something that no event tells of."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s until {what}"
        time.sleep(0.001)


class HeldGil:
    """Another interpreter whose GIL a thread of it holds, in C, from `with` to `release`, or to the end of `with`.

    The thread writes to a pipe that is too small, by a function that does not give up the GIL. It holds the GIL from
    before the first byte can be read until after the last one was.
    """

    SIZE = 4 * MEGABYTE

    def __init__(self, interp):
        self.interp = interp
        self.reader = None

    def __enter__(self):
        import select

        self.reader, self.writer = os.pipe()
        self.thread = Background(call, self.interp, write_holding_the_gil, self.writer, self.SIZE)
        readable, _, _ = select.select([self.reader], [], [], PATIENCE)
        assert readable, f"the GIL was not taken: {self.thread.error}"
        return self

    def release(self):
        """Lets the thread go on."""
        if self.reader is None:
            return
        left = self.SIZE
        while left:
            left -= len(os.read(self.reader, left))
        self.thread.result()
        os.close(self.reader)
        os.close(self.writer)
        self.reader = None

    def __exit__(self, *exc):
        self.release()


def write_holding_the_gil(descriptor, size):
    import ctypes

    write = ctypes.PyDLL(None).write  # PyDLL keeps the GIL, CDLL would give it up.
    write.argtypes, write.restype = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t), ctypes.c_ssize_t
    assert write(descriptor, bytes(size), size) == size


# What things weigh.


def rss():
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(step, rounds, warm_up=3):
    """Bytes by which the process grows when the step is repeated."""
    for _ in range(warm_up):
        step()
    before = rss()
    for _ in range(rounds):
        step()
    return rss() - before


def assert_steady(step, rounds, allowed):
    """Repeating the step makes the process grow by less than `allowed` bytes."""
    grown = growth(step, rounds)
    assert grown < allowed, f"{grown / MEGABYTE:.1f} MiB more after {rounds} rounds"


def assert_free(*owners):
    """Nothing of these interpreters is pinned when what came back is collected, which a relay does for another one."""

    def is_free():
        gc.collect()  # Exceptions and the frames that they went through refer to each other, and frames to views.
        for owner in owners or [None]:
            if owner is None:
                viewchan.collect()
            else:
                viewchan.run(owner, "import viewchan; viewchan.collect()", reraise=True)
        return not any(viewchan.pinned(owner) for owner in owners or [None])

    wait_until(is_free, f"nothing is pinned of {owners or 'this interpreter'}")


@contextmanager
def steady_count(*objects):
    """The reference counts of these objects of this interpreter are in the end what they were."""
    before = [sys.getrefcount(obj) for obj in objects]
    yield
    gc.collect()  # As in `assert_free`.
    viewchan.collect()
    after = [sys.getrefcount(obj) for obj in objects]
    assert before == after, f"reference counts were {before} and are {after}"


def address(obj):
    """Where the memory of an object with a buffer begins, and whether it may be written to."""
    import ctypes

    class Buffer(ctypes.Structure):
        _fields_ = [
            ("buf", ctypes.c_void_p),
            ("obj", ctypes.c_void_p),
            ("len", ctypes.c_ssize_t),
            ("itemsize", ctypes.c_ssize_t),
            ("readonly", ctypes.c_int),
            ("rest", ctypes.c_byte * 64),
        ]

    any_read_only = 0x11C  # PyBUF_FULL_RO
    buffer = Buffer()
    api = ctypes.pythonapi
    api.PyObject_GetBuffer.argtypes = (ctypes.py_object, ctypes.c_void_p, ctypes.c_int)
    api.PyObject_GetBuffer(obj, ctypes.byref(buffer), any_read_only)
    start = buffer.buf
    api.PyBuffer_Release(ctypes.byref(buffer))
    return start


# Failures that are expected.

NO_SUCH_INTERPRETER = (ValueError, RuntimeError)
"""By us, or by CPython, which has an error of its own since 3.13."""
if sys.version_info >= (3, 13):
    import _interpreters

    NO_SUCH_INTERPRETER += (_interpreters.InterpreterNotFoundError,)


@contextmanager
def raises(kinds, *words):
    """The block raises exactly this kind of exception, or one of several, and its text has these words."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        yield
    except BaseException as error:
        if type(error) not in kinds:
            raise AssertionError(f"expected {names}, got {error!r}") from error
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"{error!r} does not say {missing}"
    else:
        raise AssertionError(f"expected {names}, and nothing was raised")


class Ended:
    """How a process of its own ended that ran source text."""

    def __init__(self, source, seconds=PATIENCE):
        import subprocess

        command = [sys.executable, "-c", source]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
        # CPython's own word, from 3.14 on, about interpreters that are left. It is right.
        own = "RuntimeWarning: remaining subinterpreters; close them with Interpreter.close()"
        self.status, self.said = done.returncode, done.stdout
        self.complaint = "".join(line for line in done.stderr.splitlines(True) if own not in line)

    def all(self):
        return self.status, self.said, self.complaint
