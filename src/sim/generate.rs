//! Work that nobody recorded: arrivals, run times and shapes drawn from a seed.
//!
//! In: a description and a seed. Out: a `Workload`. Never: a shared stream: arrivals, run times, slots, exits and edges each
//! draw from their own, so changing one leaves the others as they were.

use super::workload::{Exit, TaskExtra, Workload, WorkloadJob};
use poolcast_runtime::ticks::Ticks;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp, LogNormal, Pareto};

/// One hour in milliseconds.
const HOUR: f64 = 3_600_000.0;

/// When work comes.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// At a constant rate, independently.
    Poisson {
        /// Arrivals per hour.
        per_hour: f64,
    },
    /// At a rate that follows the day: `per_hour` on average, `1 ± amplitude` of it at the peak and twelve hours away.
    Diurnal {
        /// Mean arrivals per hour on a weekday.
        per_hour: f64,
        /// Hour of the day (UTC) of the peak.
        peak_hour: f64,
        /// 0 (flat) to 1 (nothing at night).
        amplitude: f64,
        /// Rate on Saturdays and Sundays, as a part of a weekday's.
        weekend: f64,
    },
    /// Two states: calm and burst, each lasting an exponential time.
    Bursty {
        /// Arrivals per hour in calm.
        calm_per_hour: f64,
        /// Arrivals per hour in a burst.
        burst_per_hour: f64,
        /// Mean length of calm, milliseconds.
        calm_mean_ms: f64,
        /// Mean length of a burst, milliseconds.
        burst_mean_ms: f64,
    },
    /// At equal distances, the first after one of them.
    Every {
        /// Distance, milliseconds.
        period_ms: u64,
    },
    /// Once, at the start.
    Once,
}

/// How long a task runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunTimes {
    /// Always the same, milliseconds.
    Constant(u64),
    /// Exponential with that mean, milliseconds.
    Exponential(f64),
    /// Between two bounds, milliseconds.
    Uniform(u64, u64),
    /// Lognormal: median in milliseconds, σ of the logarithm.
    LogNormal {
        /// Median, milliseconds.
        median_ms: f64,
        /// σ of the natural logarithm.
        sigma: f64,
    },
    /// Pareto: the heavy tail.
    Pareto {
        /// Shortest, milliseconds.
        min_ms: f64,
        /// Tail index; the mean is infinite at 1 and below.
        alpha: f64,
    },
}

/// What one arrival brings.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// One task.
    Single,
    /// A job of that many independent tasks (least, most).
    Bag {
        /// Fewest tasks.
        least: u32,
        /// Most tasks.
        most: u32,
    },
    /// A job of layers; each task depends on some tasks of the layer before.
    Dag {
        /// Layers.
        layers: u32,
        /// Tasks per layer.
        width: u32,
        /// Tasks of the layer before that each depends on.
        fan_in: u32,
    },
}

/// A description of synthetic work.
#[derive(Debug, Clone, PartialEq)]
pub struct Generator {
    /// When work comes.
    pub arrivals: Arrivals,
    /// How long it runs.
    pub run: RunTimes,
    /// Longest run time; draws above are cut.
    pub longest_ms: u64,
    /// (slots, weight); empty is always 1.
    pub slots: Vec<(u16, f64)>,
    /// What one arrival brings.
    pub shape: Shape,
    /// No arrival at or after this, milliseconds.
    pub duration_ms: u64,
    /// No more tasks than this.
    pub most_tasks: u32,
    /// Single tasks go round over that many jobs.
    pub jobs: u32,
    /// Probability that a task ends with exit code 1.
    pub failure: f64,
}

impl Default for Generator {
    fn default() -> Generator {
        Generator {
            arrivals: Arrivals::Poisson { per_hour: 60.0 },
            run: RunTimes::LogNormal { median_ms: 300_000.0, sigma: 1.0 },
            longest_ms: 7 * 86_400_000,
            slots: Vec::new(),
            shape: Shape::Single,
            duration_ms: 86_400_000,
            most_tasks: 10_000_000,
            jobs: 1,
            failure: 0.0,
        }
    }
}

/// What a stream of random numbers is for.
#[derive(Clone, Copy)]
enum Purpose {
    Arrivals = 0x6172_7269,
    Run = 0x0072_756e,
    Slots = 0x736c_6f74,
    Exit = 0x6578_6974,
    Shape = 0x7368_6170,
}

fn keyed(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
    key[16..24].copy_from_slice(b"workload");
    ChaCha8Rng::from_seed(key)
}

/// Uniform on [0, 1), 53 bits.
fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Exponential with a mean; never when the mean is not a positive number.
fn exponential(rng: &mut ChaCha8Rng, mean: f64) -> f64 {
    match Exp::new(1.0 / mean) {
        Ok(d) if mean > 0.0 && mean.is_finite() => d.sample(rng),
        _ => f64::INFINITY,
    }
}

impl Generator {
    /// Draws the work. The same description, seed and epoch give the same work on every machine.
    pub fn generate(&self, seed: u64, epoch: Ticks) -> Workload {
        let mut w = Workload { epoch, ..Workload::default() };
        let mut arrivals = keyed(seed, Purpose::Arrivals);
        let mut draw = Draw {
            g: self,
            run: keyed(seed, Purpose::Run),
            slots: keyed(seed, Purpose::Slots),
            exit: keyed(seed, Purpose::Exit),
        };
        let mut shape = keyed(seed, Purpose::Shape);
        let day = 24.0 * HOUR;
        let start_of_day = (epoch.0.div_euclid(10_000) as f64).rem_euclid(day);
        // 1970-01-01 was a Thursday: day 2 and 3 of the count are a weekend.
        let first_day = epoch.0.div_euclid(10_000 * 86_400_000);
        let mut burst_until = (false, 0.0);
        let mut t = 0.0f64;
        let mut number = 0u32;
        loop {
            t = match &self.arrivals {
                Arrivals::Poisson { per_hour } => t + exponential(&mut arrivals, HOUR / per_hour),
                Arrivals::Diurnal { per_hour, peak_hour, amplitude, weekend } => {
                    // Thinning: candidates at the greatest rate, kept with the share the present rate has of it.
                    let top = per_hour * (1.0 + amplitude.clamp(0.0, 1.0)) * weekend.max(1.0);
                    let mut at = t;
                    loop {
                        at += exponential(&mut arrivals, HOUR / top);
                        if at >= self.duration_ms as f64 {
                            break at;
                        }
                        let clock = start_of_day + at;
                        let hour = clock.rem_euclid(day) / HOUR;
                        let day_number = first_day + (clock / day) as i64;
                        let free = matches!(day_number.rem_euclid(7), 2 | 3);
                        let wave = 1.0
                            + amplitude.clamp(0.0, 1.0) * libm::cos((hour - peak_hour) / 24.0 * std::f64::consts::TAU);
                        let rate = per_hour * wave * if free { *weekend } else { 1.0 };
                        if uniform(&mut arrivals) * top < rate {
                            break at;
                        }
                    }
                }
                Arrivals::Bursty { calm_per_hour, burst_per_hour, calm_mean_ms, burst_mean_ms } => {
                    let mut at = t;
                    loop {
                        let (burst, until) = burst_until;
                        let rate = if burst { *burst_per_hour } else { *calm_per_hour };
                        let next = at + exponential(&mut arrivals, HOUR / rate);
                        if next < until || until >= self.duration_ms as f64 {
                            break next;
                        }
                        // No memory: the wait starts anew at the change of state.
                        at = until;
                        let mean = if burst { *calm_mean_ms } else { *burst_mean_ms };
                        let first = until == 0.0 && !burst;
                        let (state, mean) = if first { (false, *calm_mean_ms) } else { (!burst, mean) };
                        burst_until = (state, until + exponential(&mut arrivals, mean.max(1.0)));
                    }
                }
                Arrivals::Every { period_ms } => t + (*period_ms).max(1) as f64,
                Arrivals::Once if number == 0 => 0.0,
                Arrivals::Once => f64::INFINITY,
            };
            // Not `t >=`: a rate that is not a number must end the loop too.
            if t.is_nan() || t >= self.duration_ms as f64 || w.len() as u32 >= self.most_tasks {
                return w;
            }
            let at = t as u64;
            match &self.shape {
                Shape::Single => {
                    let jobs = self.jobs.max(1);
                    if number < jobs {
                        w.jobs.push(WorkloadJob { id: format!("job-{}", number + 1), priority: 0 });
                    }
                    draw.task(&mut w, at, number % jobs);
                }
                Shape::Bag { least, most } => {
                    let (least, most) = ((*least).max(1), (*most).max(*least).max(1));
                    let n = least + (uniform(&mut shape) * (most - least + 1) as f64) as u32;
                    let job = new_job(&mut w, number);
                    for _ in 0..n.min(self.most_tasks - w.len() as u32) {
                        draw.task(&mut w, at, job);
                    }
                }
                Shape::Dag { layers, width, fan_in } => {
                    let job = new_job(&mut w, number);
                    let width = (*width).max(1);
                    for layer in 0..(*layers).max(1) {
                        let before = (w.len() as u32).saturating_sub(width);
                        for _ in 0..width {
                            let index = w.len() as u32;
                            if index >= self.most_tasks {
                                return w;
                            }
                            draw.task(&mut w, at, job);
                            if layer > 0 {
                                let picks = (*fan_in).clamp(1, width);
                                let mut on: Vec<u32> =
                                    (0..picks).map(|_| before + (uniform(&mut shape) * width as f64) as u32).collect();
                                on.sort_unstable();
                                on.dedup();
                                w.extra
                                    .insert(index, TaskExtra { depends_on: on, instances: 1, ..TaskExtra::default() });
                            }
                        }
                    }
                }
            }
            number += 1;
        }
    }
}

fn new_job(w: &mut Workload, number: u32) -> u32 {
    w.jobs.push(WorkloadJob { id: format!("job-{}", number + 1), priority: 0 });
    w.jobs.len() as u32 - 1
}

struct Draw<'a> {
    g: &'a Generator,
    run: ChaCha8Rng,
    slots: ChaCha8Rng,
    exit: ChaCha8Rng,
}

impl Draw<'_> {
    fn task(&mut self, w: &mut Workload, at: u64, job: u32) {
        let run = match &self.g.run {
            RunTimes::Constant(ms) => *ms as f64,
            RunTimes::Exponential(mean) => exponential(&mut self.run, *mean),
            RunTimes::Uniform(a, b) => *a as f64 + uniform(&mut self.run) * b.saturating_sub(*a) as f64,
            RunTimes::LogNormal { median_ms, sigma } => {
                // The logarithm is libm's, so that every machine agrees on the last bit.
                LogNormal::new(libm::log(median_ms.max(1.0)), sigma.max(0.0))
                    .map_or(*median_ms, |d| d.sample(&mut self.run))
            }
            RunTimes::Pareto { min_ms, alpha } => {
                Pareto::new(min_ms.max(1.0), alpha.max(0.01)).map_or(*min_ms, |d| d.sample(&mut self.run))
            }
        };
        let top = self.g.longest_ms.min(u32::MAX as u64) as f64;
        w.submit_ms.push(at);
        w.run_ms.push(run.clamp(0.0, top) as u32);
        w.slots.push(self.pick_slots());
        w.job.push(job);
        if self.g.failure > 0.0 {
            let fails = uniform(&mut self.exit) < self.g.failure;
            w.exit.push(if fails { Exit::Code(1) } else { Exit::Success });
        }
    }

    fn pick_slots(&mut self) -> u16 {
        let total: f64 = self.g.slots.iter().map(|(_, weight)| weight.max(0.0)).sum();
        if self.g.slots.is_empty() || total <= 0.0 {
            return 1;
        }
        let mut x = uniform(&mut self.slots) * total;
        for (slots, weight) in &self.g.slots {
            x -= weight.max(0.0);
            if x < 0.0 {
                return *slots;
            }
        }
        self.g.slots[self.g.slots.len() - 1].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_rate(g: &Generator) -> f64 {
        let w = g.generate(1, Ticks(0));
        assert!(w.submit_ms.is_sorted());
        w.len() as f64 / (g.duration_ms as f64 / HOUR)
    }

    #[test]
    fn rates_are_what_was_asked() {
        let month = 30 * 86_400_000;
        let poisson =
            Generator { arrivals: Arrivals::Poisson { per_hour: 100.0 }, duration_ms: month, ..Generator::default() };
        assert!((mean_rate(&poisson) - 100.0).abs() < 3.0);
        let diurnal = Arrivals::Diurnal { per_hour: 100.0, peak_hour: 14.0, amplitude: 0.9, weekend: 1.0 };
        assert!((mean_rate(&Generator { arrivals: diurnal, ..poisson.clone() }) - 100.0).abs() < 3.0);
        let bursty = Arrivals::Bursty {
            calm_per_hour: 10.0,
            burst_per_hour: 1000.0,
            calm_mean_ms: 9.0 * HOUR,
            burst_mean_ms: HOUR,
        };
        let rate = mean_rate(&Generator { arrivals: bursty, ..poisson.clone() });
        assert!((70.0..150.0).contains(&rate), "{rate}");
        assert_eq!(mean_rate(&Generator { arrivals: Arrivals::Poisson { per_hour: f64::NAN }, ..poisson }), 0.0);
    }

    #[test]
    fn the_day_shows_and_weekends_are_quiet() {
        let g = Generator {
            arrivals: Arrivals::Diurnal { per_hour: 200.0, peak_hour: 12.0, amplitude: 1.0, weekend: 0.1 },
            duration_ms: 28 * 86_400_000,
            ..Generator::default()
        };
        // Monday 2024-01-01.
        let w = g.generate(3, Ticks(1_704_067_200_000 * 10_000));
        let at = |ms: &u64| ((ms / 3_600_000) % 24, (ms / 86_400_000) % 7);
        let noon = w.submit_ms.iter().filter(|t| (10..14).contains(&at(t).0)).count();
        let night = w.submit_ms.iter().filter(|t| at(t).0 >= 22 || at(t).0 < 2).count();
        let saturday = w.submit_ms.iter().filter(|t| at(t).1 == 5).count();
        let monday = w.submit_ms.iter().filter(|t| at(t).1 == 0).count();
        assert!(noon > 20 * night && monday > 5 * saturday, "{noon} {night} {monday} {saturday}");
    }

    #[test]
    fn one_stream_per_purpose() {
        let g = Generator::default();
        let other = Generator {
            run: RunTimes::Pareto { min_ms: 1000.0, alpha: 1.5 },
            slots: vec![(1, 1.0), (4, 1.0)],
            ..g.clone()
        };
        let (a, b) = (g.generate(7, Ticks(0)), other.generate(7, Ticks(0)));
        assert_eq!(a.submit_ms, b.submit_ms);
        assert_ne!(a.run_ms, b.run_ms);
        assert_ne!(a.submit_ms, g.generate(8, Ticks(0)).submit_ms);
        assert!(b.slots.contains(&4) && b.slots.contains(&1));
    }

    #[test]
    fn a_dag_depends_backwards_only() {
        let g = Generator {
            arrivals: Arrivals::Once,
            shape: Shape::Dag { layers: 4, width: 5, fan_in: 2 },
            ..Generator::default()
        };
        let w = g.generate(1, Ticks(0));
        assert_eq!((w.len(), w.jobs.len(), w.extra.len()), (20, 1, 15));
        for (i, x) in &w.extra {
            let layer = i / 5;
            assert!(x.depends_on.iter().all(|d| d / 5 == layer - 1), "{i} {:?}", x.depends_on);
        }
    }
}
