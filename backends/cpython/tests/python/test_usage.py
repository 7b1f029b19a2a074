"""Ends and channels: sending, receiving, waiting, closing."""

import builtins
import os
import select
import selectors
import time

import there
import viewchan
from cases import each_strategy
from support import Background, assert_free, call, interpreter, raises, wait_until


@each_strategy
def test_one_message(strategy):
    """Fails if the wrong bytes arrive, if they can be written to, or if a reference is left with the sender."""
    send, receive = viewchan.channel(strategy=strategy)
    assert send.strategy == receive.strategy == strategy
    assert send.id == receive.id
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 1000, send=send)
        assert receive.qsize() == 1
        assert viewchan.pinned(owner) == 1
        view = receive.recv()
        assert type(view) is memoryview and view.readonly
        assert view == bytes(1000)
        assert receive.qsize() == 0
        assert call(owner, there.unreleased) == 1
        del view
        assert call(owner, there.unreleased) == 0
        assert_free(owner)


@each_strategy
def test_order_of_messages(strategy):
    """Fails if messages of one sender overtake each other."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 200, 8, send=send)
        assert [receive.recv()[0] for _ in range(200)] == list(range(200))
        assert call(owner, there.unreleased) == 0


@each_strategy
def test_within_one_interpreter(strategy):
    """Fails if a thread waits for the lock that it holds, or counts wrongly when there is no visit."""
    send, receive = viewchan.channel(strategy=strategy)
    send.send(b"at home")
    view = receive.recv()
    assert view == b"at home" and viewchan.pinned() == 1
    view.release()
    assert_free()


def test_channels_tell_themselves_apart():
    """Fails if ids are reused, or compare by something else than the channel."""
    pairs = [viewchan.channel() for _ in range(10)]
    ids = {end.id for pair in pairs for end in pair}
    assert len(ids) == 10


def test_nowait():
    """Fails if an operation that does not wait waits, or if a refused send leaves something behind."""
    send, receive = viewchan.channel(maxsize=1)
    with raises(viewchan.EmptyError):
        receive.recv_nowait()
    send.send_nowait(b"one")
    with raises(viewchan.FullError):
        send.send_nowait(b"two")
    assert receive.recv_nowait() == b"one"
    with raises(viewchan.EmptyError):
        receive.recv_nowait()
    assert_free()


def test_timeouts_below_a_second():
    """Fails if 0.3 s are rounded to nothing or to a second thing, or if a send that timed out stays inside."""
    send, receive = viewchan.channel(maxsize=1)
    for timeout in (0.3, 0.05, 0):
        begin = time.monotonic()
        with raises(viewchan.TimeoutError):
            receive.recv(timeout)
        assert timeout <= time.monotonic() - begin < timeout + 5
    send.send(b"one", timeout=0.3)
    for timeout in (0.3, 0.05, 0):
        begin = time.monotonic()
        with raises(viewchan.TimeoutError):
            send.send(b"two", timeout)
        assert timeout <= time.monotonic() - begin < timeout + 5
    assert receive.recv(timeout=0) == b"one"
    with raises(viewchan.EmptyError):
        receive.recv_nowait()
    assert_free()


def test_errors_are_what_python_expects():
    """Fails if `except TimeoutError` or `except TypeError` misses ours, or `except viewchan.Error` misses one."""
    assert issubclass(viewchan.TimeoutError, builtins.TimeoutError)
    assert issubclass(viewchan.NotShareableError, TypeError)
    for name in ("Closed", "Empty", "Full", "Timeout", "NotShareable", "OwnerEnded", "RunFailed"):
        kind = getattr(viewchan, f"{name}Error")
        assert issubclass(kind, viewchan.Error) and kind.__module__ == "viewchan", kind


def test_receive_waits_for_a_message():
    """Fails if a message that comes later wakes nobody, or if the waiting thread keeps its GIL."""
    send, receive = viewchan.channel()
    with interpreter() as owner:
        waiting = Background(lambda: bytes(receive.recv()))
        assert not waiting.done(0.1)
        call(owner, there.send_payloads, 1, 3, send=send)
        assert waiting.result() == bytes(3)


def test_send_waits_for_space():
    """Fails if a receive wakes no sender, or if the limit lets one more in."""
    send, receive = viewchan.channel(maxsize=2)
    with interpreter() as owner:
        sending = Background(call, owner, there.send_payloads, 5, 3, send=send)
        wait_until(lambda: receive.qsize() == 2, "two messages are inside")
        assert not sending.done(0.1)
        assert receive.qsize() == 2
        assert [receive.recv()[0] for _ in range(5)] == [0, 1, 2, 3, 4]
        sending.result()


def test_iteration_ends_with_the_last_send_end():
    """Fails if the end of one of two send ends ends it, if the last one does not, or if messages inside are lost."""
    send, receive = viewchan.channel()
    other = send.clone()
    assert other.id == send.id and other is not send
    iteration = Background(lambda: [bytes(view) for view in receive])
    send.send(b"one")
    send.close()
    other.send(b"two")
    assert not iteration.done(0.1)
    other.close()
    assert iteration.result() == [b"one", b"two"]
    with raises(StopIteration):
        next(receive)
    assert iter(receive) is not None and list(receive) == []


def test_forgotten_send_ends_count_as_closed():
    """Fails if an end that was collected, here or elsewhere, keeps the channel open."""
    send, receive = viewchan.channel()
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 3, send=send)  # Its copy of the end is gone when this returns.
        del send
        assert receive.recv() == bytes(3)
        with raises(viewchan.ClosedError):
            receive.recv(timeout=10)


def test_closing_a_send_end():
    """Fails if a closed end still sends, if closing twice is an error, or if what is inside cannot be received."""
    send, receive = viewchan.channel()
    send.send(b"inside")
    assert not send.closed
    for _ in range(2):
        send.close()
    assert send.closed and not receive.closed
    for operation in (lambda: send.send(b"x"), lambda: send.send_nowait(b"x"), send.clone):
        with raises(viewchan.ClosedError):
            operation()
    assert receive.recv() == b"inside"
    for operation in (receive.recv, receive.recv_nowait, lambda: receive.recv(1)):
        with raises(viewchan.ClosedError):
            operation()
    assert_free()


def test_shutdown_closes_all_send_ends():
    """Fails if another send end goes on, or if what is inside cannot be received."""
    send, receive = viewchan.channel()
    other = send.clone()
    other.send(b"inside")
    send.shutdown()
    with raises(viewchan.ClosedError):
        other.send(b"late")
    assert receive.recv() == b"inside"
    with raises(viewchan.ClosedError):
        receive.recv()


@each_strategy
def test_closing_the_receive_end(strategy):
    """Fails if messages inside stay pinned, or if a sender goes on, waiting ones included."""
    send, receive = viewchan.channel(2, strategy)
    with interpreter() as owner:
        sending = Background(call, owner, there.send_payloads, 3, 10, send=send)
        assert not sending.done(0.1)
        for _ in range(2):
            receive.close()
        assert receive.closed and not send.closed
        with raises(viewchan.RunFailedError, "ClosedError"):
            sending.result()
        with raises(viewchan.ClosedError):
            send.send(b"late")
        with raises(viewchan.ClosedError):
            receive.recv()
        assert call(owner, there.unreleased) == 0
        assert_free(owner)


def test_ends_as_context_managers():
    """Fails if `with` leaves an end open, or if an error inside is swallowed."""
    send, receive = viewchan.channel()
    with send as entered:
        assert entered is send
        send.send(b"x")
    assert send.closed
    with raises(KeyError):
        with receive as entered:
            assert entered is receive
            raise KeyError
    assert receive.closed
    assert_free()


def readable(receive):
    found, _, _ = select.select([receive], [], [], 0)
    return bool(found)


@each_strategy
def test_fileno_says_when_to_receive(strategy):
    """Fails if it is readable while recv_nowait would raise EmptyError, or not while it would not."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        assert receive.fileno() == receive.fileno()
        for _ in range(3):
            assert not readable(receive)
            call(owner, there.send_payloads, 2, 10, send=send)
            assert readable(receive)
            receive.recv_nowait()
            assert readable(receive)
            receive.recv()
        assert not readable(receive)
        send.close()
        assert readable(receive)
        with raises(viewchan.ClosedError):
            receive.recv_nowait()
        assert readable(receive)


def test_fileno_that_is_asked_for_late():
    """Fails if the descriptor does not know of messages that were there before it was."""
    send, receive = viewchan.channel()
    send.send(b"early")
    assert readable(receive)
    receive.recv()
    assert not readable(receive)


def test_selectors_wait_on_several_channels():
    """Fails if a thread that waits on descriptors is not woken by a message."""
    pairs = [viewchan.channel() for _ in range(3)]
    with interpreter() as owner, selectors.DefaultSelector() as selector:
        for index, (_, receive) in enumerate(pairs):
            selector.register(receive, selectors.EVENT_READ, index)
        for index in (2, 0, 1):
            sending = Background(call, owner, there.send_payloads, 1, 10, send=pairs[index][0])
            [(key, _)] = selector.select(30)
            assert key.data == index
            assert pairs[index][1].recv_nowait() == bytes(10)
            sending.result()


def test_fileno_of_a_closed_end():
    """Fails if a descriptor is handed out that somebody else may have by now, or if descriptors leak."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        _, receive = viewchan.channel()
        receive.fileno()
        receive.close()
        with raises(viewchan.ClosedError):
            receive.fileno()
    assert len(os.listdir("/proc/self/fd")) == before


def test_undelivered_is_a_policy_of_each_send_end():
    """Fails if copies do not inherit it, or if setting one changes another."""
    send, _receive = viewchan.channel(undelivered="remove")
    copy = send.clone()
    assert send.undelivered == copy.undelivered == "remove"
    send.undelivered = "error"
    assert (send.undelivered, copy.undelivered) == ("error", "remove")
    assert viewchan.channel()[0].undelivered == "deliver"


def test_stats_have_a_number_for_each_cause():
    """Fails if a cause is missing, or if an interpreter cannot be named in each of the three ways."""
    causes = {"attach", "return", "safepoint", "view creation", "view release", "collection"}
    assert viewchan.stats().keys() == causes
    with interpreter() as owner:
        call(owner, there.forget)
        stats = viewchan.stats(owner)
        assert stats.keys() == causes and stats == viewchan.stats(owner.id)
        assert all(type(number) is int for number in stats.values())
        send, receive = viewchan.channel()
        call(owner, there.send_payloads, 1, 10, send=send)
        receive.recv()
        after = viewchan.stats(owner)
        assert after["view creation"] == stats["view creation"] + 1
        assert after["view release"] == stats["view release"] + 1
        assert viewchan.pinned(owner) == viewchan.pinned(owner.id) == 0
