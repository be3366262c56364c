"""A scenario small enough to run many times."""

import pytest

import poolcast

SCENARIO = """
version = 1
name = "burst"
about = "Three hundred tasks at once on a pool that follows its queue."
epoch = "2026-01-05T08:00:00Z"
horizon = "6h"
seed = 5

[[accounts]]
id = "lab"
dedicated_cores = 64

[[pools]]
id = "pool"
vm_size = "Standard_D4ds_v5"
autoscale.interval = "5m"
formula = \"\"\"
waiting = $PendingTasks.GetSamplePercent(2 * TimeInterval_Minute) < 50 ? 4 : max($PendingTasks.GetSample(2 * TimeInterval_Minute));
$TargetDedicatedNodes = min(8, waiting);
$NodeDeallocationOption = taskcompletion;
\"\"\"

[[jobs]]
id = "nightly"
tasks = [{ id = "t-", run = "7m", count = 300 }]
"""

FORMULAS = {
    "four": "$TargetDedicatedNodes = 4;",
    "eager": "$TargetDedicatedNodes = min(16, $PendingTasks.GetSamplePercent(60) < 50 ? 16 : $PendingTasks.GetSample(1));",
}


@pytest.fixture
def scenario():
    return poolcast.Scenario(SCENARIO)
