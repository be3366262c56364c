"""Weak scaling of a sweep on Dask: one worker with N months against two workers with 2 N, side by side, alternating.

    python benches/weak_scaling.py [months for each worker]

A month is the one of `benches/whatif.rs`: 100 000 tasks, an evaluation every five minutes. Workers are processes of one
thread each on loopback; scheduler and client live on the same machine. Beside it the same on bare processes, which is what
the machine itself allows. Ideal is a ratio of 2. What else the machine does slows a round down and never speeds it up, so
the best round of each is what free cores do; the median is printed beside it. Only what is measured is running: an idle
cluster takes a few percent of a core, and Dask's profiler another few, which one worker does not notice and two do.
"""

import contextlib
import multiprocessing
import os
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
formula = '''
seen = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute);
tasks = seen < 70 ? max(0, $PendingTasks.GetSample(1)) : avg($PendingTasks.GetSample(5 * TimeInterval_Minute));
$TargetDedicatedNodes = min(1000, tasks / 4 + 1);
$NodeDeallocationOption = taskcompletion;
'''
[workload.generate]
duration = "29d"
arrivals = { kind = "poisson", per_hour = 144 }
run = { kind = "lognormal", median = "6m", sigma = 1.0 }
"""


@contextlib.contextmanager
def dask(workers: int, port: int = 18787):
    env = os.environ | {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
    scheduler = ["dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = ["dask_worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    started = []
    try:
        for module, *arguments in [scheduler] + [worker] * workers:
            started.append(subprocess.Popen([sys.executable, "-m", f"distributed.cli.{module}", *arguments], **quiet))
        with Client(f"tcp://127.0.0.1:{port}", timeout=60) as client:
            client.wait_for_workers(workers, timeout=60)
            yield client
    finally:
        for p in started:
            p.kill()
            p.wait()


def processes(workers: int):
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def main():
    months = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    scenario = poolcast.Scenario(SCENARIO)
    rates = {(way, n): [] for way in (dask, processes) for n in (1, 2)}
    for round_ in range(5):
        for (way, n), rate in rates.items():
            with way(n) as executor:
                # Processes start and import their modules.
                poolcast.sweep(scenario, seeds=range(2 * n), executor=executor, chunk=1)
                seeds = range(1000 * (round_ + 1), 1000 * (round_ + 1) + n * months)
                start = time.perf_counter()
                poolcast.sweep(scenario, seeds=seeds, executor=executor, chunk=16)
                rate.append(n * months / (time.perf_counter() - start))
    for way in (dask, processes):
        for name, of in (("best", max), ("median", statistics.median)):
            one, two = (of(rates[way, n]) for n in (1, 2))
            print(f"{way.__name__}, {name} of 5: 1 worker {one:.1f} months/s, 2 workers {two:.1f} months/s: {two / one:.2f}x")


if __name__ == "__main__":
    main()
