//! Parts of a scenario out of facts: an account, a pool, jobs, a calibration.
//!
//! In: what was imported or fitted. Out: TOML with the names a scenario file uses. Never: a key the scenario reader does not
//! know (a test reads every fragment back).

use crate::{
    sim::knobs::show_duration,
    wire::import::azure::{Account, Job, Pool},
};
use std::fmt::Write;

/// Text as a TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

/// `[[accounts]]`.
pub fn account(a: &Account) -> String {
    let mut out = format!("[[accounts]]\nid = {}\n", quoted(if a.name.is_empty() { "account" } else { &a.name }));
    if a.user_subscription {
        out.push_str("mode = \"usersubscription\"\n");
    }
    for (key, value) in [
        ("dedicated_cores", a.dedicated_cores),
        ("spot_cores", a.low_priority_cores),
        ("pools", a.pools.map(|n| n.min(500))),
        ("active_jobs", a.active_jobs.map(|n| n.min(1000))),
    ] {
        if let Some(n) = value {
            let _ = writeln!(out, "{key} = {n}");
        }
    }
    let _ = writeln!(out, "per_family_enforced = {}", a.per_family_enforced);
    if !a.per_family.is_empty() {
        out.push_str("\n[accounts.families]\n");
        for (name, cores) in &a.per_family {
            let _ = writeln!(out, "{} = {cores}", quoted(name));
        }
    }
    out
}

/// `[[pools]]`.
pub fn pool(p: &Pool) -> String {
    let mut out = format!(
        "[[pools]]\nid = {}\nvm_size = {}\ntask_slots_per_node = {}\n",
        quoted(&p.id),
        quoted(&p.vm_size),
        p.slots
    );
    if p.pack {
        out.push_str("fill_type = \"pack\"\n");
    }
    if p.inter_node {
        out.push_str("inter_node = true\n");
    }
    if let Some(ms) = p.resize_timeout_ms {
        let _ = writeln!(out, "resize_timeout = \"{}\"", show_duration(ms as i64));
    }
    match &p.formula {
        Some(formula) => {
            let _ = writeln!(out, "formula = {}", quoted(formula));
            if let Some(ms) = p.interval_ms {
                let _ = writeln!(out, "autoscale.interval = \"{}\"", show_duration(ms as i64));
            }
        }
        None => {
            let _ = writeln!(out, "target_dedicated = {}\ntarget_spot = {}", p.targets[0], p.targets[1]);
        }
    }
    out
}

/// `[[jobs]]`, without tasks.
pub fn jobs(list: &[Job]) -> String {
    let mut out = String::new();
    for j in list {
        let _ = writeln!(
            out,
            "[[jobs]]\nid = {}\npriority = {}\nuses_task_dependencies = {}",
            quoted(&j.id),
            j.priority,
            j.dependencies
        );
        if !j.pool.is_empty() {
            let _ = writeln!(out, "pool = {}", quoted(&j.pool));
        }
        out.push('\n');
    }
    out
}
