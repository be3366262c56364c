//! Scenario files, TOML or JSON, one schema.
//!
//! In: a file. Out: a `Config` and its workload, ready to simulate; or every problem found, each with its path into the
//! file, what is allowed and the nearest name. Never: a default (knob rows have them), a rule of the pool.
//!
//! Shape errors come from serde with `serde_path_to_error`. Knobs are not fields: [`keys`] takes them out first and the
//! knob table judges them, so a new row is a new key without a line here.

mod actions;
mod build;
mod file;
mod file_actions;
pub mod fragment;
pub(super) mod keys;
mod leaves;
pub mod schema;
mod work;

use crate::{
    sim::{config::Config, workload::Workload},
    wire::import::ImportReport,
};
use std::{fmt, path::Path};

/// The schema version this program reads.
pub const VERSION: u32 = 1;

/// One thing wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScenarioError {
    /// Path into the file, e.g. `pools[0].vm_size`; empty for the file as a whole.
    pub path: String,
    /// What was found.
    pub message: String,
    /// What is allowed, or the nearest name; may be empty.
    pub help: String,
}

impl ScenarioError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> ScenarioError {
        ScenarioError { path: path.into(), message: message.into(), help: String::new() }
    }
    pub(crate) fn help(mut self, help: impl Into<String>) -> ScenarioError {
        self.help = help.into();
        self
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// Everything wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioErrors {
    /// The file.
    pub file: String,
    /// At least one.
    pub errors: Vec<ScenarioError>,
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, e) in self.errors.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}: {e}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioErrors {}

/// A scenario ready to run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name: the file's `name`, else the file's own.
    pub name: String,
    /// What it is about, in the author's words.
    pub about: String,
    /// What the simulator is told.
    pub config: Config,
    /// The bulk work.
    pub workload: Workload,
    /// How the work was imported, when it was.
    pub imported: Option<ImportReport>,
    /// Where prices come from.
    pub prices: String,
}

/// Changes a command line makes to a scenario before it is built.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Another formula for every pool that has one (or for all, when none has).
    pub formula: Option<String>,
    /// Another workload file, `FILE[:format]`.
    pub workload: Option<String>,
    /// Other processors per task slot.
    pub cpus_per_slot: Option<u32>,
    /// Another seed.
    pub seed: Option<u64>,
    /// Another horizon, as a duration.
    pub until: Option<String>,
    /// `knob=value` settings.
    pub set: Vec<String>,
    /// Another price file.
    pub prices: Option<String>,
    /// Another region of the prices.
    pub region: Option<String>,
}

/// Reads a scenario file and everything it names (formulas, traces, prices), relative to the file.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Scenario, ScenarioErrors> {
    let file = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => {
            return Err(ScenarioErrors { file, errors: vec![ScenarioError::new("", format!("cannot read: {e}"))] });
        }
    };
    let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    parse(&text, json, &base, &stem, overrides).map_err(|errors| ScenarioErrors { file, errors })
}

/// Reads a scenario from text; `base` is where the files it names are looked for.
pub fn parse(
    text: &str,
    json: bool,
    base: &Path,
    name: &str,
    overrides: &Overrides,
) -> Result<Scenario, Vec<ScenarioError>> {
    let value = keys::value_of(text, json).map_err(|e| vec![e])?;
    let (value, knobs) = keys::split(value)?;
    let file: file::ScenarioFile = serde_path_to_error::deserialize(value).map_err(|e| vec![keys::shape_error(&e)])?;
    build::build(file, knobs, base, name, overrides)
}
