"""Traffic for test_stress, as it runs in many interpreters at once. Light, as `support` is."""

import random
import sys
import time

import viewchan
from support import kept

SIZES = (2, 100, 4096, 65536)
KEPT_AT_ONCE = 20


def prepare():
    """The payloads of this interpreter: bytes, all equal within one, and frozen buffers of the same kind."""
    kept["payloads"] = [bytes([random.randrange(256)]) * size for size in SIZES for _ in range(5)]
    kept["buffers"] = [viewchan.frozen(payload) for payload in kept["payloads"][:10]]
    kept["counts"] = counts()


def counts():
    return [sys.getrefcount(obj) for obj in (*kept["payloads"], *kept["buffers"])]


def unreleased():
    """How many of the payloads somebody else refers to."""
    viewchan.collect()
    return sum(now != before for now, before in zip(counts(), kept["counts"], strict=True))


def something():
    """A payload, as a whole, as a slice, or as a buffer."""
    kind = random.randrange(4)
    if kind == 0:
        return random.choice(kept["buffers"])
    payload = random.choice(kept["payloads"])
    if kind == 1:
        start = random.randrange(len(payload) - 1)
        return memoryview(payload)[start : start + 1 + random.randrange(len(payload)) : random.choice((1, 3))]
    return payload


def send_until(deadline, *, first, second):
    """Sends to two channels at random, mostly waiting for space a little; how many went in."""
    sent = 0
    while time.monotonic() < deadline:
        end = random.choice((first, second))
        try:
            if random.randrange(4):
                end.send(something(), timeout=random.choice((0.001, 0.05)))
            else:
                end.send_nowait(something())
        except (viewchan.FullError, viewchan.TimeoutError):
            continue
        except viewchan.ClosedError:
            break
        sent += 1
    return sent


def take_ends(*, receive, onward):
    """For all threads of this interpreter: one receives there, and passes on here."""
    kept["receive"], kept["onward"] = receive, onward


def receive_until_closed(deadline):
    """Receives, keeps some views for a while, passes some on until the deadline; how many came, how many went on."""
    received = relayed = 0
    views = []
    while True:
        if time.monotonic() > deadline:
            kept["onward"].close()
        try:
            view = kept["receive"].recv(timeout=0.05)
        except (viewchan.TimeoutError, viewchan.OwnerEndedError):
            continue
        except viewchan.ClosedError:
            kept["onward"].close()  # Or somebody else waits for ever.
            return received, relayed
        received += 1
        check(view)
        if random.randrange(8) == 0:
            try:
                kept["onward"].send_nowait(view)
                relayed += 1
            except (viewchan.FullError, viewchan.ClosedError):
                pass
        views.append(view)
        while len(views) > random.randrange(1, KEPT_AT_ONCE):
            check(views.pop(random.randrange(len(views))))


def check(view):
    """All bytes are equal, which they are not when the memory has become something else."""
    assert view.readonly and view.tobytes() == view[:1].tobytes() * view.nbytes


def receive_some(number, *, receive):
    """Receives so many messages, or until there can be no more, and closes the end; how many came."""
    received = 0
    for view in receive:
        check(view)
        received += 1
        if received >= number:
            break
    receive.close()
    return received


def spin(*, stop):
    """Keeps this interpreter busy with Python, polite to those who visit it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    while stop.qsize() == 0:
        for _ in range(1000):
            pass
    sys.setswitchinterval(before)


def wait(*, stop):
    """Keeps a thread of this interpreter waiting in a channel."""
    stop.recv()


def send_again(number, *, send):
    """Sends one payload so many times."""
    payload = kept["payloads"][1]
    for _ in range(number):
        send.send(payload)
