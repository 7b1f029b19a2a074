"""CPython's own queues and channels, under one spelling for 3.13 and later: what our defects' twins run on."""

import queue
import sys

try:
    import _interpqueues
    import _interpreters
except ImportError as error:
    raise ImportError(f"{error}: CPython has these modules since 3.13", name=error.name) from None

REMOVE, ERROR, UNBOUND = 1, 2, 3  # What becomes of an item whose interpreter has ended.
BEFORE_3_14 = sys.version_info < (3, 14)


class QueueEmpty(_interpqueues.QueueError, queue.Empty):
    pass


class QueueFull(_interpqueues.QueueError, queue.Full):
    pass


class Queue:
    """What the high-level module has under this name, as far as CPython's C code looks at it."""

    while_serialised = None
    """Called while the queue itself is being put somewhere: CPython asks for `_id` then, which may be any code."""

    def __init__(self, qid):
        self.qid = int(qid)
        _interpqueues.bind(self.qid)

    def __del__(self):
        try:
            _interpqueues.release(self.qid)
        except _interpqueues.QueueNotFoundError:
            pass

    @property
    def _id(self):
        if self.while_serialised is not None:
            self.while_serialised()
        return self.qid

    @classmethod
    def create(cls, maxsize=0):
        arguments = (maxsize, 0, UNBOUND) if BEFORE_3_14 else (maxsize, UNBOUND, -1)
        return cls(_interpqueues.create(*arguments))

    def put(self, obj, unbound=UNBOUND):
        arguments = (0, unbound) if BEFORE_3_14 else (unbound,)
        _interpqueues.put(self.qid, obj, *arguments)

    def get(self):
        return _interpqueues.get(self.qid)[0]

    def count(self):
        return _interpqueues.get_count(self.qid)


_interpqueues._register_heap_types(Queue, QueueEmpty, QueueFull)


class Interpreter:
    """A new interpreter with its own GIL."""

    def __init__(self):
        self.id = _interpreters.create("isolated")

    def exec(self, code, **names):
        """Run source text in it, with `names` as globals."""
        failure = _interpreters.run_string(self.id, "import stock\n" + code, names)
        if failure is not None:
            raise RuntimeError(failure.errdisplay or failure.formatted)

    def close(self):
        _interpreters.destroy(self.id)
