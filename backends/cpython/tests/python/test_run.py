"""`run`, what it comes to, and other ways in which ends get into an interpreter."""

import importlib
import sys
import threading

import there
import viewchan
from cases import unfit
from support import NO_SUCH_INTERPRETER, Background, assert_free, call, interpreter, interpreters, raises


def test_source_text_finds_ends_as_globals():
    """Fails if names are missing, if a copy is a move, or if a moved end still works here."""
    send, receive = viewchan.channel()
    back, answers = viewchan.channel()
    with interpreter() as other:
        send.send(b"request")
        result = viewchan.run(other, "back.send(receive.recv())", channels={"receive": receive, "back": back})
        assert (result.ok, result.value, result.error, result.traceback) == (True, None, None, None)
        assert result.reraise() is None
        assert answers.recv() == b"request"
        assert receive.closed and not back.closed
        with raises(viewchan.ClosedError):
            receive.recv()


def test_function_gets_ends_as_keywords():
    """Fails if the value does not come back, or if the function brings this interpreter's globals along."""

    def work(send, receive):
        import sys

        send.send(receive.recv())
        return {"modules": "test_run" in sys.modules, "numbers": (1, 2.5, None, "text", b"bytes")}

    send, receive = viewchan.channel()
    back, answers = viewchan.channel()
    with interpreter() as other:
        send.send(b"x")
        value = viewchan.run(other, work, channels={"send": back, "receive": receive}).reraise()
        assert value == {"modules": False, "numbers": (1, 2.5, None, "text", b"bytes")}
        assert answers.recv() == b"x"


def test_globals_stay_from_run_to_run_nowhere_else():
    """Fails if a module or a global of one interpreter shows up in another."""
    with interpreters(2) as (first, second):
        viewchan.run(first, "import support; support.kept['mine'] = 1", reraise=True)
        viewchan.run(first, "import support; assert support.kept == {'mine': 1}", reraise=True)
        viewchan.run(second, "import support; assert support.kept == {}", reraise=True)


def test_failure_of_source_text():
    """Fails if a failure looks like a success, or if the traceback does not say where."""
    with interpreter() as other:
        result = viewchan.run(other, "def inner():\n    raise ValueError('on purpose')\ninner()")
        assert result.ok is False and result.value is None
        assert result.error == "ValueError: on purpose"
        assert "in inner" in result.traceback and result.traceback.rstrip().endswith(result.error)
        with raises(ValueError, "on purpose"):
            result.reraise()
        with raises(SyntaxError):
            viewchan.run(other, "1 +").reraise()
        viewchan.run(other, "pass", reraise=True)


def test_reraise_picks_the_exception():
    """Fails if a builtin exception changes its type on the way, or if another one pretends to be builtin."""

    def own():
        class Own(Exception):
            pass

        raise Own("on purpose")

    with interpreter() as other:
        for kind in (ValueError, KeyError, ZeroDivisionError, MemoryError, StopIteration):
            with raises(kind):
                viewchan.run(other, f"raise {kind.__name__}('on purpose')", reraise=True)
        with raises(viewchan.RunFailedError, "Own", "on purpose"):
            viewchan.run(other, own, reraise=True)
        with raises(viewchan.RunFailedError, "Own"):
            viewchan.run(other, own).reraise()


def test_exceptions_of_this_package_arrive():
    """Fails if an error of ours in another interpreter is taken for a different failure than it is."""
    send, receive = viewchan.channel()
    with interpreter() as other:
        result = viewchan.run(other, "receive.recv_nowait()", channels={"receive": receive})
        assert "EmptyError" in result.error and not result.ok


def test_exit_is_a_failure_not_an_exit():
    """Fails if `sys.exit` in another interpreter ends this process, or is taken for success."""
    with interpreter() as other:
        result = viewchan.run(other, "import sys; sys.exit(3)")
        assert not result.ok and "SystemExit" in result.error


def test_what_cannot_be_run():
    """Fails if something else than ends, source text or a plain function gets into another interpreter."""
    send, _receive = viewchan.channel()

    def closure():
        return send

    with interpreter() as other:
        for work in (closure, 5, None, b"pass", len):
            with raises((ValueError, TypeError)):
                viewchan.run(other, work)
        for channels in ({"x": 1}, {"x": b"bytes"}, {1: send}, [send]):
            with raises((ValueError, TypeError, viewchan.NotShareableError)):
                viewchan.run(other, "pass", channels=channels)
        assert not viewchan.run(other, lambda: object()).ok
        assert not send.closed
    with raises((*NO_SUCH_INTERPRETER, viewchan.OwnerEndedError)):
        viewchan.run(other, "pass")


def test_two_interpreters_run_at_the_same_time():
    """Fails if a thread that waits in one interpreter keeps another, or this one, from running."""
    pairs = [viewchan.channel() for _ in range(4)]
    with interpreters(2) as (ping, pong):
        (to_ping, at_ping), (to_pong, at_pong), (out, here), (start, started) = pairs
        first = Background(call, ping, there.relay, 10, receive=at_ping, send=to_pong)
        second = Background(call, pong, there.relay, 10, receive=at_pong, send=out)
        for i in range(10):
            to_ping.send(bytes([i, i]))
            assert here.recv() == bytes([i, i])
        first.result(), second.result()
    assert_free()


def test_two_threads_in_one_interpreter():
    """Fails if a second thread cannot come in while the first waits inside for a message that only it sends."""
    send, receive = viewchan.channel()
    back, answers = viewchan.channel()
    with interpreter() as other:
        waiting = Background(call, other, there.relay, 1, receive=receive, send=back)
        assert not waiting.done(0.1)
        call(other, there.send_payloads, 1, 10, send=send)
        assert answers.recv() == bytes(10)
        waiting.result()
        assert_free(other)


def test_many_threads_in_and_out():
    """Fails if a thread is left behind in an interpreter, so that it cannot be closed."""
    send, receive = viewchan.channel()
    with interpreter() as other:
        for _ in range(10):
            threads = [Background(call, other, there.send_payloads, 5, 10, send=send) for _ in range(4)]
            views = [receive.recv() for _ in range(20)]
            for thread in threads:
                thread.result()
            del views
    with raises(viewchan.EmptyError):
        receive.recv_nowait()


def test_ends_by_prepare_main():
    """Fails if CPython's own way into an interpreter does not know our ends."""
    send, receive = viewchan.channel()
    back, answers = viewchan.channel()
    with interpreter() as other:
        other.prepare_main({"back": back}, receive=receive)
        assert receive.closed and not back.closed
        send.send(b"request")
        other.exec("back.send(receive.recv())")
        assert answers.recv() == b"request"
        other.exec("back.close(); receive.close(); del back, receive")
        back.close()
        with raises(viewchan.ClosedError):
            answers.recv()


@unfit(sys.version_info < (3, 13), "CPython 3.12 has no _interpreters.set___main___attrs")
def test_ends_by_cpythons_own_functions():
    """Fails if only our own `create_interpreter` can pass ends on."""
    interpreters = importlib.import_module("_interpreters")
    send, receive = viewchan.channel()
    other = interpreters.create()
    interpreters.set___main___attrs(other, {"send": send})
    failure = interpreters.run_string(other, "send.send(b'from elsewhere')")
    assert failure is None, failure
    view = receive.recv()
    interpreters.destroy(other)
    assert view == b"from elsewhere"


@unfit(sys.version_info < (3, 14), "CPython has concurrent.interpreters since 3.14")
def test_ends_by_concurrent_interpreters():
    """Fails if `create_interpreter` makes something else than the standard library has."""
    from concurrent import interpreters

    with interpreter() as other:
        assert type(other) is interpreters.Interpreter
    other = interpreters.create()
    send, receive = viewchan.channel()
    other.prepare_main(send=send)
    other.exec("send.send(b'from elsewhere')")
    assert receive.recv() == b"from elsewhere"
    other.close()


def test_threads_of_another_interpreter():
    """Fails if a thread that another interpreter started is not known as a thread of it."""
    send, receive = viewchan.channel()
    with interpreter() as other:
        call(other, send_from_threads, send=send)
        assert sorted(bytes(view) for view in (receive.recv() for _ in range(4))) == [bytes([i] * 3) for i in range(4)]
        assert_free(other)
    assert threading.active_count() == 1


def send_from_threads(send):
    import threading

    threads = [threading.Thread(target=send.send, args=(bytes([i] * 3),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
