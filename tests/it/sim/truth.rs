//! Exactness and closed forms: strict order against recorded starts, queueing theory, Little's law.

use super::support::*;
use poolcast::sim::{Simulation, autoscale::Compiler, config::*, workload::Workload};
use std::{collections::BTreeMap, io::Read, path::PathBuf, sync::Arc};

/// A file of the shared data; none (and one line) where it is missing.
fn shared(name: &str) -> Option<String> {
    let base = std::env::var("POOLCAST_SHARED")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = base.join("data").join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("{} is not there: passed over", path.display());
        return None;
    };
    let mut text = String::new();
    if name.ends_with(".gz") {
        #[cfg(feature = "serde")]
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).ok()?;
        #[cfg(not(feature = "serde"))]
        return None;
    } else {
        (&bytes[..]).read_to_string(&mut text).ok()?;
    }
    Some(text)
}

/// One node of so many slots, everything at once, no overtaking.
fn bare(slots: u32, nodes: u32, horizon: Ms) -> Config {
    let mut p = instant_pool(nodes, 0);
    p.vm.vcpus = 64;
    p.task_slots = slots;
    p.strict_order = true;
    p.sampler.period = DAY;
    let mut c = scenario(p, vec![], horizon);
    c.accounts[0].dedicated_cores = 1_000_000;
    c.output.series_every = 0;
    c
}

#[test]
fn strict_order_matches_every_recorded_start() {
    let (Some(swf), Some(starts)) =
        (shared("swf/NASA-iPSC-1993-3.1-cln.swf"), shared("reference/nasa-ipsc.P128.starts.csv.gz"))
    else {
        return;
    };
    let mut rows: Vec<(u64, u64, u64, u16)> = swf
        .lines()
        .filter(|l| !l.starts_with(';') && !l.trim().is_empty())
        .filter_map(|l| {
            let f: Vec<i64> = l.split_whitespace().filter_map(|x| x.parse::<f64>().ok()).map(|x| x as i64).collect();
            let procs = if f[4] > 0 { f[4] } else { f[7] };
            (f[3] > 0 && procs > 0 && procs <= 128).then(|| (f[1] as u64, f[0] as u64, f[3] as u64, procs as u16))
        })
        .collect();
    rows.sort_unstable();
    let w = work(rows.iter().map(|(at, _, run, procs)| (at * 1000, *run as u32 * 1000, *procs)));
    let mut sim = Simulation::new(bare(128, 1, 200 * DAY), w, Compiler::none()).unwrap();
    sim.run();
    let mut simulated = vec![-1i64; rows.len()];
    for r in sim.output().tasks.iter() {
        simulated[r.id as usize] = r.start / 1000;
    }
    let recorded: Vec<i64> =
        starts.lines().skip(1).map(|l| l.rsplit(',').next().and_then(|x| x.parse().ok()).unwrap_or(-2)).collect();
    assert_eq!(recorded.len(), simulated.len());
    let wrong = recorded.iter().zip(&simulated).filter(|(a, b)| a != b).count();
    assert_eq!(wrong, 0, "{wrong} of {} starts differ", recorded.len());
}

/// Mean wait in mean service times, and its 99 % half-width from batch means.
fn queue(servers: u32, rho: f64, n: usize, constant: bool) -> (f64, f64) {
    use poolcast::sim::rng::{Draw, Purpose};
    let service = 1_000_000.0;
    let mut luck = Draw::keyed(42, Purpose::Exit, u64::from(servers));
    let mut at = 0.0;
    let w = work((0..n).map(|_| {
        at += luck.exponential(service / rho / f64::from(servers));
        let run = if constant { service } else { luck.exponential(service) };
        (at as u64, run as u32, 1)
    }));
    let mut sim = Simulation::new(bare(1, servers, i64::MAX / 8), w, Compiler::none()).unwrap();
    let end = sim.workload().submit_ms.last().copied().unwrap_or(0) as i64;
    sim.run_until(end + 1_000 * service as i64);
    let mut waits = vec![0.0; n];
    for r in sim.output().tasks.iter() {
        waits[r.id as usize] = (r.start - r.created) as f64 / service;
    }
    let warm = &waits[n / 10..];
    let batch = warm.len() / 30;
    let means: Vec<f64> = warm.chunks_exact(batch).map(|b| b.iter().sum::<f64>() / batch as f64).collect();
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let var = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (means.len() - 1) as f64;
    (mean, 2.76 * (var / means.len() as f64).sqrt())
}

#[test]
fn waits_agree_with_erlang_c_and_pollaczek_khinchine() {
    let (Some(mmc), Some(mg1)) = (shared("reference/mmc.csv"), shared("reference/mg1.csv")) else { return };
    let mut expected: BTreeMap<(bool, u32, String), f64> = BTreeMap::new();
    for l in mmc.lines().skip(1) {
        let f: Vec<&str> = l.split(',').collect();
        expected.insert((false, f[0].parse().unwrap(), f[1].into()), f[4].parse().unwrap());
    }
    for l in mg1.lines().skip(1).filter(|l| l.starts_with("M/D/1")) {
        let f: Vec<&str> = l.split(',').collect();
        expected.insert((true, 1, f[1].into()), f[3].parse().unwrap());
    }
    for (constant, servers) in [(false, 1), (false, 10), (true, 1)] {
        for rho in ["0.5", "0.8", "0.95"] {
            let want = expected[&(constant, servers, rho.to_string())];
            let n = if rho == "0.95" { 2_000_000 } else { 200_000 };
            let (mean, half) = queue(servers, rho.parse().unwrap(), n, constant);
            assert!(
                (mean - want).abs() <= half + 0.002,
                "c={servers} rho={rho} D={constant}: {mean} ± {half}, want {want}"
            );
        }
    }
}

#[test]
fn littles_law() {
    let w = work((0..500u64).map(|i| (i * 60_000, 60_000 + (i as u32 * 7919) % 200_000, 1)));
    let mut c = bare(1, 2, 20 * HOUR);
    c.pools[0].sampler.period = 1000;
    c.output.series_every = 1;
    let mut sim = Simulation::new(c, w, Compiler::none()).unwrap();
    sim.run();
    // The area under "tasks in the system" is the sum of their times in it: the sampled integral must agree to a second a task.
    let area: i64 = sim.output().series.iter().map(|r| (r.active + r.running) * 1000).sum();
    let sojourn: i64 = sim.output().tasks.iter().map(|r| r.end - r.created).sum();
    assert_eq!(sim.output().tasks.len(), 500);
    assert!((area - sojourn).abs() <= 500 * 1000, "{area} {sojourn}");
}

#[test]
fn cost_is_the_sum_of_spans_and_records_are_small() {
    assert!(size_of::<poolcast::sim::output::TaskRecord>() <= 64);
    let mut sim = simulate(scenario(instant_pool(2, 0), vec![job("j", vec![TaskConfig::new("t", 0, HOUR)])], 2 * HOUR));
    sim.run();
    // Two nodes for two hours at 0.272 an hour.
    assert_eq!(sim.summary().cost(), [4 * 272_000, 0]);
    let _: Arc<Workload> = Arc::default();
}
