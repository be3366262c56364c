//! Boot latency and preemption hazard out of what really happened.
//!
//! In: resizes of a service log, or a list of nodes. Out: fitted distributions with the data beside them. Never: a fit of
//! fewer than three values, or one that is not compared with its data.

use crate::wire::import::{
    azure::Node,
    events::{NodeLog, Resize},
};
use std::collections::BTreeMap;

/// A lognormal fit and how well it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// What was fitted.
    pub what: &'static str,
    /// The knobs it gives: median and σ.
    pub knobs: (&'static str, Option<&'static str>),
    /// Median, ms.
    pub median_ms: f64,
    /// σ of the natural logarithm.
    pub sigma: f64,
    /// Data, ascending, ms.
    pub data: Vec<f64>,
    /// Greatest distance between the fitted and the observed distribution (Kolmogorov–Smirnov).
    pub distance: f64,
}

/// A hazard per hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hazard {
    /// Preemptions seen.
    pub events: u64,
    /// Hours Spot nodes were exposed.
    pub hours: f64,
    /// Probability of eviction within an hour.
    pub per_hour: f64,
}

impl Hazard {
    /// The constant rate under which so many events in so many hours are likeliest.
    fn of(events: u64, hours: f64) -> Option<Hazard> {
        (hours > 0.0).then(|| Hazard { events, hours, per_hour: 1.0 - libm::exp(-(events as f64) / hours) })
    }
}

/// What calibration found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// Fits.
    pub fits: Vec<Fit>,
    /// Preemption.
    pub hazard: Option<Hazard>,
    /// What was left out or assumed.
    pub notes: Vec<String>,
}

/// Fits a lognormal by the moments of the logarithm. None below three positive values.
pub fn lognormal(what: &'static str, knobs: (&'static str, Option<&'static str>), data: &[f64]) -> Option<Fit> {
    let mut data: Vec<f64> = data.iter().copied().filter(|x| *x > 0.0 && x.is_finite()).collect();
    if data.len() < 3 {
        return None;
    }
    data.sort_by(f64::total_cmp);
    let logs: Vec<f64> = data.iter().map(|x| libm::log(*x)).collect();
    let n = logs.len() as f64;
    let mu = logs.iter().sum::<f64>() / n;
    let sigma = (logs.iter().map(|l| (l - mu) * (l - mu)).sum::<f64>() / (n - 1.0)).sqrt();
    let cdf = |l: f64| {
        if sigma > 0.0 { 0.5 * libm::erfc(-(l - mu) / (sigma * std::f64::consts::SQRT_2)) } else { f64::from(l >= mu) }
    };
    let distance = logs
        .iter()
        .enumerate()
        .map(|(i, l)| (cdf(*l) - i as f64 / n).abs().max((cdf(*l) - (i + 1) as f64 / n).abs()))
        .fold(0.0, f64::max);
    Some(Fit { what, knobs, median_ms: libm::exp(mu), sigma, data, distance })
}

impl Fit {
    /// Observed and fitted value at a share.
    pub fn at(&self, share: f64, z: f64) -> (f64, f64) {
        let observed = crate::report::term::percentile(&self.data, share).unwrap_or(0.0);
        (observed, self.median_ms * libm::exp(self.sigma * z))
    }
}

/// From a service log: how long growth took until the pool was steady, and the Spot nodes that were gone when the next
/// resize began.
pub fn of_log(log: &NodeLog) -> Calibration {
    let resizes = &log.resizes;
    let mut c = Calibration { hazard: lost_between(resizes), ..Calibration::default() };
    let grown: Vec<f64> = resizes
        .iter()
        .filter(|r| r.grown() > 0 && r.result.eq_ignore_ascii_case("success"))
        .map(|r| (r.end - r.start) as f64)
        .collect();
    let rest = resizes.len() - grown.len();
    if rest > 0 {
        c.notes.push(format!(
            "{rest} of {} resizes shrank or ended with an error and say nothing about booting",
            resizes.len()
        ));
    }
    match lognormal("resize to steady", ("latency.alloc_median", Some("latency.alloc_sigma")), &grown) {
        Some(fit) => {
            c.notes.push("a resize is steady when its last node is: for resizes of many nodes this is slower than one node's allocation".into());
            c.fits.push(fit);
        }
        None => {
            c.notes.push(format!("{} successful growing resizes are too few for a fit; three are needed", grown.len()))
        }
    }
    if c.hazard.is_some() {
        c.notes.push(format!(
            "preemption is counted from Spot nodes that were gone between two resizes, which is the least there was: nodes given back in time are not seen ({} attempts were requeued)",
            log.requeued
        ));
    }
    c
}

/// No event tells a preemption. But nobody else takes nodes from a pool between the end of one resize and the beginning of
/// the next, so what is missing then was preempted.
fn lost_between(resizes: &[Resize]) -> Option<Hazard> {
    let mut pools: BTreeMap<&str, Vec<&Resize>> = BTreeMap::new();
    for r in resizes {
        pools.entry(&r.pool).or_default().push(r);
    }
    let (mut events, mut hours) = (0, 0.0);
    for list in pools.values_mut() {
        list.sort_by_key(|r| r.start);
        for pair in list.windows(2) {
            let (there, left) = (pair[0].after[1].max(0), pair[1].before[1].max(0));
            let lost = (there - left).max(0);
            events += lost as u64;
            // When they went is not known: on average half way.
            let gap = (pair[1].start - pair[0].end).max(0) as f64 / 3.6e6;
            hours += gap * (there as f64 - lost as f64 / 2.0);
        }
    }
    Hazard::of(events, hours)
}

/// From a list of nodes: boot, start task, preemption.
pub fn of_nodes(nodes: &[Node]) -> Calibration {
    let mut c = Calibration::default();
    let boot: Vec<f64> = nodes
        .iter()
        .filter_map(|n| Some((n.booted? - n.allocated?) as f64))
        .filter(|ms| *ms > 0.0 && *ms < 3.6e6)
        .collect();
    match lognormal("allocation to boot", ("latency.starting", Some("latency.starting_sigma")), &boot) {
        Some(fit) => c.fits.push(fit),
        None => c.notes.push(format!(
            "{} nodes with allocationTime before lastBootTime are too few for a fit; three are needed",
            boot.len()
        )),
    }
    let start: Vec<f64> = nodes.iter().filter_map(|n| n.start_task).map(|(a, b)| (b - a) as f64).collect();
    c.fits.extend(lognormal("start task", ("start_task.duration", Some("start_task.sigma")), &start));
    let failed = nodes.iter().filter(|n| n.state == "starttaskfailed").count();
    if failed > 0 {
        c.notes.push(format!("{failed} of {} nodes are in starttaskfailed", nodes.len()));
    }
    let spot: Vec<&Node> = nodes.iter().filter(|n| !n.dedicated).collect();
    // A listing is taken at one instant; the youngest state change is the nearest thing to it in the file.
    let listed = nodes.iter().filter_map(|n| n.since).max();
    if let Some(listed) = listed.filter(|_| !spot.is_empty()) {
        let mut hours = 0.0;
        let mut events = 0;
        for n in &spot {
            let Some(from) = n.allocated else { continue };
            let gone = n.state == "preempted";
            let to = if gone { n.since.unwrap_or(listed) } else { listed };
            hours += (to - from).max(0) as f64 / 3.6e6;
            events += u64::from(gone);
        }
        c.hazard = Hazard::of(events, hours);
        if c.hazard.is_some() {
            c.notes.push("preemption is counted from nodes that are preempted now; nodes restored or removed since are not in the list".into());
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lognormal_is_found_again() {
        // Quantiles of a lognormal with median 240 s and σ 0.42, at z of equal shares.
        let z = [-1.645, -1.036, -0.674, -0.385, -0.126, 0.126, 0.385, 0.674, 1.036, 1.645];
        let data: Vec<f64> = z.iter().map(|z| 240_000.0 * f64::exp(0.42 * z)).collect();
        let fit = lognormal("x", ("latency.alloc_median", None), &data).unwrap();
        assert!(
            (fit.median_ms - 240_000.0).abs() < 1.0 && (fit.sigma - 0.42).abs() < 0.03 && fit.distance < 0.1,
            "{fit:?}"
        );
        assert_eq!(lognormal("x", ("a", None), &[1.0, 2.0]), None);
    }

    #[test]
    fn spot_nodes_gone_between_resizes_were_preempted() {
        let resize = |pool: &str, start: i64, end: i64, before: i64, after: i64| Resize {
            pool: pool.into(),
            start: start * 3_600_000,
            end: end * 3_600_000,
            before: [0, before],
            after: [0, after],
            result: "Success".into(),
            ..Resize::default()
        };
        // Ten nodes for four hours, two of them gone by then; the other pool lost none in two. Order in the log is free.
        let log = NodeLog {
            resizes: vec![
                resize("a", 5, 6, 8, 12),
                resize("b", 0, 1, 0, 5),
                resize("a", 0, 1, 0, 10),
                resize("b", 3, 4, 5, 0),
            ],
            requeued: 3,
        };
        let c = of_log(&log);
        let h = c.hazard.unwrap();
        assert_eq!((h.events, h.hours), (2, 4.0 * 9.0 + 2.0 * 5.0));
        assert!(c.notes.iter().any(|n| n.contains("3 attempts were requeued")), "{:?}", c.notes);
        assert_eq!(of_log(&NodeLog::default()).hazard, None);
    }

    #[test]
    fn hazard_counts_exposure_until_eviction() {
        let node = |state: &str, since: i64| Node {
            state: state.into(),
            since: Some(since),
            allocated: Some(0),
            dedicated: false,
            ..Node::default()
        };
        let c = of_nodes(&[node("preempted", 3_600_000), node("idle", 36_000_000)]);
        let h = c.hazard.unwrap();
        assert_eq!((h.events, h.hours), (1, 11.0));
        assert!((h.per_hour - (1.0 - f64::exp(-1.0 / 11.0))).abs() < 1e-12);
    }
}
