"""Weak scaling of a sweep on Dask: one worker with N runs against two workers with 2 N, side by side, alternating.

    python benches/weak_scaling.py [runs for each worker]

Ideal is a ratio of 2. Workers are processes of one thread each on loopback; needs two idle cores to mean anything.
"""

import statistics
import subprocess
import sys
import time

from distributed import Client

import poolcast

SCENARIO = """
version = 1
name = "weak scaling"
epoch = "2026-01-05T08:00:00Z"
horizon = "4d"
accounts = [{ id = "lab", dedicated_cores = 400 }]
[[pools]]
id = "pool"
vm_size = "Standard_D4ds_v5"
formula = "$TargetDedicatedNodes = min(80, max(0, $PendingTasks.GetSample(1)));"
[[jobs]]
id = "job"
tasks = [{ id = "t-", run = "40m", count = 4000 }]
"""


def cluster(workers: int, port: int):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    python = [sys.executable, "-m"]
    started = [
        subprocess.Popen([*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], **quiet)
    ]
    worker = [*python, "distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    started += [subprocess.Popen(worker, **quiet) for _ in range(workers)]
    client = Client(f"tcp://127.0.0.1:{port}", timeout=60)
    client.wait_for_workers(workers, timeout=60)
    return client, started


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    scenario = poolcast.Scenario(SCENARIO)
    clusters = {n: cluster(n, 18786 + n) for n in (1, 2)}
    try:
        rates = {1: [], 2: []}
        for round_ in range(6):
            for n, (client, _) in clusters.items():
                # New seeds every time: a scheduler remembers what it has done.
                seeds = range((round_ * 2 + n) * 10_000, (round_ * 2 + n) * 10_000 + n * runs)
                start = time.perf_counter()
                poolcast.sweep(scenario, seeds=seeds, executor=client, chunk=8)
                if round_ > 0:
                    rates[n].append(n * runs / (time.perf_counter() - start))
        one, two = (statistics.median(rates[n]) for n in (1, 2))
        print(f"1 worker {one:.1f} runs/s, 2 workers {two:.1f} runs/s: {two / one:.2f}x")
    finally:
        for client, started in clusters.values():
            client.close()
            for p in started:
                p.kill()
                p.wait()


if __name__ == "__main__":
    main()
