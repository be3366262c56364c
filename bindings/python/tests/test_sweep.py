"""Sweeps: here, on threads and processes, and from a store."""

import concurrent.futures as cf

import polars as pl
import pyarrow.parquet as pq
import pytest

import poolcast
from conftest import FORMULAS
from poolcast import _sweep


def test_rows_in_order_and_as_a_frame(scenario):
    result = poolcast.sweep(scenario, FORMULAS, seeds=range(3))
    assert [(r["formula"], r["seed"]) for r in result] == [(f, s) for f in FORMULAS for s in range(3)]
    assert len({r["key"] for r in result}) == 6
    one = poolcast.simulate(scenario, formula=FORMULAS["four"], seed=1)
    assert result[1]["digest"] == one.digest and result[1]["cost"] == one.measures["cost"]
    assert pl.DataFrame(result).height == result.to_pandas().shape[0] == 6


def test_settings(scenario):
    result = poolcast.sweep(scenario, seeds=[1], settings=[[], ["autoscale.interval=30m"]])
    assert result[0]["evaluations"] > result[1]["evaluations"]
    assert result[1]["settings"] == "autoscale.interval=30m"


@pytest.mark.parametrize("make", [cf.ThreadPoolExecutor, cf.ProcessPoolExecutor])
def test_any_executor_gives_the_same_bytes(scenario, tmp_path, make):
    local = poolcast.sweep(scenario, FORMULAS, seeds=range(4))
    with make(2) as executor:
        far = poolcast.sweep(scenario, FORMULAS, seeds=range(4), executor=executor, chunk=3)
    assert far == local
    local.to_parquet(tmp_path / "local.parquet")
    far.to_parquet(tmp_path / "far.parquet")
    assert (tmp_path / "local.parquet").read_bytes() == (tmp_path / "far.parquet").read_bytes()


class Flaky(cf.Executor):
    """Loses every third chunk with its worker, and does it anyway: work is done twice."""

    def __init__(self):
        self.calls = 0

    def submit(self, fn, *args):
        self.calls += 1
        future = cf.Future()
        rows = fn(*args)
        if self.calls % 3 == 1:
            future.set_exception(ConnectionError("worker lost"))
        else:
            future.set_result(rows)
        return future


def test_lost_chunks_are_done_again_and_counted_once(scenario, tmp_path):
    flaky = Flaky()
    result = poolcast.sweep(scenario, FORMULAS, seeds=range(4), executor=flaky, chunk=2, store=tmp_path)
    assert result == poolcast.sweep(scenario, FORMULAS, seeds=range(4))
    assert flaky.calls > 4
    stored = [row["key"] for path in tmp_path.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert sorted(stored) == sorted(r["key"] for r in result)


def test_a_store_survives_and_is_not_done_again(scenario, tmp_path, monkeypatch):
    class Dies(cf.Executor):
        left = 2

        def submit(self, fn, *args):
            future = cf.Future()
            if self.left == 0:
                future.set_exception(poolcast.PoolcastError("the power went"))
            else:
                self.left -= 1
                future.set_result(fn(*args))
            return future

    with pytest.raises(poolcast.PoolcastError):
        poolcast.sweep(scenario, FORMULAS, seeds=range(4), executor=Dies(), chunk=2, store=tmp_path)
    (tmp_path / "part-broken.parquet").write_bytes(b"PAR1 cut off")
    done = []
    work = _sweep._work
    monkeypatch.setattr(_sweep, "_work", lambda s, units: done.extend(u[0] for u in units) or work(s, units))
    result = poolcast.sweep(scenario, FORMULAS, seeds=range(4), store=tmp_path)
    assert len(done) == 4, "half of the eight runs were in the store"
    assert result == poolcast.sweep(scenario, FORMULAS, seeds=range(4))
    done.clear()
    renamed = poolcast.sweep(scenario, {"other name": FORMULAS["four"]}, seeds=range(4), store=tmp_path)
    assert not done and renamed[0]["formula"] == "other name"


def test_keys_tell_runs_apart(scenario):
    def key(s=scenario, formula="a", settings=(), seed=1):
        return _sweep._key(s.fingerprint, formula, settings, seed)

    changed = scenario.replace(until="2h")
    keys = {key(), key(changed), key(formula="b"), key(settings=("x=1",)), key(settings=("x=1", "y=2")), key(seed=2)}
    assert len(keys) == 6
    assert key(poolcast.Scenario(scenario.text, name="elsewhere", base="/")) == key(), "where it lies does not matter"


@pytest.mark.parametrize(
    "arguments",
    [
        {"formulas": "$TargetDedicatedNodes = 1;"},
        {"chunk": 0},
        {"attempts": 0},
        {"settings": [["nonsense"]]},
        {"settings": ["autoscale.interval=30m"]},
        {"settings": [["no.such.knob=1"]]},
    ],
)
def test_bad_arguments(scenario, arguments):
    with pytest.raises(poolcast.InputError):
        poolcast.sweep(scenario, **arguments)
