"""The ways from one interpreter or process to another that `compare.py` compares, under one spelling.

What is timed is `take(*arguments)`, with the result dropped at once: receive and release.
"""

import multiprocessing
import sys
import threading
import time
from multiprocessing.shared_memory import SharedMemory

import viewchan

STRATEGIES = ("view", "handover", "deferred", "proxy", "shared")
PERIOD_SECONDS = 0.006
"""How often a busy sender sends."""

# For the sender, wherever it is: it sends `number` messages, and computes in Python before each, and after the last one
# until it is told to stop.
BUSY = """
import time
def compute(until):
    number = 0
    while time.monotonic() < until:
        number += 1
def be_busy(put, number, is_over):
    for _ in range(number):
        compute(time.monotonic() + PERIOD_SECONDS)
        put()
    while not is_over():
        compute(time.monotonic() + PERIOD_SECONDS)
""".replace("PERIOD_SECONDS", str(PERIOD_SECONDS))


class Interpreters:
    """A sender in another interpreter of this process. It always knows viewchan, which tells it when to stop."""

    def __init__(self, size):
        self.size = size
        self.sender = viewchan.create_interpreter()
        self.stop, stop = viewchan.channel()
        viewchan.run(self.sender, "import __main__; __main__.stop = stop", channels={"stop": stop})
        self.sender.exec(f"{BUSY}\npayload = b'x' * {size}\n{self.open()}")

    def send(self, number):
        """Sends so many messages; afterwards the sender is idle, and they are there."""
        self.sender.exec(f"for _ in range({number}): put()")

    def begin_busy(self, number):
        source = f"be_busy(put, {number}, stop.qsize)\nstop.recv()"
        self.thread = threading.Thread(target=self.sender.exec, args=(source,))
        self.thread.start()

    def end_busy(self):
        self.stop.send(b"stop")
        self.thread.join()

    def close(self):
        self.sender.close()


class Channel(Interpreters):
    """A channel of viewchan."""

    is_ours, copies = True, False

    def __init__(self, size, strategy):
        self.strategy = strategy
        super().__init__(size)

    def open(self):
        send, self.receive = viewchan.channel(strategy=self.strategy)
        viewchan.run(self.sender, "import __main__; __main__.send = send", channels={"send": send})
        self.take, self.arguments = self.receive.recv_nowait, ()
        return "def put(): send.send(payload)"

    def is_ready(self):
        return self.receive.qsize() > 0

    def content(self):
        return bytes(self.take())


class Queue(Interpreters):
    """CPython's own queue: the functions below `concurrent.interpreters.Queue`, without its Python code."""

    is_ours = False

    def __init__(self, size, wrapper):
        self.wrapper, self.copies = wrapper, wrapper != "memoryview"
        super().__init__(size)

    def open(self):
        import _interpqueues

        unbound = 3  # What becomes of an item whose interpreter has ended; it never comes to that here.
        if sys.version_info >= (3, 14):
            self.id, rest = _interpqueues.create(0, unbound, -1), (unbound,)
        else:
            self.id, rest = _interpqueues.create(0, 0, unbound), (0, unbound)
        self.take, self.arguments, self.count = _interpqueues.get, (self.id,), _interpqueues.get_count
        self.destroy = _interpqueues.destroy
        put = f"_interpqueues.put({self.id}, {self.wrapper}(payload), *{rest})"
        return f"import _interpqueues\ndef put(): {put}"

    def is_ready(self):
        return self.count(self.id) > 0

    def content(self):
        return bytes(self.take(*self.arguments)[0])

    def close(self):
        self.destroy(self.id)
        super().close()


class Processes:
    """A sender in another process."""

    is_ours, copies = False, True
    arguments = ()

    def __init__(self, size):
        self.size = size
        context = multiprocessing.get_context("spawn")
        self.orders, orders = context.Pipe()
        self.process = context.Process(target=obey, args=(orders, type(self), self.open(context), size), daemon=True)
        self.process.start()

    def send(self, number):
        """Has so many messages sent; what fits nowhere yet is on its way."""
        self.order(number, busy=False)
        while not self.is_ready():
            time.sleep(0.0001)

    def begin_busy(self, number):
        self.order(number, busy=True)

    def end_busy(self):
        self.orders.send("stop")

    def order(self, number, busy):
        self.orders.send((number, busy))

    def close(self):
        self.orders.send(None)
        self.process.join()


class Pipe(Processes):
    """`multiprocessing.Pipe`, with its functions for bytes."""

    def open(self, context):
        self.connection, there = context.Pipe(duplex=False)
        self.take, self.is_ready, self.content = self.connection.recv_bytes, self.connection.poll, self.take_content
        return there

    def take_content(self):
        return self.take()

    @staticmethod
    def putter(connection, payload):
        return lambda: connection.send_bytes(payload)


class ProcessQueue(Processes):
    """`multiprocessing.Queue`."""

    def open(self, context):
        self.queue = context.Queue()
        self.take = self.content = self.queue.get
        return self.queue

    def is_ready(self):
        return not self.queue.empty()

    @staticmethod
    def putter(queue, payload):
        return lambda: queue.put(payload)


class Block(Processes):
    """A fresh `SharedMemory` for each message, whose name comes through a pipe. The sender copies into it."""

    def open(self, context):
        self.connection, there = context.Pipe(duplex=False)
        self.is_ready = self.connection.poll
        return there

    def take(self):
        block = self.attach()
        block.close()
        block.unlink()

    def attach(self):
        name = self.connection.recv_bytes().decode()
        return SharedMemory(name, **({"track": False} if sys.version_info >= (3, 13) else {}))

    def content(self):
        block = self.attach()
        content = bytes(block.buf[: self.size])
        block.close()
        block.unlink()
        return content

    @staticmethod
    def putter(connection, payload):
        untracked = {"track": False} if sys.version_info >= (3, 13) else {}

        def put():
            block = SharedMemory(create=True, size=len(payload), **untracked)
            block.buf[: len(payload)] = payload
            block.close()
            connection.send_bytes(block.name.encode())

        return put


def obey(orders, way, there, size):
    """The other process."""
    scope = {}
    exec(BUSY, scope)
    put = way.putter(there, b"x" * size)
    for number, busy in iter(orders.recv, None):
        if busy:
            scope["be_busy"](put, number, orders.poll)
            orders.recv()
        else:
            for _ in range(number):
                put()


def ways():
    """Every way that this Python has, as pairs of name and function that opens it for messages of a size."""

    def ours(strategy):
        return lambda size: Channel(size, strategy)

    def theirs(wrapper):
        return lambda size: Queue(size, wrapper)

    yield from ((strategy, ours(strategy)) for strategy in STRATEGIES)
    if sys.version_info >= (3, 13):
        yield "queue, memoryview", theirs("memoryview")
        yield "queue, bytes", theirs("")
    yield "process, Pipe", Pipe
    yield "process, Queue", ProcessQueue
    yield "process, SharedMemory", Block
