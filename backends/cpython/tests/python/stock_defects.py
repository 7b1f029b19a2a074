"""What the cases of test_defects do, done to CPython's own queues and channels. `run.py --stock` runs them."""

import importlib
import sys
import threading
import time

from cases import Unavailable, twin

if sys.version_info >= (3, 13):
    import _interpchannels as channels

    import stock

MEGABYTE = 1 << 20


def rss():
    """Bytes of memory in use."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def started(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


@twin("D1")
def stock_d01_releases_beyond_any_limit():
    lost = {}
    for kind in ("bytes", "memoryview"):
        queue, answer, owner = stock.Queue.create(), stock.Queue.create(), stock.Interpreter()
        owner.exec(
            f"""if True:
            import sys
            queue = stock.Queue(queue)
            data = [bytes([i % 256]) * 100 for i in range(1000)]
            before = [sys.getrefcount(item) for item in data]
            for item in data:
                queue.put({kind}(item))
            """,
            queue=queue.qid,
        )
        for _ in range(1000):
            queue.get()
        owner.exec(
            """if True:
            import time
            for _ in range(100):
                time.sleep(0.001)
            after = [sys.getrefcount(item) for item in data]
            stock.Queue(answer).put(sum(a > b for a, b in zip(after, before)))
            """,
            answer=answer.qid,
        )
        lost[kind] = answer.get()
    if any(lost.values()):
        return ", ".join(f"{number} of 1,000 releases of {kind} lost" for kind, number in lost.items())


@twin("D2")
def stock_d02_wait_beside_an_unrelated_channel():
    first, second = channels.create(stock.UNBOUND), channels.create(stock.UNBOUND)
    serialising = threading.Event()
    queue = stock.Queue.create()

    def let_the_other_run():
        serialising.set()
        time.sleep(0.5)

    queue.while_serialised = let_the_other_run
    thread = started(lambda: channels.send(first, queue, blocking=False))
    serialising.wait()
    channels.send(second, b"unrelated", blocking=False)
    thread.join()


@twin("D3")
def stock_d03_serialiser_that_uses_a_channel():
    first, second = channels.create(stock.UNBOUND), channels.create(stock.UNBOUND)
    queue = stock.Queue.create()
    queue.while_serialised = lambda: channels.send(second, b"unrelated", blocking=False)
    channels.send(first, queue, blocking=False)


@twin("D4")
def stock_d04_end_with_a_queue_in_a_queue():
    outer, owner = stock.Queue.create(), stock.Interpreter()
    owner.exec("stock.Queue(outer).put(stock.Queue.create())", outer=outer.qid)
    owner.close()


@twin("D5")
def stock_d05_queue_that_contains_itself():
    queue = stock.Queue.create()
    queue.put(queue)


@twin("D6")
def stock_d06_destroyed_while_a_sender_is_at_it():
    import _interpqueues

    queue, passenger = stock.Queue.create(), stock.Queue.create()
    serialising = threading.Event()

    def let_the_other_run():
        serialising.set()
        time.sleep(0.5)

    passenger.while_serialised = let_the_other_run
    thread = started(queue.put, passenger)
    serialising.wait()
    _interpqueues.destroy(queue.qid)
    thread.join()


@twin("D7", limit_seconds=60)
def stock_d07_timeout_races_receive():
    channel, owner = channels.create(stock.UNBOUND), stock.Interpreter()
    payload = bytes(64 * MEGABYTE)
    receiver = """if True:
        import _interpchannels, time
        for _ in range(200):
            try:
                _interpchannels.recv(channel)
            except _interpchannels.ChannelEmptyError:
                time.sleep(0.001)
            except _interpchannels.ChannelClosedError:
                break
        """
    thread = started(lambda: owner.exec(receiver, channel=int(channel)))
    for round in range(100):
        try:
            channels.send(channel, payload, blocking=True, timeout=0.001 * (1 + round % 30))
        except TimeoutError:
            pass
    channels.close(channel, force=True)
    thread.join()


@twin("D8")
def stock_d08_removing_the_last_loses_the_next():
    queue, owner = stock.Queue.create(), stock.Interpreter()
    queue.put(b"first")
    owner.exec("stock.Queue(queue).put(b'last', stock.REMOVE)", queue=queue.qid)
    owner.close()
    queue.put(b"next")
    got = []
    try:
        while len(got) < 2:
            got.append(queue.get())
    except stock.QueueEmpty:
        pass
    if got != [b"first", b"next"]:
        return f"put first and next, got {got}"


@twin("D9", limit_seconds=60)
def stock_d09_receive_races_the_owners_end():
    tries, failures = 80, []
    for _ in range(tries):
        queue, owner = stock.Queue.create(), stock.Interpreter()
        owner.exec("stock.Queue(queue).put(bytes(32 << 20))", queue=queue.qid)
        ending = started(owner.close)
        try:
            queue.get()
        except Exception as error:
            failures.append(type(error).__name__)
        ending.join()
    if failures:
        return f"{len(failures)} of {tries} receives raised {', '.join(sorted(set(failures)))}, the item was lost"


@twin("D10", limit_seconds=60)
def stock_d10_view_outlives_its_owner():
    def round():
        queue, owner = stock.Queue.create(), stock.Interpreter()
        owner.exec("stock.Queue(queue).put(memoryview(b'x' * (8 << 20)))", queue=queue.qid)
        view = queue.get()
        owner.close()
        view.release()

    round()
    before = rss()
    for _ in range(10):
        round()
    grown = (rss() - before) // MEGABYTE
    if grown > 20:
        return f"{grown} MiB leaked by ten views of 8 MiB"


@twin("D11")
def stock_d11_messages_left_in_a_channel():
    channel = channels.create(stock.UNBOUND)
    payload = bytearray(100)
    before = sys.getrefcount(payload)
    for _ in range(10):
        channels.send_buffer(channel, payload, blocking=False)
    channels.release(channel, send=True, recv=True)
    if (pinned := sys.getrefcount(payload) - before) > 0:
        return f"{pinned} of 10 messages stay pinned after the channel was released"


@twin("D12")
def stock_d12_timeout_below_a_second():
    for name in ("concurrent.interpreters", "test.support.interpreters.queues"):
        try:
            module = importlib.import_module(name)
            break
        except ImportError:
            pass
    else:
        raise Unavailable("this Python comes without the high-level module")
    queue = getattr(module, "create_queue", None) or module.create
    begin = time.monotonic()
    try:
        queue().get(timeout=0.9)
    except module.QueueEmpty:
        pass
    waited = time.monotonic() - begin
    if waited < 0.9:
        return f"a timeout of 0.9 s ended after {waited:.3f} s"


@twin("D13", limit_seconds=60)
def stock_d13_record_of_a_discarded_message():
    def round():
        queue = stock.Queue.create()
        for _ in range(1000):
            queue.put(1)

    for _ in range(20):
        round()
    before = rss()
    for _ in range(200):
        round()
    grown = rss() - before
    if grown > 4 * MEGABYTE:
        return f"{grown / 200_000:.0f} bytes leaked by each of 200,000 discarded messages"


@twin("D14")
def stock_d14_released_exactly_once():
    try:
        import _testcapi
    except ImportError:
        raise Unavailable("this Python comes without _testcapi") from None
    importlib.import_module("_interpreters")  # The queue needs it to make a memoryview.
    for failing in range(1, 10):
        queue, view = stock.Queue.create(), memoryview(bytes(100))
        before = sys.getrefcount(view)
        queue.put(view)
        _testcapi.set_nomemory(failing, failing + 1)
        try:
            queue.get()
        except (MemoryError, SystemError):
            pass
        finally:
            _testcapi.remove_mem_hooks()
        del queue
        if off := sys.getrefcount(view) - before:
            return f"the count is off by {off:+} after allocation {failing} of a receive failed"
