"""The defects of CPython's own channels, D1 to D14: that ours do not have them. The twins are in stock_defects."""

import array
import functools
import resource
import threading
import time

import there
import viewchan
from cases import each_strategy, limit, needs
from support import (
    MEGABYTE,
    Background,
    Ended,
    assert_free,
    assert_steady,
    call,
    interpreter,
    raises,
    steady_count,
)


@each_strategy
def test_d01_releases_beyond_any_limit(strategy):
    """Fails if a release is lost when more come than some list holds."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 2000, 1000, send=send)
        views = [receive.recv() for _ in range(2000)]
        del views
        assert call(owner, there.unreleased) == 0
        assert_free(owner)


class Exporter:
    """Exports memory by Python code, which may do anything meanwhile."""

    def __init__(self, meanwhile):
        self.meanwhile = meanwhile

    def __buffer__(self, flags):
        self.meanwhile()
        return memoryview(b"exported")


def test_d02_wait_beside_an_unrelated_channel():
    """Fails if a lock is held while user code runs or a sender waits, and other channels wait for it."""
    full, _receive = viewchan.channel(maxsize=1)
    full.send(b"x")
    entered, leave = threading.Event(), threading.Event()

    def linger():
        entered.set()
        leave.wait()

    sending = Background(full.send, b"y", 60)
    exporting = Background(viewchan.frozen, Exporter(linger))
    assert entered.wait(30)
    send, receive = viewchan.channel()
    for _ in range(100):
        send.send(b"unrelated")
        assert receive.recv() == b"unrelated"
    with raises(viewchan.FullError):
        full.send_nowait(b"z")
    leave.set()
    assert exporting.result().nbytes == 8
    _receive.close()
    with raises(viewchan.ClosedError):
        sending.result()


@each_strategy
def test_d03_user_code_that_uses_the_channel(strategy):
    """Fails if exporting or releasing runs user code under a lock that the user code needs."""
    import weakref

    send, receive = viewchan.channel(strategy=strategy)
    copy = viewchan.frozen(Exporter(lambda: send.send(b"from the exporter")))
    send.send(copy)
    assert receive.recv() == b"from the exporter"
    view = receive.recv()
    assert view == b"exported"
    watcher = weakref.ref(view, lambda _: send.send(b"from the release"))
    del view
    assert watcher() is None and receive.recv() == b"from the release"
    del copy
    assert_free()


def put_channel_into(outer):
    """For another interpreter: both ends of a channel with a message inside go into another channel; it keeps some."""
    send, receive = viewchan.channel()
    send.send(b"inside")
    outer.send(send)
    outer.send(receive)
    there.kept["ends"] = (outer.clone(), send)


@each_strategy
def test_d04_end_with_a_channel_in_a_channel(strategy):
    """Fails if an interpreter that put ends into a channel cannot be closed, or takes them along."""
    outer, inner = viewchan.channel(strategy=strategy)
    owner = viewchan.create_interpreter()
    call(owner, put_channel_into, outer=outer)
    owner.close()
    send, receive = inner.recv(), inner.recv()
    assert receive.recv() == b"inside"
    send.send(b"after")
    assert receive.recv() == b"after"


def test_d05_channel_that_contains_itself():
    """Fails if the process does not end, or says something, when a channel holds its own end."""
    ended = Ended(
        """if True:
        import viewchan
        kept = []
        for strategy in ("view", "handover", "deferred", "proxy", "shared"):
            send, receive = viewchan.channel(strategy=strategy)
            send.send(send)
            send.send(b"behind")
            other, moved = viewchan.channel(strategy=strategy)
            other.send(other)
            send.send(moved)
            kept.append((send, receive))
        """
    )
    assert ended.all() == (0, "", ""), ended.all()


def test_d05_channel_that_contains_itself_is_freed():
    """Fails if a channel that holds its own send end keeps its messages after its receive end is closed."""
    payload = bytes(1000)
    with steady_count(payload):
        for _ in range(100):
            send, receive = viewchan.channel()
            send.send(send)
            send.send(payload)
            receive.close()
    assert_free()


def test_d06_closed_while_a_sender_waits():
    """Fails if closing hangs, or leaves a waiting sender alone."""
    send, receive = viewchan.channel(maxsize=1)
    payload = bytes(1000)
    with steady_count(payload):
        send.send(payload)
        sending = [Background(send.send, payload) for _ in range(4)]
        assert not sending[0].done(0.1)
        receive.close()
        for thread in sending:
            with raises(viewchan.ClosedError):
                thread.result()
        del sending, thread
    assert_free()


def send_with_timeouts(number, send):
    """For another interpreter: sends numbers with timeouts of all lengths; which ones went in."""
    went_in = []
    for i in range(number):
        try:
            send.send(i.to_bytes(4, "little") * 1000, timeout=(i % 7) * 0.0001)
        except viewchan.TimeoutError:
            continue
        went_in.append(i)
    return went_in


@limit(120)
@each_strategy
def test_d07_timeout_races_receive(strategy):
    """Fails if a send that timed out is received, if one that went in is not, or if a message is torn."""
    send, receive = viewchan.channel(1, strategy)
    with interpreter() as owner:
        sending = Background(call, owner, send_with_timeouts, 3000, send=send)
        del send  # The last send end is gone when the call returns.
        received = []
        for view in receive:
            assert view == bytes(view[:4]) * 1000
            received.append(int.from_bytes(view[:4], "little"))
            if len(received) % 3 == 0:
                time.sleep(0.0002)
            del view
        assert received == sending.result()
        assert_free(owner)


def send_and_keep(text, policy, send):
    """For another interpreter: sends bytes under a policy."""
    there.kept[text] = text
    send.undelivered = policy
    send.send(text)


@each_strategy
def test_d08_removing_the_last_keeps_the_next(strategy):
    """Fails if the message behind one that its owner's end removed is lost."""
    send, receive = viewchan.channel(strategy=strategy)
    owner = viewchan.create_interpreter()
    send.send(b"first")
    call(owner, send_and_keep, b"last", "remove", send=send)
    owner.close()
    send.send(b"next")
    assert receive.recv() == b"first"
    assert receive.recv() == b"next"
    with raises(viewchan.EmptyError):
        receive.recv_nowait()
    assert_free()


@limit(120)
@each_strategy
def test_d09_receive_races_the_owners_end(strategy):
    """Fails if a message is lost, or its receiver gets a foreign error, when the owner closes at that moment."""
    outcomes = set()
    for i in range(40):
        policy = ("deliver", "error")[i % 2]
        send, receive = viewchan.channel(strategy=strategy)
        owner = viewchan.create_interpreter()
        call(owner, send_and_keep, b"x" * MEGABYTE, policy, send=send)
        ending = Background(owner.close)
        if i % 4 > 1:
            time.sleep(0.0005 * i)
        try:
            view = receive.recv(timeout=30)
            assert view == b"x" * MEGABYTE
            outcomes.add("value")
            del view
        except viewchan.OwnerEndedError:
            assert policy == "error"
            outcomes.add("policy")
        ending.result()
        send.send(b"goes on")
        assert receive.recv() == b"goes on"
    assert "value" in outcomes


@limit(120)
@each_strategy
def test_d10_view_outlives_its_owner(strategy):
    """Fails if a view that is released after its owner closed leaks the memory, or shows something else before."""

    def round():
        send, receive = viewchan.channel(strategy=strategy)
        owner = viewchan.create_interpreter()
        call(owner, there.send_payloads, 1, 8 * MEGABYTE, send=send)
        view = receive.recv()
        owner.close()
        assert view == bytes(8 * MEGABYTE)
        view.release()

    # CPython 3.13 itself keeps 2 MiB of each interpreter that it has ended.
    assert_steady(round, rounds=10, allowed=40 * MEGABYTE)


@each_strategy
def test_d11_messages_left_in_a_channel(strategy):
    """Fails if what nobody received stays pinned when the channel is gone."""
    with interpreter() as owner:
        for leave in (lambda receive: receive.close(), lambda receive: None):
            send, receive = viewchan.channel(strategy=strategy)
            call(owner, there.send_payloads, 100, 1000, send=send)
            assert viewchan.pinned(owner) > 0
            leave(receive)
            del receive
            assert call(owner, there.unreleased) == 0
            assert_free(owner)


def test_d12_timeout_below_a_second():
    """Fails if a timeout is rounded to whole seconds."""
    _send, receive = viewchan.channel()
    begin = time.monotonic()
    with raises(viewchan.TimeoutError):
        receive.recv(timeout=0.9)
    assert 0.9 <= time.monotonic() - begin < 6


def switches_during(wait):
    before = resource.getrusage(resource.RUSAGE_THREAD)
    wait()
    after = resource.getrusage(resource.RUSAGE_THREAD)
    return after.ru_nvcsw - before.ru_nvcsw


def test_d12_waiting_is_not_polling():
    """Fails if a waiting thread looks at the channel again and again."""
    _send, receive = viewchan.channel()
    full, _receive = viewchan.channel(maxsize=1)
    full.send(b"x")

    def wait_to_receive():
        with raises(viewchan.TimeoutError):
            receive.recv(timeout=1)

    def wait_to_send():
        with raises(viewchan.TimeoutError):
            full.send(b"y", timeout=1)

    for wait in (wait_to_receive, wait_to_send):
        assert Background(switches_during, wait).result() < 15
        assert switches_during(wait) < 15


def test_d13_refused_send_leaks_nothing():
    """Fails if a send that is refused, or a message that is discarded, leaves a record or a reference behind."""
    full, _receive = viewchan.channel(maxsize=1)
    full.send(b"x")
    closed, receive = viewchan.channel()
    receive.close()
    payload, refused = bytes(1000), array.array("b", bytes(1000))

    def round():
        for _ in range(1000):
            for send, obj, error in (
                (full, payload, viewchan.FullError),
                (full, memoryview(payload)[::2], viewchan.FullError),
                (full, refused, viewchan.NotShareableError),
                (closed, payload, viewchan.ClosedError),
            ):
                try:
                    send.send_nowait(obj)
                except error:
                    pass
                else:
                    raise AssertionError("not refused")
        send, receive = viewchan.channel()
        for _ in range(1000):
            send.send(payload)
        receive.close()

    with steady_count(payload, refused):
        assert_steady(round, rounds=50, allowed=2 * MEGABYTE)


@needs("_testcapi")
@each_strategy
def test_d14_released_exactly_once(strategy):
    """Fails if an allocation that fails in the middle of something loses a reference, or gives one back twice."""
    import _testcapi

    payload = bytes(1000)
    failed = {"receive": 0, "send": 0}

    def attempt(name, operation, failing):
        _testcapi.set_nomemory(failing, failing + 1)
        try:
            operation()
        except MemoryError:
            failed[name] += 1
        finally:
            _testcapi.remove_mem_hooks()

    with steady_count(payload):
        for failing in range(1, 40):
            send, receive = viewchan.channel(strategy=strategy)
            send.send(payload)
            attempt("receive", receive.recv, failing)
            attempt("send", functools.partial(send.send, payload), failing)
            receive.close()
    assert failed["receive"] > 0, "no allocation of a receive failed"
    assert_free()


@needs("_testcapi")
@each_strategy
def test_d14_release_without_memory(strategy):
    """Fails if a release needs memory, and is lost when there is none (G8)."""
    import _testcapi

    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 2, 1000, send=send)
        for view in (receive.recv(), receive.recv()):
            _testcapi.set_nomemory(0)  # From now on, and without end.
            try:
                view.release()
            finally:
                _testcapi.remove_mem_hooks()
        assert call(owner, there.unreleased) == 0
        assert_free(owner)
