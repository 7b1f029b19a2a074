"""A large NumPy array, summed by four interpreters in parallel, none of which copies it.

    python examples/numpy_sum.py [--mib 512]

NumPy does not import in interpreters with a GIL of their own, so they sum in Python, over typed memoryviews of the array.
The same is done by one interpreter, and by four processes that get their parts through pipes. All are started beforehand.
"""

import argparse
import multiprocessing
import os
import threading
import time
from contextlib import contextmanager

import numpy as np

import viewchan

WORKERS = 4
BLOCK = 1 << 14
"""So many numbers make one sum of the result."""


def sum_blocks(parts, sums, block=BLOCK):
    """The work of an interpreter: for each part the sums of its blocks."""
    import viewchan

    for part in parts:
        result = viewchan.Buffer(len(part) // block, "d")
        with memoryview(result) as numbers:
            for i in range(len(numbers)):
                numbers[i] = sum(part[i * block : (i + 1) * block])
        sums.send(result.freeze())


def sum_blocks_in_process(connection):
    """The same in a process, with bytes in and bytes out."""
    while received := connection.recv_bytes():
        part = memoryview(received).cast("d")
        sums = [sum(part[start : start + BLOCK]) for start in range(0, len(part), BLOCK)]
        connection.send_bytes(np.array(sums))


def filled(mib):
    """A Buffer with whole numbers, whose sums are exact in whatever order they are made."""
    buffer = viewchan.Buffer((mib << 20) // 8, "d")
    rows = np.asarray(buffer).reshape(-1, BLOCK)  # NumPy writes into the Buffer's memory,
    rows[:] = np.arange(BLOCK) % 1000
    rows += np.arange(len(rows))[:, np.newaxis]
    del rows
    return buffer.freeze()  # until nobody can write any more.


def split(buffer, number):
    """The Buffer in so many parts, each of whole blocks."""
    whole = memoryview(buffer)
    bounds = [i * (len(whole) // BLOCK) // number * BLOCK for i in range(number + 1)]
    return [whole[start:stop] for start, stop in zip(bounds, bounds[1:])]


@contextmanager
def interpreters(number):
    """So many interpreters that wait for parts; for each its send end of parts and its receive end of sums."""
    made, threads, ends = [], [], []
    for _ in range(number):
        (send, parts), (sums, receive) = viewchan.channel(), viewchan.channel()
        made.append(viewchan.create_interpreter())
        arguments = {"channels": {"parts": parts, "sums": sums}, "reraise": True}
        threads.append(threading.Thread(target=viewchan.run, args=(made[-1], sum_blocks), kwargs=arguments))
        threads[-1].start()
        ends.append((send, receive))
    try:
        yield ends
    finally:
        for send, _ in ends:
            send.close()
        for thread, interpreter in zip(threads, made):
            thread.join()
            interpreter.close()


@contextmanager
def processes(number):
    """So many processes that wait for parts; for each a connection."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(number)]
    started = [context.Process(target=sum_blocks_in_process, args=(there,)) for _, there in pairs]
    for process in started:
        process.start()
    try:
        yield [here for here, _ in pairs]
    finally:
        for here, _ in pairs:
            here.send_bytes(b"")
        for process in started:
            process.join()


def sum_in_interpreters(buffer, ends):
    """The sums of all blocks, in parts, each an array in the memory of the interpreter that made it."""
    for (send, _), part in zip(ends, split(buffer, len(ends))):
        send.send(part)
    return [np.asarray(receive.recv()) for _, receive in ends]


def sum_in_processes(buffer, connections):
    for connection, part in zip(connections, split(buffer, len(connections))):
        connection.send_bytes(part.cast("B"))
    return [np.frombuffer(connection.recv_bytes()) for connection in connections]


def measure(work, buffer, workers):
    """How long it takes, and the sums, which are checked."""
    start = time.perf_counter()
    parts = work(buffer, workers)
    seconds = time.perf_counter() - start
    expected = np.asarray(buffer).reshape(-1, BLOCK).sum(axis=1)
    assert np.array_equal(np.concatenate(parts), expected), "the sums are wrong"
    assert sum(part.sum() for part in parts) == np.sum(np.asarray(buffer))
    return seconds, parts


def compare(buffer, rounds):
    """The shortest time of each way, and the sums from four interpreters."""
    alone, parallel, copying = [], [], []
    with interpreters(1) as one, interpreters(WORKERS) as several, processes(WORKERS) as others:
        small = viewchan.Buffer(WORKERS * BLOCK, "d").freeze()
        measure(sum_in_processes, small, others)  # When that is back, they have started.
        for _ in range(rounds):
            alone.append(measure(sum_in_interpreters, buffer, one)[0])
            seconds, parts = measure(sum_in_interpreters, buffer, several)
            parallel.append(seconds)
            copying.append(measure(sum_in_processes, buffer, others)[0])
    return min(alone), min(parallel), min(copying), parts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=512, help="size of the array")
    parser.add_argument("--rounds", type=int, default=3, help="the shortest time of so many counts")
    options = parser.parse_args()
    buffer = filled(options.mib)
    print(f"{buffer.shape[0]:,} numbers, {buffer.nbytes >> 20} MiB, {os.cpu_count()} cores")
    alone, parallel, copying, parts = compare(buffer, options.rounds)
    print(f"one interpreter                 {alone:7.3f} s")
    print(f"{WORKERS} interpreters                  {parallel:7.3f} s   {alone / parallel:.2f} times as fast")
    print(f"{WORKERS} processes, through pipes      {copying:7.3f} s   {alone / copying:.2f} times as fast")
    print(f"The processes copied {buffer.nbytes >> 20} MiB, twice; the interpreters nothing.")
    # The sums are where the interpreters left them, though these have ended, and nobody can change them.
    assert not any(part.flags.owndata or part.flags.writeable for part in parts)


if __name__ == "__main__":
    main()
