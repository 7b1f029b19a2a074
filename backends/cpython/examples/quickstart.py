import threading

import viewchan


def checksum(requests, answers):
    """Runs in another interpreter, with a GIL of its own."""
    import zlib

    for view in requests:  # A read-only memoryview on the sender's memory: nothing was copied.
        answers.send(zlib.crc32(view).to_bytes(4))


send_request, requests = viewchan.channel()
answers, receive_answer = viewchan.channel()
worker = viewchan.create_interpreter()
ends = {"requests": requests, "answers": answers}
thread = threading.Thread(target=viewchan.run, args=(worker, checksum), kwargs={"channels": ends, "reraise": True})
thread.start()

data = b"no copy " * 1_000_000
send_request.send(data)  # 8 MB change hands in a microsecond or two.
send_request.send(memoryview(data)[8:24])  # So does a part of them.
for _ in range(2):
    print(receive_answer.recv(timeout=10).hex())

send_request.close()  # The worker's loop is over.
thread.join()
worker.close()
