"""A sweep on Dask distributed: a scheduler and two workers as processes of their own, one killed in the middle."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

import poolcast
from conftest import FORMULAS

distributed = pytest.importorskip("distributed")


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def cluster():
    """(client, worker processes)"""
    address = f"127.0.0.1:{port()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    run = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    host, at = address.split(":")
    processes = [subprocess.Popen([*run, "--host", host, "--port", at, "--no-dashboard"], **quiet)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://{address}", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    # Tests' own modules are not installed on a worker; nothing of theirs may be needed there.
    workers = [subprocess.Popen(worker, cwd="/", **quiet) for _ in range(2)]
    client = None
    try:
        client = distributed.Client(f"tcp://{address}", timeout=60)
        client.wait_for_workers(2, timeout=60)
        yield client, workers
    finally:
        if client is not None:
            client.close()
        for p in [*workers, *processes]:
            p.kill()
            p.wait()


def test_a_worker_killed_in_mid_sweep(cluster, scenario, tmp_path):
    client, workers = cluster
    seeds = range(40)
    started = time.monotonic()
    killed = []

    class Watched:
        """The client, with an accident after the tenth chunk."""

        scheduler_info = client.scheduler_info
        sent = 0

        def submit(self, *args, **kwargs):
            self.sent += 1
            future = client.submit(*args, **kwargs)
            if self.sent == 10:
                os.kill(workers[0].pid, signal.SIGKILL)
                killed.append(time.monotonic() - started)
            return future

    slow = scenario.replace(until="2d")
    far = poolcast.sweep(slow, FORMULAS, seeds, executor=Watched(), chunk=4, store=tmp_path / "store")
    assert killed and workers[0].wait(10) == -signal.SIGKILL
    local = poolcast.sweep(slow, FORMULAS, seeds)
    assert [r["key"] for r in far] == [r["key"] for r in local]
    assert len({r["key"] for r in far}) == len(far) == 80, "every result exactly once"
    far.to_parquet(tmp_path / "far.parquet")
    local.to_parquet(tmp_path / "local.parquet")
    assert (tmp_path / "far.parquet").read_bytes() == (tmp_path / "local.parquet").read_bytes()

    # The store alone is the sweep: nothing is left to do.
    class Idle:
        def submit(self, *_):
            raise AssertionError("everything is stored")

    assert poolcast.sweep(slow, FORMULAS, seeds, executor=Idle(), store=tmp_path / "store") == local


def test_the_clients_own_executor(cluster, scenario):
    client, _ = cluster
    with client.get_executor() as executor:
        far = poolcast.sweep(scenario, FORMULAS, range(6), executor=executor, chunk=2)
    assert far == poolcast.sweep(scenario, FORMULAS, range(6))
