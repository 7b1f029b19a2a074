"""What comes in between: Ctrl-C, exceptions in callbacks, garbage collection, fork."""

import gc
import os
import signal
import sys
import threading
import time
import weakref
from contextlib import contextmanager

import there
import viewchan
from cases import STRATEGIES, each_strategy
from support import PATIENCE, Background, Ended, assert_free, call, interpreter, raises, steady_count


def interrupted(operation):
    """The operation, on the main thread, is ended by a Ctrl-C that comes while it waits."""
    assert threading.current_thread() is threading.main_thread()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    begin = time.monotonic()
    with raises(KeyboardInterrupt):
        operation()
        raise AssertionError("it was not interrupted")
    assert 0.1 < time.monotonic() - begin < 10, "the interrupt came late"


def test_interrupt_of_a_receive():
    """Fails if Ctrl-C has to wait for a message, or if the channel is unusable afterwards."""
    send, receive = viewchan.channel()
    for operation in (receive.recv, lambda: receive.recv(60), lambda: next(receive)):
        interrupted(operation)
        send.send(b"after")
        assert receive.recv() == b"after"
    assert_free()


def test_interrupt_of_a_send():
    """Fails if Ctrl-C has to wait for space, or if what was not sent is inside, or pinned."""
    send, receive = viewchan.channel(maxsize=1)
    payload = bytes(1000)
    with steady_count(payload):
        send.send(b"first")
        for operation in (lambda: send.send(payload), lambda: send.send(payload, 60)):
            interrupted(operation)
            assert receive.recv() == b"first"
            with raises(viewchan.EmptyError):
                receive.recv_nowait()
            send.send(b"first")
        del operation
    receive.close()
    assert_free()


def test_interrupt_handler_that_raises_nothing():
    """Fails if a signal whose handler goes on ends the wait, or if the handler runs only afterwards."""
    send, receive = viewchan.channel()
    handled = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: handled.set())

    def signal_then_send():
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert handled.wait(PATIENCE), "the handler did not run while the main thread waited"
        send.send(b"after the signal")

    helper = Background(signal_then_send)
    assert receive.recv(timeout=2 * PATIENCE) == b"after the signal"
    helper.result()
    signal.signal(signal.SIGUSR1, before)


def test_interrupt_handler_that_uses_the_channel():
    """Fails if a lock is held while the handler runs."""
    send, receive = viewchan.channel()
    before = signal.signal(signal.SIGUSR1, lambda *_: send.send(b"from the handler"))
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    assert receive.recv(timeout=2 * PATIENCE) == b"from the handler"
    signal.signal(signal.SIGUSR1, before)


def test_interrupt_while_another_interpreter_runs():
    """Fails if Ctrl-C during `run` is lost, or breaks what runs."""
    send, receive = viewchan.channel()
    with interpreter() as other:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        threading.Timer(0.6, send.send, (b"go on",)).start()
        with raises(KeyboardInterrupt):
            viewchan.run(other, "receive.recv(timeout=60)", channels={"receive": receive}, reraise=True)
            for _ in range(100000):  # A chance for the interrupt to come, if the run was not ended by it.
                pass
            time.sleep(5)
        viewchan.run(other, "pass", reraise=True)


@contextmanager
def unraisable():
    """Exceptions that nobody can catch."""
    seen = []
    before, sys.unraisablehook = sys.unraisablehook, lambda unraisable: seen.append(unraisable.exc_type)
    yield seen
    sys.unraisablehook = before


@each_strategy
def test_weakref_callback_raises(strategy):
    """Fails if an exception in a callback keeps the view from being released, or comes out of a release."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner, unraisable() as seen:
        call(owner, there.send_payloads, 1, 1000, send=send)
        view = receive.recv()
        watcher = weakref.ref(view, lambda _: 1 / 0)
        del view
        assert watcher() is None and seen == [ZeroDivisionError]
        assert call(owner, there.unreleased) == 0


class Fails:
    """Raises when it goes, while it still has a view."""

    def __init__(self, view):
        self.view = view

    def __del__(self):
        assert self.view.nbytes == 1000
        raise ZeroDivisionError


@each_strategy
def test_destructor_raises(strategy):
    """Fails if the exception, or the view's release, gets lost in the other."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner, unraisable() as seen:
        call(owner, there.send_payloads, 2, 1000, send=send)
        holder = Fails(receive.recv())
        del holder
        circle = Fails(receive.recv())
        circle.itself = circle
        del circle
        gc.collect()
        assert seen == [ZeroDivisionError, ZeroDivisionError]
        assert call(owner, there.unreleased) == 0


@each_strategy
def test_release_keeps_a_pending_exception(strategy):
    """Fails if a view that goes while an exception is on its way replaces or clears it."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 1, 1000, send=send)

        def fail():
            view = receive.recv()
            raise LookupError(view.nbytes)

        with raises(LookupError, "1000"):
            fail()
        gc.collect()
        assert call(owner, there.unreleased) == 0


@each_strategy
def test_ends_in_circles(strategy):
    """Fails if the garbage collector cannot see through ends or views, or breaks them."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, 2, 1000, send=send)
        circle = [receive.recv(), receive]
        circle.append(circle)
        del circle, receive
        gc.collect()
        assert call(owner, there.unreleased) == 0
        with raises(viewchan.ClosedError):
            send.send(b"nobody receives")


def test_collection_in_the_middle_of_everything():
    """Fails if a garbage collection that an allocation of ours sets off meets something half made."""
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        with interpreter() as owner:
            for strategy in STRATEGIES:
                send, receive = viewchan.channel(strategy=strategy)
                call(owner, there.send_payloads, 50, 1000, send=send)
                for i in range(50):
                    assert receive.recv()[999] == i
                assert call(owner, there.unreleased) == 0
    finally:
        gc.set_threshold(*threshold)


def test_callback_at_exit_raises():
    """Fails if an interpreter whose own callback fails at its end does not release what it has."""
    send, receive = viewchan.channel()
    send.send(b"x" * 100)
    reader = viewchan.create_interpreter()
    with silent_stderr() as said:
        viewchan.run(reader, hold_and_fail_at_exit, channels={"receive": receive}, reraise=True)
        reader.close()
        assert "ZeroDivisionError" in said()
    assert_free()


def hold_and_fail_at_exit(receive):
    import atexit

    import support

    support.kept["view"] = receive.recv()
    atexit.register(lambda: 1 / 0)


@contextmanager
def silent_stderr():
    """Keeps what this process writes to file descriptor 2 in the meantime."""
    import tempfile

    with tempfile.TemporaryFile("w+") as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: (file.seek(0), file.read())[1]
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def test_fork_without_interpreters():
    """Fails if a child of `fork` hangs or crashes in a process that has imported us, or cannot use channels itself."""
    ended = Ended(
        """if True:
        import multiprocessing, warnings
        import viewchan
        send, receive = viewchan.channel(strategy="deferred")
        send.send(b"before")
        receive.recv().release()

        def child(strategies):
            for strategy in strategies:
                send, receive = viewchan.channel(strategy=strategy)
                send.send(b"in the child")
                with receive.recv() as view:
                    assert view == b"in the child"
                try:
                    receive.recv(timeout=0.05)
                except viewchan.TimeoutError:
                    pass
                viewchan.collect()
                assert viewchan.pinned() == 0

        warnings.simplefilter("ignore", DeprecationWarning)  # About fork with threads, from 3.12 on.
        context = multiprocessing.get_context("fork")
        process = context.Process(target=child, args=(["view", "handover", "deferred", "proxy", "shared"],))
        process.start()
        process.join(20)
        print(process.exitcode)
        send.send(b"after")
        assert receive.recv() == b"after"
        """
    )
    assert ended.all() == (0, "0\n", ""), ended.all()


def test_fork_inherits_no_wait():
    """Fails if a child of `os.fork` cannot end because a thread of the parent waits in a channel."""
    ended = Ended(
        """if True:
        import os, threading, time, warnings
        import viewchan
        warnings.simplefilter("ignore", DeprecationWarning)
        send, receive = viewchan.channel()
        waiting = threading.Thread(target=receive.recv)
        waiting.start()
        time.sleep(0.2)
        pid = os.fork()
        if pid == 0:
            raise SystemExit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        send.send(b"x")
        waiting.join()
        """
    )
    assert ended.all() == (0, "7\n", ""), ended.all()
