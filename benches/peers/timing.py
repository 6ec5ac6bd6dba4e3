"""Times one piece of work in several engines, each in a process of its own, and prints one JSON object.

An engine is a function `(arguments) -> (run, version, number)`: `run()` does the work once, and `number`, outside
the measured time, makes of the first run's output a number by which all engines show that they computed the same.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

WARM_UP_RUNS = 2
AGREEMENT = 1e-3


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--engine", help="only this one, in this process")
    return parser.parse_args()


def measure(engine, args):
    run, version, number = engine(args)
    first = number(run())
    for _ in range(WARM_UP_RUNS):
        run()
    milliseconds = []
    for _ in range(args.runs):
        start = time.perf_counter()
        run()
        milliseconds.append(1000 * (time.perf_counter() - start))
    return {
        "version": version,
        "median_ms": round(statistics.median(milliseconds), 1),
        "min_ms": round(min(milliseconds), 1),
        "max_ms": round(max(milliseconds), 1),
        "first_output": float(first),
    }


def measure_apart(name, args):
    """`name`'s measurement by this script run again; its thread pools must not spin beside another engine's."""
    command = [sys.executable, sys.argv[0], "--engine", name]
    for option in ("batch", "threads", "runs"):
        command += [f"--{option}", str(getattr(args, option))]
    environment = os.environ | {"OMP_NUM_THREADS": str(args.threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        return {"error": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def values_agree(results):
    values = [result["first_output"] for result in results.values() if "first_output" in result]
    return len(values) > 1 and max(values) - min(values) <= AGREEMENT * abs(max(values, key=abs))


def processor():
    with open("/proc/cpuinfo") as lines:
        return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main(description, engines):
    args = arguments(description)
    if args.engine:
        print(json.dumps(measure(engines[args.engine], args)))
        return
    results = {name: measure_apart(name, args) for name in engines}
    print(json.dumps({
        "work": description.splitlines()[0],
        "processor": processor(),
        "batch": args.batch,
        "threads": args.threads,
        "runs": args.runs,
        "outputs_agree": values_agree(results),
        "engines": results,
    }, indent=2))
