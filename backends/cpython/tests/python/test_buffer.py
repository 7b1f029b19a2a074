"""`Buffer`: memory that is written first, then frozen, then sent, then perhaps written again."""

import array
import sys

import viewchan
from cases import each_strategy
from support import address, assert_free, interpreter, raises


def test_new_memory():
    """Fails if it is not zeroed, or if it says of itself what its memoryview does not."""
    for shape, format, expected_shape, nbytes in (
        (10, "B", (10,), 10),
        (0, "B", (0,), 0),
        ((4,), "i", (4,), 16),
        ((2, 3), "d", (2, 3), 48),
        ((2, 3, 4), "H", (2, 3, 4), 48),
    ):
        buffer = viewchan.Buffer(shape, format)
        assert (buffer.shape, buffer.format, buffer.nbytes) == (expected_shape, format, nbytes)
        assert not buffer.frozen
        view = memoryview(buffer)
        assert (view.shape, view.format, view.nbytes) == (expected_shape, format, nbytes)
        assert not view.readonly and view.c_contiguous and len(view) == len(buffer)
        assert view.tobytes() == bytes(nbytes)
    assert viewchan.Buffer(3).format == "B"


def test_written_then_frozen():
    """Fails if freezing copies, changes the bytes, or leaves a way to write."""
    buffer = viewchan.Buffer(10)
    with memoryview(buffer) as writable:
        writable[:] = b"0123456789"
        where = address(writable)
    assert buffer.freeze() is buffer and buffer.frozen
    assert buffer.freeze() is buffer
    view = memoryview(buffer)
    assert view.readonly and bytes(view) == bytes(buffer) == b"0123456789"
    assert address(buffer) == where
    with raises(TypeError):
        view[0] = 1


def test_freeze_refuses_while_somebody_can_write():
    """Fails if a message could change after it was sent, through a memoryview or an array made before."""
    import ctypes

    buffer = viewchan.Buffer(8)
    writable = memoryview(buffer)
    part = writable[2:4]
    writable.release()
    for exporter in (part, (ctypes.c_char * 8).from_buffer(buffer)):
        with raises(BufferError):
            buffer.freeze()
        assert not buffer.frozen
        if exporter is part:
            part.release()
    del exporter, part
    import gc

    gc.collect()  # The array of ctypes may be part of a circle.
    buffer.freeze()


def test_unfrozen_is_not_sent():
    """Fails if memory that can still be written is sent, or if the error does not say what to do."""
    send, receive = viewchan.channel()
    buffer = viewchan.Buffer(10)
    for refused in (buffer, memoryview(buffer), memoryview(buffer).toreadonly()):
        with raises(viewchan.NotShareableError, "freeze"):
            send.send(refused)
    assert receive.qsize() == 0


@each_strategy
def test_thaw_refuses_while_shared(strategy):
    """Fails if memory can be written while a message or a view shows it (G2)."""
    send, receive = viewchan.channel(strategy=strategy)
    buffer = viewchan.Buffer(4)
    before = sys.getrefcount(buffer)
    buffer.freeze()

    def refused():
        with raises(BufferError):
            buffer.thaw()
        assert buffer.frozen

    send.send(buffer)
    refused()
    view = receive.recv()
    refused()
    part = view[1:]
    del view
    refused()
    del part
    viewchan.collect()
    own = memoryview(buffer)
    refused()
    del own
    assert buffer.thaw() is buffer and not buffer.frozen
    with memoryview(buffer) as writable:
        writable[:] = b"anew"
    send.send(buffer.freeze())
    assert receive.recv() == b"anew"
    assert_free()
    assert sys.getrefcount(buffer) == before


@each_strategy
def test_thaw_refuses_while_read_elsewhere(strategy):
    """Fails if a view in another interpreter is not counted."""
    send, receive = viewchan.channel(strategy=strategy)
    buffer = viewchan.Buffer(4).freeze()
    with interpreter() as reader:
        send.send(buffer)
        viewchan.run(reader, hold, channels={"receive": receive}, reraise=True)
        with raises(BufferError):
            buffer.thaw()
        viewchan.run(reader, "import support; support.kept.clear()", reraise=True)
        viewchan.collect()
        buffer.thaw()


def hold(receive):
    import support

    support.kept["view"] = receive.recv()


@each_strategy
def test_buffer_outlives_its_object(strategy):
    """Fails if the memory goes with the Buffer instead of with its last reader."""
    send, receive = viewchan.channel(strategy=strategy)
    buffer = viewchan.Buffer((2, 2), "i")
    with memoryview(buffer) as writable:
        writable[1, 1] = 7
    send.send(buffer.freeze())
    del buffer
    view = receive.recv()
    assert view.tolist() == [[0, 0], [0, 7]]
    del view
    assert_free()


@each_strategy
def test_refrozen_with_a_view_of_before_gone(strategy):
    """Fails if a second round through thaw and freeze shows the bytes of the first, or counts on from it."""
    send, receive = viewchan.channel(strategy=strategy)
    buffer = viewchan.Buffer(1000)
    for round in range(50):
        with memoryview(buffer) as writable:
            writable[:] = bytes([round]) * 1000
        send.send(buffer.freeze())
        with receive.recv() as view:
            assert view == bytes([round]) * 1000
        viewchan.collect()
        buffer.thaw()


def test_frozen_copies_once():
    """Fails if the copy follows its source, loses the layout, or can be written."""
    numbers = array.array("d", range(6))
    strided = memoryview(bytes(range(60))).cast("B", [3, 20])[::2]
    for source in (b"bytes", bytearray(b"bytearray"), numbers, memoryview(numbers)[::2], strided):
        copy = viewchan.frozen(source)
        expected = memoryview(source)
        assert type(copy) is viewchan.Buffer and copy.frozen
        assert (copy.format, copy.shape) == (expected.format, expected.shape)
        assert bytes(copy) == expected.tobytes() and memoryview(copy).readonly
        assert address(copy) != address(source)
    copy = viewchan.frozen(numbers)
    numbers[0] = 99
    numbers.append(7)
    assert memoryview(copy)[0] == 0


def test_frozen_is_sent():
    """Fails if what `frozen` makes is not what can be sent."""
    send, receive = viewchan.channel()
    send.send(viewchan.frozen(array.array("i", [1, 2, 3])))
    view = receive.recv()
    assert view.format == "i" and view.tolist() == [1, 2, 3]
    del view
    assert_free()
