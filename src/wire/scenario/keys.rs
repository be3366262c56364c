//! Knobs out of the tree, before serde sees it.
//!
//! In: text. Out: a value without knobs, and the knobs by the path of the object they stand in. Never: a list of knobs: the
//! table in `sim::knobs` is the only one.

use super::{ScenarioError, schema};
use crate::{
    sim::knobs::{Access, KNOBS, Knob},
    wire::words,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What kind of object a knob may stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Root,
    Account,
    Pool,
    Job,
    Release,
    Task,
    Schedule,
}

impl Scope {
    pub(crate) fn of(knob: &Knob) -> Scope {
        match knob.access {
            Access::Sim(_) => Scope::Root,
            Access::Account(_) => Scope::Account,
            Access::Pool(_) => Scope::Pool,
            Access::Job(_) => Scope::Job,
            Access::Release(_) => Scope::Release,
            Access::Task(_) => Scope::Task,
            Access::Schedule(_) => Scope::Schedule,
        }
    }

    /// The group whose keys stand bare in this object.
    pub(crate) fn bare(self) -> &'static [&'static str] {
        match self {
            Scope::Root => &["rng"],
            Scope::Account => &["quota", "account"],
            Scope::Pool => &["pool"],
            Scope::Job => &["job"],
            Scope::Release => &["job_release"],
            Scope::Task => &["task"],
            Scope::Schedule => &["schedule"],
        }
    }

    /// The knobs of this kind of object, with the group and key each has in a file (no group: bare).
    pub(crate) fn knobs(self) -> impl Iterator<Item = (Option<&'static str>, &'static str, &'static Knob)> {
        KNOBS.iter().filter(move |k| Scope::of(k) == self && k.path != "capacity.process").map(move |k| {
            let (group, key) = k.path.split_once('.').unwrap_or(("", k.path));
            (if self.bare().contains(&group) { None } else { Some(group) }, key, k)
        })
    }
}

/// A knob set in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    /// `sampler.loss`.
    pub knob: &'static str,
    /// The value as text.
    pub text: String,
    /// Where it stands.
    pub at: String,
}

/// Settings by the path of the object they stand in.
pub(crate) type Settings = BTreeMap<String, Vec<Setting>>;

/// Text to a tree. TOML dates become text.
pub(crate) fn value_of(text: &str, json: bool) -> Result<Value, ScenarioError> {
    if json {
        return serde_json::from_str(text).map_err(|e| ScenarioError::new("", format!("not JSON: {e}")));
    }
    let mut value: Value =
        toml::from_str(text).map_err(|e| ScenarioError::new("", format!("not TOML: {}", e.to_string().trim_end())))?;
    dates(&mut value);
    Ok(value)
}

fn dates(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(date) = map.get("$__toml_private_datetime").cloned() {
                *value = date;
                return;
            }
            map.values_mut().for_each(dates);
        }
        Value::Array(list) => list.iter_mut().for_each(dates),
        _ => {}
    }
}

/// Takes the knobs out.
pub(crate) fn split(mut value: Value) -> Result<(Value, Settings), Vec<ScenarioError>> {
    let (mut found, mut errors) = (Settings::new(), Vec::new());
    walk(&mut value, String::new(), Scope::Root, &mut found, &mut errors);
    if errors.is_empty() { Ok((value, found)) } else { Err(errors) }
}

/// Objects inside an object, by key, and what they are. The only knowledge of the tree's shape here.
const INSIDE: [(Scope, &str, Scope); 13] = [
    (Scope::Root, "accounts", Scope::Account),
    (Scope::Root, "pools", Scope::Pool),
    (Scope::Root, "jobs", Scope::Job),
    (Scope::Root, "schedules", Scope::Schedule),
    (Scope::Job, "tasks", Scope::Task),
    (Scope::Job, "release", Scope::Release),
    (Scope::Schedule, "job", Scope::Job),
    (Scope::Root, "workload.job", Scope::Job),
    (Scope::Root, "actions[].new_pool", Scope::Pool),
    (Scope::Root, "actions[].new_job", Scope::Job),
    (Scope::Root, "actions[].new_task", Scope::Task),
    (Scope::Job, "auto_pool.pool", Scope::Pool),
    (Scope::Job, "manager.task", Scope::Task),
];

fn walk(value: &mut Value, path: String, scope: Scope, found: &mut Settings, errors: &mut Vec<ScenarioError>) {
    match value {
        Value::Array(list) => {
            for (i, item) in list.iter_mut().enumerate() {
                walk(item, format!("{path}[{i}]"), scope, found, errors);
            }
        }
        Value::Object(map) => {
            take(map, &path, scope, found, errors);
            for (_, route, kind) in INSIDE.iter().filter(|(s, _, _)| *s == scope) {
                follow(map, &path, route, *kind, found, errors);
            }
        }
        _ => {}
    }
}

/// Goes down `a.b` and `a[].b`.
fn follow(
    map: &mut Map<String, Value>,
    path: &str,
    route: &str,
    kind: Scope,
    found: &mut Settings,
    errors: &mut Vec<ScenarioError>,
) {
    let (head, rest) = route.split_once('.').map_or((route, None), |(h, r)| (h, Some(r)));
    let key = head.trim_end_matches("[]");
    let Some(inner) = map.get_mut(key) else { return };
    let here = join(path, key);
    match (rest, inner) {
        (None, inner) => walk(inner, here, kind, found, errors),
        (Some(rest), Value::Array(list)) => {
            for (i, item) in list.iter_mut().enumerate() {
                if let Value::Object(m) = item {
                    follow(m, &format!("{here}[{i}]"), rest, kind, found, errors);
                }
            }
        }
        (Some(rest), Value::Object(m)) => follow(m, &here, rest, kind, found, errors),
        _ => {}
    }
}

pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_string() } else { format!("{path}.{key}") }
}

fn take(map: &mut Map<String, Value>, path: &str, scope: Scope, found: &mut Settings, errors: &mut Vec<ScenarioError>) {
    let mut put = |knob: &'static Knob, at: String, value: &Value, errors: &mut Vec<ScenarioError>| {
        let text = match value {
            Value::String(s) => s.clone(),
            Value::Number(n) => n.to_string(),
            Value::Bool(b) => b.to_string(),
            other => {
                let kind = if other.is_array() { "a list" } else { "a table" };
                errors.push(ScenarioError::new(at, format!("is {kind}")).help(format!("write {}", knob.allowed())));
                return;
            }
        };
        found.entry(path.to_string()).or_default().push(Setting { knob: knob.path, text, at });
    };
    let keys: Vec<String> = map.keys().cloned().collect();
    for key in keys {
        if let Some((_, _, knob)) = scope.knobs().find(|(g, k, _)| g.is_none() && *k == key) {
            if let Some(value) = map.remove(&key) {
                put(knob, join(path, &key), &value, errors);
            }
            continue;
        }
        let group: Vec<(&str, &'static Knob)> =
            scope.knobs().filter(|(g, _, _)| *g == Some(key.as_str())).map(|(_, k, knob)| (k, knob)).collect();
        if group.is_empty() || INSIDE.iter().any(|(s, route, _)| *s == scope && *route == key) {
            continue;
        }
        match map.remove(&key) {
            Some(Value::Object(inner)) => {
                for (name, value) in &inner {
                    let at = format!("{}.{name}", join(path, &key));
                    match group.iter().find(|(k, _)| k == name) {
                        Some((_, knob)) => put(knob, at, value, errors),
                        None => {
                            let names: Vec<&str> = group.iter().map(|(k, _)| *k).collect();
                            errors.push(
                                ScenarioError::new(at, format!("no knob `{name}` in `{key}`")).help(near(name, &names)),
                            );
                        }
                    }
                }
            }
            Some(_) => errors.push(
                ScenarioError::new(join(path, &key), "is not a table")
                    .help(format!("it holds {}", group.iter().map(|(k, _)| *k).collect::<Vec<_>>().join(", "))),
            ),
            None => {}
        }
    }
}

/// The nearest name, and what is allowed.
pub(crate) fn near(name: &str, allowed: &[&str]) -> String {
    let lower = name.to_ascii_lowercase();
    let best = allowed.iter().map(|a| (strsim::damerau_levenshtein(&a.to_ascii_lowercase(), &lower), *a)).min();
    let list = allowed.join(", ");
    match best {
        Some((d, near)) if d <= 1 + name.len() / 3 => format!("did you mean `{near}`? allowed: {list}"),
        _ if allowed.is_empty() => "nothing is allowed here".to_string(),
        _ => format!("allowed: {list}"),
    }
}

/// A shape error of serde in our words.
pub(crate) fn shape_error(e: &serde_path_to_error::Error<serde_json::Error>) -> ScenarioError {
    let path = match e.path().to_string() {
        p if p == "." => String::new(),
        p => p,
    };
    let text = e.inner().to_string();
    let Some(rest) = text.strip_prefix("unknown field `") else {
        return ScenarioError::new(path, words::shape(&text, schema::keys_of));
    };
    let name = rest.split('`').next().unwrap_or("").to_string();
    let mut allowed: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
    let scope = scope_at(&path);
    let groups: Vec<&str> = scope.into_iter().flat_map(|s| s.knobs().map(|(g, k, _)| g.unwrap_or(k))).collect();
    for g in groups {
        if !allowed.contains(&g) {
            allowed.push(g);
        }
    }
    let at = if path.ends_with(&name) { path } else { join(&path, &name) };
    ScenarioError::new(at, format!("unknown key `{name}`")).help(near(&name, &allowed))
}

/// What kind of object the parent of a path is.
fn scope_at(path: &str) -> Option<Scope> {
    let parent = match path.rsplit_once('.') {
        Some((parent, _)) => parent,
        None => "",
    };
    if parent.is_empty() {
        return Some(Scope::Root);
    }
    let last = parent.rsplit('.').next().unwrap_or("").split('[').next().unwrap_or("");
    match last {
        "accounts" => Some(Scope::Account),
        "pools" | "pool" | "new_pool" => Some(Scope::Pool),
        "jobs" | "job" | "new_job" => Some(Scope::Job),
        "tasks" | "task" | "new_task" => Some(Scope::Task),
        "release" => Some(Scope::Release),
        "schedules" => Some(Scope::Schedule),
        _ => None,
    }
}
