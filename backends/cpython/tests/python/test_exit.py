"""The end of a process with interpreters, ends, views and threads left: it ends as it should, and says nothing."""

import sys

from cases import limit, unfit
from support import Ended

SETUP = """if True:
    import os, sys, threading
    import viewchan, there
    from support import call
    kept = []
    for strategy in ("view", "handover", "deferred", "proxy", "shared"):
        owner, reader = viewchan.create_interpreter(), viewchan.create_interpreter()
        send, receive = viewchan.channel(strategy=strategy)
        call(owner, there.send_payloads, 20, 1000, send=send)
        views = [receive.recv() for _ in range(5)]
        back, answers = viewchan.channel(strategy=strategy)
        back.send(b"main")
        viewchan.run(reader, "import there; there.kept['receive'] = receive; there.kept['view'] = receive.recv()",
                     channels={"receive": answers}, reraise=True)
"""
"""An owner, views of what it sent, its messages in flight, and a reader with a view of ours; for each strategy."""

KEEP_ALL = "        kept.append((owner, reader, send, receive, views, back))\n"
REPEAT = 3


def assert_ends(source, status=0, complaint="", said=""):
    for _ in range(REPEAT):
        ended = Ended(source)
        assert ended.all() == (status, said, complaint), ended.all()


@limit(180)
def test_main_returns_with_interpreters_left():
    """Fails if the end of the process aborts, hangs or complains because interpreters are left."""
    assert_ends(SETUP + "        kept.append((owner, reader))\n        del send, receive, views, back\n")


@limit(180)
def test_main_returns_with_everything_alive():
    """Fails if globals that go last are released into interpreters that are gone."""
    assert_ends(SETUP + KEEP_ALL)


@limit(180)
def test_views_alive_in_globals():
    """Fails if views of interpreters that main still has to destroy break the end."""
    assert_ends(SETUP + "        kept.append(views)\n        del owner, reader, send, receive, back\n")


@limit(180)
def test_ends_alive_in_globals():
    """Fails if messages in channels that live to the last moment break the end."""
    assert_ends(SETUP + "        kept.append((send, receive, back))\n        del owner, reader, views\n")


@limit(180)
def test_circle_alive_in_globals():
    """Fails if what only the last collection of garbage finds is released too late."""
    circle = "class Circle: pass\ncircle = Circle()\ncircle.itself = circle\ncircle.kept = kept\ndel kept\n"
    assert_ends(SETUP + KEEP_ALL + circle)


@limit(180)
def test_interpreters_closed_before_the_end():
    """Fails if an orderly end is not one."""
    assert_ends(SETUP + KEEP_ALL + "        owner.close()\n        reader.close()\nprint('closed')\n", said="closed\n")


@limit(180)
def test_sys_exit():
    """Fails if the status is lost on the way out."""
    assert_ends(SETUP + KEEP_ALL + "sys.exit(3)\n", status=3)


@limit(180)
def test_os_exit():
    """Fails if an end without any cleaning up hangs or complains."""
    assert_ends(SETUP + KEEP_ALL + "os._exit(4)\n", status=4)


@limit(180)
def test_exception():
    """Fails if the traceback is not all that is said."""
    for _ in range(REPEAT):
        ended = Ended(SETUP + KEEP_ALL + "raise ValueError('on purpose')\n")
        assert ended.status == 1 and ended.said == ""
        first, *_, last = ended.complaint.splitlines()
        assert first.startswith("Traceback") and last == "ValueError: on purpose", ended.complaint
        assert ended.complaint.count("Traceback") == 1 and "Exception ignored" not in ended.complaint


@limit(180)
def test_daemon_threads_blocked_in_main():
    """Fails if threads of main that wait in a channel for ever keep the process from ending."""
    waits = """
waiting = viewchan.channel()
full = viewchan.channel(maxsize=1)
full[0].send(b"x")
begun = [threading.Event() for _ in range(3)]
def wait(event, operation):
    event.set()
    operation()
for event, operation in zip(begun, (waiting[1].recv, lambda: waiting[1].recv(600), lambda: full[0].send(b"y"))):
    threading.Thread(target=wait, args=(event, operation), daemon=True).start()
for event in begun:
    event.wait()
"""
    assert_ends(SETUP + KEEP_ALL + waits)


@limit(180)
def test_exit_in_the_middle_of_traffic():
    """Fails if threads that receive and release when the end comes crash it, or make it say something."""
    traffic = """if True:
    import threading
    import viewchan, there
    from support import call
    def consume(receive):
        for view in receive:
            view.release()
    def produce(send):
        try:
            while True:
                send.send(b"x" * 100)
        except viewchan.ClosedError:
            pass  # The interpreter ends.
    for strategy in ("view", "handover", "deferred", "proxy", "shared"):
        owner = viewchan.create_interpreter()
        send, receive = viewchan.channel(10000, strategy)
        call(owner, there.send_payloads, 5000, 100, send=send)
        for function, end in ((consume, receive), (produce, send)):
            threading.Thread(target=function, args=(end,), daemon=True).start()
"""
    assert_ends(traffic)


@limit(180)
def test_atexit_callbacks_use_channels():
    """Fails if channels do not work any more in callbacks, whether registered before our own or after."""
    source = """
import atexit
def use(name):
    import viewchan
    send, receive = viewchan.channel()
    send.send(name)
    print(bytes(receive.recv()).decode())
atexit.register(use, b"registered before the import")
import viewchan
atexit.register(use, b"registered after the import")
"""
    assert_ends(source, said="registered after the import\nregistered before the import\n")


@limit(180)
def test_closed_by_a_late_callback():
    """Fails if an interpreter cannot be closed any more once viewchan has seen the process exit."""
    source = """
import atexit
interpreters = []
atexit.register(lambda: [each.close() for each in interpreters])  # Before the import: called after viewchan's own.
import viewchan
interpreters.append(viewchan.create_interpreter())
send, receive = viewchan.channel(strategy="deferred")
viewchan.run(interpreters[0], "send.send(bytes(1000))", channels={"send": send}, reraise=True)
view = receive.recv()
print(len(view))
"""
    assert_ends(source, said="1000\n")


@unfit(sys.version_info < (3, 13), "CPython 3.12 aborts at exit if an interpreter is left")
@limit(180)
def test_made_by_a_late_callback():
    """Fails if the end of an interpreter that viewchan did not see at exit breaks that of the process."""
    source = """
import atexit
def late():
    global owner, view
    owner = viewchan.create_interpreter()
    send, receive = viewchan.channel()
    viewchan.run(owner, "send.send(bytes(600))", channels={"send": send}, reraise=True)
    view = receive.recv()
    print(len(view))
atexit.register(late)
import viewchan
"""
    assert_ends(source, said="600\n")


@unfit(sys.version_info < (3, 13), "CPython 3.12 aborts at exit if an interpreter is left, here by a daemon thread in it")
@limit(180)
def test_guests_at_exit():
    """Fails if daemon threads within `run` break the end: one that sleeps, and one that main's own end wakes."""
    source = """
import threading, viewchan
begun, has_begun = viewchan.channel()
send, receive = viewchan.channel()
for work in ("begun.send(b''); import time; time.sleep(100)", "begun.send(b''); receive.recv()"):
    interp = viewchan.create_interpreter()
    channels = {"begun": begun.clone()} | ({"receive": receive} if "recv" in work else {})
    threading.Thread(target=viewchan.run, args=(interp, work), kwargs={"channels": channels}, daemon=True).start()
    has_begun.recv()
"""
    assert_ends(source)
