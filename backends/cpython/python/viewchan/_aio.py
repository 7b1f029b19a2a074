"""Receiving on asyncio, built on `fileno()`."""

import asyncio
import os

from ._viewchan import EmptyError


async def receive(end):
    """The next message of a receive end."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return end.recv_nowait()
        except EmptyError:
            pass
        # A descriptor of its own: several tasks may wait at the same end, and a loop knows one callback a descriptor.
        descriptor = os.dup(end.fileno())
        ready = loop.create_future()
        loop.add_reader(descriptor, _set, ready)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


def _set(ready):
    if not ready.done():
        ready.set_result(None)
