"""G1: which operations acquire the sender's GIL. Counted, and shown with a sender that does not give it up."""

import struct
import sys

import there
import viewchan
from cases import STRATEGIES, each_strategy, unfit
from support import Background, HeldGil, assert_free, call, interpreter, wait_until

MESSAGES = 1000
VISITS = {
    # strategy: creations and releases for 1,000 messages, each with a buffer of its own and one view
    "view": (MESSAGES, MESSAGES),
    "handover": (0, MESSAGES),
    "deferred": (0, 0),
    "proxy": (MESSAGES, MESSAGES),
    # From Python, slices share the memoryview's own count: they are no clones, and cost nothing here either.
    "shared": (MESSAGES, MESSAGES),
}

without_ctypes = unfit(
    sys.version_info < (3, 13), "CPython 3.12 has no ctypes in an interpreter with its own GIL, to hold it with"
)


def read_in_ten_ways(view):
    part = view[10:20]
    copy = bytearray(view)
    assert bytes(view) == copy
    hash(view)
    assert view[3] == copy[3]
    assert sum(view) == sum(copy)
    assert view.tobytes() == copy
    assert part == copy[10:20]
    assert len(view.cast("I")) == 250
    assert struct.unpack_from("<Q", view, 8)


def visits(before, after):
    return {cause: after[cause] - before[cause] for cause in before}


@each_strategy
def test_acquisitions_for_a_thousand_messages(strategy):
    """Fails if reading takes the sender's GIL, or if creating or releasing takes it more often than the table says."""
    send, receive = viewchan.channel(strategy=strategy)
    creations, releases = VISITS[strategy]
    with interpreter() as owner:
        call(owner, there.send_payloads, MESSAGES, 1000, send=send)
        before = viewchan.stats(owner)
        for _ in range(MESSAGES):
            view = receive.recv()
            created = viewchan.stats(owner)
            read_in_ten_ways(view)
            assert viewchan.stats(owner) == created or strategy == "deferred"
            view.release()
        seen = visits(before, viewchan.stats(owner))
        if strategy == "deferred":  # Collecting is the owner's own business, whoever does it.
            seen["collection"] = 0
        expected = dict.fromkeys(seen, 0) | {"view creation": creations, "view release": releases}
        assert seen == expected
        assert call(owner, there.unreleased) == 0


def test_sending_and_receiving_take_no_third_interpreters_lock():
    """Fails if an interpreter that only relays a channel's ends is visited for messages that are not its own."""
    send, receive = viewchan.channel()
    with interpreter() as owner, interpreter() as bystander:
        call(bystander, pass_on, send=send)
        call(owner, there.send_payloads, 10, 1000, send=send)
        before = viewchan.stats(bystander)
        for _ in range(10):
            receive.recv().release()
        assert visits(before, viewchan.stats(bystander)) == dict.fromkeys(before, 0)


def pass_on(send):
    assert send.clone().id == send.id


def send_again(times, send):
    for _ in range(times):
        send.send(there.kept["payloads"][0])


def test_proxy_visits_for_the_first_and_the_last():
    """Fails if `proxy` visits for a buffer of which the interpreter has a view already."""
    send, receive = viewchan.channel(strategy="proxy")
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 1000, send=send)
        first = receive.recv()
        call(owner, send_again, 50, send=send)
        before = viewchan.stats(owner)
        views = [receive.recv() for _ in range(50)]
        assert visits(before, viewchan.stats(owner)) == dict.fromkeys(before, 0)
        first.release()
        for view in views[:-1]:
            view.release()
        assert visits(before, viewchan.stats(owner)) == dict.fromkeys(before, 0)
        views[-1].release()
        assert visits(before, viewchan.stats(owner)) == dict.fromkeys(before, 0) | {"view release": 1}
        assert call(owner, there.unreleased) == 0


@without_ctypes
@each_strategy
def test_reading_while_the_sender_holds_its_gil(strategy):
    """Fails (and is stopped) if reading, slicing or copying a view needs the sender."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 1000, send=send)
        view = receive.recv()
        with HeldGil(owner):
            reading = Background(read_in_ten_ways, view)
            assert reading.done(), "reading waits for the sender's GIL"
            reading.result()
            slices = [view[i:] for i in range(64)]
            del slices
        view.release()
        assert call(owner, there.unreleased) == 0


def waits_for(owner, operation, waits):
    """Whether the operation ends while the owner's GIL is held is as expected, and in the end it ends."""
    with HeldGil(owner) as held:
        running = Background(operation)
        if waits:
            assert not running.done(0.2), "it did not wait for the sender's GIL, which is held"
            held.release()
        else:
            assert running.done(), "it waits for the sender's GIL"
        return running.result()


@without_ctypes
@each_strategy
def test_receiving_while_the_sender_holds_its_gil(strategy):
    """Fails if the export is not taken where the strategy takes it."""
    send, receive = viewchan.channel(strategy=strategy)
    creations, _ = VISITS[strategy]
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 1000, send=send)
        view = waits_for(owner, receive.recv, waits=creations > 0)
        assert view == bytes(1000)
        view.release()
        assert call(owner, there.unreleased) == 0


@without_ctypes
@each_strategy
def test_releasing_while_the_sender_holds_its_gil(strategy):
    """Fails if a release goes on without the lock that guards the count, or if a deferred one waits."""
    send, receive = viewchan.channel(strategy=strategy)
    _, releases = VISITS[strategy]
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 1000, send=send)
        view = receive.recv()
        waits_for(owner, view.release, waits=releases > 0)
        assert call(owner, there.unreleased) == 0


@without_ctypes
@each_strategy
def test_releasing_one_of_two_slices_while_the_sender_holds_its_gil(strategy):
    """Fails if a release that is not the last visits the sender."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 1000, send=send)
        view = receive.recv()
        part = view[10:]
        waits_for(owner, view.release, waits=False)
        assert part[0] == 0
        part.release()
        assert call(owner, there.unreleased) == 0


@without_ctypes
def test_receivers_interpreter_goes_on_while_one_thread_waits():
    """Fails if the thread that waits for the sender's GIL keeps its own: then nothing here runs (G4)."""
    send, receive = viewchan.channel()
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 1000, send=send)
        with HeldGil(owner) as held:
            waiting = Background(receive.recv)
            wait_until(lambda: receive.qsize() == 0, "the message has left the channel")
            here_send, here_receive = viewchan.channel()
            for _ in range(100):
                here_send.send(b"here")
                assert here_receive.recv() == b"here"
            assert not waiting.done(0)
            held.release()
        assert waiting.result() == bytes(1000)


@without_ctypes
def test_sending_needs_nobody():
    """Fails if a send waits for the receiver, or for whoever made the channel."""
    for strategy in STRATEGIES:
        with interpreter() as receiver:
            send, receive = viewchan.channel(strategy=strategy)
            viewchan.run(receiver, keep, channels={"receive": receive}, reraise=True)
            waits_for(receiver, lambda: send.send(b"x"), waits=False)
            assert viewchan.run(receiver, take, reraise=True).value == b"x"
    assert_free()


def keep(receive):
    import support

    support.kept["receive"] = receive


def take():
    import support

    return bytes(support.kept["receive"].recv())


def test_deferred_is_collected_by_an_idle_owner():
    """Fails if what comes back to an interpreter in which nobody runs stays pinned until somebody comes."""
    send, receive = viewchan.channel(strategy="deferred")
    with interpreter() as owner:
        call(owner, there.send_payloads, 500, 1000, send=send)
        for _ in range(500):
            receive.recv().release()
        wait_until(lambda: viewchan.pinned(owner) == 0, "an idle owner has nothing pinned")
        assert call(owner, there.unreleased) == 0


def test_deferred_is_collected_by_a_busy_owner():
    """Fails if an owner that runs Python, and neither sends nor waits, never takes anything back."""
    send, receive = viewchan.channel(strategy="deferred")
    with interpreter() as owner:
        call(owner, there.send_payloads, 500, 1000, send=send)
        done, stop = viewchan.channel()
        spinning = Background(call, owner, spin, stop=stop)
        for _ in range(500):
            receive.recv().release()
        wait_until(lambda: viewchan.pinned(owner) == 0, "a busy owner has nothing pinned")
        done.send(b"stop")
        spinning.result()
        assert call(owner, there.unreleased) == 0


def spin(stop):
    while stop.qsize() == 0:
        for _ in range(1000):
            pass
