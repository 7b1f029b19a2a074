"""Running code in another interpreter: `run` here, `execute` there."""

import _thread
import builtins
import marshal
import os
import types

from . import _viewchan
from ._interpreters import exec_in

_introducing = _thread.RLock()
"""CPython executes source in an interpreter for one thread at a time, and refuses the second."""


def run(interp, work, *, channels=None, reraise=False):
    """Run source text, or a function without closure, in another interpreter, on the calling thread.

    Only channel ends can be passed: source text finds them as globals, a function gets them as keyword arguments.
    The value of a function must be what the module marshal takes. With `reraise`, a failure raises at once.
    """
    if isinstance(work, str):
        kind, packed = "source", work.encode()
    elif isinstance(work, types.FunctionType):
        kind, packed = "function", _pack(work)
    else:
        raise TypeError(f"work must be source text or a function, not a {type(work).__name__!r}")
    channels = dict(channels or {})
    for name in channels:
        if not isinstance(name, str):
            raise TypeError(f"the name of a channel end must be a str, not {name!r}")
    id = getattr(interp, "id", interp)
    with _introducing:
        if not _viewchan._knows(id):
            _introduce(id)
    reply = _viewchan._run(id, kind, packed, tuple(channels), tuple(channels.values()))
    result = RunResult(*marshal.loads(reply))
    if reraise:
        result.reraise()
    return result


class RunResult:
    """What `run` came to."""

    __slots__ = ("value", "ok", "error", "traceback", "_exception")

    def __init__(self, value, error, traceback, exception):
        self.value = value
        self.ok = error is None
        self.error = error
        self.traceback = traceback
        self._exception = exception

    def __repr__(self):
        return f"RunResult(value={self.value!r})" if self.ok else f"RunResult(error={self.error!r})"

    def reraise(self):
        """The value; or raise: the same exception if it is a builtin one, RunFailedError otherwise."""
        if self.ok:
            return self.value
        if self._exception is None:
            error = _viewchan.RunFailedError(self.error)
        else:
            name, arguments = self._exception
            error = getattr(builtins, name)(*arguments)
        error.add_note(f"In the other interpreter:\n{self.traceback}")
        raise error


def _pack(function):
    """What a function is, without its interpreter."""
    if function.__closure__:
        names = ", ".join(function.__code__.co_freevars)
        raise TypeError(f"the function {function.__name__} captures {names}: only channel ends can be passed")
    parts = (function.__code__, function.__name__, function.__defaults__, function.__kwdefaults__)
    try:
        return marshal.dumps(parts)
    except ValueError as error:
        message = f"the defaults of the function {function.__name__} cannot be passed: {error}"
        raise _viewchan.NotShareableError(message) from None


def _introduce(id):
    """Import the package in an interpreter that has not heard of it."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    exec_in(
        id,
        "try:\n"
        "    import viewchan._run\n"
        "except ModuleNotFoundError:\n"
        f"    __import__('sys').path.append({home!r})\n"
        "    import viewchan._run\n",
    )


def execute(kind, packed, channels):
    """Run what has arrived, in this interpreter; the packed arguments of a `RunResult`."""
    try:
        if kind == "source":
            value = _execute_source(packed.decode(), channels)
        else:
            code, name, defaults, keyword_defaults = marshal.loads(packed)
            function = types.FunctionType(code, _scope(), name, defaults)
            function.__kwdefaults__ = keyword_defaults
            value = function(**channels)
        try:
            return marshal.dumps((value, None, None, None))
        except ValueError:
            message = f"a {type(value).__name__!r} cannot be passed back: send it through a channel, or return its parts"
            raise _viewchan.NotShareableError(message) from None
    except BaseException as error:
        return marshal.dumps((None, *_describe(error)))
    finally:
        channels.clear()


def _execute_source(source, channels):
    scope = _scope()
    scope.update(channels)
    try:
        exec(compile(source, "<viewchan.run>", "exec"), scope)
    finally:
        # Functions of the source refer to their scope, in a circle: the ends shall be gone when the source is done.
        for name in channels:
            scope.pop(name, None)


def _scope():
    return {"__name__": "__main__", "__builtins__": builtins}


def _describe(error):
    """The last line of a traceback, all of it, and the exception itself if it is a builtin one that can be passed."""
    import traceback

    text = "".join(traceback.format_exception(error))
    line = "".join(traceback.format_exception_only(error)).strip()
    name = type(error).__name__
    exception = (name, error.args) if getattr(builtins, name, None) is type(error) else None
    try:
        marshal.dumps(exception)
    except ValueError:
        exception = None
    return line, text, exception
