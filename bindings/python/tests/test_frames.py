"""Samples by array and by frame, in and out."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import poolcast

START = dt.datetime(2026, 1, 5, 8, tzinfo=dt.timezone.utc)
LATEST = poolcast.Formula("$TargetDedicatedNodes = $PendingTasks.GetSample(1);")


def columns(n=5):
    return {
        "time": [START + dt.timedelta(seconds=30 * i) for i in range(n)],
        "PendingTasks": [float(i) for i in range(n)],
        "$ActiveTasks": [i * 2 for i in range(n)],
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda c: pa.table(c),
        lambda c: pl.DataFrame(c),
        lambda c: pl.DataFrame(c).with_columns(pl.col("time").dt.cast_time_unit("ns")),
        lambda c: pd.DataFrame(c),
        lambda c: pd.DataFrame(c, index=list("abcde")),
        lambda c: pa.table(c).set_column(0, "time", pa.array([int(t.timestamp()) for t in c["time"]])),
    ],
    ids=["pyarrow", "polars", "polars ns", "pandas", "pandas with index", "int64 seconds"],
)
def test_frames_in(make):
    feed = poolcast.Feed()
    frame = make(columns())
    assert feed.add(frame) == 10
    assert feed.counts() == {"$ActiveTasks": 5, "$PendingTasks": 5}
    now = START + dt.timedelta(seconds=120)
    assert LATEST.targets(feed, now) == (4, None, "requeue")
    assert LATEST.evaluate(frame, now).dedicated == 4


def test_nulls_are_missing_samples():
    feed = poolcast.Feed()
    table = columns() | {"PendingTasks": [1.0, None, float("nan"), 2.0, None]}
    feed.add(pa.table(table))
    assert feed.counts()["$PendingTasks"] == 2


def test_frames_that_do_not_fit():
    for frame, words in [
        (pa.table({"when": [1]}), "time"),
        (pa.table({"time": [1], "Spam": [1.0]}), "Spam"),
        (pa.table({"time": ["x"], "PendingTasks": [1.0]}), "time"),
        (pa.table({"time": [1], "PendingTasks": ["x"]}), "numbers"),
        (pa.table({"time": [2, 1], "PendingTasks": [1.0, 2.0]}), "not newer"),
    ]:
        with pytest.raises(poolcast.InputError, match=words):
            poolcast.Feed().add(frame)


def test_frames_out_without_a_copy_of_ours():
    feed = poolcast.Feed()
    feed.add(pa.table(columns()))
    table = pa.table(feed)
    assert table.column_names == ["time", "metric", "value"]
    assert table.num_rows == 10
    frame = pl.DataFrame(feed)
    assert frame.filter(pl.col("metric") == "$PendingTasks")["value"].to_list() == [0, 1, 2, 3, 4]
    assert pa.table(feed).to_pandas()["time"].iloc[0] == pd.Timestamp(START)
    assert pa.table(poolcast.Feed()).num_rows == 0


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_numpy(unit):
    times = np.datetime64("2026-01-05T08:00:00", unit) + np.arange(5) * np.timedelta64(30, "s")
    feed = poolcast.Feed()
    assert feed.extend("PendingTasks", times, np.arange(5, dtype=np.float64)) == 5
    assert LATEST.targets(feed, START + dt.timedelta(seconds=60))[0] == 2


def test_numpy_of_other_kinds():
    seconds = np.arange(1767600000, 1767600000 + 150, 30)
    for values in [np.arange(5), np.arange(10.0)[::2] / 2, np.arange(5, dtype=np.float32), list(range(5)), tuple(range(5))]:
        feed = poolcast.Feed()
        feed.extend("PendingTasks", seconds, values)
        assert LATEST.targets(feed, 1767600000 + 120)[0] == 4
    assert LATEST.evaluate({"PendingTasks": np.arange(5.0)}, START).dedicated == 4


def test_retention():
    feed = poolcast.Feed(keep=dt.timedelta(minutes=10))
    feed.extend("PendingTasks", list(range(0, 30 * 5000, 30)), np.zeros(5000))
    assert len(feed) == 21
    feed.clear()
    assert len(feed) == 0
