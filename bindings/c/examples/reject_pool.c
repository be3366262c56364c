/* A gate in front of a scheduler: refuse a pool whose formula can ask for more than 40 nodes, whatever the samples. From
 * the root of the repository:
 *
 *     cargo build --release -p poolcast-c
 *     cc -Ibindings/c bindings/c/examples/reject_pool.c target/release/libpoolcast_c.a -lm -ldl -lpthread -o reject
 *     ./reject
 */
#include "poolcast.h"
#include <stdio.h>
#include <string.h>

static const char *LIMIT = "$TargetDedicatedNodes + $TargetLowPriorityNodes <= 40";

/* 1: accepted. Says why not otherwise. */
static int accepted(const char *name, const char *text) {
    poolcast_formula formula = {0};
    poolcast_report report = {0};
    poolcast_verdict verdict = POOLCAST_UNKNOWN;
    poolcast_status status = poolcast_compile(text, strlen(text), 0, &formula, &report);
    if (status == POOLCAST_OK) {
        /* Only a proof lets a pool in. */
        status = poolcast_formula_prove(formula, LIMIT, strlen(LIMIT), 0, NULL, 0, 0, &verdict, &report);
    }
    int fine = status == POOLCAST_OK && verdict == POOLCAST_PROVED;
    poolcast_str words = poolcast_report_text(report);
    printf("%s: %s%.*s\n", name, fine ? "accepted" : "refused, ", (int)words.len, words.data);
    poolcast_report_free(report);
    poolcast_formula_free(formula);
    return fine;
}

int main(void) {
    int verdicts[4] = {
        accepted("capped", "n = $PendingTasks.GetSamplePercent(TimeInterval_Minute) < 50 ? 1 : avg($PendingTasks.GetSample(TimeInterval_Minute));\n"
                           "$TargetDedicatedNodes = min(40, n); $TargetLowPriorityNodes = 0;"),
        accepted("two classes", "n = min(25, $PendingTasks.GetSample(1)); $TargetDedicatedNodes = n; $TargetLowPriorityNodes = n;"),
        accepted("cap inside out", "$TargetDedicatedNodes = max(40, $PendingTasks.GetSample(1)); $TargetLowPriorityNodes = 0;"),
        accepted("broken", "$TargetDedicatedNodes = min(40, );"),
    };
    return !(verdicts[0] && !verdicts[1] && !verdicts[2] && !verdicts[3]);
}
