"""Weak scaling of a sweep on Dask: one worker with N months against two workers with 2 N, side by side, alternating.

    python benches/weak_scaling.py [months for each worker]

A month is the one of `benches/whatif.rs`: 100 000 tasks, an evaluation every five minutes. Workers are processes of one
thread each on loopback; scheduler and client live on the same machine. Beside it the same on bare processes, which is what
the machine itself allows. Ideal is a ratio of 2. What else the machine does slows a round down and never speeds it up, so
the best round of each is what free cores do; the median is printed beside it.
"""

import multiprocessing
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from distributed import Client

import poolcast

SCENARIO = """
version = 1
name = "weak scaling"
horizon = "30d"
accounts = [{ id = "lab", dedicated_cores = 100000 }]
[[pools]]
id = "pool"
vm_size = "Standard_D4ds_v5"
task_slots_per_node = 4
autoscale.interval = "5m"
formula = """ + "'''" + """
seen = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute);
tasks = seen < 70 ? max(0, $PendingTasks.GetSample(1)) : avg($PendingTasks.GetSample(5 * TimeInterval_Minute));
$TargetDedicatedNodes = min(1000, tasks / 4 + 1);
$NodeDeallocationOption = taskcompletion;
""" + "'''" + """
[workload.generate]
duration = "29d"
arrivals = { kind = "poisson", per_hour = 144 }
run = { kind = "lognormal", median = "6m", sigma = 1.0 }
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
    months = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    scenario = poolcast.Scenario(SCENARIO)
    clusters = {n: cluster(n, 18786 + n) for n in (1, 2)}
    spawn = multiprocessing.get_context("spawn")
    ways = {("Dask", n): clusters[n][0] for n in (1, 2)}
    ways |= {("bare processes", n): ProcessPoolExecutor(n, mp_context=spawn) for n in (1, 2)}
    rates = {way: [] for way in ways}
    try:
        seed = 0
        for round_ in range(6):
            for (name, n), executor in ways.items():
                # New seeds every time: a scheduler remembers what it has done.
                seeds, seed = range(seed, seed + n * months), seed + n * months
                start = time.perf_counter()
                poolcast.sweep(scenario, seeds=seeds, executor=executor, chunk=16)
                if round_ > 0:  # The first round starts processes and imports modules.
                    rates[name, n].append(n * months / (time.perf_counter() - start))
        for name in ("Dask", "bare processes"):
            for best, of in (("best", max), ("median", statistics.median)):
                one, two = (of(rates[name, n]) for n in (1, 2))
                print(f"{name}, {best} of 5: 1 worker {one:.1f} months/s, 2 workers {two:.1f} months/s: {two / one:.2f}x")
    finally:
        for client, started in clusters.values():
            client.close()
            for p in started:
                p.kill()
                p.wait()


if __name__ == "__main__":
    main()
