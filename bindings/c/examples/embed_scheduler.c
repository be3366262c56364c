/* A toy scheduler that drives its own pool by a formula. From the root of the repository:
 *
 *     cargo build --release -p poolcast-c
 *     cc -Ibindings/c bindings/c/examples/embed_scheduler.c -Ltarget/release -lpoolcast_c -Wl,-rpath,target/release -lm -o embed
 *     ./embed
 *
 * Every 30 seconds it tells the feed what it sees, every five minutes it asks the formula how many nodes to have. Time is
 * simulated. Nodes boot at once and run one task of ten minutes at a time.
 */
#include "poolcast.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *FORMULA =
    "known = $PendingTasks.GetSamplePercent(15 * TimeInterval_Minute);\n"
    "backlog = known < 70 ? 6 : avg($PendingTasks.GetSample(15 * TimeInterval_Minute));\n"
    "$TargetDedicatedNodes = min(12, ceil(backlog / 2));\n";

static void check(poolcast_status status, poolcast_report report) {
    if (status == POOLCAST_OK) return;
    poolcast_str words = poolcast_report_text(report);
    fprintf(stderr, "%.*s\n", (int)words.len, words.data);
    poolcast_report_free(report);
    exit(1);
}

int main(void) {
    poolcast_report report;
    poolcast_formula formula;
    poolcast_feed feed;
    uint32_t pending;
    if (poolcast_abi_version() != POOLCAST_ABI) return 2;
    check(poolcast_compile(FORMULA, strlen(FORMULA), 0, &formula, &report), report);
    check(poolcast_feed_for(formula, &feed, &report), report);
    check(poolcast_metric("$PendingTasks", strlen("$PendingTasks"), &pending, &report), report);

    enum { MOST = 64 };
    int64_t ends[MOST];
    int nodes = 0, running = 0, waiting = 0, done = 0;
    const int64_t start = 1767571200; /* 2026-01-05T00:00:00Z */
    for (int64_t now = start; now <= start + 86400; now += 30) {
        int64_t hour = (now - start) / 3600;
        if ((now - start) % 120 == 0 && (hour == 8 || hour == 9 || hour == 14)) waiting += 2;
        for (int i = 0; i < running;) {
            if (ends[i] > now) {
                i++;
            } else {
                ends[i] = ends[--running];
                done++;
            }
        }
        check(poolcast_feed_push(feed, pending, now * 1000, waiting + running, &report), report);
        if ((now - start) % 300 == 0) {
            poolcast_pool pool = {(uint32_t)nodes, 0, (uint32_t)nodes, 0, 1, 0};
            check(poolcast_feed_set_pool(feed, &pool, &report), report);
            poolcast_targets asked;
            check(poolcast_evaluate(formula, feed, now * 1000, &asked, &report), report);
            /* -1: not assigned, the target stays. Nodes that run something leave when it is done. */
            if (asked.dedicated >= 0) nodes = asked.dedicated > running ? (int)asked.dedicated : running;
        }
        while (waiting > 0 && running < nodes && running < MOST) {
            waiting--;
            ends[running++] = now + 600;
        }
        if ((now - start) % 3600 == 0)
            printf("hour %2d  %3d waiting  %2d nodes  %4d done\n", (int)hour, waiting, nodes, done);
    }
    poolcast_feed_free(feed);
    poolcast_formula_free(formula);
    return waiting == 0 && done == 180 ? 0 : 1;
}
