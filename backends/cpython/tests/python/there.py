"""What the cases have done in other interpreters, and with the same words here. Light, as `support` is."""

import sys

import viewchan
from support import kept


def send_payloads(number, size, send):
    """Sends so many bytes objects of this interpreter, which keeps them, and what their counts were before.

    Below 512 bytes or so they are copied, unless this is the main interpreter, and their counts say nothing.
    """
    kept["payloads"] = [bytes([i % 256]) * size for i in range(number)]
    kept["counts"] = counts()
    for payload in kept["payloads"]:
        send.send(payload)


def counts():
    return [sys.getrefcount(payload) for payload in kept["payloads"]]


def unreleased():
    """How many of the payloads that were sent somebody still refers to."""
    viewchan.collect()
    return sum(now != before for now, before in zip(counts(), kept["counts"], strict=True))


def addresses():
    """Where the bytes of the payloads are: behind the head of each object, whose size includes one byte."""
    return [id(payload) + bytes.__basicsize__ - 1 for payload in kept["payloads"]]


def send_expression(expression, send):
    """Makes an object, keeps it, and sends it."""
    kept["sent"] = eval(expression)
    send.send(kept["sent"])


def relay(number, receive, send):
    """Passes messages on."""
    for _ in range(number):
        send.send(receive.recv())


def forget():
    """Drops what is kept."""
    kept.clear()
