"""Closed loop: so many clients, each of which sends its next image when it has its answer.

    python benches/serve/closed_loop.py 127.0.0.1:8080 IMAGE --clients 8 --seconds 10

Prints one JSON object. Plain sockets, because a heavy client would take its time from the server's cores.
"""

import argparse
import asyncio
import json
import time


def request(host, image):
    head = (b'--cut\r\ncontent-disposition: form-data; name="file"; filename="image"\r\n'
            b"content-type: application/octet-stream\r\n\r\n")
    body = head + image + b"\r\n--cut--\r\n"
    return (f"POST /api/predict HTTP/1.1\r\nhost: {host}\r\ncontent-type: multipart/form-data; boundary=cut\r\n"
            f"content-length: {len(body)}\r\n\r\n").encode() + body


async def answer(reader):
    """The status and the body's length; the connection stays."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
    await reader.readexactly(length)
    return int(lines[0].split()[1])


async def client(host, message, end, seconds, refused):
    name, port = host.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(name, int(port))
    while (start := time.perf_counter()) < end:
        writer.write(message)
        status = await answer(reader)
        (seconds if status == 200 else refused).append(time.perf_counter() - start)
    writer.close()


async def measure(host, image, clients, duration):
    seconds, refused = [], []
    message = request(host, image)
    start = time.perf_counter()
    await asyncio.gather(*(client(host, message, start + duration, seconds, refused) for _ in range(clients)))
    took = time.perf_counter() - start
    seconds.sort()
    at = lambda share: round(1000 * seconds[min(int(share * len(seconds)), len(seconds) - 1)], 1)
    return {"clients": clients, "images_per_second": round(len(seconds) / took, 1), "median_ms": at(0.5),
            "p99_ms": at(0.99), "answers": len(seconds), "refused": len(refused)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("image")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    with open(given.image, "rb") as file:
        print(json.dumps(asyncio.run(measure(given.host, file.read(), given.clients, given.seconds))))
