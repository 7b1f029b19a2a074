"""Threads that wait at a channel when their interpreter ends."""

import sys

from . import _viewchan


def watch():
    """Before an interpreter ends, `threading` joins its threads: those that wait at a channel shall give up first.

    Without `threading` there is nothing to join, yet. The hook is the one of `concurrent.futures`.
    """
    threading = sys.modules.get("threading")
    if threading is None:
        return False
    try:
        threading._register_atexit(_viewchan._interrupt)
    except (AttributeError, RuntimeError):  # Another version's threading, or it is joining already.
        pass
    return True
