//! Many runs over a space of settings: which points, which are done, what came of them.
//!
//! In: dimensions, a way to choose points, a file of finished runs. Out: points to run; lines to append. Never: a finished run
//! done again or lost: every line is appended whole, and a torn last line is cut off before going on.

use crate::{
    Evaluator, Options, Outcome,
    outcome::present,
    report::measures::Measures,
    sim::autoscale::{Compiler, FormulaAutoscaler},
};
use poolcast_runtime::snapshot::Snapshot;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Mutex,
};

/// One thing that is varied.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// A knob, or a placeholder of a formula.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// What a dimension may take.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// These, as text.
    List(Vec<String>),
    /// Between two numbers, in that many steps when a grid is asked for.
    Range(f64, f64, u32),
}

/// How points are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// Every combination.
    Grid,
    /// That many, independently.
    Random(u32),
    /// That many, each range cut into as many strata, each stratum used once.
    LatinHypercube(u32),
}

/// Reads `name=a,b,c`, `name=lo..hi` or `name=lo..hi:steps`.
pub fn dimension(text: &str) -> Result<Dimension, String> {
    let (name, values) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not NAME=VALUES, such as cap=5,10,20 or sampler.loss=0..0.2:5"))?;
    let name = name.trim().trim_start_matches("{{").trim_end_matches("}}").trim().to_string();
    if let Some((low, rest)) = values.split_once("..") {
        let (high, steps) = rest.split_once(':').map_or((rest, "5"), |(h, s)| (h, s));
        let number = |t: &str| t.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        let steps = steps.trim().parse::<u32>().ok().filter(|s| (1..=10_000).contains(s));
        return match (number(low), number(high), steps) {
            (Some(a), Some(b), Some(s)) if a <= b => Ok(Dimension { name, values: Values::Range(a, b, s) }),
            _ => Err(format!("`{values}` is not a range; write lo..hi or lo..hi:steps")),
        };
    }
    let list: Vec<String> = values.split(',').map(|v| v.trim().to_string()).filter(|v| !v.is_empty()).collect();
    if list.is_empty() {
        Err(format!("`{name}` has no values"))
    } else {
        Ok(Dimension { name, values: Values::List(list) })
    }
}

/// A number of a range of `n` steps as text: whole numbers when both ends are whole and the range has room for the steps.
fn between(a: f64, b: f64, n: u32, share: f64) -> String {
    let x = a + (b - a) * share;
    if a.fract() == 0.0 && b.fract() == 0.0 && b - a >= f64::from(n) - 1.0 {
        format!("{}", x.round())
    } else {
        format!("{x}")
    }
}

/// The points of a sweep: one text per dimension.
pub fn points(dimensions: &[Dimension], sampling: Sampling, seed: u64) -> Vec<Vec<String>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x7377_6565_7000);
    let mut uniform = move || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    match sampling {
        Sampling::Grid => {
            let mut all = vec![Vec::new()];
            for d in dimensions {
                let values = match &d.values {
                    Values::List(list) => list.clone(),
                    Values::Range(a, b, n) => (0..*n)
                        .map(|k| between(*a, *b, *n, if *n > 1 { k as f64 / (*n - 1) as f64 } else { 0.0 }))
                        .collect(),
                };
                all = all
                    .into_iter()
                    .flat_map(|p: Vec<String>| values.iter().map(move |v| [p.clone(), vec![v.clone()]].concat()))
                    .collect();
            }
            all.dedup();
            all
        }
        Sampling::Random(n) => (0..n).map(|_| dimensions.iter().map(|d| pick(d, uniform())).collect()).collect(),
        Sampling::LatinHypercube(n) => {
            let mut columns = Vec::new();
            for d in dimensions {
                let mut strata: Vec<u32> = (0..n).collect();
                for i in (1..strata.len()).rev() {
                    strata.swap(i, (uniform() * (i + 1) as f64) as usize);
                }
                columns
                    .push(strata.into_iter().map(|s| pick(d, (s as f64 + uniform()) / n as f64)).collect::<Vec<_>>());
            }
            (0..n as usize).map(|i| columns.iter().map(|c| c[i].clone()).collect()).collect()
        }
    }
}

fn pick(d: &Dimension, share: f64) -> String {
    match &d.values {
        Values::List(list) => list[((share * list.len() as f64) as usize).min(list.len() - 1)].clone(),
        Values::Range(a, b, n) => between(*a, *b, *n, share),
    }
}

/// Puts values into a formula's `{{name}}` placeholders.
pub fn fill(formula: &str, values: &BTreeMap<&str, &str>) -> Result<String, String> {
    let mut out = String::with_capacity(formula.len());
    let mut rest = formula;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            return Err("a `{{` of the formula is not closed".into());
        };
        match values.get(name.trim()) {
            Some(v) => out.push_str(v),
            None => {
                return Err(format!(
                    "the formula has a placeholder `{{{{{}}}}}` without values; add --over {}=…",
                    name.trim(),
                    name.trim()
                ));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// A compiler of formulas whose evaluations keep their targets alone: nobody reads the variables of a thousand runs.
pub fn targets_only(options: Options) -> Compiler {
    Compiler::of_formulas_as(options, |formula, _| {
        Box::new(FormulaAutoscaler::new(formula, |evaluator: &mut Evaluator, snapshot: &Snapshot<'_>| {
            evaluator.targets(snapshot).map(|targets| Outcome::of_targets(targets, present(snapshot)))
        }))
    })
}

/// One finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// One text per dimension.
    pub point: Vec<String>,
    /// Seed.
    pub seed: u64,
    /// What came of it.
    pub measures: Measures,
}

/// A file of finished runs that is only ever appended to.
pub struct Ledger {
    file: Mutex<File>,
    fingerprint: u64,
    /// Runs found in it.
    pub done: Vec<Done>,
    seeds: BTreeMap<Vec<String>, BTreeSet<u64>>,
}

impl Ledger {
    /// Opens or begins a ledger. Runs of another scenario or other dimensions in it are an error, not overwritten.
    pub fn open(path: &Path, dimensions: &[Dimension], fingerprint: u64) -> io::Result<Ledger> {
        let mut header = vec!["run".to_string()];
        header.extend(dimensions.iter().map(|d| d.name.clone()));
        header.push("seed".into());
        header.extend(Measures::ROWS.iter().map(|(name, ..)| name.to_string()));
        let header = line(&header)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // A kill may have torn the last line; what is before it is whole.
        let whole = text.rfind('\n').map_or(0, |i| i + 1);
        if whole < text.len() {
            file.set_len(whole as u64)?;
            file.seek(SeekFrom::End(0))?;
            text.truncate(whole);
        }
        let other = |what: &str| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{what}; name another file with --results, or delete it"),
            )
        };
        if text.is_empty() {
            file.write_all(header.as_bytes())?;
        } else if !text.starts_with(&header) {
            return Err(other("it holds the results of a sweep over other settings"));
        }
        let mut done = Vec::new();
        let n = dimensions.len();
        for record in csv::Reader::from_reader(text.as_bytes()).records() {
            let r = record.map_err(io::Error::other)?;
            let fields: Vec<&str> = r.iter().collect();
            if fields.first() != Some(&format!("{fingerprint:016x}").as_str()) {
                return Err(other("it holds the results of another scenario, formula or trace"));
            }
            let values: Vec<f64> = fields[n + 2..].iter().filter_map(|v| v.parse().ok()).collect();
            let seed = fields[n + 1].parse().map_err(io::Error::other)?;
            done.push(Done {
                point: fields[1..=n].iter().map(|s| s.to_string()).collect(),
                seed,
                measures: Measures::from_values(&values),
            });
        }
        let mut seeds: BTreeMap<Vec<String>, BTreeSet<u64>> = BTreeMap::new();
        for d in &done {
            seeds.entry(d.point.clone()).or_default().insert(d.seed);
        }
        Ok(Ledger { file: Mutex::new(file), fingerprint, done, seeds })
    }

    /// Whether a run is in it.
    pub fn has(&self, point: &[String], seed: u64) -> bool {
        self.seeds.get(point).is_some_and(|s| s.contains(&seed))
    }

    /// Appends a finished run: one write of one whole line.
    pub fn append(&self, run: &Done) -> io::Result<()> {
        let mut fields = vec![format!("{:016x}", self.fingerprint)];
        fields.extend(run.point.iter().cloned());
        fields.push(run.seed.to_string());
        fields.extend(run.measures.values().iter().map(f64::to_string));
        let text = line(&fields)?;
        let mut file = self.file.lock().map_err(|_| io::Error::other("another run failed while writing"))?;
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}

fn line(fields: &[String]) -> io::Result<String> {
    let mut w = csv::Writer::from_writer(Vec::new());
    w.write_record(fields)?;
    let bytes = w.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// A 64-bit digest of whatever decides a run's outcome, besides the point and the seed.
pub fn fingerprint(parts: &[&[u8]]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for b in part.iter().chain(&(part.len() as u64).to_le_bytes()) {
            h = (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_lists_ranges() {
        let d = [dimension("cap=5,10").unwrap(), dimension("sampler.loss=0..1:3").unwrap()];
        let p = points(&d, Sampling::Grid, 0);
        assert_eq!(p.len(), 6);
        assert_eq!(p[1], ["5", "0.5"]);
        assert!(dimension("cap").is_err() && dimension("cap=9..1").is_err() && dimension("cap=").is_err());
        assert_eq!(dimension("{{cap}}=1").unwrap().name, "cap");
    }

    #[test]
    fn a_latin_hypercube_uses_every_stratum_once() {
        let d = [dimension("a=0..0.9999").unwrap(), dimension("b=0..0.9999").unwrap()];
        for column in 0..2 {
            let mut strata: Vec<u32> = points(&d, Sampling::LatinHypercube(10), 3)
                .iter()
                .map(|p| (p[column].parse::<f64>().unwrap() * 10.0 / 0.9999) as u32)
                .collect();
            strata.sort_unstable();
            assert_eq!(strata, (0..10).collect::<Vec<_>>());
        }
        assert_eq!(points(&d, Sampling::Random(4), 3), points(&d, Sampling::Random(4), 3));
    }

    #[test]
    fn placeholders_are_filled_or_named() {
        let values = BTreeMap::from([("cap", "7")]);
        assert_eq!(fill("$A=min({{ cap }}, {{cap}});", &values).unwrap(), "$A=min(7, 7);");
        assert!(fill("$A={{floor}};", &values).unwrap_err().contains("--over floor="));
        assert!(fill("$A={{", &values).is_err());
    }

    #[test]
    fn a_killed_sweep_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.csv");
        let d = [dimension("cap=1,2").unwrap()];
        let run = |cap: &str| Done {
            point: vec![cap.into()],
            seed: 4,
            measures: Measures { cost: 1.5, ..Measures::default() },
        };
        let ledger = Ledger::open(&path, &d, 9).unwrap();
        ledger.append(&run("1")).unwrap();
        drop(ledger);
        // A kill in the middle of a line.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"0000000000000009,2,4,1.").unwrap();
        let ledger = Ledger::open(&path, &d, 9).unwrap();
        assert!(ledger.has(&["1".into()], 4) && !ledger.has(&["2".into()], 4));
        assert_eq!(ledger.done[0].measures.cost, 1.5);
        ledger.append(&run("2")).unwrap();
        drop(ledger);
        assert_eq!(Ledger::open(&path, &d, 9).unwrap().done.len(), 2);
        assert!(Ledger::open(&path, &d, 10).err().unwrap().to_string().contains("another scenario"));
        assert!(Ledger::open(&path, &[dimension("x=1").unwrap()], 9).is_err());
    }
}
