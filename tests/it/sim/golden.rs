//! Golden traces: what happens in the acceptance scenarios of pool.md (c), under every deallocation option, quota and
//! resize error, and to a node on every way through its states.
//!
//! In: scenarios, `tests/sim/*.txt`. Out: the trace as text, compared. `BLESS=1` writes it; read it before committing it.

use super::{acceptance::*, rules::*, support::*, walks::walks};
use poolcast::{
    DeallocationOption as Dealloc,
    sim::{
        Simulation,
        config::*,
        resize::{CATALOGUE, INTERNAL_ERROR, code},
        trace::Sink,
    },
};
use std::{
    fmt::Write,
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
};

/// One line of the event log: time, event, id, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: Ms,
    pub event: String,
    pub ids: (u32, u32),
    pub what: String,
}

struct Post(Sender<Line>);
impl Sink for Post {
    fn line(&mut self, line: &str) {
        let mut parts = line.trim_matches(['{', '}']).splitn(4, ",\"");
        let mut value = || {
            let part = parts.next().unwrap();
            part.split_once("\":").unwrap().1.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\")
        };
        let (at, event, id, what) = (value().parse().unwrap(), value(), value().parse().unwrap(), value());
        // Whoever gets what ends a task says more than a number would.
        let what = match event.as_str() {
            "task_started" => format!("on node {what}"),
            "task_added" => format!("to job {what}"),
            "job_preparation_task_failed" => format!("of job {what}"),
            _ => what,
        };
        self.0.send(Line { at, event, ids: (id, id), what }).unwrap();
    }
}

fn clock(at: Ms) -> String {
    let (s, ms) = (at / 1000, at % 1000);
    format!("{}d {:02}:{:02}:{:02}.{ms:03}", s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60)
}

/// Every event.
const ALL: &[&str] = &[""];
/// What happens to nodes and sizes.
const SIZES: &[&str] = &["node", "resize", "autoscale", "pool"];
/// Sizes alone.
const RESIZES: &[&str] = &["resize", "autoscale"];

/// A golden file being written.
struct Golden {
    name: &'static str,
    text: String,
}

impl Golden {
    fn new(name: &'static str, title: &str) -> Golden {
        let text = format!(
            "{title}\nWritten by `BLESS=1 cargo test --test it sim::golden`; changes are read before they are committed.\n"
        );
        Golden { name, text }
    }

    /// Listens to a simulation, plays it and writes down what happened.
    fn scene(&mut self, title: &str, kinds: &[&str], mut sim: Simulation, play: impl FnOnce(&mut Simulation)) {
        let lines = listen(&mut sim);
        play(&mut sim);
        self.write(title, kinds, sim, lines);
    }

    fn write(&mut self, title: &str, kinds: &[&str], sim: Simulation, lines: Receiver<Line>) {
        writeln!(self.text, "\n## {title}\n").unwrap();
        let refused: Vec<String> =
            sim.output().refused.iter().map(|r| format!("refused: {}: {}", r.what, r.refusal)).collect();
        let pools: Vec<String> = sim
            .pools()
            .map(|p| {
                let errors: Vec<_> = p.errors.iter().map(|e| e.code).collect();
                let (c, t, n) = (p.current, p.target, p.counts);
                format!(
                    "pool {} {} {}: {}+{} nodes of {}+{}; tasks {} active, {} running, {} succeeded, {} failed{}{}",
                    p.id,
                    p.state.name(),
                    p.allocation.name(),
                    c[0],
                    c[1],
                    t[0],
                    t[1],
                    n.active + n.waiting,
                    n.running,
                    n.succeeded,
                    n.failed,
                    if errors.is_empty() { "" } else { "; errors " },
                    errors.join(", ")
                )
            })
            .collect();
        let now = sim.now();
        // The sender lives in the simulation.
        drop(sim);
        let wanted = lines.into_iter().filter(|l| kinds.iter().any(|k| l.event.starts_with(k)));
        self.text.push_str(&fold(wanted.collect()));
        for line in refused.into_iter().chain(pools) {
            writeln!(self.text, "{}  {line}", clock(now)).unwrap();
        }
    }

    fn compare(self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sim").join(self.name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &self.text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        let first = golden.lines().zip(self.text.lines()).position(|(a, b)| a != b);
        let first = first.unwrap_or(golden.lines().count().min(self.text.lines().count()));
        let line = |text: &str| text.lines().nth(first).unwrap_or("(end)").to_string();
        assert!(
            golden == self.text,
            "tests/sim/{} differs from line {} on:\n  golden {}\n  now    {}\nBLESS=1 writes what happens now",
            self.name,
            first + 1,
            line(&golden),
            line(&self.text)
        );
    }
}

/// What happens from now on.
pub fn listen(sim: &mut Simulation) -> Receiver<Line> {
    let (post, lines) = channel();
    sim.attach(Box::new(Post(post)));
    lines
}

/// Neighbours in one line: ids in a row at one instant; the same again and again.
fn fold(lines: Vec<Line>) -> String {
    let mut joined: Vec<Line> = Vec::new();
    for line in lines {
        match joined.last_mut() {
            Some(last) if last.ids.1 + 1 == line.ids.0 && Line { ids: line.ids, ..last.clone() } == line => {
                last.ids.1 = line.ids.1;
            }
            _ => joined.push(line),
        }
    }
    let mut text = String::new();
    for run in joined.chunk_by(|a, b| (&a.event, a.ids, &a.what) == (&b.event, b.ids, &b.what)) {
        for line in &run[..run.len().min(2)] {
            let (from, to) = line.ids;
            let ids = if from == to { format!("{from}") } else { format!("{from}-{to}") };
            writeln!(text, "{}  {} {ids} {}", clock(line.at), line.event, line.what).unwrap();
        }
        if let [_, _, .., last] = run {
            writeln!(text, "{}  … {} more like it, this the last", clock(last.at), run.len() - 2).unwrap();
        }
    }
    text
}

fn run(sim: &mut Simulation) {
    sim.run();
}

#[test]
fn acceptance_scenarios() {
    let mut g = Golden::new("acceptance.txt", "# The eight acceptance scenarios of pool.md (c)");
    let hour = |sim: &mut Simulation| sim.run_until(HOUR);
    g.scene(
        "1. batch-shipyard#218 with $ActiveTasks: killed at every second evaluation",
        ALL,
        s1("$ActiveTasks"),
        hour,
    );
    g.scene("1. batch-shipyard#218 with $PendingTasks: nothing is killed", ALL, s1("$PendingTasks"), run);
    g.scene("2. batch-shipyard#138: insufficient samples until 14 of 20 are visible", ALL, s2(), run);
    g.scene("3. Azure/Batch#117: eight slots on nodes of four: at the maximum for ever", ALL, s3(), run);
    let afternoon = |sim: &mut Simulation| sim.run_until(2 * HOUR);
    g.scene("4. nextflow#5545: preempted nodes pile up", RESIZES, s4(S4_NAIVE), afternoon);
    g.scene("4. nextflow#5545: the corrected formula gives them back", RESIZES, s4(S4_CORRECTED), afternoon);
    g.scene(
        "5. Twenty cores of quota are five nodes of four, and one error until the next resize",
        SIZES,
        s5(),
        |sim| {
            sim.run_until(20 * HOUR);
            sim.act(&resize(5, Dealloc::Requeue)).unwrap();
            sim.run();
        },
    );
    g.scene("6. azure-docs#47753: the drain blocks, the fourth task waits for a running one", ALL, s6(), run);
    g.scene("7. To zero by taskcompletion under a two-hour task: a timeout at every interval", ALL, s7(), run);
    g.scene("8. nextflow#7312: the old error persists over evaluations that change nothing", SIZES, s8(), run);
    g.compare();
}

#[test]
fn deallocation_options() {
    let mut g = Golden::new("options.txt", "# Each deallocation option: a busy node shrunk away after a minute");
    let shrink = |option| {
        move |sim: &mut Simulation| {
            sim.run_until(MINUTE);
            sim.act(&resize(0, option)).unwrap();
            sim.run_until(HOUR);
        }
    };
    for option in Dealloc::ALL {
        g.scene(option.keyword(), ALL, busy(3 * MINUTE), shrink(option));
    }
    let last = "retaineddata, a day of retention: the timeout comes first";
    g.scene(last, ALL, busy(DAY), shrink(Dealloc::RetainedData));
    g.compare();
}

#[test]
fn quotas() {
    let mut g =
        Golden::new("quotas.txt", "# Each quota and size limit: what is granted, and the error that says the rest");
    let mut grow = |title: &str, dedicated: u32, spot: u32, change: &dyn Fn(&mut Config)| {
        let mut c = scenario(quiet_pool(dedicated, spot), vec![], HOUR);
        change(&mut c);
        g.scene(title, SIZES, simulate(c), run);
    };
    let account = |c: &mut Config, cores| c.accounts[0].dedicated_cores = cores;
    grow("dedicated cores of the account", 10, 0, &|c| account(c, 15));
    grow("dedicated cores of the VM family", 10, 0, &|c| {
        c.accounts[0].per_family = vec![("STANDARDDDSV5FAMILY".into(), 8)];
    });
    grow("low-priority cores", 1, 10, &|c| c.accounts[0].spot_cores = 7);
    grow("Spot cores of a user subscription", 0, 10, &|c| {
        c.accounts[0].spot_cores = 7;
        c.accounts[0].mode = AllocationMode::UserSubscription;
    });
    grow("both classes at once: one error each", 10, 10, &|c| {
        account(c, 4);
        c.accounts[0].spot_cores = 4;
    });
    grow("addresses of the subnet", 3, 3, &|c| c.pools[0].subnet_addresses = 4);
    let mpi = |c: &mut Config| {
        c.pools[0].inter_node = true;
        account(c, 4000);
    };
    grow("inter-node communication", 120, 0, &mpi);
    grow("inter-node communication of a user subscription", 120, 0, &|c| {
        mpi(c);
        c.accounts[0].mode = AllocationMode::UserSubscription;
    });
    grow("managed images", 2001, 1001, &|c| {
        account(c, 100_000);
        c.accounts[0].spot_cores = 100_000;
        c.pools[0].managed_image_cap = true;
        c.pools[0].image = Image::Managed;
    });
    grow("pools of the account", 0, 0, &|c| {
        c.accounts[0].pools = 1;
        c.pools.push(PoolConfig { id: "second".into(), ..quiet_pool(0, 0) });
    });
    grow("active jobs of the account", 0, 0, &|c| {
        c.accounts[0].active_jobs = 1;
        c.jobs = vec![job("a", vec![]), job("b", vec![])];
    });
    grow("two pools race for one quota", 4, 0, &|c| {
        account(c, 24);
        c.pools.push(PoolConfig { id: "late".into(), create_at: 1, ..quiet_pool(4, 0) });
    });
    g.compare();
}

#[test]
fn resize_errors() {
    let mut g = Golden::new("resize_errors.txt", "# Each resize error: had, kept, and cleared by the next resize");
    for (name, _) in CATALOGUE {
        let mut c = scenario(quiet_pool(2, 0), vec![], HOUR);
        c.faults = vec![ResizeFault {
            from: 0,
            until: 30 * MINUTE,
            pool: "pool".into(),
            code: (*name).into(),
            reason: Some(INTERNAL_ERROR.into()),
        }];
        g.scene(name, SIZES, simulate(c), |sim| {
            if *name == code::RemoveFailed {
                sim.run_until(10 * MINUTE);
                sim.act(&resize(0, Dealloc::Requeue)).unwrap();
            }
            sim.run_until(31 * MINUTE);
            let _ = sim.act(&resize(1, Dealloc::Requeue));
            sim.run();
        });
    }
    g.scene("ResizeStopped, by a user", SIZES, simulate(scenario(quiet_pool(2, 0), vec![], HOUR)), |sim| {
        sim.run_until(MINUTE / 2);
        sim.act(&Action::StopResize { pool: "pool".into() }).unwrap();
        sim.run();
    });
    let mut c = scenario(quiet_pool(2, 0), vec![], HOUR);
    c.pools[0].latency.alloc_median = 20 * MINUTE;
    g.scene("AllocationTimedout, by waiting", SIZES, simulate(c), run);
    let mut c = scenario(quiet_pool(2, 0), vec![], HOUR);
    c.capacity =
        vec![CapacityStep { from: 0, vm: None, dedicated: Some(1), spot: None, code: "BatchOutOfCapacity".into() }];
    g.scene("BatchOutOfCapacity, by the region", SIZES, simulate(c), run);
    g.compare();
}

#[test]
fn node_states() {
    let mut g = Golden::new(
        "node_states.txt",
        "# Every transition of a node: two dedicated nodes (0, 1), two Spot nodes (2, 3)",
    );
    for walk in walks() {
        let mut lines = None;
        let sim = walk.play(|sim| lines = Some(listen(sim)));
        g.write(walk.title, &["node"], sim, lines.unwrap());
    }
    g.compare();
}

#[test]
fn preparation_tasks() {
    let mut g =
        Golden::new("preparation.txt", "# A job preparation task: its node when it fails, and what waits for it");
    let mut scene = |title: &str, failure: f64, nodes: u32, wait_for_success: bool| {
        let tasks = (0..2).map(|i| TaskConfig::new(format!("{i}"), 0, 10 * MINUTE)).collect();
        let mut j = job("j", tasks);
        j.preparation = Some(PreparationTask { duration: MINUTE, failure, wait_for_success, rerun_on_reboot: true });
        g.scene(title, ALL, simulate(scenario(quiet_pool(nodes, 0), vec![j], HOUR)), run);
    };
    scene("it fails on one of two nodes: both tasks run on the other", 0.5, 2, true);
    scene("it fails on the only node: the job stalls", 1.0, 1, true);
    scene("nobody waits for its success: the tasks run", 1.0, 1, false);
    g.compare();
}
