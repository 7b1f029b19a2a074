"""Ends that travel: through channels, into other interpreters, and not into themselves."""

import os
import select

import there
import viewchan
from cases import each_strategy
from support import Background, assert_free, call, interpreter, interpreters, raises


@each_strategy
def test_send_end_through_a_channel(strategy):
    """Fails if the end that was sent stops working, or if the copy keeps the channel open after it is gone."""
    outer_send, outer_receive = viewchan.channel(strategy=strategy)
    send, receive = viewchan.channel(strategy=strategy)
    outer_send.send(send)
    copy = outer_receive.recv()
    assert type(copy) is viewchan.SendEnd and copy.id == send.id and not send.closed
    copy.send(b"copy")
    send.send(b"original")
    assert [receive.recv(), receive.recv()] == [b"copy", b"original"]
    send.close()
    with raises(viewchan.EmptyError):
        receive.recv_nowait()
    copy.close()
    with raises(viewchan.ClosedError):
        receive.recv()


@each_strategy
def test_receive_end_through_a_channel(strategy):
    """Fails if there are two receive ends afterwards, or none, or if messages are lost on the way."""
    outer_send, outer_receive = viewchan.channel(strategy=strategy)
    send, receive = viewchan.channel(strategy=strategy)
    send.send(b"before")
    outer_send.send(receive)
    assert receive.closed
    for operation in (receive.recv, receive.recv_nowait, receive.fileno, lambda: outer_send.send(receive)):
        with raises(viewchan.ClosedError):
            operation()
    send.send(b"between")
    moved = outer_receive.recv()
    assert type(moved) is viewchan.ReceiveEnd and moved.id == send.id and not moved.closed
    send.send(b"after")
    assert [bytes(moved.recv()) for _ in range(3)] == [b"before", b"between", b"after"]


def answer(requests):
    """For another interpreter: gets ends by a channel, and echoes what comes by them."""
    send, receive = requests.recv(), requests.recv()
    there.relay(2, receive, send)


@each_strategy
def test_ends_reach_another_interpreter(strategy):
    """Fails if an end that was received elsewhere is tied to the interpreter that made it."""
    requests, requested = viewchan.channel(strategy=strategy)
    to_send, to_receive = viewchan.channel(strategy=strategy)
    back_send, back_receive = viewchan.channel(strategy=strategy)
    with interpreter() as other:
        requests.send(back_send)
        requests.send(to_receive)
        echo = Background(call, other, answer, requests=requested)
        for text in (b"one", b"two"):
            to_send.send(text)
            assert back_receive.recv() == text
        echo.result()
    assert_free()


def test_own_receive_end_is_refused():
    """Fails if a channel can swallow its receive end, directly or through others, or if a refused end is lost."""
    pairs = [viewchan.channel() for _ in range(3)]
    (send_a, receive_a), (send_b, receive_b), (send_c, receive_c) = pairs
    with raises(viewchan.NotShareableError):
        send_a.send(receive_a)
    send_b.send(receive_a)
    send_c.send(receive_b)
    with raises(viewchan.NotShareableError):
        send_a.send(receive_c)
    assert not receive_c.closed
    regained = receive_c.recv().recv()
    send_a.send(b"still there")
    assert regained.recv() == b"still there"


def test_three_interpreters_in_a_ring():
    """Fails if a message that is passed on is changed, or pins something of those that it passed."""
    with interpreters(3) as ring:
        ends = [viewchan.channel() for _ in range(4)]
        hops = [
            Background(call, interp, there.relay, 20, receive=ends[i][1], send=ends[i + 1][0])
            for i, interp in enumerate(ring)
        ]
        payloads = [bytes([i]) * 1000 for i in range(20)]
        for payload in payloads:
            ends[0][0].send(payload)
        for payload in payloads:
            assert ends[3][1].recv() == payload
        for hop in hops:
            hop.result()
        assert_free(None, *ring)


def test_descriptor_stays_if_the_end_cannot_move():
    """Fails if a send that is refused takes the file descriptor from the end that comes back, or what it says."""
    full, _receive = viewchan.channel(maxsize=1)
    full.send(b"full")
    send, receive = viewchan.channel()
    descriptor = receive.fileno()
    for ready in ([], [descriptor], []):
        if ready:
            send.send(b"ready")
        with raises(viewchan.FullError):
            full.send_nowait(receive)
        assert receive.fileno() == descriptor and os.fstat(descriptor)
        assert select.select([descriptor], [], [], 0)[0] == ready
        if ready:
            receive.recv_nowait()


def test_runs_are_nested_so_deep():
    """Fails if runs within runs use up the stack of the thread before anybody says no."""
    with interpreters(2) as crowd:
        with raises(RecursionError):
            call(crowd[0], run_deeper, [int(each.id) for each in crowd])


def run_deeper(ids):
    call(ids[1], run_deeper, ids[::-1])
