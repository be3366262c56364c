/* The C interface as a C program meets it: the plain use, hostile use, and a million calls from four threads. */
#include "poolcast.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                        \
    do {                                                                   \
        if (!(what)) {                                                     \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                       \
        }                                                                  \
    } while (0)

static const char *FORMULA = "busy = avg($PendingTasks.GetSample(5 * TimeInterval_Minute));\n"
                             "$TargetDedicatedNodes = min(20, busy);\n"
                             "$NodeDeallocationOption = taskcompletion;\n";
static const int64_t START = 1767600000000; /* 2026-01-05T08:00:00Z */

static poolcast_formula compile(const char *text) {
    poolcast_formula formula = {0};
    poolcast_report report;
    if (poolcast_compile(text, strlen(text), 0, &formula, &report) != POOLCAST_OK) {
        poolcast_str words = poolcast_report_text(report);
        fprintf(stderr, "%.*s\n", (int)words.len, words.data);
        exit(1);
    }
    CHECK(report.id == 0);
    return formula;
}

static uint32_t metric(const char *name) {
    uint32_t number = 0;
    CHECK(poolcast_metric(name, strlen(name), &number, NULL) == POOLCAST_OK);
    return number;
}

static int same(poolcast_str a, const char *b) { return a.len == strlen(b) && memcmp(a.data, b, a.len) == 0; }

static void plain_use(void) {
    poolcast_formula formula = compile(FORMULA);
    poolcast_feed feed = {0};
    CHECK(poolcast_feed_for(formula, &feed, NULL) == POOLCAST_OK);

    poolcast_read reads[4];
    size_t n = 0;
    CHECK(poolcast_formula_reads(formula, reads, 4, &n, NULL) == POOLCAST_OK);
    CHECK(n == 1 && reads[0].metric == metric("$PendingTasks") && reads[0].look_back_ms == 300000);
    CHECK(same(poolcast_metric_name(reads[0].metric), "$PendingTasks"));

    for (int i = 0; i < 20; i++)
        CHECK(poolcast_feed_push(feed, reads[0].metric, START + 30000 * i, 4 + i % 2, NULL) == POOLCAST_OK);
    int64_t at[2] = {START + 600000, START + 630000};
    double more[2] = {4, 5};
    CHECK(poolcast_feed_push_many(feed, reads[0].metric, at, more, 2, NULL) == POOLCAST_OK);

    poolcast_pool pool = {3, 0, 3, 0, 1, 0};
    CHECK(poolcast_feed_set_pool(feed, &pool, NULL) == POOLCAST_OK);
    poolcast_targets targets;
    CHECK(poolcast_evaluate(formula, feed, START + 630000, &targets, NULL) == POOLCAST_OK);
    CHECK(targets.dedicated == 4 && targets.low_priority == -1 && targets.option == 2);

    poolcast_outcome outcome;
    CHECK(poolcast_evaluate_fully(formula, feed, START + 630000, &outcome, NULL) == POOLCAST_OK);
    CHECK(same(poolcast_outcome_results(outcome),
               "$TargetDedicatedNodes=4;$TargetLowPriorityNodes=0;$NodeDeallocationOption=taskcompletion;busy=4.5"));
    double busy = 0;
    CHECK(poolcast_outcome_number(outcome, "busy", 4, &busy, NULL) == POOLCAST_OK && busy == 4.5);
    CHECK(poolcast_outcome_number(outcome, "bus", 3, &busy, NULL) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_outcome_targets(outcome, &targets, NULL) == POOLCAST_OK && targets.dedicated == 4);

    /* No samples: the service's words and the place. */
    poolcast_report report;
    CHECK(poolcast_feed_clear(feed) == POOLCAST_OK);
    CHECK(poolcast_evaluate(formula, feed, START, &targets, &report) == POOLCAST_EVALUATION_FAILED);
    poolcast_finding finding;
    CHECK(poolcast_report_len(report) == 1 && poolcast_report_get(report, 0, &finding) == POOLCAST_OK);
    CHECK(finding.line == 1 && finding.column > 0 && finding.code.len > 0 && finding.message.len > 0);
    CHECK(poolcast_report_free(report) == POOLCAST_OK);

    CHECK(poolcast_outcome_free(outcome) == POOLCAST_OK);
    CHECK(poolcast_feed_free(feed) == POOLCAST_OK);
    CHECK(poolcast_formula_free(formula) == POOLCAST_OK);
}

static void rejected(void) {
    const char *text = "a = 1;\n$TargetDedicatedNodes = mim(a, 2);\nb = ;\n";
    poolcast_formula formula = {77};
    poolcast_report report;
    CHECK(poolcast_compile(text, strlen(text), 0, &formula, &report) == POOLCAST_REJECTED);
    CHECK(formula.id == 77);
    CHECK(poolcast_report_status(report) == POOLCAST_REJECTED && poolcast_report_len(report) >= 2);
    poolcast_finding f;
    CHECK(poolcast_report_get(report, 0, &f) == POOLCAST_OK);
    CHECK(f.severity == POOLCAST_ERROR && f.line == 2 && f.column == 25 && f.code.data[0] == 'E');
    CHECK(poolcast_report_get(report, 99, &f) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_report_text(report).len > 100);
    poolcast_report_free(report);

    CHECK(poolcast_check(FORMULA, strlen(FORMULA), &report) == POOLCAST_OK);
    CHECK(poolcast_report_status(report) == POOLCAST_OK && poolcast_report_len(report) > 0); /* a warning: no samples */
    poolcast_report_free(report);
    CHECK(poolcast_check(text, strlen(text), &report) == POOLCAST_REJECTED);
    poolcast_report_free(report);
}

static void bounded(void) {
    poolcast_formula formula = compile(FORMULA);
    poolcast_bounds b;
    poolcast_verdict v = POOLCAST_UNKNOWN;
    poolcast_report report;
    const char *cap = "$TargetDedicatedNodes <= 20", *tighter = "$TargetDedicatedNodes <= 19";
    const char *few = "$PendingTasks <= 12", *zero = "settles_to_zero";
    CHECK(poolcast_formula_bounds(formula, 0, NULL, 0, &b, NULL) == POOLCAST_OK);
    CHECK(b.dedicated.low == 0 && b.dedicated.high == 20 && !b.dedicated.may_stay && b.can_fail);
    CHECK(b.low_priority.low == -1 && b.low_priority.high == -1 && b.low_priority.may_stay);
    CHECK(poolcast_formula_bounds(formula, 40, few, strlen(few), &b, NULL) == POOLCAST_OK && b.dedicated.high == 12);

    CHECK(poolcast_formula_prove(formula, cap, strlen(cap), 0, NULL, 0, 0, &v, &report) == POOLCAST_OK);
    CHECK(v == POOLCAST_PROVED && report.id == 0);
    CHECK(poolcast_formula_prove(formula, zero, strlen(zero), 0, NULL, 0, 0, &v, &report) == POOLCAST_OK);
    CHECK(v == POOLCAST_PROVED && report.id == 0);
    CHECK(poolcast_formula_prove(formula, tighter, strlen(tighter), 0, NULL, 0, 2000, &v, &report) == POOLCAST_OK);
    poolcast_finding f;
    CHECK(v == POOLCAST_REFUTED && poolcast_report_get(report, 0, &f) == POOLCAST_OK && same(f.code, "refuted"));
    CHECK(f.message.len > 40 && poolcast_report_free(report) == POOLCAST_OK);
    CHECK(poolcast_formula_prove(formula, tighter, strlen(tighter), 0, NULL, 0, 2000, &v, NULL) == POOLCAST_OK);

    CHECK(poolcast_formula_prove(formula, "nodes <", 7, 0, NULL, 0, 0, &v, &report) == POOLCAST_BAD_INPUT);
    poolcast_report_free(report);
    CHECK(poolcast_formula_prove(formula, "a\xC3", 2, 0, NULL, 0, 0, &v, NULL) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_formula_prove(formula, NULL, 3, 0, NULL, 0, 0, &v, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_formula_prove(formula, cap, strlen(cap), 0, NULL, 0, 0, NULL, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_formula_bounds(formula, 0, NULL, 0, NULL, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_formula_bounds(formula, 0, "x = 3", 5, &b, NULL) == POOLCAST_BAD_INPUT);
    poolcast_formula_free(formula);
    CHECK(poolcast_formula_bounds(formula, 0, NULL, 0, &b, NULL) == POOLCAST_BAD_HANDLE);
    CHECK(poolcast_formula_prove(formula, cap, strlen(cap), 0, NULL, 0, 0, &v, NULL) == POOLCAST_BAD_HANDLE);
}

/* Made on another thread than the one that uses and closes it, and closed there while it is in use here. */
static void *maker(void *out) {
    *(poolcast_formula *)out = compile(FORMULA);
    return NULL;
}

static void *closer(void *formula) {
    CHECK(poolcast_formula_free(*(poolcast_formula *)formula) == POOLCAST_OK);
    return NULL;
}

static void other_threads(void) {
    poolcast_formula formula = {0};
    poolcast_feed feed;
    poolcast_targets t;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, maker, &formula) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(poolcast_feed_for(formula, &feed, NULL) == POOLCAST_OK);
    for (int i = 0; i <= 10; i++)
        CHECK(poolcast_feed_push(feed, metric("$PendingTasks"), START + 30000 * i, 7, NULL) == POOLCAST_OK);
    CHECK(poolcast_evaluate(formula, feed, START + 300000, &t, NULL) == POOLCAST_OK && t.dedicated == 7);
    CHECK(pthread_create(&thread, NULL, closer, &formula) == 0);
    poolcast_status status;
    while ((status = poolcast_evaluate(formula, feed, START + 300000, &t, NULL)) == POOLCAST_OK) CHECK(t.dedicated == 7);
    CHECK(status == POOLCAST_BAD_HANDLE && pthread_join(thread, NULL) == 0);
    CHECK(poolcast_feed_free(feed) == POOLCAST_OK);
}

static void hostile(size_t big_size) {
    poolcast_report report;
    poolcast_formula formula = compile(FORMULA), none = {0}, forged = {0x0100000000123456};
    poolcast_feed feed;
    poolcast_targets targets = {9, 9, 9};
    CHECK(poolcast_feed_new(0, &feed, NULL) == POOLCAST_OK);
    uint32_t pending = metric("$PendingTasks");

    /* Null, forged, mistyped. */
    poolcast_feed mistyped = {formula.id};
    CHECK(poolcast_evaluate(none, feed, START, &targets, &report) == POOLCAST_BAD_HANDLE);
    CHECK(poolcast_report_status(report) == POOLCAST_BAD_HANDLE);
    CHECK(poolcast_report_free(report) == POOLCAST_OK && poolcast_report_free(report) == POOLCAST_BAD_HANDLE);
    CHECK(poolcast_report_text(report).len == 0 && poolcast_report_len(report) == 0);
    CHECK(poolcast_evaluate(forged, feed, START, &targets, NULL) == POOLCAST_BAD_HANDLE);
    CHECK(poolcast_evaluate(formula, mistyped, START, &targets, NULL) == POOLCAST_BAD_HANDLE);
    CHECK(poolcast_evaluate(formula, feed, START, NULL, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_compile(NULL, 5, 0, &formula, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_compile("a", 1, 0, NULL, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_compile("a", SIZE_MAX, 0, &formula, NULL) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_compile("a=1;", 4, 1u << 31, &formula, NULL) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_check("a=1;", 4, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_feed_set_pool(feed, NULL, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_feed_push_many(feed, pending, NULL, NULL, 3, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_report_get((poolcast_report){0}, 0, NULL) == POOLCAST_BAD_HANDLE);
    CHECK(targets.dedicated == 9); /* failures write nothing */

    /* Text that is cut off, or no text. An empty formula is no memory error, only no formula. */
    CHECK(poolcast_compile("a = \"\xC3", 6, 0, &formula, &report) == POOLCAST_BAD_INPUT);
    poolcast_report_free(report);
    CHECK(poolcast_compile("\xFF\xFE", 2, 0, &formula, &report) == POOLCAST_BAD_INPUT);
    poolcast_report_free(report);
    CHECK(poolcast_metric("$Nonsense", 9, &pending, NULL) == POOLCAST_BAD_INPUT);
    poolcast_formula empty;
    CHECK(poolcast_compile(NULL, 0, POOLCAST_LIKE_SERVICE, &empty, NULL) == POOLCAST_REJECTED);
    CHECK(poolcast_compile("", 0, 0, &empty, NULL) == POOLCAST_REJECTED);

    /* Samples that are none. */
    CHECK(poolcast_feed_push(feed, pending, START, 1, NULL) == POOLCAST_OK);
    CHECK(poolcast_feed_push(feed, pending, START + 1, NAN, &report) == POOLCAST_BAD_INPUT);
    poolcast_report_free(report);
    CHECK(poolcast_feed_push(feed, pending, START + 1, INFINITY, NULL) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_feed_push(feed, pending, START, 1, NULL) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_feed_push(feed, 4000000000u, START + 9, 1, NULL) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_feed_push(feed, metric("$CPUPercent"), INT64_MAX, 1, NULL) == POOLCAST_OK);
    CHECK(poolcast_feed_push(feed, metric("$ActiveTasks"), INT64_MIN, 1, NULL) == POOLCAST_OK);
    CHECK(poolcast_evaluate(formula, feed, INT64_MAX, &targets, NULL) == POOLCAST_EVALUATION_FAILED);
    CHECK(poolcast_evaluate(formula, feed, INT64_MIN, &targets, NULL) == POOLCAST_EVALUATION_FAILED);
    CHECK(poolcast_evaluate(formula, feed, START, &targets, NULL) != POOLCAST_INTERNAL);

    /* Ten megabytes (less under valgrind). */
    size_t n = big_size;
    char *big = malloc(n);
    for (size_t i = 0; i < n; i++) big[i] = "x = (1 +\n"[i % 9];
    CHECK(poolcast_compile(big, n, 0, &formula, &report) == POOLCAST_REJECTED);
    CHECK(poolcast_report_len(report) > 0);
    poolcast_report_free(report);
    memset(big, '(', n);
    CHECK(poolcast_compile(big, n, 0, &formula, NULL) == POOLCAST_REJECTED);
    free(big);

    /* Closed handles. */
    CHECK(poolcast_formula_free(formula) == POOLCAST_OK);
    CHECK(poolcast_formula_free(formula) == POOLCAST_BAD_HANDLE);
    CHECK(poolcast_evaluate(formula, feed, START, &targets, NULL) == POOLCAST_BAD_HANDLE);
    CHECK(poolcast_feed_free(feed) == POOLCAST_OK);
    CHECK(poolcast_feed_push(feed, pending, START + 60000, 1, NULL) == POOLCAST_BAD_HANDLE);
}

static void simulated(void) {
    const char *scenario =
        "version = 1\nname = \"burst\"\nhorizon = \"4h\"\nseed = 1\n"
        "accounts = [{ id = \"lab\", dedicated_cores = 64 }]\n"
        "[[pools]]\nid = \"pool\"\nvm_size = \"Standard_D4ds_v5\"\nformula = \"$TargetDedicatedNodes = 4;\"\n"
        "[[jobs]]\nid = \"job\"\ntasks = [{ id = \"t-\", run = \"5m\", count = 50 }]\n";
    poolcast_summary a, b, c;
    poolcast_report report;
    uint64_t seed = 7;
    size_t n = strlen(scenario);
    CHECK(poolcast_simulate(scenario, n, 0, NULL, 0, NULL, 0, NULL, &a, NULL) == POOLCAST_OK);
    CHECK(poolcast_simulate(scenario, n, 0, ".", 1, NULL, 0, NULL, &b, NULL) == POOLCAST_OK);
    CHECK(a.tasks == 50 && a.finished == 50 && a.unfinished == 0 && a.cost_dedicated > 0 && a.cost_spot == 0);
    CHECK(a.digest == b.digest && a.events == b.events);
    const char *fewer = "$TargetDedicatedNodes = 1;";
    CHECK(poolcast_simulate(scenario, n, 0, NULL, 0, fewer, strlen(fewer), &seed, &c, NULL) == POOLCAST_OK);
    CHECK(c.digest != a.digest && c.makespan_ms > a.makespan_ms);

    CHECK(poolcast_simulate(scenario, n / 2, 0, NULL, 0, NULL, 0, NULL, &c, &report) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_report_len(report) > 0 && poolcast_report_text(report).len > 0);
    poolcast_report_free(report);
    CHECK(poolcast_simulate(scenario, n, POOLCAST_JSON, NULL, 0, NULL, 0, NULL, &c, NULL) == POOLCAST_BAD_INPUT);
    CHECK(poolcast_simulate(scenario, n, 0, NULL, 0, NULL, 0, NULL, NULL, NULL) == POOLCAST_NULL_POINTER);
    CHECK(poolcast_simulate(NULL, n, 0, NULL, 0, NULL, 0, NULL, &c, NULL) == POOLCAST_NULL_POINTER);
}

static poolcast_formula shared_formula;
static poolcast_feed shared_feed;
static long calls_each;

static void *caller(void *number) {
    poolcast_targets t;
    long mine = (long)number;
    for (long i = 0; i < calls_each; i++) {
        if (mine == 0 && i % 64 == 0) /* one of them also writes */
            CHECK(poolcast_feed_push(shared_feed, 0, START + 1000 + i, (double)i, NULL) == POOLCAST_OK);
        CHECK(poolcast_evaluate(shared_formula, shared_feed, START + 600000, &t, NULL) == POOLCAST_OK);
        CHECK(t.dedicated == 7 && t.low_priority == -1);
    }
    return NULL;
}

static void threads(long calls) {
    shared_formula = compile(FORMULA);
    CHECK(poolcast_feed_new(3600000, &shared_feed, NULL) == POOLCAST_OK);
    uint32_t pending = metric("$PendingTasks");
    for (int i = 0; i <= 20; i++)
        CHECK(poolcast_feed_push(shared_feed, pending, START + 30000 * i, 7, NULL) == POOLCAST_OK);
    calls_each = calls / 4;
    pthread_t thread[4];
    for (long i = 0; i < 4; i++) CHECK(pthread_create(&thread[i], NULL, caller, (void *)i) == 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(thread[i], NULL) == 0);
    poolcast_feed_free(shared_feed);
    poolcast_formula_free(shared_formula);
}

int main(int argc, char **argv) {
    CHECK(poolcast_abi_version() == POOLCAST_ABI);
    CHECK(poolcast_version().len >= 5);
    plain_use();
    rejected();
    bounded();
    other_threads();
    long calls = argc > 1 ? atol(argv[1]) : 1000000;
    hostile(calls < 10000 ? 100 * 1000 : 10 * 1000 * 1000);
    simulated();
    threads(calls);
    printf("ok, %ld calls\n", calls);
    return 0;
}
