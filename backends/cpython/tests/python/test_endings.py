"""The end of an interpreter, while its messages, its views and its threads are somewhere."""

import sys

import there
import viewchan
from cases import each_strategy, limit, unfit
from support import (
    MEGABYTE,
    Background,
    assert_free,
    assert_steady,
    call,
    growth,
    interpreter,
    raises,
    wait_until,
)

no_threads_elsewhere = unfit(
    sys.version_info < (3, 13), "CPython 3.12 hangs when an interpreter ends that imported threading on another thread"
)


def owner_with(send, number=1, size=1000, policy=None):
    """A new interpreter that has sent payloads."""
    owner = viewchan.create_interpreter()
    if policy is not None:
        send.undelivered = policy
    call(owner, there.send_payloads, number, size, send=send)
    return owner


def assert_free_after_end(*owners):
    """Nothing of these interpreters, which have ended, is pinned; under `deferred` after a moment."""
    wait_until(lambda: not any(viewchan.pinned(owner) for owner in owners), "nothing of those that ended is pinned")


@each_strategy
def test_view_outlives_its_owner(strategy):
    """Fails if a view dangles, changes, or keeps its owner from closing."""
    for size in (100, 1000, MEGABYTE):
        send, receive = viewchan.channel(strategy=strategy)
        spare = viewchan.channel(strategy=strategy)
        owner = owner_with(send, 3, size)
        views = [receive.recv() for _ in range(3)]
        part = views[1][10:20]
        owner.close()
        with interpreter() as other:  # May reuse what the closed one had.
            call(other, there.send_payloads, 10, size, send=spare[0])
            assert views == [bytes([i]) * size for i in range(3)] and part == b"\x01" * 10
        assert viewchan.pinned(owner) == 3
        del views
        wait_until(lambda owner=owner: viewchan.pinned(owner) == 1, "one of three is pinned")
        assert part == b"\x01" * 10
        del part
        assert_free_after_end(owner)


@each_strategy
def test_view_of_a_buffer_outlives_its_owner(strategy):
    """Fails if a Buffer's memory goes with its interpreter."""
    send, receive = viewchan.channel(strategy=strategy)
    owner = viewchan.create_interpreter()
    expression = "__import__('viewchan').frozen(memoryview(bytes(range(60))).cast('B', [3, 20]))"
    call(owner, there.send_expression, expression, send=send)
    view = receive.recv()
    owner.close()
    assert view.shape == (3, 20) and view.tobytes() == bytes(range(60))
    del view
    assert_free_after_end(owner)


@limit(120)
@each_strategy
def test_ended_owners_leave_nothing(strategy):
    """Fails if memory of 8 MiB a round is given back by nobody: received before the end or after, or never."""
    rounds = 0

    def round():
        nonlocal rounds
        policy = ("deliver", "error", "remove")[rounds % 3]
        rounds += 1
        send, receive = viewchan.channel(strategy=strategy)
        owner = owner_with(send, 4, 2 * MEGABYTE, policy)
        view = receive.recv()
        owner.close()
        assert view[-1] == 0
        try:
            assert (receive.recv_nowait()[0], policy) == (1, "deliver")
        except viewchan.OwnerEndedError:
            assert policy == "error"
        except viewchan.EmptyError:
            assert policy == "remove"
        del view
        receive.close()

    # CPython 3.13 itself keeps 2 MiB of each interpreter that it has ended.
    assert_steady(round, rounds=18, allowed=72 * MEGABYTE)


@each_strategy
def test_messages_of_an_ended_owner_are_delivered(strategy):
    """Fails if the default loses messages, or delivers other bytes."""
    send, receive = viewchan.channel(strategy=strategy)
    owner = owner_with(send, 3, policy="deliver")
    owner.close()
    assert [bytes(receive.recv()) for _ in range(3)] == [bytes([i]) * 1000 for i in range(3)]
    assert_free_after_end(owner)


@each_strategy
def test_messages_of_an_ended_owner_are_errors(strategy):
    """Fails if an error comes too often, too rarely, or ends the channel; iteration passes over them."""
    send, receive = viewchan.channel(strategy=strategy)
    owner = owner_with(send, 3, policy="error")
    owner.close()
    send.send(b"goes on")
    for operation in (receive.recv, receive.recv_nowait, lambda: receive.recv(5)):
        with raises(viewchan.OwnerEndedError):
            operation()
    assert receive.recv() == b"goes on"
    second = owner_with(send, 3)
    second.close()
    send.send(b"last")
    send.close()
    assert [bytes(view) for view in receive] == [b"last"]
    assert_free_after_end(owner, second)


@each_strategy
def test_messages_of_an_ended_owner_are_removed(strategy):
    """Fails if one of them arrives, or if one of another sender is removed as well."""
    send, receive = viewchan.channel(strategy=strategy)
    send.send(b"first")
    owner = owner_with(send, 3, policy="remove")
    send.send(b"last")
    owner.close()
    assert [bytes(receive.recv()), bytes(receive.recv())] == [b"first", b"last"]
    with raises(viewchan.EmptyError):
        receive.recv_nowait()
    assert_free_after_end(owner)


def test_policy_of_each_message():
    """Fails if the policy of the channel, or of the last message, is applied to all."""
    send, receive = viewchan.channel()
    owner = viewchan.create_interpreter()
    call(owner, send_with_policies, send=send)
    owner.close()
    assert receive.recv() == b"deliver 0"
    with raises(viewchan.OwnerEndedError):
        receive.recv()
    assert receive.recv() == b"deliver 1"  # Behind one that was removed.
    with raises(viewchan.EmptyError):
        receive.recv_nowait()
    assert_free_after_end(owner)


def test_numbers_outlive_the_interpreter():
    """Fails if asking for them is an error while buffers of it may still be pinned."""
    send, receive = viewchan.channel()
    owner = owner_with(send)
    view = receive.recv()
    before = viewchan.stats(owner)
    owner.close()
    assert viewchan.pinned(owner) == viewchan.pinned(owner.id) == 1
    del view
    assert viewchan.pinned(owner) == 0
    assert viewchan.stats(owner).keys() == before.keys()


def send_with_policies(send):
    for text in ("deliver 0", "error 0", "remove 0", "deliver 1", "remove 1"):
        send.undelivered = text.split()[0]
        send.send(text.encode())


@each_strategy
def test_removed_messages_and_the_descriptor(strategy):
    """Fails if the descriptor is readable when all that is inside will be removed, so that a loop would spin."""
    import select

    send, receive = viewchan.channel(strategy=strategy)
    descriptor = receive.fileno()
    owner = owner_with(send, 3, policy="remove")
    owner.close()
    with raises(viewchan.EmptyError):
        receive.recv_nowait()
    assert select.select([descriptor], [], [], 0) == ([], [], [])


@each_strategy
def test_relayed_view_outlives_the_relay(strategy):
    """Fails if the end of an interpreter in between takes the memory of another one's message along."""
    to_relay, at_relay = viewchan.channel(strategy=strategy)
    out, receive = viewchan.channel(strategy=strategy)
    relay = viewchan.create_interpreter()
    payload = bytes(range(200))
    before = sys.getrefcount(payload)
    for _ in range(2):
        to_relay.send(payload)
    call(relay, there.relay, 2, receive=at_relay, send=out)
    view = receive.recv()
    relay.close()
    assert view == receive.recv() == payload
    del view
    assert_free()
    assert sys.getrefcount(payload) == before


def hold_views(number, receive):
    there.kept["views"] = [receive.recv() for _ in range(number)]
    there.kept["receive"] = receive


@each_strategy
def test_receiver_ends_with_views(strategy):
    """Fails if an interpreter that ends does not release the views that it has, or the messages that wait for it."""
    send, receive = viewchan.channel(strategy=strategy)
    payload = bytes(1000)
    before = sys.getrefcount(payload)
    for _ in range(20):
        send.send(payload)
    reader = viewchan.create_interpreter()
    call(reader, hold_views, 10, receive=receive)
    assert viewchan.pinned() > 0
    reader.close()
    assert_free()
    assert sys.getrefcount(payload) == before
    with raises(viewchan.ClosedError):
        send.send(payload)


@limit(120)
@each_strategy
def test_end_while_threads_receive_and_release(strategy):
    """Fails if a visit meets an interpreter that is being destroyed, or if the end waits for a visit for ever."""
    for _ in range(10):
        send, receive = viewchan.channel(strategy=strategy)
        owner = owner_with(send, 400, 1000)
        send.close()

        def consume(receive=receive):
            total = 0
            while True:
                try:
                    view = receive.recv()
                except viewchan.ClosedError:
                    return total
                assert view == bytes(view[:1]) * 1000
                total += 1

        consumers = [Background(consume) for _ in range(3)]
        wait_until(lambda: receive.qsize() < 300, "the consumers are at it")
        owner.close()
        assert sum(consumer.result() for consumer in consumers) == 400
        assert_free_after_end(owner)


@limit(120)
@each_strategy
def test_end_while_messages_are_sent_to_it(strategy):
    """Fails if a sender hangs when its receiver's interpreter ends with the receive end."""
    for _ in range(10):
        send, receive = viewchan.channel(5, strategy)
        reader = viewchan.create_interpreter()
        call(reader, hold_views, 0, receive=receive)
        sending = Background(send_until_closed, send)
        wait_until(lambda: viewchan.pinned() >= 5, "the channel is full")
        reader.close()
        assert sending.result() >= 5
        assert_free()


def send_until_closed(send):
    number = 0
    try:
        while True:
            send.send(bytes([number % 256]) * 100)
            number += 1
    except viewchan.ClosedError:
        return number


@no_threads_elsewhere
def test_end_interrupts_its_own_waiting_threads():
    """Fails if an interpreter cannot end because a thread of it waits for a message, for space, or with a timeout."""
    report, reported = viewchan.channel()
    _send, receive = viewchan.channel()
    full, _receive = viewchan.channel(maxsize=1)
    full.send(b"x")
    owner = viewchan.create_interpreter()
    call(owner, start_waiting, receive=receive, full=full, report=report)
    report.close()
    assert [bytes(reported.recv()) for _ in range(3)] == [b"waits"] * 3
    owner.close()
    assert sorted(bytes(view) for view in reported) == [b"ClosedError"] * 3


def start_waiting(receive, full, report):
    import threading

    def wait(operation):
        report.send(b"waits")
        try:
            operation()
        except Exception as error:
            report.send(type(error).__name__.encode())

    for operation in (receive.recv, lambda: receive.recv(600), lambda: full.send(b"y")):
        threading.Thread(target=wait, args=(operation,)).start()


@each_strategy
def test_ends_outlive_the_interpreter_that_made_them(strategy):
    """Fails if a channel goes with the interpreter in which it was made."""
    out, receive = viewchan.channel(strategy=strategy)
    maker = viewchan.create_interpreter()
    call(maker, make_channel, strategy, out=out)
    made_send, made_receive = receive.recv(), receive.recv()
    maker.close()
    made_send.send(b"alive")
    assert made_receive.recv() == b"alive"
    made_send.close()
    with raises(viewchan.ClosedError):
        made_receive.recv()
    assert_free()


def make_channel(strategy, out):
    send, receive = viewchan.channel(strategy=strategy)
    out.send(send)
    out.send(receive)


@limit(120)
def test_interpreters_come_and_go():
    """Fails if something of an interpreter stays behind when it has used channels and ended."""

    def idle():
        owner = viewchan.create_interpreter()
        call(owner, there.forget)
        owner.close()

    def traffic():
        send, receive = viewchan.channel()
        owner = owner_with(send, 10)
        views = [receive.recv() for _ in range(10)]
        del views
        owner.close()

    # CPython 3.13 itself keeps 2 MiB of each interpreter that it has ended: that is what `idle` takes.
    kept_anyway = growth(idle, rounds=30, warm_up=10)
    assert_steady(traffic, rounds=30, allowed=kept_anyway + 4 * MEGABYTE)
