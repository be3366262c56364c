"""A gate in front of a scheduler: refuse a pool whose formula can ask for more than 40 nodes, whatever the samples.

    python examples/reject_pool.py

Only a proof lets a pool in; a refusal says with which samples the limit is passed.
"""

import poolcast

LIMIT = "$TargetDedicatedNodes + $TargetLowPriorityNodes <= 40"

POOLS = {
    "capped": """
        n = $PendingTasks.GetSamplePercent(TimeInterval_Minute) < 50 ? 1 : avg($PendingTasks.GetSample(TimeInterval_Minute));
        $TargetDedicatedNodes = min(40, n);
        $TargetLowPriorityNodes = 0;""",
    "two classes": "n = min(25, $PendingTasks.GetSample(1)); $TargetDedicatedNodes = n; $TargetLowPriorityNodes = n;",
    "cap inside out": "$TargetDedicatedNodes = max(40, $PendingTasks.GetSample(1)); $TargetLowPriorityNodes = 0;",
    "broken": "$TargetDedicatedNodes = min(40, );",
}


def refusal(text: str) -> str | None:
    """Why a pool with this formula is refused, if it is."""
    try:
        verdict = poolcast.Formula(text).prove(LIMIT)
    except poolcast.CompileError as e:
        return str(e)
    if verdict.verdict == "proved":
        return None
    return f"{verdict.reason} ({verdict.witness})"


verdicts = {name: refusal(text) for name, text in POOLS.items()}
for name, why in verdicts.items():
    print(f"{name}: {why or 'accepted'}")
assert [why is None for why in verdicts.values()] == [True, False, False, False]
