"""Much of everything at once. VIEWCHAN_SECONDS (5) says how long, VIEWCHAN_MESSAGES (50,000) how much."""

import os
import random
import time

import there
import traffic
import viewchan
from cases import each_strategy, limit, seconds_of_stress
from support import MEGABYTE, Background, assert_free, call, interpreters, rss, wait_until

SECONDS = seconds_of_stress()
MESSAGES = int(os.environ.get("VIEWCHAN_MESSAGES", "50000"))
CROWDS = ((2, 4), (4, 2), (8, 1))
"""Interpreters, and in each so many threads that send and so many that receive."""


def exchange(strategy, number, threads, seconds):
    """Every interpreter sends to two others, receives, and passes on; nothing is lost, and nothing is left."""
    with interpreters(number) as crowd:
        inboxes = [viewchan.channel(50, strategy) for _ in crowd]
        for index, interp in enumerate(crowd):
            call(interp, traffic.prepare)
            call(interp, traffic.take_ends, receive=inboxes[index][1], onward=inboxes[(index + 1) % number][0])
        deadline = time.monotonic() + seconds
        senders, receivers = [], []
        for index, interp in enumerate(crowd):
            first, second = (inboxes[(index + step) % number][0] for step in (1, number - 1))
            for _ in range(threads):
                senders.append(Background(call, interp, traffic.send_until, deadline, first=first, second=second))
                receivers.append(Background(call, interp, traffic.receive_until_closed, deadline))
        for sender in senders:
            sender.thread.join()
        del inboxes, first, second  # With the last end the receivers are done.
        sent = sum(sender.result() for sender in senders)
        received, relayed = (sum(numbers) for numbers in zip(*(receiver.result() for receiver in receivers)))
        assert received == sent + relayed, f"{sent} sent, {relayed} passed on, {received} received"
        assert sent > 100
        del senders, receivers, sender
        # What was passed on under `deferred` comes home from collector to collector.
        wait_until(lambda: not any(call(interp, traffic.unreleased) for interp in crowd), "all payloads are released")
        assert_free(*crowd)


@limit(60 + 10 * SECONDS)
@each_strategy
def test_mutual_receiving(strategy):
    """Fails if interpreters that receive from each other deadlock, tear a message, or lose count of one."""
    for number, threads in CROWDS:
        exchange(strategy, number, threads, SECONDS / len(CROWDS))


@limit(60 + 10 * SECONDS)
@each_strategy
def test_ends_closed_at_random_moments(strategy):
    """Fails if a close on one side hangs, crashes, or leaks when the other is in the middle of something."""
    deadline = time.monotonic() + SECONDS
    with interpreters(2) as (sender, receiver):
        call(sender, traffic.prepare)
        while time.monotonic() < deadline:
            send, receive = viewchan.channel(random.choice((0, 1, 10)), strategy)
            moment = time.monotonic() + random.random() * 0.02
            sending = [
                Background(call, sender, traffic.send_until, deadline + 1, first=send, second=send) for _ in range(2)
            ]
            number = random.choice((0, 10, 10**9))
            receiving = Background(call, receiver, traffic.receive_some, number, receive=receive)
            while time.monotonic() < moment:
                pass
            random.choice((send.shutdown, send.close, lambda: None))()
            if number == 10**9:
                send.shutdown()
            receiving.result()
            for thread in sending:
                thread.result()
        assert call(sender, traffic.unreleased) == 0
        assert_free(sender, receiver)


@limit(60 + 10 * SECONDS)
@each_strategy
def test_interpreters_closed_at_random_moments(strategy):
    """Fails if an owner that ends while others receive, keep and release its messages takes one along or leaks one."""
    deadline = time.monotonic() + SECONDS
    owners = []
    with interpreters(2) as readers:
        inboxes = [viewchan.channel(200, strategy) for _ in readers]
        receivers = []
        for index, interp in enumerate(readers):
            call(interp, traffic.take_ends, receive=inboxes[index][1], onward=inboxes[1 - index][0])
            receivers.append(Background(call, interp, traffic.receive_until_closed, deadline))
        ends = [inbox[0] for inbox in inboxes]
        while time.monotonic() < deadline:
            owner = viewchan.create_interpreter()
            call(owner, traffic.prepare)
            for end in ends:
                end.undelivered = random.choice(("deliver", "error", "remove"))
            until = time.monotonic() + random.random() * 0.02
            call(owner, traffic.send_until, until, first=ends[0], second=ends[1])
            owner.close()
            owners.append(owner.id)
        del inboxes, ends, end  # With the last end the receivers are done.
        received, _ = (sum(numbers) for numbers in zip(*(receiver.result() for receiver in receivers)))
        assert received > 0
        call_all(readers, there.forget)
        assert_free(*readers)
    assert [viewchan.pinned(owner) for owner in owners] == [0] * len(owners)


def call_all(interps, function):
    for interp in interps:
        call(interp, function)


def many_messages(strategy, occupy):
    """MESSAGES messages in batches, from an owner in which a thread does something else meanwhile; nothing is left."""
    batch = 1000
    with interpreters(1) as [owner]:
        call(owner, traffic.prepare)
        send, receive = viewchan.channel(strategy=strategy)
        enough, stop = viewchan.channel()
        occupied = Background(call, owner, occupy, stop=stop) if occupy else None
        before = 0
        for number in range(0, MESSAGES, batch):
            call(owner, traffic.send_again, batch, send=send)
            for _ in range(batch):
                with receive.recv() as view:
                    assert view.nbytes == 2
            if number == batch * 5:
                before = rss()
        grown = rss() - before
        enough.send(b"stop")
        if occupied:
            occupied.result()
        assert call(owner, traffic.unreleased) == 0
        assert_free(owner)
    assert MESSAGES <= 10 * batch or grown < 8 * MEGABYTE, f"{grown / MEGABYTE:.1f} MiB more"


@limit(60 + MESSAGES // 500)
@each_strategy
def test_many_messages_of_an_idle_sender(strategy):
    """Fails if something is left of each message when nobody runs in its owner."""
    many_messages(strategy, None)


@limit(60 + MESSAGES // 500)
@each_strategy
def test_many_messages_of_a_busy_sender(strategy):
    """Fails if visits and returns get lost among the switches of a thread that runs Python in the owner."""
    many_messages(strategy, traffic.spin)


@limit(60 + MESSAGES // 500)
@each_strategy
def test_many_messages_of_a_blocked_sender(strategy):
    """Fails if a thread of the owner that waits in a channel keeps visits out, or gets lost on its way back."""
    many_messages(strategy, traffic.wait)
