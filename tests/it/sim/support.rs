//! Scenarios in a few lines.

use poolcast::sim::{
    Simulation,
    autoscale::{Autoscaler, Compiler, FnAutoscaler, outcome},
    config::{Config, JobConfig, MINUTE, Ms, NEVER, PoolConfig, PoolRef, TaskConfig},
    workload::{Workload, WorkloadJob},
};
use poolcast::{DeallocationOption, Metric, Snapshot};
use std::sync::Arc;

/// A pool of fixed size without randomness: VMs after a minute, one second per boot step, tasks start at once.
pub fn quiet_pool(dedicated: u32, spot: u32) -> PoolConfig {
    let mut p = PoolConfig { target_dedicated: dedicated, target_spot: spot, ..PoolConfig::default() };
    p.latency.alloc_median = MINUTE;
    p.latency.alloc_sigma = 0.0;
    p.latency.alloc_rate = 0;
    p.latency.creating = 1000;
    p.latency.starting = 1000;
    p.latency.starting_sigma = 0.0;
    p.latency.outlier = 0.0;
    p.latency.schedule_min = 0;
    p.latency.schedule_max = 0;
    p.sampler.loss = 0.0;
    p.sampler.visibility_sigma = 0;
    p.autoscale.jitter = 0;
    p.spot.eviction_p_per_hour = 0.0;
    p.node.mtbf = NEVER;
    p
}

/// A pool whose nodes are there at once.
pub fn instant_pool(dedicated: u32, spot: u32) -> PoolConfig {
    let mut p = quiet_pool(dedicated, spot);
    p.latency.alloc_median = 0;
    p.latency.creating = 0;
    p.latency.starting = 0;
    p
}

/// A job of explicit tasks.
pub fn job(id: &str, tasks: Vec<TaskConfig>) -> JobConfig {
    JobConfig { id: id.into(), pool: PoolRef::Pool("pool".into()), tasks, ..JobConfig::default() }
}

/// A scenario of one pool.
pub fn scenario(pool: PoolConfig, jobs: Vec<JobConfig>, horizon: Ms) -> Config {
    Config { pools: vec![pool], jobs, horizon, ..Config::default() }
}

/// A workload of one job.
pub fn work(tasks: impl IntoIterator<Item = (u64, u32, u16)>) -> Arc<Workload> {
    let mut w = Workload { jobs: vec![WorkloadJob { id: "work".into(), priority: 0 }], ..Workload::default() };
    for (submit, run, slots) in tasks {
        w.submit_ms.push(submit);
        w.run_ms.push(run);
        w.slots.push(slots);
        w.job.push(0);
    }
    Arc::new(w)
}

/// A simulation without formulas.
pub fn simulate(config: Config) -> Simulation {
    Simulation::new(config, Arc::new(Workload::default()), Compiler::none()).expect("scenario")
}

/// A compiler whose every formula is this function.
pub fn formula<F>(reads: &'static [Metric], f: F) -> Compiler
where
    F: FnMut(&Snapshot<'_>) -> (u32, DeallocationOption) + Clone + Send + Sync + 'static,
{
    Compiler::new(move |_, _| {
        let mut f = f.clone();
        Ok(Box::new(FnAutoscaler::new(reads, move |s| {
            let (target, option) = f(s);
            Ok(outcome(Some(target), None, option))
        })) as Box<dyn Autoscaler>)
    })
}
