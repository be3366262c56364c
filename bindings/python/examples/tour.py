"""A tour, cell by cell: open it as a notebook (VS Code, Jupyter with jupytext) or run it from start to end."""

# %% [markdown]
# # A formula before it meets the pool
# Check it, evaluate it on samples of your own, and see what a pool does with it.

# %%
import numpy as np
import polars as pl

import poolcast

draft = """
busy = avg($PendingTasks.GetSample(TimeInterval_Minute * 10));
$TargetDedicatedNodes = busy > 0 ? busy / 4 : 0;
"""
for finding in poolcast.check(draft):
    print(finding)

# %% [markdown]
# The first finding is what bites most often: a new pool has no samples, and the evaluation fails.

# %%
formula = poolcast.Formula(
    """
seen = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 10);
busy = seen < 60 ? 4 : avg($PendingTasks.GetSample(TimeInterval_Minute * 10));
$TargetDedicatedNodes = min(16, ceil(busy / 4));
$NodeDeallocationOption = taskcompletion;
"""
)
print(formula.reads)
print(formula.evaluate({}, "2026-01-05T08:00:00Z").results)

# %% [markdown]
# ## A day of samples, from an array

# %%
rng = np.random.default_rng(1)
times = np.datetime64("2026-01-05T00:00:00") + np.arange(2880) * np.timedelta64(30, "s")
pending = np.round(20 + 20 * np.sin(np.arange(2880) / 460) + rng.normal(0, 2, 2880)).clip(0)
feed = poolcast.Feed(keep=86400)
feed.extend("PendingTasks", times, pending)
asked = [formula.targets(feed, int(t))[0] for t in times.astype(int)[::10]]
print(pl.DataFrame({"hour": np.arange(len(asked)) / 12, "nodes": asked}).group_by(pl.col("hour").floor()).mean().sort("hour"))

# %% [markdown]
# ## A whole pool
# The same formula in a closed loop: nodes take time to boot, tasks end, samples follow.

# %%
scenario = poolcast.Scenario(
    '''
version = 1
name = "tour"
epoch = "2026-01-05T08:00:00Z"
horizon = "8h"
accounts = [{ id = "lab", dedicated_cores = 128 }]
[[pools]]
id = "pool"
vm_size = "Standard_D4ds_v5"
formula = "$TargetDedicatedNodes = 4;"
[[jobs]]
id = "morning"
tasks = [{ id = "t-", run = "12m", count = 200 }]
'''
)
run = poolcast.simulate(scenario, formula=formula.source)
for finding in run.findings:
    print("-", finding)
print({name: round(run.measures[name], 2) for name in ("cost", "wait_mean", "makespan", "peak_nodes")})

# %% [markdown]
# ## Which formula?
# Same seeds, same luck. Give `executor=` a Dask client to do this on a cluster, and `store=` to keep what is done.

# %%
result = poolcast.sweep(
    scenario,
    {"follow": formula.source, "fixed": "$TargetDedicatedNodes = 8;"},
    seeds=range(5),
)
print(pl.DataFrame(result).group_by("formula").agg(pl.col("cost", "wait_mean", "makespan").mean()))
