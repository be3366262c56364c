//! Small parts of a scenario that need nothing else: exits, resource use, an availability trace.
//!
//! In: structs of the file. Out: their counterparts in the configuration. Never: an error but of shape.

use super::file::*;
use crate::{sim::config::*, wire::words::shape};

pub(super) fn spot_trace(text: &str) -> Result<(Ms, Vec<bool>), String> {
    #[derive(serde::Deserialize)]
    struct Meta {
        gap_seconds: f64,
    }
    #[derive(serde::Deserialize)]
    struct Trace {
        metadata: Meta,
        data: Vec<f64>,
    }
    let t: Trace = serde_json::from_str(text)
        .map_err(|e| format!("is not an availability trace: {}", shape(&e.to_string(), |_| Vec::new())))?;
    if !(t.metadata.gap_seconds >= 1.0 && t.metadata.gap_seconds < 1e7) || t.data.is_empty() {
        return Err("has no data, or a gap below a second".into());
    }
    Ok(((t.metadata.gap_seconds * 1000.0).round() as Ms, t.data.iter().map(|x| *x > 0.0).collect()))
}

pub(super) fn exit(e: &ExitFile) -> ExitModel {
    ExitModel {
        codes: e.codes.clone(),
        pre_processing_error: e.pre_processing_error.clamp(0.0, 1.0),
        upload_error: e.upload_error.clamp(0.0, 1.0),
    }
}

fn exit_action(job: Option<JobActionFile>, dependency: Option<DependencyFile>) -> ExitAction {
    ExitAction {
        job: job.map(|j| match j {
            JobActionFile::None => JobAction::None,
            JobActionFile::Disable => JobAction::Disable,
            JobActionFile::Terminate => JobAction::Terminate,
        }),
        satisfy: dependency.map(|d| matches!(d, DependencyFile::Satisfy)),
    }
}

pub(super) fn conditions(c: &ExitConditionsFile) -> ExitConditions {
    let one = |a: &ExitActionFile| exit_action(a.job, a.dependency);
    ExitConditions {
        codes: c.codes.iter().map(|x| (x.code, exit_action(x.job, x.dependency))).collect(),
        ranges: c.ranges.iter().map(|x| (x.start, x.end, exit_action(x.job, x.dependency))).collect(),
        pre_processing_error: c.pre_processing_error.as_ref().map(one),
        upload_error: c.upload_error.as_ref().map(one),
        default: c.default.as_ref().map(one),
    }
}

pub(super) fn usage(u: &UsageFile) -> UsageModel {
    fn of(u: &UseFile) -> Usage {
        let m = |x: f64| (x.clamp(0.0, 1e15) * 1000.0).round() as i64;
        Usage {
            cpu: m(u.cpu),
            memory: m(u.memory),
            disk: m(u.disk),
            disk_read: m(u.disk_read),
            disk_write: m(u.disk_write),
            disk_read_ops: m(u.disk_read_ops),
            disk_write_ops: m(u.disk_write_ops),
            net_in: m(u.net_in),
            net_out: m(u.net_out),
        }
    }
    match u {
        UsageFile::Constant { of: x } => UsageModel::Constant(of(x)),
        UsageFile::Uniform { least, most } => UsageModel::Uniform(of(least), of(most)),
        UsageFile::Trace { steps } => {
            let mut steps: Vec<(Ms, Usage)> = steps.iter().map(|(t, u)| (t.0, of(u))).collect();
            steps.sort_by_key(|(t, _)| *t);
            UsageModel::Trace(steps)
        }
    }
}
