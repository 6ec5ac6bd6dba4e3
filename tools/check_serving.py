"""Reloads and restarts two servers behind a proxy while clients ask them, and counts the requests that fail: there must be none.

    apt-get install haproxy
    cargo build --release -p headstart-cli
    python tools/check_serving.py target/release/headstart MODEL.safetensors IMAGE [--clients 4] [--rounds 2] [--drain 5]

Everything runs on the loopback address: two processes of `headstart serve`, and HAProxy with deploy/serve/haproxy.cfg. Clients post the
image through the proxy, one request after the other, and meanwhile each replica in turn is told to read its model again
(SIGHUP), and is stopped (SIGTERM) and started again, as often as --rounds says. With --drain 0 the replicas close at once: then
requests may fail, which shows that the check can. The check ends with 1 when a request failed, and after ten minutes at the latest.
"""

import argparse
import collections
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CONFIGURATION = Path(__file__).resolve().parent.parent / "deploy/serve/haproxy.cfg"
LONGEST = 600


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def get(port, path):
    """Status and text of an answer; nothing while nobody listens."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return None, ""


def wait_until(what, holds, deadline):
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within the time")
        time.sleep(0.05)


class Replica:
    """A server that can be started again at its port."""

    def __init__(self, options, model, log):
        self.options, self.model, self.log, self.port = options, model, log, free_port()
        self.start()

    def start(self):
        address = f"127.0.0.1:{self.port}"
        arguments = [self.options.program, "serve", str(self.model), "--address", address, "--drain", str(self.options.drain)]
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log)

    def is_ready(self):
        return get(self.port, "/readyz")[0] == 200

    def reloads(self):
        lines = get(self.port, "/metrics")[1].splitlines()
        found = [line.split()[-1] for line in lines if line.startswith('headstart_reloads_total{outcome="succeeded"}')]
        return int(found[0]) if found else 0

    def reload(self, deadline):
        before = self.reloads()
        self.process.send_signal(signal.SIGHUP)
        wait_until("reload", lambda: self.reloads() > before, deadline)

    def restart(self, deadline):
        self.process.send_signal(signal.SIGTERM)
        wait_until("stop", lambda: self.process.poll() is not None, deadline)
        assert self.process.returncode == 0, f"it ended with {self.process.returncode}"
        self.start()
        wait_until("start", self.is_ready, deadline)


class Load:
    """Clients that ask one after the other, and what they were told."""

    def __init__(self, port, image, clients):
        self.port, self.image = port, image
        self.outcomes, self.seconds = collections.Counter(), []
        self.phase, self.is_over, self.lock = "before", False, threading.Lock()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=70)
        while not self.is_over:
            phase, start = self.phase, time.monotonic()
            try:
                connection.request("POST", "/api/predict", self.image, {"content-type": "application/octet-stream"})
                answer = connection.getresponse()
                answer.read()
                outcome = str(answer.status)
            except (OSError, http.client.HTTPException) as why:
                outcome = type(why).__name__
                connection.close()
            with self.lock:
                self.outcomes[phase, outcome] += 1
                self.seconds.append(time.monotonic() - start)

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(80)


def proxy(replicas, log):
    port = free_port()
    addresses = {
        "PROXY_ADDRESS": f"127.0.0.1:{port}",
        "REPLICA_A": f"127.0.0.1:{replicas[0].port}",
        "REPLICA_B": f"127.0.0.1:{replicas[1].port}",
    }
    program = shutil.which("haproxy") or "/usr/sbin/haproxy"
    process = subprocess.Popen([program, "-db", "-f", str(CONFIGURATION)], env={**os.environ, **addresses}, stdout=log, stderr=log)
    return process, port


def roll(replicas, load, options, deadline):
    """Each replica in turn, the next one once the proxy has the last again."""
    for phase, change in [("reload", Replica.reload), ("restart", Replica.restart)]:
        for _ in range(options.rounds):
            for replica in replicas:
                load.phase = phase
                change(replica, deadline)
                time.sleep(options.settle)
    load.phase = "after"
    time.sleep(options.settle)


def main(options):
    deadline = time.monotonic() + LONGEST
    image = Path(options.image).read_bytes()
    with tempfile.TemporaryDirectory() as place, (Path(place) / "log").open("w+") as log:
        model = Path(place) / "model.safetensors"
        shutil.copy(options.model, model)
        processes, replicas = [], []
        try:
            replicas += [Replica(options, model, log) for _ in range(2)]
            for replica in replicas:
                wait_until("start", replica.is_ready, deadline)
            process, port = proxy(replicas, log)
            processes.append(process)
            wait_until("proxy", lambda: get(port, "/readyz")[0] == 200, deadline)
            load = Load(port, image, options.clients)
            time.sleep(options.settle)
            roll(replicas, load, options, deadline)
            load.end()
        finally:
            processes += [replica.process for replica in replicas]
            for process in processes:
                process.kill()
                process.wait()
        log.seek(0)
        failed = report(load, log.read())
    return failed


def report(load, log):
    for (phase, outcome), count in sorted(load.outcomes.items()):
        print(f"{phase}: {count} x {outcome}")
    total = sum(load.outcomes.values())
    failed = sum(count for (_, outcome), count in load.outcomes.items() if outcome != "200")
    slowest = max(load.seconds, default=0.0)
    middle = sorted(load.seconds)[len(load.seconds) // 2] if load.seconds else 0.0
    print(f"{failed} of {total} requests failed; {middle:.2f} s the median, {slowest:.2f} s the slowest")
    if failed or not total:
        print(log[-2000:])
    return failed or not total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("image")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--drain", type=int, default=5)
    parser.add_argument("--settle", type=float, default=3.0, help="seconds between two changes")
    sys.exit(bool(main(parser.parse_args())))
