"""Scenarios, simulations, runs."""

import pickle
import threading
import time

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import poolcast
from conftest import FORMULAS, SCENARIO


def test_simulate(scenario):
    run = poolcast.simulate(scenario)
    assert run.measures["succeeded"] == 300
    assert run.measures["peak_nodes"] <= 8
    assert run.measures["cost"] > 0
    assert len(run.digest) == 16 and run.events > 300
    again = poolcast.simulate(pickle.loads(pickle.dumps(scenario)))
    assert (again.digest, again.measures) == (run.digest, run.measures)
    assert poolcast.simulate(scenario, seed=6).digest != run.digest
    assert poolcast.simulate(scenario, formula=FORMULAS["four"]).measures["peak_nodes"] == 4


def test_replacing_a_workload_and_what_makes_a_slot(tmp_path):
    trace = tmp_path / "trace.csv"
    trace.write_text("submit_ms,run_ms,cpus\n" + "".join(f"{i * 1000},60000,4000\n" for i in range(20)))
    scenario = poolcast.Scenario(SCENARIO).replace(formula="$TargetDedicatedNodes = 4;", workload=str(trace), until="6h")
    assert poolcast.simulate(scenario).measures["unfinished"] == 20, "wider than any node"
    assert poolcast.simulate(scenario.replace(cpus_per_slot=4000)).measures["unfinished"] == 0
    with pytest.raises(ValueError):
        scenario.replace(cpus_per_slot=0)


def test_from_a_file(tmp_path):
    path = tmp_path / "burst.toml"
    path.write_text(SCENARIO)
    assert poolcast.simulate(path).digest == poolcast.simulate(str(path)).digest == poolcast.simulate(poolcast.Scenario(SCENARIO)).digest


def test_tables_are_frames(scenario):
    run = poolcast.simulate(scenario)
    assert {"tasks", "series", "evaluations", "resizes"} <= set(run.tables)
    tasks = pa.table(run.table("tasks"))
    assert tasks.num_rows == 300 == len(run.table("tasks"))
    assert pl.DataFrame(run.table("tasks"))["fate"].unique().to_list() == ["success"]
    assert isinstance(tasks.to_pandas(), pd.DataFrame)
    with pytest.raises(poolcast.InputError, match="tasks"):
        run.table("nonsense")


def test_stepping_and_forking(scenario):
    sim = poolcast.Simulation(scenario)
    sim.run_until("2026-01-05T09:00:00Z")
    assert sim.now == 1767603600.0
    (pool,) = sim.pools
    assert pool["id"] == "pool" and pool["nodes"][0] > 0
    other = sim.fork()
    other.run()
    assert sim.now == 1767603600.0 and sim.step()
    sim.run()
    assert not sim.step()
    assert sim.result().digest == other.result().digest == poolcast.simulate(scenario).digest


def test_what_is_wrong_with_a_scenario():
    with pytest.raises(poolcast.InputError) as caught:
        poolcast.Scenario(SCENARIO.replace("horizon", "horizn").replace("run =", "runs ="))
    assert caught.value.problems and isinstance(caught.value, ValueError)
    for bad in ["\0", "version = 2", "[" * 100_000]:
        with pytest.raises(poolcast.InputError):
            poolcast.simulate(poolcast.Scenario(bad))
    with pytest.raises(poolcast.InputError):
        poolcast.Scenario.load("/does/not/exist.toml")
    with pytest.raises(TypeError):
        poolcast.simulate(3)
    with pytest.raises(poolcast.InputError):
        poolcast.Scenario(SCENARIO).replace(set=["no.such.knob=1"])


def test_the_lock_is_released_while_it_runs():
    scenario = poolcast.Scenario(SCENARIO.replace("count = 300", "count = 60000").replace('"6h"', '"30d"'))
    ticks = []
    done = threading.Event()

    def watch():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.monotonic()
    poolcast.simulate(scenario)
    took = time.monotonic() - start
    done.set()
    watcher.join()
    inside = [t for t in ticks if start < t < start + took]
    assert len(inside) >= 3, f"the watcher moved {len(inside)} times in {took:.3f} s"
