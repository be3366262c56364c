"""Formulas: compile, check, evaluate, fail."""

import datetime as dt
import os
import pickle
import threading

import pytest

import poolcast

NOW = "2026-01-05T08:00:00Z"
TEXT = """busy = avg($PendingTasks.GetSample(5 * TimeInterval_Minute));
$TargetDedicatedNodes = min(20, busy);
$NodeDeallocationOption = taskcompletion;
"""


def test_hello():
    outcome = poolcast.Formula(TEXT).evaluate({"PendingTasks": [4.0, 5.0] * 5}, NOW, targets=(3, 1))
    assert (outcome.dedicated, outcome.low_priority, outcome.option) == (4, None, "taskcompletion")
    assert outcome.variables == {"busy": 4.5}
    assert outcome.results.startswith("$TargetDedicatedNodes=4;$TargetLowPriorityNodes=1;")
    assert not outcome.stopped


def test_rejected_with_places():
    with pytest.raises(poolcast.CompileError) as caught:
        poolcast.Formula("a = 1;\n$TargetDedicatedNodes = mim(a, 2);\n")
    first = caught.value.diagnostics[0]
    assert (first.line, first.column, first.severity) == (2, 25, "error")
    assert first.code.startswith("E") and first.help or first.fixes
    assert "mim" in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.diagnostics == caught.value.diagnostics


def test_check_reports_everything_and_never_raises():
    found = poolcast.check("$TargetDedicatedNodes = $PendingTasks.GetSample(1) / 2;\nb = ;")
    assert {d.severity for d in found} >= {"error"}
    assert poolcast.check("$TargetDedicatedNodes = 3;") == []
    warned = poolcast.Formula(TEXT).check()
    assert warned and all(d.severity != "error" for d in warned)


def test_failure_in_the_services_words():
    with pytest.raises(poolcast.EvaluationError) as caught:
        poolcast.Formula(TEXT).evaluate({}, NOW)
    e = caught.value
    assert (e.line, e.metric) == (1, "$PendingTasks") or e.line == 1
    assert e.code and e.message and e.value.startswith("Line 1, Col ")
    assert str(pickle.loads(pickle.dumps(e))) == str(e)


def test_like_service_and_strict():
    accepted = poolcast.Formula("$TargetDedicatedNodes = mim(1, 2);", like_service=True)
    with pytest.raises(poolcast.EvaluationError):
        accepted.evaluate({}, NOW)
    assert any(d.severity == "error" for d in accepted.check())
    with pytest.raises(ValueError):
        poolcast.Formula(TEXT, engine="turbo")


def test_reads_and_engines():
    formula = poolcast.Formula(TEXT)
    (read,) = formula.reads
    assert (read.metric, read.look_back) == ("$PendingTasks", 300.0)
    interp = poolcast.Formula(TEXT, engine="interp")
    assert (formula.engine, interp.engine) == ("jit", "interp")
    samples = {"$PendingTasks": range(10)}
    assert formula.evaluate(samples, NOW).results == interp.evaluate(samples, NOW).results


def test_pickles():
    formula = poolcast.Formula(TEXT, strict=False, engine="interp")
    again = pickle.loads(pickle.dumps(formula))
    assert (again.source, again.engine) == (formula.source, "interp")


@pytest.mark.parametrize(
    "now",
    [
        1767600000,
        1767600000.0,
        NOW,
        dt.datetime(2026, 1, 5, 8),
        dt.datetime(2026, 1, 5, 9, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    ],
)
def test_times(now):
    formula = poolcast.Formula("$TargetDedicatedNodes = time().hour;")
    assert formula.evaluate({}, now).dedicated == 8


@pytest.mark.parametrize(
    "call",
    [
        lambda f, feed: f.evaluate({}, "yesterday"),
        lambda f, feed: f.evaluate({}, float("nan")),
        lambda f, feed: f.evaluate({"Pending": [1]}, NOW),
        lambda f, feed: f.evaluate({"PendingTasks": [float("nan")]}, NOW),
        lambda f, feed: f.evaluate({"PendingTasks": ["x"]}, NOW),
        lambda f, feed: f.evaluate(3, NOW),
        lambda f, feed: feed.push("$PendingTasks", NOW, float("inf")),
        lambda f, feed: feed.push("$Nope", NOW, 1),
        lambda f, feed: feed.extend("PendingTasks", [1, 2], [1.0]),
        lambda f, feed: feed.extend("PendingTasks", [1], [1.0, 2.0]),
        lambda f, feed: feed.add({"time": [1]}),
    ],
)
def test_bad_input_is_a_value_error(call):
    with pytest.raises(ValueError):
        call(poolcast.Formula(TEXT), poolcast.Feed())


@pytest.mark.parametrize("call", [lambda f: f.evaluate({}, None), lambda f: f.evaluate({}, object())])
def test_wrong_types_are_type_errors(call):
    with pytest.raises(TypeError):
        call(poolcast.Formula(TEXT))


def test_hostile_texts():
    for text in ["x = (1 +\n" * 1_100_000, "(" * 10_000_000, "\0", "a" * 100_000, "💥 = 1;"]:
        with pytest.raises(poolcast.CompileError):
            poolcast.Formula(text)
    with pytest.raises(UnicodeEncodeError):
        poolcast.Formula("\ud800")


def test_threads_share_a_formula_and_a_feed():
    formula = poolcast.Formula(TEXT)
    feed = poolcast.Feed()
    for i in range(20):
        feed.push("PendingTasks", 1767600000 + 30 * i, 7.0)
    seen = []

    def work():
        for _ in range(2000):
            seen.append(formula.targets(feed, 1767600000 + 570)[0])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for i in range(20, 200):
        feed.push("PendingTasks", 1767600000 + 30 * i, 7.0)
    for t in threads:
        t.join()
    assert seen == [7] * 8000


def test_many_pools():
    formula = poolcast.Formula("$TargetDedicatedNodes = $PendingTasks.GetSample(1);")
    feeds = [poolcast.Feed() for _ in range(700)]
    for i, feed in enumerate(feeds[1:], 1):
        feed.push("PendingTasks", 1767600000, i)
    many = formula.evaluate_many(feeds, 1767600000)
    assert isinstance(many[0], poolcast.EvaluationError)
    assert [t[0] for t in many[1:]] == list(range(1, 700))


def test_bounds_and_assertions():
    formula = poolcast.Formula(TEXT)
    bounds = formula.bounds()
    assert (bounds.dedicated.low, bounds.dedicated.high, bounds.dedicated.may_stay) == (0, 20, False)
    assert bounds.low_priority is None and bounds.can_fail
    assert formula.bounds(quota=40, assume="$PendingTasks <= 12").dedicated.high == 12
    assert poolcast.Formula("$TargetDedicatedNodes = $PendingTasks.GetSample(1);").bounds().dedicated.high is None

    assert formula.prove("$TargetDedicatedNodes <= 20").verdict == "proved"
    refuted = formula.prove("$TargetDedicatedNodes <= 19", budget=2000)
    assert refuted.verdict == "refuted" and "$PendingTasks" in refuted.witness and refuted.scenario is None
    # What a claim about time is refuted by can be simulated.
    nervous = poolcast.Formula("$TargetDedicatedNodes = $CurrentDedicatedNodes > 5 ? 2 : 8;")
    steady = nervous.prove("steady")
    assert steady.verdict == "refuted"
    assert poolcast.simulate(poolcast.Scenario(steady.scenario)).measures["oscillations"] > 10
    for call in [
        lambda: formula.prove("nodes <"),
        lambda: formula.prove("steady", assume="x = 3"),
        lambda: formula.bounds(assume="$PendingTasks < 0"),
    ]:
        with pytest.raises(ValueError):
            call()


def test_objects_made_on_one_thread_serve_another(scenario):
    made = {}

    def make():
        made["formula"] = poolcast.Formula(TEXT)
        made["feed"] = poolcast.Feed()
        for i in range(20):
            made["feed"].push("PendingTasks", 1767600000 + 30 * i, 7.0)
        made["simulation"] = poolcast.Simulation(scenario)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert made["formula"].targets(made["feed"], 1767600000 + 570)[0] == 7
    made["simulation"].run()
    assert made["simulation"].now > 0


@pytest.mark.parametrize("text", [b"\xc3", b"$TargetDedicatedNodes = 3;", None, 7])
def test_a_formula_is_text(text):
    with pytest.raises(TypeError):
        poolcast.Formula(text)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_and_its_parent_compile_on():
    def check(first):
        made = [poolcast.Formula(f"$TargetDedicatedNodes = {i};") for i in range(first, first + 50)]
        return lambda: all(f.evaluate({}, NOW).dedicated == first + i for i, f in enumerate(made))

    before = check(0)
    go, wait = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(go, 1)  # the parent has compiled
        mine = check(100)
        os._exit(0 if before() and mine() else 1)
    mine = check(1000)
    os.write(wait, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert before() and mine()
