import threading

import viewchan


def checksum(requests, answers):  # Runs in another interpreter, with a GIL of its own.
    import zlib

    for view in requests:  # A read-only memoryview on the sender's memory: nothing was copied.
        answers.send(zlib.crc32(view).to_bytes(4))


send, requests = viewchan.channel()
answers, receive = viewchan.channel()
worker = viewchan.create_interpreter()
ends = {"requests": requests, "answers": answers}
thread = threading.Thread(target=viewchan.run, args=(worker, checksum), kwargs={"channels": ends, "reraise": True})
thread.start()

data = b"no copy " * 1_000_000
send.send(data)  # 8 MB change hands in microseconds,
send.send(memoryview(data)[8:24])  # and so does a part of them.
print(receive.recv().hex(), receive.recv().hex())

send.close()  # The worker's loop is over.
thread.join()
worker.close()
