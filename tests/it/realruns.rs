//! Recorded traces end to end, with totals recomputed from the tables the program writes.

use crate::import::shared;
use poolcast::{
    Options,
    sim::{
        Simulation,
        autoscale::Compiler,
        config::{Config, DAY, PoolConfig, VmSize},
        knobs,
        workload::Workload,
    },
    wire::{import, run_tables},
};
use std::{collections::BTreeMap, sync::Arc};

const BY_QUEUE: &str = "
seen = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute);
tasks = seen < 70 ? max(0, $PendingTasks.GetSample(1)) : avg($PendingTasks.GetSample(5 * TimeInterval_Minute));
$TargetDedicatedNodes = min(CAP, tasks);
$NodeDeallocationOption = taskcompletion;
";
const ALWAYS: &str = "$TargetDedicatedNodes = CAP;";
const EAGER: &str = "
seen = $ActiveTasks.GetSamplePercent(3 * TimeInterval_Minute);
tasks = seen < 70 ? 0 : max($ActiveTasks.GetSample(3 * TimeInterval_Minute));
$TargetDedicatedNodes = min(CAP, tasks);
$NodeDeallocationOption = requeue;
";

fn load(file: &str) -> Option<Workload> {
    let path = shared(file)?;
    Some(import::workload(&path, &import::Options::default()).unwrap().0)
}

fn config(formula: &str, cap: u32, vcpus: u32, slots: u32, cores: u32, days: i64) -> Config {
    let mut c = Config { horizon: days * DAY, workload_pool: "p".into(), ..Config::default() };
    c.accounts[0].dedicated_cores = cores;
    let vm = VmSize { vcpus, name: "test".into(), family: "test".into(), price_regular: 100_000, ..VmSize::default() };
    let mut pool = PoolConfig {
        id: "p".into(),
        vm,
        task_slots: slots,
        formula: Some(formula.replace("CAP", &cap.to_string())),
        ..PoolConfig::default()
    };
    knobs::set_pool(&mut pool, "autoscale.interval", "5m").unwrap();
    c.pools.push(pool);
    c.output.series_every = 20;
    c
}

fn run(mut c: Config, w: &Arc<Workload>) -> Simulation {
    c.epoch = w.epoch;
    let mut sim = Simulation::new(c, w.clone(), Compiler::of_formulas(Options::default())).unwrap();
    sim.run();
    sim.check_invariants().unwrap();
    sim
}

/// The columns of a table, read back from the CSV a user gets.
fn csv(sim: &Simulation, name: &str) -> Vec<BTreeMap<String, String>> {
    let (_, table) = run_tables::all(sim).into_iter().find(|(n, _)| *n == name).unwrap();
    let mut bytes = Vec::new();
    table.write_csv(&mut bytes).unwrap();
    csv::Reader::from_reader(bytes.as_slice()).deserialize().map(Result::unwrap).collect()
}

/// Tasks in = finished + unfinished; node time and cost recomputed from the tables; node time = time by state.
fn totals(sim: &Simulation, w: &Workload) {
    let s = sim.summary();
    let in_time = w.submit_ms.iter().filter(|t| (**t as i64) <= sim.now()).count() as u64;
    assert_eq!(s.tasks.0, in_time);
    assert_eq!(s.tasks.0, s.tasks.1 + s.tasks.2);
    let tasks = csv(sim, "tasks");
    assert_eq!(tasks.len() as u64, s.tasks.1);
    let number = |row: &BTreeMap<String, String>, key: &str| row[key].parse::<i64>().unwrap();
    for t in &tasks {
        assert!(number(t, "created_ms") <= number(t, "start_ms") && number(t, "start_ms") <= number(t, "end_ms"));
    }
    // Nodes still there at the end have an open span: by state is everything, the table is what is closed.
    let spans = csv(sim, "spans");
    let closed: i64 = spans.iter().map(|r| number(r, "to_ms") - number(r, "from_ms")).sum();
    let by_state: i64 = s.pools.iter().flat_map(|p| p.state_ms.iter().flatten()).sum();
    let left: u32 = sim.pools().map(|p| p.current[0] + p.current[1]).sum();
    assert!(closed <= by_state, "{closed} {by_state}");
    if left == 0 {
        assert_eq!(closed, by_state);
        let cost: i64 = spans.iter().map(|r| number(r, "cost_micros")).sum();
        let again: f64 = spans
            .iter()
            .map(|r| ((number(r, "to_ms") - number(r, "from_ms")) as f64 / 1000.0).ceil() / 3600.0 * 100_000.0)
            .sum();
        assert_eq!(cost, s.cost()[0] + s.cost()[1]);
        assert!((cost as f64 - again).abs() <= 1.0 + spans.len() as f64, "{cost} {again}");
    }
}

#[test]
fn nasa_log_under_three_formulas_and_two_quotas() {
    let Some(w) = load("swf/NASA-iPSC-1993-3.1-cln.swf") else { return };
    let w = Arc::new(w);
    let mut costs = Vec::new();
    for formula in [ALWAYS, BY_QUEUE, EAGER] {
        for cores in [128 * 2, 128 * 4] {
            // One node is the machine the log comes from: 128 slots.
            let sim = run(config(formula, 4, 128, 128, cores, 95), &w);
            totals(&sim, &w);
            let s = sim.summary();
            assert_eq!(s.tasks.0, 18_066);
            assert!(sim.pools().all(|p| p.most_nodes[0] <= cores / 128), "quota is never exceeded");
            costs.push((s.cost()[0], s.tasks.2));
        }
    }
    assert!(costs[2].0 * 3 < costs[0].0 * 2, "following the queue costs less than two thirds of always on: {costs:?}");
    assert_eq!(costs[2].1, 0, "and finishes everything");
}

#[test]
fn both_nfcore_traces() {
    for (file, tasks) in [("nextflow/rnaseq.csv", 1_308), ("nextflow/methylseq.csv", 1_083)] {
        let Some(w) = load(file) else { return };
        let w = Arc::new(w);
        let sim = run(config(BY_QUEUE, 20, 16, 16, 16 * 20, 12), &w);
        totals(&sim, &w);
        assert_eq!(sim.summary().tasks, (tasks, tasks, 0), "{file}");
    }
}

#[test]
fn surf_month_under_autoscale() {
    let Some(w) = load("cloud/surf_lisa_month.csv.gz") else { return };
    let w = Arc::new(w);
    let sim = run(config(BY_QUEUE, 250, 16, 16, 16 * 250, 45), &w);
    totals(&sim, &w);
    let s = sim.summary();
    assert_eq!(s.tasks.0, 68_648);
    assert!(s.tasks.1 > 68_000, "{:?}", s.tasks);
}

#[test]
fn a_recorded_spot_trace_evicts_and_work_is_done_again() {
    let Some(path) = shared("spot/aws-us-west-2c-v100-preemption.json") else { return };
    let text = format!(
        "version = 1\nhorizon = \"14d\"\n[[accounts]]\nid = \"a\"\nspot_cores = 64\n[[pools]]\nid = \"s\"\nvm_size = \"Standard_D4ds_v5\"\ntarget_spot = 8\nspot_trace = {}\n\
         [workload.generate]\nduration = \"10d\"\narrivals = {{ kind = \"poisson\", per_hour = 6 }}\nrun = {{ kind = \"constant\", time = \"30m\" }}\n",
        poolcast::wire::scenario::fragment::quoted(&path.canonicalize().unwrap().display().to_string())
    );
    let s = poolcast::wire::scenario::parse(&text, false, std::path::Path::new(""), "spot", &Default::default())
        .unwrap_or_else(|e| panic!("{e:?}"));
    assert!(s.config.pools[0].spot.trace.contains(&false) && s.config.pools[0].spot.trace_gap == 32_000);
    let w = Arc::new(s.workload.clone());
    let mut sim = Simulation::new(s.config, w.clone(), Compiler::of_formulas(Options::default())).unwrap();
    sim.run();
    let pool = &sim.summary().pools[0];
    assert!(pool.evictions.0 > 0, "{pool:?}");
    totals_of_tasks(&sim, &w);
}

fn totals_of_tasks(sim: &Simulation, w: &Workload) {
    let (added, finished, live) = sim.task_totals();
    assert_eq!((added, added), (w.len() as u64, finished + live));
}
