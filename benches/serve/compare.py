"""headstart against FastAPI + Keras with the same backbone: start, throughput, latency, memory; as a Markdown table.

    python benches/serve/compare.py target/release/headstart MODEL IMAGE --python PYTHON --seconds 10

MODEL is an EfficientNet-Lite0 at 224 pixels; PYTHON has fastapi, uvicorn, python-multipart, tensorflow and pillow.
"""

import argparse
import asyncio
import os
import pathlib
import subprocess
import time

from closed_loop import answer, measure, request

HERE = pathlib.Path(__file__).parent


async def first_answer(host, image):
    name, port = host.rsplit(":", 1)
    while True:
        try:
            reader, writer = await asyncio.open_connection(name, int(port))
            writer.write(request(host, image))
            status = await answer(reader)
            writer.close()
            assert status == 200, status
            return
        except (ConnectionError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.002)


def mebibytes(process, key):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(key)).split()[1]) // 1024


def run(name, command, port, image, seconds, environment):
    host = f"127.0.0.1:{port}"
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        asyncio.run(first_answer(host, image))
        started = time.perf_counter() - start
        asyncio.run(measure(host, image, 8, 2))  # warm-up, not counted
        for clients in (1, 8, 64):
            found = asyncio.run(measure(host, image, clients, seconds))
            print(f"| {name} | {clients} | {found['images_per_second']} | {found['median_ms']} | {found['p99_ms']} |"
                  f" {mebibytes(process, 'VmHWM')} | {started:.2f} | {found['refused']} |", flush=True)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("headstart")
    parser.add_argument("model")
    parser.add_argument("image")
    parser.add_argument("--python", default="python")
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    image = pathlib.Path(given.image).read_bytes()
    print("| service | clients | images/s | median ms | p99 ms | peak MiB | start to first answer s | refused |")
    print("|---|---|---|---|---|---|---|---|")
    own = [given.headstart, "serve", given.model, "--address", "127.0.0.1:8201"]
    run("headstart", own, 8201, image, given.seconds, {})
    for port, how in ((8202, "function"), (8203, "predict")):
        command = [given.python, str(HERE / "keras_service.py"), str(port)]
        run(f"FastAPI + Keras, {how}", command, port, image, given.seconds, {"HOW": how})
