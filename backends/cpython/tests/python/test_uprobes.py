"""What CPython itself counts: its functions take_gil and drop_gil, probed while messages go."""

import sys
import threading

import there
import uprobes
import viewchan
from cases import each_strategy, limit, unfit
from support import Background, call, interpreter, interpreters

MESSAGES = 1000
VISITS = {"view": 2 * MESSAGES, "handover": MESSAGES, "deferred": 0, "proxy": 2 * MESSAGES, "shared": 2 * MESSAGES}

needs_probes = unfit(bool(uprobes.why_not()), uprobes.why_not())


def address_of(interp):
    return call(interp, uprobes.interpreter_address)


@limit(120)
@needs_probes
@unfit(
    sys.version_info < (3, 13), "CPython 3.12 has no ctypes in an interpreter with its own GIL, to ask for its address"
)
@each_strategy
def test_the_senders_gil(strategy):
    """Fails if the receiver takes the sender's GIL once more, or once less, than the strategy says; or for reading."""
    send, receive = viewchan.channel(strategy=strategy)
    with interpreter() as owner:
        call(owner, there.send_payloads, MESSAGES, 64, send=send)
        foreign = address_of(owner)
        receiver = threading.get_native_id()
        with uprobes.probes() as events:
            for _ in range(MESSAGES):
                view = receive.recv_nowait()
                part = view[1:33]
                assert part.tobytes() == bytes(view)[1:33] == bytes(memoryview(view)[1:33])
                assert view[0] == part[0] and view == view and len(view.cast("I")) == 16
                view.release()
                part.release()
        taken = sum(event == (receiver, "take", foreign) for event in events)
        assert taken == VISITS[strategy], f"{taken} times"


@limit(120)
@needs_probes
@each_strategy
def test_one_gil_at_a_time(strategy):
    """Fails if a thread takes a GIL while it has another one (G4)."""
    import time

    import traffic

    with interpreters(2) as crowd:
        inboxes = [viewchan.channel(20, strategy) for _ in crowd]
        for interp in crowd:
            call(interp, traffic.prepare)
        with uprobes.probes() as events:  # To set them may take a second, if others do the same.
            threads = []
            deadline = time.monotonic() + 1
            for interp, (_, receive), (send, _) in zip(crowd, inboxes, reversed(inboxes)):
                call(interp, traffic.take_ends, receive=receive, onward=send)
                threads.append(Background(call, interp, traffic.send_until, deadline, first=send, second=send))
                threads.append(Background(call, interp, traffic.receive_until_closed, deadline))
            del inboxes, send, receive
            for thread in threads:
                thread.result()
        holds = {}
        for thread, function, interp in events:
            if function == "take":
                # What it holds since before the probes were set is not known, but is dropped before the first take.
                assert thread not in holds, f"thread {thread} holds {holds[thread]:#x} and takes {interp:#x}"
                holds[thread] = interp
            else:
                holds.pop(thread, None)
        assert len({interp for _, _, interp in events}) >= 3 and len(events) > 1000
