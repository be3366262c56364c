//! Formulas side by side under the same luck.
//!
//! In: runs of every contender under the same seeds. Out: means, paired differences with their confidence, winners, the
//! front of cost against wait. Never: a comparison of runs that did not share their randomness.

use crate::report::measures::{Better, Measures};

/// Runs of several contenders: `runs[contender][seed]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Names.
    pub names: Vec<String>,
    /// Seeds, the same for all.
    pub seeds: Vec<u64>,
    /// What came of them.
    pub runs: Vec<Vec<Measures>>,
}

/// A mean and the half width of its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Mean.
    pub mean: f64,
    /// Half width; none for a single run.
    pub half: Option<f64>,
}

impl Estimate {
    /// Of a sample.
    pub fn of(values: &[f64]) -> Estimate {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n.max(1.0);
        if values.len() < 2 {
            return Estimate { mean, half: None };
        }
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        Estimate { mean, half: Some(student(values.len() - 1) * (variance / n).sqrt()) }
    }

    /// Whether zero is outside the interval.
    pub fn is_sure(&self) -> bool {
        self.half.is_some_and(|h| self.mean.abs() > h)
    }
}

/// 97.5 % quantile of Student's distribution.
fn student(freedom: usize) -> f64 {
    const T: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    match freedom {
        0 => f64::INFINITY,
        f if f <= 30 => T[f - 1],
        // Hill's first correction of the normal quantile: three digits from here on.
        f => 1.96 + 2.37 / f as f64,
    }
}

impl Comparison {
    /// Values of one measure, by seed.
    fn values(&self, contender: usize, row: usize) -> Vec<f64> {
        self.runs[contender].iter().map(|m| m.values()[row]).collect()
    }

    /// Mean of a measure.
    pub fn estimate(&self, contender: usize, row: usize) -> Estimate {
        Estimate::of(&self.values(contender, row))
    }

    /// Difference to the first contender, seed by seed: common luck cancels.
    pub fn difference(&self, contender: usize, row: usize) -> Estimate {
        let (a, b) = (self.values(0, row), self.values(contender, row));
        Estimate::of(&a.iter().zip(&b).map(|(a, b)| b - a).collect::<Vec<_>>())
    }

    /// Which contenders do the work; see [`does_the_work`].
    pub fn does_the_work(&self) -> Vec<bool> {
        let mean = |c: usize, f: &dyn Fn(&Measures) -> f64| {
            self.runs[c].iter().map(f).sum::<f64>() / (self.runs[c].len() as f64).max(1.0)
        };
        let undone: Vec<f64> = (0..self.names.len()).map(|c| mean(c, &|m| m.unfinished)).collect();
        does_the_work(&undone, if self.names.is_empty() { 0.0 } else { mean(0, &|m| m.tasks) })
    }

    /// The best contender of a measure among those that do the work; none when it has no better side or all are equal.
    pub fn winner(&self, row: usize) -> Option<usize> {
        let (_, _, _, better) = Measures::ROWS[row];
        let works = self.does_the_work();
        let means: Vec<f64> = (0..self.names.len()).map(|c| self.estimate(c, row).mean).collect();
        if means.iter().all(|m| *m == means[0]) {
            return None;
        }
        let by = |a: &usize, b: &usize| means[*a].total_cmp(&means[*b]);
        match better {
            Better::Less => (0..means.len()).filter(|c| works[*c]).min_by(by),
            Better::More => (0..means.len()).filter(|c| works[*c]).max_by(by),
            Better::Neither => None,
        }
    }
}

/// The share of all tasks that one contender may leave undone beyond the best: what the end of the run cuts off by chance.
const CUT_OFF: f64 = 0.01;

/// Which contenders do the work, by how many of the tasks each leaves undone. A pool that never starts anything is cheap,
/// and nobody is seen waiting in it: it must not win.
pub fn does_the_work(undone: &[f64], tasks: f64) -> Vec<bool> {
    let least = undone.iter().copied().fold(f64::INFINITY, f64::min);
    undone.iter().map(|u| u - least <= tasks * CUT_OFF).collect()
}

/// Which points do the work and are beaten in both numbers (less is better) by no other that does; equal points stay.
pub fn front(points: &[(f64, f64)], works: &[bool]) -> Vec<bool> {
    let far = |(p, works): (&(f64, f64), &bool)| if *works { *p } else { (f64::INFINITY, f64::INFINITY) };
    let judged: Vec<(f64, f64)> = points.iter().zip(works).map(far).collect();
    pareto(&judged).into_iter().zip(works).map(|(on, works)| on && *works).collect()
}

/// Which points no other point beats in both numbers (less is better); equal points stay.
pub fn pareto(points: &[(f64, f64)]) -> Vec<bool> {
    points.iter().map(|(x, y)| !points.iter().any(|(a, b)| a <= x && b <= y && (a < x || b < y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(costs: &[f64]) -> Vec<Measures> {
        costs.iter().map(|c| Measures { cost: *c, succeeded: 10.0, ..Measures::default() }).collect()
    }

    #[test]
    fn common_luck_cancels_in_the_difference() {
        let c = Comparison {
            names: vec!["a".into(), "b".into()],
            seeds: vec![1, 2, 3],
            runs: vec![runs(&[10.0, 20.0, 30.0]), runs(&[9.0, 19.1, 28.9])],
        };
        assert!(!Estimate { mean: -1.0, ..c.estimate(0, 0) }.is_sure(), "costs differ widely from seed to seed");
        let d = c.difference(1, 0);
        assert!((d.mean + 1.0).abs() < 1e-9 && d.is_sure());
        assert_eq!((c.winner(0), c.winner(13)), (Some(1), None));
    }

    #[test]
    fn the_front_has_what_nothing_beats() {
        assert_eq!(
            pareto(&[(1.0, 9.0), (2.0, 3.0), (3.0, 3.0), (9.0, 1.0), (1.0, 9.0)]),
            [true, true, false, true, true]
        );
        assert!(pareto(&[]).is_empty());
    }

    #[test]
    fn who_does_nothing_does_not_win() {
        let run = |cost: f64, unfinished: f64| vec![Measures { cost, unfinished, tasks: 500.0, ..Measures::default() }];
        let c = Comparison {
            names: ["dear", "idle", "good"].map(String::from).into(),
            seeds: vec![1],
            runs: vec![run(9.0, 3.0), run(0.0, 500.0), run(5.0, 5.0)],
        };
        assert_eq!(c.does_the_work(), [true, false, true], "a few tasks cut off by the end are no reason");
        assert_eq!(c.winner(0), Some(2));
        assert_eq!(front(&[(9.0, 1.0), (0.0, 0.0), (5.0, 2.0)], &c.does_the_work()), [true, false, true]);
    }

    #[test]
    fn one_run_has_no_confidence() {
        assert_eq!(Estimate::of(&[3.0]), Estimate { mean: 3.0, half: None });
        assert!((student(1) - 12.706).abs() < 1e-9 && (student(1000) - 1.962).abs() < 1e-3);
    }
}
