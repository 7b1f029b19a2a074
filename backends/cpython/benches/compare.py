"""Receive + release: viewchan beside CPython's own queue and multiprocessing, in one run, interleaved.

    python benches/compare.py [--quick] [--sizes 64,4096] [--json FILE]

For each message the clock runs from before the receiver asks for it, when it is already there, until it has been
dropped again. Nothing reads it meanwhile. Each round goes through all ways, so that whatever else the machine does hits
them alike.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time

import viewchan
from ways import PERIOD_SECONDS, STRATEGIES, ways

SIZES = (64, 4 << 10, 1 << 20, 64 << 20)
LARGE = 1 << 20
"""From here on, whoever does not copy shall be far ahead of whoever does."""
AHEAD, BUSY_AHEAD = 4, 50

FOOTNOTES = """
queue: CPython's own (_interpqueues, below concurrent.interpreters.Queue). The release of its memoryview is only queued,
  as a pending call of the sender, who runs it when he next runs Python. There are 300 places; what finds none is never
  released. `deferred` is released when a thread of ours has visited the sender, idle or not; its list has no limit.
process: the copying that the sender does is not in the figures. Of a message beyond 64 KiB a pipe holds a part only, and
  receiving it includes waiting for the rest. SharedMemory: a fresh block for each message; attach, close, unlink.
after a pause: `deferred` wakes the thread that collects, at most once a millisecond; with many messages one pays for it.
"""


def main():
    options = parse()
    if viewchan._viewchan._is_debug_build:
        print("NOTE: the extension is a debug build, and these figures say nothing. Build it with --release.\n")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    print(f"CPython {platform.python_version()}, viewchan {viewchan.__version__}, {machine}\n")
    results = []
    for state, measure in MEASUREMENTS.items():
        for size in options.sizes:
            print(f"measuring: sender {state}, {spell(size)}", file=sys.stderr)
            results += measure(size, options.quick)
    for state in MEASUREMENTS:
        print_table(state, [result for result in results if result["sender"] == state], options.sizes)
    print(FOOTNOTES)
    goals = list(judge(results, options.sizes))
    for goal in goals:
        print(f"{'met   ' if goal['met'] else 'MISSED'}  {goal['goal']}: {goal['seen']}")
    if options.json:
        report = {
            "python": platform.python_version(),
            "viewchan": viewchan.__version__,
            "debug_build": viewchan._viewchan._is_debug_build,
            "machine": machine,
            "results": results,
            "goals": goals,
        }
        with open(options.json, "w") as file:
            json.dump(report, file, indent=2)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer messages")
    parser.add_argument("--json", metavar="FILE", help="write the results there, too")
    parser.add_argument("--sizes", type=sizes, default=SIZES, metavar="BYTES,...", help="sizes of messages")
    return parser.parse_args()


def sizes(text):
    return tuple(int(size) for size in text.split(","))


# Measuring.


def measure_idle(size, quick):
    """The sender has sent many at once, and does nothing."""
    return measure_rounds("idle", size, quick, lambda way: 4 if way.copies and size >= LARGE else 20)


def measure_rare(size, quick):
    """The sender has sent one, and does nothing, and neither has the receiver: whatever can be asleep or cold is."""
    return measure_rounds("rare", size, quick, lambda way: 1, pause=0.003)


def measure_rounds(state, size, quick, at_once, pause=0):
    rounds = (60 if size < LARGE else 20) // (5 if quick else 1)
    opened = {name: open(size) for name, open in ways()}
    samples = {name: [] for name in opened}
    for number in range(rounds + 1):
        for name, way in opened.items():
            way.send(at_once(way))
            time.sleep(pause)
            taken = take(way, at_once(way))
            if number > 0:  # The first round finds cold caches, and starts threads.
                samples[name] += taken
    for way in opened.values():
        check(way)
        way.close()
    return [summary(state, size, name, way, samples[name]) for name, way in opened.items()]


def measure_busy(size, quick):
    """The sender computes in Python and sends now and then. One way at a time: two busy senders need more cores."""
    number, rounds = (8, 1) if quick else (10, 4)
    opened = {name: open(size) for name, open in ways()}
    samples = {name: [] for name in opened}
    for _ in range(rounds):
        for name, way in opened.items():
            way.begin_busy(number + 1)
            samples[name] += take(way, number + 1)[1:]
            way.end_busy()
    for way in opened.values():
        way.close()
    return [summary("busy", size, name, way, samples[name]) for name, way in opened.items()]


MEASUREMENTS = {"idle": measure_idle, "rare": measure_rare, "busy": measure_busy}
TITLES = {
    "idle": "sender idle, many messages there",
    "rare": "sender idle, one message after a pause of 3 ms",
    "busy": f"sender busy, a message every {PERIOD_SECONDS * 1000:g} ms",
}


def take(way, number):
    """Receives and releases so many messages; how long each took, in µs."""
    take, arguments, is_ready, now, pause = way.take, way.arguments, way.is_ready, time.perf_counter_ns, time.sleep
    samples = []
    for _ in range(number):
        while not is_ready():
            pause(0.0001)
        start = now()
        take(*arguments)
        samples.append((now() - start) / 1000)
    return samples


def check(way):
    """What is so fast also arrives."""
    way.send(1)
    assert way.content() == b"x" * way.size, way


def summary(state, size, name, way, samples):
    return {
        "sender": state,
        "size": size,
        "way": name,
        "ours": way.is_ours,
        "copies": way.copies,
        "median_us": statistics.median(samples),
        "mean_us": statistics.fmean(samples),
        "messages": len(samples),
    }


# Reporting.


def print_table(state, results, sizes):
    names = list(dict.fromkeys(result["way"] for result in results))
    width = max(map(len, names))
    print(f"Receive + release, {TITLES[state]}: median in µs, and how many times that of `deferred`")
    print(" " * width, *(f"{spell(size):>19}" for size in sizes))
    for name in names:
        cells = (f"{median(results, size, name):11,.1f} {ratio(results, size, name):>7}" for size in sizes)
        print(f"{name:{width}}", *cells)
    print()


def median(results, size, name):
    [found] = [result["median_us"] for result in results if (result["size"], result["way"]) == (size, name)]
    return found


def ratio(results, size, name):
    times = median(results, size, name) / median(results, size, "deferred")
    return f"x{times:,.2f}" if times < 10 else f"x{times:,.0f}"


def spell(size):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} B"


# Goals.


def judge(results, sizes):
    """What is aimed at, whether it is reached, and by how much."""
    idle, busy = ([result for result in results if result["sender"] == state] for state in ("idle", "busy"))
    rival = "queue, memoryview"
    for size in sizes:
        if any(result["way"] == rival for result in results):
            times = median(idle, size, "deferred") / median(idle, size, rival)
            aim = f"{spell(size)}, sender idle: `deferred` at most 1.00 times CPython's queue with a memoryview"
            yield goal(aim, times <= 1, f"{times:.2f} times")
    for size in sizes:
        times = median(busy, size, "view") / median(busy, size, "deferred")
        aim = f"{spell(size)}, sender busy: `deferred` at least {BUSY_AHEAD} times as fast as `view`"
        yield goal(aim, times >= BUSY_AHEAD, f"{times:.0f} times")
    for size in sizes:
        if size >= LARGE:
            slowest = max((median(idle, size, name), name) for name in STRATEGIES)
            copying = (result for result in idle if result["size"] == size and result["copies"])
            fastest = min((result["median_us"], result["way"]) for result in copying)
            times = fastest[0] / slowest[0]
            aim = f"{spell(size)}, sender idle: every strategy at least {AHEAD} times as fast as all that copies"
            yield goal(aim, times >= AHEAD, f"{times:.1f} times ({slowest[1]} and {fastest[1]})")


def goal(aim, met, seen):
    return {"goal": aim, "met": met, "seen": seen}


if __name__ == "__main__":
    main()
