"""Ten thousand good and hostile requests: no crash, every good one answered rightly, memory flat.

    python benches/serve/hostile.py target/release/headstart MODEL IMAGE... --requests 10000 --seed 7

Starts a server of its own. Hostile are: truncated and mutated files, decompression bombs, polyglots, wrong types,
broken forms, paths and control characters in names, false lengths, slow and abandoned bodies, broken HTTP.
"""

import argparse
import asyncio
import collections
import json
import pathlib
import random
import struct
import subprocess
import zlib

HOST, PORT = "127.0.0.1", 8211
CLIENTS = 16


def png(width, height, raw):
    """A PNG whose header may lie."""
    chunk = lambda kind, data: (struct.pack(">I", len(data)) + kind + data
                                + struct.pack(">I", zlib.crc32(kind + data)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", raw) + chunk(b"IEND", b"")


BOMBS = [
    png(30_000, 30_000, zlib.compress(bytes(1 << 20), 9)),  # 2.7 GB of pixels, it says
    png(100, 100, zlib.compress(bytes(64 << 20), 9)),  # 64 MiB behind 30 kB
    png(6000, 6000, zlib.compress(bytes(6000 * 18_001), 9)),  # a true one, within the limits
    b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 0x7FFFFFFF) + b"IHDR" + bytes(64),
    b"GIF89a" + b"\xff\xff\xff\xff\xf7\0\0" + bytes(200),
    b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**31 - 1, -2**31, 1, 24, 0, 0, 0, 0, 0, 0),
    b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 256, 4, 1, 0xFFFFFFFF) + struct.pack("<I", 8),
    b"RIFF\xff\xff\xff\xffWEBPVP8L" + bytes(64),
    b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01" + bytes(200),
]
NAMES = ["../../etc/passwd", "C:\\\\x.png", "x\x00.png", "%2e%2e%2f", "a" * 5000, "<script>alert(1)</script>.png",
         "\u202egnp.exe", "x.png;rm -rf ~", "con", "\r\nset-cookie: a=b"]


def form(image, name="image", field="file"):
    head = f'--cut\r\ncontent-disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    return head + image + b"\r\n--cut--\r\n"


def http(body, kind="multipart/form-data; boundary=cut", length=None, path="/api/predict", extra=""):
    length = len(body) if length is None else length
    return (f"POST {path} HTTP/1.1\r\nhost: {HOST}:{PORT}\r\nconnection: close\r\ncontent-type: {kind}\r\n{extra}"
            f"content-length: {length}\r\n\r\n").encode("utf-8", "surrogateescape") + body


def mutated(image, draw):
    image = bytearray(image)
    for _ in range(draw.choice([1, 4, 32, 256])):
        image[draw.randrange(len(image))] = draw.choice([0, 255, draw.randrange(256)])
    return bytes(image)


def hostile(images, model, draw):
    """A name and what to send; None after the bytes means: go away without waiting."""
    image = draw.choice(images)
    kind = draw.randrange(16)
    if kind == 0: return "truncated", http(form(image[:draw.randrange(len(image))]))
    if kind in (1, 2): return "mutated", http(mutated(image, draw), "image/jpeg")
    if kind == 3: return "bomb", http(form(draw.choice(BOMBS)))
    if kind == 4: return "polyglot", http(form(draw.choice([b"<html><script>", b"PK\3\4", b"%PDF-1.7 "]) + image))
    if kind == 5: return "noise", http(draw.randbytes(draw.randrange(1, 5000)), "application/x-unknown")
    if kind == 6: return "name", http(form(image, draw.choice(NAMES)))
    if kind == 7: return "broken form", http(form(image)[:draw.randrange(200)])
    if kind == 8: return "short body", (http(image, "image/jpeg", length=len(image) + 99), None)
    if kind == 9: return "too long", http(b"", length=10**draw.randrange(9, 25))
    if kind == 10: return "other site", http(form(image), extra="origin: https://evil.example\r\n")
    if kind == 11: return "broken http", draw.choice([b"\0" * 50, b"GET / HTTP/9.9\r\n\r\n", b"POST " + b"/" * 70_000])
    if kind == 12: return "tensor", http(b'{"inputs":' + b"[" * draw.randrange(1, 5000), "application/json",
                                         path=f"/v2/models/{model}/infer")
    if kind == 13: return "heat map", http(mutated(image, draw), "image/jpeg", path="/api/explain")
    if kind == 14: return "other host", http(form(image)).replace(f"host: {HOST}".encode(), b"host: evil.example", 1)
    return "slow", (http(image, "image/jpeg")[:draw.randrange(50, 500)], None)


async def send(data, patience=30):
    reader, writer = await asyncio.open_connection(HOST, PORT)
    is_abandoned = isinstance(data, tuple)
    try:
        writer.write(data[0] if is_abandoned else data)
        await writer.drain()
        if is_abandoned:
            await asyncio.sleep(0.05)
            return b""
        return await asyncio.wait_for(reader.read(), patience)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def work(numbers, images, model, right, seed, seen):
    for number in numbers:
        draw = random.Random(seed * 1_000_003 + number)
        if number % 3 == 0:
            index = draw.randrange(len(images))
            reply = await send(http(form(images[index])))
            assert reply.startswith(b"HTTP/1.1 200"), reply[:500]
            answer = json.loads(reply.split(b"\r\n\r\n", 1)[1])["predictions"][0]["scores"]
            assert answer == right[index], (answer, right[index])
            seen["good, answered"] += 1
        else:
            name, data = hostile(images, model, draw)
            reply = await send(data)
            status = reply[9:12].decode("latin1") or "no reply"
            assert not status.startswith("5") or status in ("503", "505"), (name, reply[:500])
            seen[f"{name}: {status}"] += 1


def resident(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def main(given):
    images = [pathlib.Path(path).read_bytes() for path in given.images]
    process = subprocess.Popen([given.headstart, "serve", given.model, "--address", f"{HOST}:{PORT}"])
    await asyncio.sleep(3)
    seen = collections.Counter()
    try:
        replies = [await send(http(form(image))) for image in images]
        right = [json.loads(reply.split(b"\r\n\r\n", 1)[1])["predictions"][0]["scores"] for reply in replies]
        facts = await send(b"GET /api/model HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        model = json.loads(facts.split(b"\r\n\r\n", 1)[1])["name"]
        rounds = 10
        numbers = iter(range(given.requests))
        for turn in range(rounds):
            some = [number for _, number in zip(range(given.requests // rounds), numbers)]
            await asyncio.gather(*(work(some[start::CLIENTS], images, model, right, given.seed, seen)
                                   for start in range(CLIENTS)))
            print(f"{(turn + 1) * len(some)} requests, resident memory {resident(process):.0f} MiB", flush=True)
        assert process.poll() is None, "it ended"
    finally:
        process.terminate()
        print("exit status", process.wait())
    for name, count in sorted(seen.items()):
        print(f"{count:6} {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("headstart")
    parser.add_argument("model")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    asyncio.run(main(parser.parse_args()))
