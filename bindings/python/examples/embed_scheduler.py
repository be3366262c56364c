"""A toy scheduler that drives its own pool by a formula: ``python embed_scheduler.py``.

Every 30 seconds it tells the feed what it sees, every five minutes it asks the formula how many nodes to have. Time is
simulated. Nodes boot for three minutes and run one task of ten minutes at a time.
"""

import poolcast

FORMULA = """
known = $PendingTasks.GetSamplePercent(15 * TimeInterval_Minute);
backlog = known < 70 ? 6 : avg($PendingTasks.GetSample(15 * TimeInterval_Minute));
$TargetDedicatedNodes = min(12, ceil(backlog / 2));
$NodeDeallocationOption = taskcompletion;
"""
START = 1767571200  # 2026-01-05T00:00:00Z


def main():
    formula = poolcast.Formula(FORMULA)
    for read in formula.reads:
        print(f"collects {read.metric} over {read.look_back} s")
    feed = poolcast.Feed(keep=3600)
    booting, running, idle, waiting, done, target = [], [], 0, 0, 0, 0
    for now in range(START, START + 86401, 30):
        hour = (now - START) // 3600
        if (now - START) % 120 == 0 and hour in (8, 9, 14):
            waiting += 2
        ended = sum(end <= now for end in running)
        booted = sum(ready <= now for ready in booting)
        running = [end for end in running if end > now]
        booting = [ready for ready in booting if ready > now]
        done += ended
        idle += ended + booted
        while idle and waiting:
            idle, waiting = idle - 1, waiting - 1
            running.append(now + 600)

        nodes = len(booting) + len(running) + idle
        feed.push("PendingTasks", now, waiting + len(running))
        feed.set_pool(targets=(target, 0), nodes=(nodes, 0))
        if (now - START) % 300 == 0:
            try:
                dedicated, _, _ = formula.targets(feed, now)
                target = target if dedicated is None else dedicated
            except poolcast.EvaluationError as e:  # the pool stays as it is
                print(e)
            booting += [now + 180] * (target - nodes)
            idle -= min(max(0, nodes - target), idle)
        if (now - START) % 3600 == 0:
            print(f"hour {hour:2}  {waiting:3} waiting  {nodes:2} nodes  {done:4} done")
    assert (waiting, done) == (0, 180), "all work is done at the end of the day"


if __name__ == "__main__":
    main()
