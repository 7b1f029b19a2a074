"""What is refused: with which error, and that nothing is left behind."""

import array
import copy
import ctypes
import functools
import gc
import math
import pickle
import sys

import viewchan
from cases import STRATEGIES
from support import NO_SUCH_INTERPRETER, Background, assert_free, interpreter, raises, steady_count


class BytesOfAKind(bytes):
    pass


class Exports:
    def __buffer__(self, flags):
        return memoryview(b"exported")


def released_view():
    view = memoryview(b"released")
    view.release()
    return view


REFUSED = [
    "text",
    BytesOfAKind(b"subclass"),
    memoryview(BytesOfAKind(b"subclass")),
    bytearray(b"bytearray"),
    memoryview(bytearray(b"writable")),
    memoryview(bytearray(b"read only here, but not there")).toreadonly(),
    memoryview(bytearray(b"slice"))[1:3].toreadonly(),
    array.array("d", [1.0]),
    memoryview(array.array("d", [1.0])).toreadonly(),
    (ctypes.c_char * 8)(),
    memoryview(Exports()),
    Exports(),
    viewchan.Buffer(8),
    memoryview(viewchan.Buffer(8)).toreadonly(),
    5,
    None,
    [b"list"],
    viewchan,
    viewchan.SendEnd,
]


def test_what_cannot_be_sent():
    """Fails if something that can change, or whose release runs foreign code, is sent; or if refusing keeps it."""
    for strategy in STRATEGIES:
        send, receive = viewchan.channel(1, strategy)
        for refused in REFUSED:
            with steady_count(refused):
                for operation in (send.send, send.send_nowait, lambda obj: send.send(obj, 1)):
                    with raises(viewchan.NotShareableError):
                        operation(refused)
        with raises((viewchan.NotShareableError, ValueError)):
            send.send(released_view())
        assert receive.qsize() == 0
        assert_free()


def test_refusals_say_what_to_do():
    """Fails if the error leaves its reader alone."""
    send, _receive = viewchan.channel()
    for refused, word in (
        ("text", "str"),
        (bytearray(b"x"), "frozen"),
        (array.array("d"), "frozen"),
        (memoryview(bytearray(b"x")), "frozen"),
        (BytesOfAKind(b"x"), "BytesOfAKind"),
        (viewchan.Buffer(1), "freeze"),
    ):
        with raises(viewchan.NotShareableError, word):
            send.send(refused)


def test_wrong_end():
    """Fails if a receive end can send, or a send end receive (G9)."""
    send, receive = viewchan.channel()
    for name in ("recv", "recv_nowait", "recv_async", "qsize", "fileno", "__iter__", "__next__"):
        assert not hasattr(send, name), name
    for name in ("send", "send_nowait", "clone", "shutdown", "undelivered"):
        assert not hasattr(receive, name), name
    with raises(AttributeError):
        receive.send(b"x")
    with raises(TypeError):
        iter(send)


def test_use_after_close():
    """Fails if a closed end does anything but say so; its identity stays."""
    send, receive = viewchan.channel()
    ids = send.id, receive.id
    send.close()
    receive.close()
    for operation in (
        lambda: send.send(b"x"),
        lambda: send.send_nowait(b"x"),
        lambda: send.send(b"x", 1),
        send.clone,
        receive.recv,
        receive.recv_nowait,
        lambda: receive.recv(1),
        lambda: viewchan.channel()[0].send(receive),
        lambda: viewchan.channel()[0].send(send),
        receive.fileno,
    ):
        with raises(viewchan.ClosedError):
            operation()
    assert (send.id, receive.id) == ids and send.strategy == receive.strategy == "view"
    with interpreter() as other:
        for end in (send, receive):
            with raises((viewchan.ClosedError, viewchan.NotShareableError)):
                viewchan.run(other, "pass", channels={"end": end})
    send.close()
    receive.close()
    send.shutdown()


def test_pickling_and_copying():
    """Fails if an end, a Buffer or what is behind a view can be duplicated behind our back."""
    send, receive = viewchan.channel()
    buffer = viewchan.frozen(b"x" * 10)
    send.send(buffer)
    view = receive.recv()
    for refused in (send, receive, buffer, view, view.obj):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with raises(TypeError):
                pickle.dumps(refused, protocol)
        for duplicate in (copy.copy, copy.deepcopy):
            with raises(TypeError):
                duplicate(refused)
    del view, refused
    assert_free()


def test_types_are_closed():
    """Fails if an end can be made without a channel, subclassed, or changed for everybody."""
    send, receive = viewchan.channel()
    send.send(b"x" * 10)
    view = receive.recv()
    exporter_type = type(view.obj)
    for kind in (viewchan.SendEnd, viewchan.ReceiveEnd, exporter_type):
        with raises(TypeError):
            kind()
        with raises(TypeError):
            object.__new__(kind)
    for kind in (viewchan.SendEnd, viewchan.ReceiveEnd, viewchan.Buffer, exporter_type):
        with raises(TypeError):
            type("Sub", (kind,), {})
        with raises(TypeError):
            kind.anything = 1
        with raises(TypeError):
            kind.__len__ = None
    for end in (send, receive, viewchan.Buffer(1)):
        with raises(AttributeError):
            end.anything = 1
        with raises(AttributeError):
            end.id = 1
        with raises(TypeError):
            object.__setattr__(end, "__class__", object)


def test_undelivered_takes_three_words():
    """Fails if a policy that does not exist is accepted, or changes the one that is set."""
    send, _receive = viewchan.channel(undelivered="error")
    for wrong in ("forget", "", "Deliver"):
        with raises(ValueError, "deliver", "error", "remove"):
            send.undelivered = wrong
        with raises(ValueError, "deliver", "error", "remove"):
            viewchan.channel(undelivered=wrong)
    for wrong in (None, 1, b"error"):
        with raises(TypeError):
            send.undelivered = wrong
    with raises((TypeError, AttributeError)):
        del send.undelivered
    assert send.undelivered == "error"


def test_strategies_are_five_words():
    """Fails if a strategy that is none of a channel's is accepted, or if the error does not list the choices."""
    for wrong in ("epoch", "", "View", "views"):
        with raises(ValueError, *STRATEGIES):
            viewchan.channel(strategy=wrong)
    for wrong in (None, 1, b"view"):
        with raises(TypeError):
            viewchan.channel(strategy=wrong)


def test_sizes():
    """Fails if a size that makes no sense is taken for another one, or if a large one takes memory at once."""
    with raises(ValueError):
        viewchan.channel(-1)
    for wrong in (1.0, math.nan, "1", None):
        with raises(TypeError):
            viewchan.channel(wrong)
    with raises((OverflowError, ValueError)):
        viewchan.channel(2**70)
    send, receive = viewchan.channel(sys.maxsize)
    send.send_nowait(b"x")
    assert receive.recv() == b"x"


def test_timeouts():
    """Fails if a timeout that makes no sense is waited for, or if a very long one overflows into a short one."""
    send, receive = viewchan.channel(maxsize=1)
    send.send(b"x")
    payload = bytes(100)
    with steady_count(payload):
        for wrong, error in ((-1, ValueError), (-0.001, ValueError), (math.nan, ValueError), ("1", TypeError)):
            with raises(error):
                send.send(payload, wrong)
            with raises(error):
                receive.recv(wrong)
        assert receive.recv() == b"x"
        for long in (math.inf, 1e300, 2**70, sys.maxsize):
            waiting = Background(lambda long=long: bytes(receive.recv(long)))
            assert not waiting.done(0.1)
            send.send(payload, long)
            assert waiting.result() == payload
        del waiting
    assert_free()


def test_arguments():
    """Fails if arguments that are missing, or too many, or misspelt, are ignored."""
    send, receive = viewchan.channel()
    for call in (
        lambda: send.send(),
        lambda: send.send(b"x", 1, 2),
        lambda: send.send(b"x", wait=1),
        lambda: receive.recv(1, 2),
        lambda: receive.recv(time=1),
        lambda: receive.recv_nowait(1),
        lambda: viewchan.channel(1, "view", "error", 4),
        lambda: viewchan.channel(size=1),
        lambda: viewchan.frozen(),
        lambda: viewchan.frozen("text"),
        lambda: viewchan.frozen(5),
        lambda: viewchan.run(),
        lambda: viewchan.stats("0"),
        lambda: viewchan.pinned(1.5),
        lambda: viewchan.Buffer(),
        lambda: viewchan.Buffer("10"),
        lambda: viewchan.Buffer(10, 5),
        lambda: viewchan.Buffer((2, "3")),
    ):
        with raises(TypeError):
            call()
    assert receive.qsize() == 0


def test_interpreters_that_do_not_exist():
    """Fails if a wrong number is taken for some interpreter."""
    for function in (viewchan.stats, viewchan.pinned):
        for wrong in (-1, 10**6, 2**70):
            with raises((*NO_SUCH_INTERPRETER, OverflowError)):
                function(wrong)
    with raises(NO_SUCH_INTERPRETER):
        viewchan.run(10**6, "pass")


def test_impossible_buffers():
    """Fails if a size overflows into a small allocation, or if a format is guessed."""
    for shape in (-1, (2, -1), (-2, -2)):
        with raises(ValueError):
            viewchan.Buffer(shape)
    for shape in (2**62, (2**32, 2**32), (2**21, 2**21, 2**22), 2**70):
        with raises((MemoryError, OverflowError, ValueError)):
            viewchan.Buffer(shape, "d")
    for format in ("Z", "", "dd", "1d", "é", "<d\0"):
        with raises(ValueError):
            viewchan.Buffer(4, format)
    with raises(ValueError):
        viewchan.Buffer((1,) * 65)


def foreign(owner, make):
    """An object of another interpreter, got hold of by its address, as no program should."""
    where = viewchan.run(owner, make, reraise=True).value
    return ctypes.cast(where, ctypes.py_object).value


def make_send_end():
    import support
    import viewchan

    support.kept["send"], support.kept["receive"] = viewchan.channel()
    return id(support.kept["send"])


def make_receive_end():
    import support

    return id(support.kept["receive"])


def make_buffer():
    import support
    import viewchan

    support.kept["buffer"] = viewchan.Buffer(10)
    return id(support.kept["buffer"])


def test_objects_of_another_interpreter():
    """Fails if an object that was smuggled in past the channel is used, with counts that no lock of ours guards."""
    own_end, _receive = viewchan.channel()
    with interpreter() as owner:
        send, receive, buffer = (foreign(owner, make) for make in (make_send_end, make_receive_end, make_buffer))
        operations = [send.clone, receive.recv, receive.recv_nowait, buffer.freeze, buffer.thaw]
        operations += [functools.partial(send.send, b"x"), functools.partial(send.send_nowait, b"x")]
        for operation in operations:
            with raises(RuntimeError, "interpreter 0", f"interpreter {owner.id}"):
                operation()
        for refused in (send, receive, buffer):  # Of classes that this interpreter does not know.
            with raises((RuntimeError, viewchan.NotShareableError)):
                own_end.send(refused)
        del send, receive, buffer, refused, operation, operations
        gc.collect()


def test_version():
    """Fails if the package does not say which it is."""
    assert viewchan.__version__.count(".") == 2


def test_import_that_fails_half_way():
    """Fails if an interpreter in which the import failed cannot be closed, or not import again."""
    with interpreter() as owner:
        owner.exec(
            f"import sys; sys.path[:0] = {sys.path!r}\n"
            "sys.modules['atexit'] = None\n"
            "try:\n    import viewchan\nexcept ImportError: pass\nelse: raise AssertionError('imported')\n"
            "del sys.modules['atexit']\nimport viewchan\n"
            "send, receive = viewchan.channel(); send.send(b'x'); view = receive.recv()"
        )
    with interpreter() as owner:
        owner.exec(
            f"import sys; sys.path[:0] = {sys.path!r}\n"
            "sys.modules['atexit'] = None\n"
            "try:\n    import viewchan\nexcept ImportError: pass\nelse: raise AssertionError('imported')\n"
        )
