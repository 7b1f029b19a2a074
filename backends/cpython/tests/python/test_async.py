"""Receiving in asyncio: `recv_async` waits for a descriptor, and loses no message."""

import asyncio
import os
import sys

import there
import viewchan
from cases import unfit
from support import PATIENCE, Background, assert_free, call, interpreter, raises


async def soon(awaitable):
    async with asyncio.timeout(PATIENCE):
        return await awaitable


async def text_of(receive):
    """As a coroutine, which a task can be made of, and without keeping the view."""
    return bytes(await receive.recv_async())


async def settle():
    """Lets every task come to where it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_message_that_is_there():
    """Fails if a message that came before is not noticed."""

    async def main():
        send, receive = viewchan.channel()
        send.send(b"early")
        assert await soon(receive.recv_async()) == b"early"

    asyncio.run(main())
    assert_free()


def test_message_that_comes_later():
    """Fails if the loop stands still while a task waits, or is not woken from another interpreter."""

    async def main(owner):
        send, receive = viewchan.channel()
        waiting = asyncio.create_task(text_of(receive))
        await settle()
        assert not waiting.done()
        sending = Background(call, owner, there.send_payloads, 1, 100, send=send)
        assert await soon(waiting) == bytes(100)
        sending.result()

    with interpreter() as owner:
        asyncio.run(main(owner))
        assert_free(owner)


def test_several_tasks_wait():
    """Fails if one message wakes nobody because it woke somebody else, or if two tasks get the same."""

    async def main():
        send, receive = viewchan.channel()
        waiting = [asyncio.create_task(text_of(receive)) for _ in range(5)]
        await settle()
        texts = [bytes([i] * 2) for i in range(5)]
        for text in texts:
            send.send(text)
            await settle()
        assert sorted(await soon(asyncio.gather(*waiting))) == texts

    asyncio.run(main())
    assert_free()


def test_tasks_on_several_channels():
    """Fails if descriptors of different channels get mixed up."""

    async def main():
        pairs = [viewchan.channel() for _ in range(3)]
        waiting = [asyncio.create_task(text_of(receive)) for _, receive in pairs]
        await settle()
        for index in (1, 0, 2):
            pairs[index][0].send(bytes([index] * 2))
            assert await soon(waiting[index]) == bytes([index] * 2)

    asyncio.run(main())


def test_cancelled_task_takes_nothing():
    """Fails if a task that was cancelled swallows a message, or stops the others."""

    async def main():
        send, receive = viewchan.channel()
        waiting = [asyncio.create_task(text_of(receive)) for _ in range(3)]
        await settle()
        waiting[1].cancel()
        await settle()
        assert waiting[1].cancelled()
        send.send(b"one")
        send.send(b"two")
        assert sorted(await soon(asyncio.gather(waiting[0], waiting[2]))) == [b"one", b"two"]

    asyncio.run(main())
    assert_free()


def test_cancelled_when_the_message_is_there():
    """Fails if a message is lost that came before the task was cancelled but after it had begun to wait."""

    async def main():
        send, receive = viewchan.channel()
        for _ in range(100):
            waiting = asyncio.create_task(text_of(receive))
            await settle()
            send.send(b"kept")
            waiting.cancel()
            try:
                assert await soon(waiting) == b"kept"
            except asyncio.CancelledError:
                assert receive.recv_nowait() == b"kept"
        assert receive.qsize() == 0

    asyncio.run(main())
    assert_free()


def test_timeout_of_asyncio():
    """Fails if the descriptor stays registered with the loop after nobody waits any more."""

    async def main():
        send, receive = viewchan.channel()
        with raises(TimeoutError):
            await asyncio.wait_for(text_of(receive), 0.05)
        send.send(b"late")
        assert await soon(text_of(receive)) == b"late"
        receive.close()
        replacement = os.open("/dev/null", os.O_RDONLY)  # May get the number of the descriptor that was closed.
        await settle()
        os.close(replacement)

    asyncio.run(main())
    assert_free()


def test_close_wakes_every_task():
    """Fails if a task waits for ever for a message that cannot come."""

    async def main():
        send, receive = viewchan.channel()
        waiting = [asyncio.create_task(text_of(receive)) for _ in range(3)]
        await settle()
        send.close()
        for error in await soon(asyncio.gather(*waiting, return_exceptions=True)):
            assert type(error) is viewchan.ClosedError
        with raises(viewchan.ClosedError):
            await soon(text_of(receive))

    asyncio.run(main())


def test_receive_end_closed_under_a_task():
    """Fails if a task waits for ever on an end that was closed here."""

    async def main():
        _send, receive = viewchan.channel()
        waiting = asyncio.create_task(text_of(receive))
        await settle()
        receive.close()
        with raises(viewchan.ClosedError):
            await soon(waiting)

    asyncio.run(main())


def test_blocked_receive_beside_a_task():
    """Fails if a thread in `recv` and a task in `recv_async` keep each other from messages."""

    async def main():
        send, receive = viewchan.channel()
        blocked = Background(lambda: bytes(receive.recv()))
        waiting = asyncio.create_task(text_of(receive))
        await settle()
        send.send(b"one")
        send.send(b"two")
        got = [await soon(waiting), await asyncio.to_thread(blocked.result)]
        assert sorted(got) == [b"one", b"two"]

    asyncio.run(main())
    assert_free()


@unfit(sys.version_info < (3, 13), "CPython 3.12 corrupts its heap when asyncio is imported in two interpreters")
def test_loops_of_two_interpreters():
    """Fails if the loop of one interpreter is woken for the other, or if state is kept for the process."""
    send, receive = viewchan.channel()
    back, answers = viewchan.channel()

    async def main():
        waiting = asyncio.create_task(text_of(answers))
        await settle()
        send.send(b"ping")
        return await soon(waiting)

    with interpreter() as other:
        echo = Background(call, other, echo_once, receive=receive, send=back)
        assert asyncio.run(main()) == b"ping"
        echo.result()


def echo_once(receive, send):
    async def main():
        send.send(await soon(receive.recv_async()))

    asyncio.run(main())
