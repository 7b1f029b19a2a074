"""What arrives: read-only memory with its layout, at the same address, released with its last slice."""

import io
import pickle
import sys
import weakref

import there
import viewchan
from cases import each_strategy, needs
from support import MEGABYTE, address, assert_free, call, interpreter, interpreters, raises, rss

LAYOUTS = [
    "b''",
    "bytes(range(60))",
    "memoryview(bytes(range(60)))",
    "memoryview(bytes(range(60)))[7:31]",
    "memoryview(bytes(range(60)))[::2]",
    "memoryview(bytes(range(60)))[50:10:-3]",
    "memoryview(bytes(range(60)))[20:20]",
    "memoryview(bytes(range(60))).cast('c')",
    "memoryview(bytes(range(60))).cast('i')",
    "memoryview(bytes(range(60))).cast('H')[3::4]",
    "memoryview(bytes(range(60))).cast('B', [3, 4, 5])",
    "memoryview(bytes(range(48))).cast('d', [2, 3])",
    "memoryview(bytes(range(4))).cast('i', [])",
    "memoryview(bytes(range(60))).cast('B', [3, 20])[1:]",
]
"""Each is sent by another interpreter, and evaluated here to compare."""


def layout(view):
    names = ("format", "itemsize", "ndim", "shape", "strides", "suboffsets", "nbytes")
    flags = ("readonly", "c_contiguous", "f_contiguous", "contiguous")
    return {name: getattr(view, name) for name in (*names, *flags)}


@each_strategy
def test_layouts(strategy):
    """Fails if format, shape or strides get lost, or if a slice shows another part of the memory."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        for expression in LAYOUTS:
            call(owner, there.send_expression, expression, send=send)
            view = receive.recv()
            expected = memoryview(eval(expression, {}))  # Without it, `eval` keeps all locals, before 3.13.
            assert layout(view) == layout(expected), expression
            assert view.tobytes() == expected.tobytes() and view.tolist() == expected.tolist(), expression
            assert view == expected
            del view
        call(owner, there.forget)
        assert_free(owner)


@each_strategy
def test_layouts_of_buffers(strategy):
    """Fails if the layout of a Buffer, or of a slice of it, is not what arrives."""
    send, receive = viewchan.channel(strategy=strategy)
    array = viewchan.Buffer((3, 4), "d")
    with memoryview(array) as writable:
        for row in range(3):
            for column in range(4):
                writable[row, column] = 10 * row + column
    array.freeze()
    for sent in (array, memoryview(array), memoryview(array)[1:], memoryview(array)[::-2]):
        send.send(sent)
        view = receive.recv()
        assert layout(view) == layout(memoryview(sent))
        assert view.tolist() == memoryview(sent).tolist()
        assert address(view) == address(sent)
        del view, sent
    assert_free()


@each_strategy
def test_same_address_elsewhere(strategy):
    """Fails if anything is copied on the way."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 10, 1000, send=send)
        views = [receive.recv() for _ in range(10)]
        assert [address(view) for view in views] == call(owner, there.addresses)


@each_strategy
def test_same_address_of_slices(strategy):
    """Fails if a slice is packed instead of described."""
    send, receive = viewchan.channel(strategy=strategy)
    payload = bytes(range(256)) * 10
    for sent in (payload, memoryview(payload)[100:], memoryview(payload)[100:2000:7], memoryview(payload)[::-1]):
        send.send(sent)
        assert address(receive.recv()) == address(sent)
    assert_free()


@each_strategy
def test_large_message_takes_no_memory(strategy):
    """Fails if there is a copy somewhere, even for a moment that lasts."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 64 * MEGABYTE, send=send)
        before = rss()
        view = receive.recv()
        assert view[-1] == 0 and view.nbytes == 64 * MEGABYTE
        assert rss() - before < 8 * MEGABYTE
        del view
        call(owner, there.forget)
        assert_free(owner)
        assert rss() - before < -56 * MEGABYTE


def writes_to(view):
    def item():
        view[0] = 1

    def part():
        view[0:2] = b"xy"

    def delete():
        del view[0]

    return [item, part, delete]


@each_strategy
def test_nobody_writes(strategy):
    """Fails if there is a way to write into memory that somebody else reads."""
    import ctypes

    send, receive = viewchan.channel(strategy=strategy)
    payload = b"immutable"
    send.send(payload)
    view = receive.recv()
    for derived in (view, view[2:], view.cast("c"), memoryview(view), view.toreadonly()):
        assert derived.readonly
        for write in writes_to(derived):
            with raises(TypeError):
                write()
        with raises(TypeError):
            ctypes.c_char.from_buffer(derived)
        with raises(TypeError):
            io.BytesIO(b"other").readinto(derived)
    assert payload == b"immutable"


@needs("numpy")
def test_numpy_reads_without_a_copy():
    """Fails if numpy copies, writes, or sees another layout."""
    import numpy

    send, receive = viewchan.channel()
    array = viewchan.Buffer((3, 4), "d")
    numpy.asarray(array)[...] = numpy.arange(12).reshape(3, 4)
    array.freeze()
    send.send(memoryview(array)[::2])
    view = receive.recv()
    arrived = numpy.asarray(view)
    assert arrived.shape == (2, 4) and arrived.strides == (64, 8)
    assert not arrived.flags.writeable and arrived.ctypes.data == address(array)
    assert arrived.sum() == sum(range(4)) + sum(range(8, 12))
    with raises(ValueError):
        arrived.flags.writeable = True
    del view
    assert viewchan.pinned() == 1
    del arrived
    assert_free()


@each_strategy
def test_slices_keep_it_alive(strategy):
    """Fails if the release comes before the end of the last slice, or not with it."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 2, 1000, send=send)
        receive.recv().release()
        view = receive.recv()
        parts = [view[i : i + 10] for i in range(10)] + [view.cast("c"), view[::3], memoryview(view)]
        del view
        while parts:
            assert call(owner, there.unreleased) == 1
            assert bytes(parts[-1])[:1] == b"\x01"
            parts.pop()
        assert call(owner, there.unreleased) == 0
        assert_free(owner)


@each_strategy
def test_explicit_release(strategy):
    """Fails if `release` or `with` does not release at once, or if what follows reads freed memory."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 3, 1000, send=send)
        view = receive.recv()
        view.release()
        view.release()
        with receive.recv() as second:
            assert second[0] == 1
        for released in (view, second):
            with raises(ValueError):
                released[0]
        third = receive.recv()
        part = third[10:]
        third.release()
        assert call(owner, there.unreleased) == 1
        assert part[0] == 2
        part.release()
        assert call(owner, there.unreleased) == 0


@each_strategy
def test_view_used_by_something_else(strategy):
    """Fails if the memory goes while an object still exports it."""
    send, receive = viewchan.channel(strategy=strategy)
    send.send(b"0123456789")
    view = receive.recv()
    outer = pickle.PickleBuffer(view)
    with raises(BufferError):
        view.release()
    del view
    assert viewchan.pinned() == 1
    assert outer.raw() == b"0123456789"
    outer.release()
    assert_free()


@each_strategy
def test_sent_memoryview_can_be_released_at_once(strategy):
    """Fails if the message depends on the memoryview that was sent instead of on its memory."""
    send, receive = viewchan.channel(strategy=strategy)
    payload = bytes(range(100))
    with memoryview(payload)[10:20] as part:
        send.send(part)
    view = receive.recv()
    del payload
    assert view == bytes(range(10, 20))


@each_strategy
def test_relay(strategy):
    """Fails if passing a view on copies it, or if it ends with the view that was passed on."""
    to_first, at_first = viewchan.channel(strategy=strategy)
    first_out, second_in = viewchan.channel(strategy=strategy)
    second_out, receive = viewchan.channel(strategy=strategy)
    payload = bytes(range(200)) * 5
    with interpreters(2) as (first, second):
        to_first.send(payload)
        to_first.send(memoryview(payload)[100:200:3])
        call(first, there.relay, 2, receive=at_first, send=first_out)
        call(second, there.relay, 2, receive=second_in, send=second_out)
        whole, part = receive.recv(), receive.recv()
        assert whole == payload and part == memoryview(payload)[100:200:3]
        assert address(whole) == address(payload) and address(part) == address(payload) + 100
        assert viewchan.pinned() > 0
        del whole, part
        assert_free(first, second, None)


@each_strategy
def test_same_object_many_times(strategy):
    """Fails if pins of one object are counted as one, or forgotten in an order that is not the one of sending."""
    send, receive = viewchan.channel(strategy=strategy)
    payload = bytes(1000)
    before = sys.getrefcount(payload)
    for _ in range(20):
        send.send(payload)
    views = [receive.recv() for _ in range(20)]
    assert len({address(view) for view in views}) == 1
    for index in (*range(0, 20, 3), *range(1, 20, 3), *range(2, 20, 3)):
        assert views[index] == payload
        views[index] = None
    assert_free()
    assert sys.getrefcount(payload) == before


@each_strategy
def test_memory_is_read_like_any_other(strategy):
    """Fails if a received view is not quite a memoryview."""
    import struct

    send, receive = viewchan.channel(strategy=strategy)
    payload = bytes(range(1, 9))
    send.send(payload)
    view = receive.recv()
    assert bytes(view) == bytearray(view) == view.tobytes() == payload
    assert hash(view) == hash(payload) and view == payload and list(view) == list(payload)
    assert struct.unpack_from("<I", view, 4) == (0x08070605,)
    assert view.hex() == payload.hex() and len(view) == 8 and 3 in view
    assert int.from_bytes(view, "little") == 0x0807060504030201
    assert b"".join([view[:2], view[6:]]) == b"\x01\x02\x07\x08"
    assert io.BytesIO(view).read() == payload
    assert weakref.ref(view)() is view
