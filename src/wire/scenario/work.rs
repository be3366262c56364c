//! The work of a scenario: a trace it names, or a generator it describes.
//!
//! In: the file's `workload`, the command line's. Out: a `Workload`. Never: a guess when both or neither fit.

use super::{Overrides, build::Build, file::*, keys::near};
use crate::{
    sim::{
        config::*,
        generate::{Arrivals, Generator, RunTimes, Shape},
        workload::Workload,
    },
    wire::{
        import::{self, Format, ImportReport, Options, RunTime},
        time,
    },
};
use std::path::PathBuf;

impl Build<'_> {
    pub(super) fn workload(
        &mut self,
        file: &mut ScenarioFile,
        config: &mut Config,
        over: &Overrides,
        epoch: Option<i64>,
    ) -> (Workload, Option<ImportReport>) {
        let none = (Workload::default(), None);
        if let Some(j) = file.workload.as_ref().and_then(|w| w.job.as_ref()) {
            let job = self.job(j, "workload.job");
            config.workload_job = job;
        }
        let mut options = Options::default();
        if let Some(w) = &file.workload {
            options.cpus_per_slot = w.cpus_per_slot.unwrap_or(1).max(1);
            options.keep_failed = w.keep_failed.unwrap_or(true);
            options.run_time = match w.run_time {
                Some(RunTimeFile::Occupied) => RunTime::Occupied,
                _ => RunTime::Realtime,
            };
        }
        options.cpus_per_slot = over.cpus_per_slot.unwrap_or(options.cpus_per_slot);
        let (path, at): (PathBuf, &str) = match (&over.workload, &file.workload) {
            (Some(spec), _) => {
                // Instead of the scenario's work: its jobs stay, their tasks do not.
                let scheduled = config.schedules.iter_mut().map(|s| &mut s.job);
                config.jobs.iter_mut().chain(scheduled).for_each(|j| j.tasks.clear());
                let (name, format) = import::split_spec(spec);
                options.format = format;
                (PathBuf::from(name), "--workload")
            }
            (None, Some(w)) => match (&w.file, &w.generate) {
                (Some(_), Some(_)) => {
                    self.fail("workload.generate", "stands beside `file`", "give one of them");
                    return none;
                }
                (None, Some(g)) => return (self.generate(g, config, epoch), None),
                (None, None) => return none,
                (Some(name), None) => {
                    if let Some(f) = &w.format {
                        options.format = Format::named(f);
                        if options.format.is_none() {
                            let names: Vec<&str> = Format::ALL.iter().map(|(n, _)| *n).collect();
                            self.fail("workload.format", format!("`{f}` is not a format"), near(f, &names));
                        }
                    }
                    (self.base.join(name), "workload.file")
                }
            },
            (None, None) => return none,
        };
        match import::workload(&path, &options) {
            Ok((w, report)) => (w, Some(report)),
            Err(e) => {
                self.fail(at, ImportErrorLine(&e).to_string(), e.problem.help.clone());
                none
            }
        }
    }

    fn generate(&mut self, g: &GenerateFile, config: &Config, epoch: Option<i64>) -> Workload {
        let ms = |d: &Dur| d.0.max(0) as u64;
        let generator = Generator {
            arrivals: match &g.arrivals {
                ArrivalsFile::Poisson { per_hour } => Arrivals::Poisson { per_hour: *per_hour },
                ArrivalsFile::Diurnal { per_hour, peak_hour, amplitude, weekend } => Arrivals::Diurnal {
                    per_hour: *per_hour,
                    peak_hour: peak_hour.unwrap_or(14.0),
                    amplitude: amplitude.unwrap_or(0.8),
                    weekend: weekend.unwrap_or(1.0),
                },
                ArrivalsFile::Bursty { calm_per_hour, burst_per_hour, calm_mean, burst_mean } => Arrivals::Bursty {
                    calm_per_hour: *calm_per_hour,
                    burst_per_hour: *burst_per_hour,
                    calm_mean_ms: calm_mean.0 as f64,
                    burst_mean_ms: burst_mean.0 as f64,
                },
                ArrivalsFile::Every { period } => Arrivals::Every { period_ms: ms(period) },
                ArrivalsFile::Once {} => Arrivals::Once,
            },
            run: match &g.run {
                RunFile::Constant { time } => RunTimes::Constant(ms(time)),
                RunFile::Exponential { mean } => RunTimes::Exponential(mean.0 as f64),
                RunFile::Uniform { least, most } => RunTimes::Uniform(ms(least), ms(most)),
                RunFile::Lognormal { median, sigma } => {
                    RunTimes::LogNormal { median_ms: median.0 as f64, sigma: *sigma }
                }
                RunFile::Pareto { least, alpha } => RunTimes::Pareto { min_ms: least.0 as f64, alpha: *alpha },
            },
            shape: match &g.shape {
                Some(ShapeFile::Bag { least, most }) => Shape::Bag { least: *least, most: *most },
                Some(ShapeFile::Dag { layers, width, fan_in }) => {
                    Shape::Dag { layers: *layers, width: *width, fan_in: *fan_in }
                }
                Some(ShapeFile::Single {}) | None => Shape::Single,
            },
            slots: g.slots.clone(),
            duration_ms: ms(&g.duration),
            longest_ms: g.longest.as_ref().map_or(Generator::default().longest_ms, ms),
            most_tasks: g.most_tasks.unwrap_or(10_000_000),
            jobs: g.jobs.unwrap_or(1),
            failure: g.failure.unwrap_or(0.0).clamp(0.0, 1.0),
        };
        if g.duration.0 >= NEVER {
            self.fail("workload.generate.duration", "is never", "say how long work keeps coming, such as P7D");
            return Workload::default();
        }
        let epoch = time::ticks_from_unix_ms(epoch.unwrap_or(time::DEFAULT_EPOCH_UNIX_MS));
        generator.generate(g.seed.unwrap_or(config.seed), epoch)
    }
}

/// An import error on one line, without its help.
struct ImportErrorLine<'a>(&'a import::ImportError);

impl std::fmt::Display for ImportErrorLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.lines().next().unwrap_or(""))
    }
}
