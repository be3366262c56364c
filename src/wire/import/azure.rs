//! What `az batch … -o json` prints: tasks, jobs, a pool, nodes, an account.
//!
//! In: one document, an array, a `{"value": […]}` page, or several of those after one another (one listing per job).
//! Out: a workload, or facts of the other kinds. Never: `commandLine`, `environmentSettings`, `resourceFiles`, user
//! identities: [`Doc`] has no field for them and the reader skips what it has no field for.
//!
//! Mapping of tasks (pool.md §13.3): creationTime → submission; endTime − startTime → run time of the **last** attempt;
//! startTime − creationTime → recorded wait (with earlier attempts in it when there were any, which is counted).

use super::{
    Imported, Options, Problem,
    az_doc::{DependsOn, Doc},
    builder::{Builder, ImportReport, Origin, Row},
    done,
};
use crate::{
    sim::workload::Exit,
    wire::{time, words::shape},
};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::{
    collections::BTreeMap,
    fmt,
    io::{BufReader, Read},
    marker::PhantomData,
};

/// Quotas of an account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// The account's name.
    pub name: String,
    /// Dedicated cores, all families.
    pub dedicated_cores: Option<u64>,
    /// Spot or low-priority cores.
    pub low_priority_cores: Option<u64>,
    /// Dedicated cores per VM family.
    pub per_family: Vec<(String, u64)>,
    /// Whether the per-family limits apply.
    pub per_family_enforced: bool,
    /// Pools.
    pub pools: Option<u64>,
    /// Active jobs and schedules.
    pub active_jobs: Option<u64>,
    /// Whether nodes come from the user's subscription.
    pub user_subscription: bool,
}

/// Settings of a pool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pool {
    /// Id.
    pub id: String,
    /// VM size.
    pub vm_size: String,
    /// Task slots per node.
    pub slots: u32,
    /// Targets: dedicated, low priority.
    pub targets: [u32; 2],
    /// The autoscale formula, when it scales by one.
    pub formula: Option<String>,
    /// Interval between evaluations, milliseconds.
    pub interval_ms: Option<u64>,
    /// Resize timeout, milliseconds.
    pub resize_timeout_ms: Option<u64>,
    /// Fill nodes up before using the next.
    pub pack: bool,
    /// Nodes talk to each other.
    pub inter_node: bool,
}

/// Facts of a node, for calibration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Id.
    pub id: String,
    /// State at the time of the listing.
    pub state: String,
    /// When that state began, ms since 1970.
    pub since: Option<i64>,
    /// When the VM was allocated.
    pub allocated: Option<i64>,
    /// When it last booted.
    pub booted: Option<i64>,
    /// When the start task began and ended.
    pub start_task: Option<(i64, i64)>,
    /// Whether it is dedicated.
    pub dedicated: bool,
}

/// A job without its tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Job {
    /// Id.
    pub id: String,
    /// Priority.
    pub priority: i32,
    /// Pool.
    pub pool: String,
    /// Created, ms since 1970.
    pub created: Option<i64>,
    /// Ended.
    pub ended: Option<i64>,
    /// Whether tasks may depend on each other.
    pub dependencies: bool,
}

/// Hands every document of a JSON text to a function, one at a time.
pub(in crate::wire) fn each<T, F>(body: impl Read, mut take: F) -> Result<(), Problem>
where
    T: for<'de> Deserialize<'de>,
    F: FnMut(T, u64) -> Result<(), Problem>,
{
    struct Feed<'a, T, F>(&'a mut F, &'a mut u64, &'a mut Option<Problem>, PhantomData<T>);
    impl<T, F> Feed<'_, T, F>
    where
        F: FnMut(T, u64) -> Result<(), Problem>,
    {
        fn hand<E: de::Error>(&mut self, doc: T) -> Result<(), E> {
            *self.1 += 1;
            (self.0)(doc, *self.1).map_err(|p| {
                *self.2 = Some(p);
                E::custom("stopped")
            })
        }
    }
    impl<'de, T, F> Visitor<'de> for Feed<'_, T, F>
    where
        T: Deserialize<'de>,
        F: FnMut(T, u64) -> Result<(), Problem>,
    {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object or an array of objects")
        }
        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(doc) = seq.next_element::<T>()? {
                self.hand(doc)?;
            }
            Ok(())
        }
        fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
            let doc = T::deserialize(MapAccessDeserializer::new(map))?;
            self.hand(doc)
        }
    }
    impl<'de, T, F> DeserializeSeed<'de> for Feed<'_, T, F>
    where
        T: Deserialize<'de>,
        F: FnMut(T, u64) -> Result<(), Problem>,
    {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
            d.deserialize_any(self)
        }
    }
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, body));
    let (mut count, mut stopped) = (0, None);
    while json.end().is_err() {
        let fed = Feed(&mut take, &mut count, &mut stopped, PhantomData::<T>).deserialize(&mut json);
        if let Some(problem) = stopped {
            return Err(problem);
        }
        fed.map_err(|e| {
            let what = shape(&e.to_string(), |_| Vec::new());
            Problem::row(e.line() as u64, format!("not the JSON expected here (column {}): {what}", e.column()))
        })?;
    }
    Ok(())
}

pub(super) fn read(body: impl Read, _head: &[u8], options: &Options) -> Result<(Imported, ImportReport), Problem> {
    let mut read = Reading { b: Builder::new(options.names), ..Reading::default() };
    each::<Doc, _>(body, |doc, n| read.take(doc, n, options))?;
    read.finish()
}

#[derive(Default)]
struct Reading {
    b: Builder,
    ids: BTreeMap<(String, String), u32>,
    edges: Vec<(u32, String, DependsOn)>,
    nodes: Vec<Node>,
    jobs: Vec<Job>,
    pool: Option<Pool>,
    account: Option<Account>,
}

impl Reading {
    fn take(&mut self, mut doc: Doc, n: u64, options: &Options) -> Result<(), Problem> {
        if let Some(page) = doc.value.take() {
            return page.into_iter().try_for_each(|d| self.take(d, n, options));
        }
        if let Some(inner) = doc.properties.take() {
            // The management plane nests everything but the name.
            let name = doc.name.take();
            return self.take(Doc { name, ..*inner }, n, options);
        }
        self.b.report.rows += 1;
        if doc.dedicated_core_quota.is_some() || doc.pool_quota.is_some() {
            self.account = Some(account(doc));
        } else if doc.allocation_time.is_some() || doc.scheduling_state.is_some() {
            self.nodes.push(node(doc, n)?);
        } else if doc.vm_size.is_some() || doc.allocation_state.is_some() {
            self.pool = Some(pool(doc, n)?);
        } else if doc.pool_info.is_some() || doc.on_all_tasks_complete.is_some() || doc.uses_task_dependencies.is_some()
        {
            self.jobs.push(job(doc, n)?);
        } else if doc.creation_time.is_some() {
            self.task(doc, n, options)?;
        } else {
            self.b.report.skip("not a task, job, pool, node or account", n);
        }
        Ok(())
    }

    fn task(&mut self, doc: Doc, n: u64, options: &Options) -> Result<(), Problem> {
        let id = doc.id.unwrap_or_default();
        let job = doc.url.as_deref().and_then(job_of).unwrap_or_default();
        let run = doc.execution_info.unwrap_or_default();
        let created = instant(&doc.creation_time, "creationTime", n)?;
        let started = instant(&run.start_time, "executionInfo.startTime", n)?;
        let ended = instant(&run.end_time, "executionInfo.endTime", n)?;
        let Some(created) = created else {
            self.b.report.skip("no creation time", n);
            return Ok(());
        };
        let Some((started, ended)) = started.zip(ended) else {
            self.b.report.skip("not finished: run time unknown", n);
            return Ok(());
        };
        let failed = run.result.as_deref().is_some_and(|r| r.eq_ignore_ascii_case("failure"))
            || run.exit_code.is_some_and(|c| c != 0);
        if failed && !options.keep_failed {
            self.b.report.skip("failed", n);
            return Ok(());
        }
        if run.retry_count.unwrap_or(0) > 0 {
            self.b.report.adjust(
                "retried: only the last attempt's run time is in the list, its wait includes the earlier ones",
                n,
            );
        }
        if run.requeue_count.unwrap_or(0) > 0 {
            self.b.report.adjust("requeued: the recorded wait includes the lost attempts", n);
        }
        let row = Row {
            submit_ms: created,
            run_ms: (ended - started).max(0) as u64,
            slots: doc.required_slots.unwrap_or(1),
            job: job.as_bytes(),
            name: Some(id.as_bytes()),
            exit: if failed { Exit::Code(run.exit_code.filter(|c| *c != 0).unwrap_or(1)) } else { Exit::Success },
            wait_ms: Some((started - created).max(0) as u64),
            ..Row::default()
        };
        let index = self.b.push(row, n);
        if let Some(k) = doc.multi_instance_settings.and_then(|m| m.number_of_instances).filter(|k| *k > 1) {
            self.b.extra(index).instances = k;
        }
        if let Some(c) = doc.constraints {
            if let Some(retries) = c.max_task_retry_count.filter(|r| *r != 0) {
                self.b.extra(index).max_retries = Some(retries);
            }
            // The service writes its largest duration for "no limit".
            if let Some(limit) =
                span(&c.max_wall_clock_time, "constraints.maxWallClockTime", n)?.filter(|ms| *ms < NO_LIMIT_MS)
            {
                self.b.extra(index).max_wall_clock_ms = Some(limit);
            }
        }
        if let Some(on) = doc.depends_on {
            self.edges.push((index, job.clone(), on));
        }
        self.ids.insert((job, id), index);
        Ok(())
    }

    fn finish(mut self) -> Result<(Imported, ImportReport), Problem> {
        for (task, job, on) in std::mem::take(&mut self.edges) {
            let ranges = on.task_id_ranges.unwrap_or_default();
            let ranged = ranges
                .iter()
                .filter(|r| r.end - r.start < 1_000_000)
                .flat_map(|r| r.start..=r.end)
                .map(|i| i.to_string());
            for id in on.task_ids.unwrap_or_default().into_iter().chain(ranged) {
                match self.ids.get(&(job.clone(), id)) {
                    Some(other) if *other != task => self.b.extra(task).depends_on.push(*other),
                    _ => self.b.report.adjust(
                        "a dependency on a task that is not in the list, or was left out, is dropped",
                        task as u64 + 1,
                    ),
                }
            }
        }
        let report = |b: Builder| b.report;
        let kinds = [
            !self.b.is_empty(),
            !self.nodes.is_empty(),
            self.pool.is_some(),
            !self.jobs.is_empty(),
            self.account.is_some(),
        ];
        if kinds.iter().filter(|k| **k).count() > 1 {
            return Err(Problem::row(0, "mixes tasks, jobs, pools, nodes or accounts")
                .help("export each kind to a file of its own"));
        }
        if let Some(account) = self.account {
            return Ok((Imported::Account(account), report(self.b)));
        }
        if let Some(pool) = self.pool {
            return Ok((Imported::Pool(pool), report(self.b)));
        }
        if !self.nodes.is_empty() {
            return Ok((Imported::Nodes(self.nodes), report(self.b)));
        }
        if !self.jobs.is_empty() {
            return Ok((Imported::Jobs(self.jobs), report(self.b)));
        }
        if self.b.is_empty()
            && self.b.report.rows
                == self.b.report.skipped.get("not a task, job, pool, node or account").map_or(0, |s| s.count)
        {
            return Err(Problem::row(0, "holds no task, job, pool, node or account")
                .help("use the output of `az batch task list --job-id ID -o json`"));
        }
        self.b
            .report
            .note("run time is that of the last attempt: the task list holds no other (service-log events do)");
        done(self.b, Origin::Unix)
    }
}

const NO_LIMIT_MS: u64 = 100 * 365 * 86_400_000;

/// `…/jobs/ID/tasks/…` → ID.
fn job_of(url: &str) -> Option<String> {
    let rest = url.split_once("/jobs/")?.1;
    Some(rest.split('/').next()?.to_string())
}

pub(super) fn instant(text: &Option<String>, field: &str, row: u64) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    time::instant(text.as_bytes())
        .map(Some)
        .ok_or_else(|| Problem::field(row, field, text.as_bytes(), "an ISO 8601 instant"))
}

fn span(text: &Option<String>, field: &str, row: u64) -> Result<Option<u64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    time::duration(text.as_bytes())
        .map(Some)
        .ok_or_else(|| Problem::field(row, field, text.as_bytes(), "a duration: ISO 8601 (PT15M) or Python (0:15:00)"))
}

fn account(d: Doc) -> Account {
    Account {
        name: d.name.or(d.id).unwrap_or_default(),
        dedicated_cores: d.dedicated_core_quota,
        low_priority_cores: d.low_priority_core_quota,
        per_family: d
            .dedicated_core_quota_per_vm_family
            .unwrap_or_default()
            .into_iter()
            .map(|f| (f.name, f.core_quota))
            .collect(),
        per_family_enforced: d.dedicated_core_quota_per_vm_family_enforced.unwrap_or(false),
        pools: d.pool_quota,
        active_jobs: d.active_job_and_job_schedule_quota,
        user_subscription: d.pool_allocation_mode.is_some_and(|m| m.eq_ignore_ascii_case("UserSubscription")),
    }
}

fn pool(d: Doc, n: u64) -> Result<Pool, Problem> {
    let scale = d.scale_settings.unwrap_or_default();
    let (fixed, auto) = (scale.fixed_scale.unwrap_or_default(), scale.auto_scale.unwrap_or_default());
    let targets = [
        d.target_dedicated_nodes.or(fixed.target_dedicated_nodes),
        d.target_low_priority_nodes.or(fixed.target_low_priority_nodes),
    ];
    Ok(Pool {
        id: d.id.or(d.name).unwrap_or_default(),
        vm_size: d.vm_size.unwrap_or_default(),
        slots: d.task_slots_per_node.unwrap_or(1),
        targets: targets.map(|t| t.unwrap_or(0)),
        formula: d.auto_scale_formula.or(auto.formula),
        interval_ms: span(
            &d.auto_scale_evaluation_interval.or(auto.evaluation_interval),
            "autoScaleEvaluationInterval",
            n,
        )?,
        resize_timeout_ms: span(&d.resize_timeout.or(fixed.resize_timeout), "resizeTimeout", n)?,
        pack: d.task_scheduling_policy.and_then(|p| p.node_fill_type).is_some_and(|t| t.eq_ignore_ascii_case("pack")),
        inter_node: match d.enable_inter_node_communication {
            Some(serde_json::Value::Bool(b)) => b,
            Some(serde_json::Value::String(s)) => s.eq_ignore_ascii_case("enabled"),
            _ => false,
        },
    })
}

fn node(d: Doc, n: u64) -> Result<Node, Problem> {
    let start_task = match d.start_task_info {
        Some(i) => {
            instant(&i.start_time, "startTaskInfo.startTime", n)?.zip(instant(&i.end_time, "startTaskInfo.endTime", n)?)
        }
        None => None,
    };
    Ok(Node {
        id: d.id.unwrap_or_default(),
        state: d.state.unwrap_or_default().to_ascii_lowercase(),
        since: instant(&d.state_transition_time, "stateTransitionTime", n)?,
        allocated: instant(&d.allocation_time, "allocationTime", n)?,
        booted: instant(&d.last_boot_time, "lastBootTime", n)?,
        start_task,
        dedicated: d.is_dedicated.unwrap_or(true),
    })
}

fn job(d: Doc, n: u64) -> Result<Job, Problem> {
    Ok(Job {
        id: d.id.unwrap_or_default(),
        priority: d.priority.unwrap_or(0),
        pool: d.pool_info.and_then(|p| p.pool_id).unwrap_or_default(),
        created: instant(&d.creation_time, "creationTime", n)?,
        ended: instant(&d.execution_info.and_then(|e| e.end_time), "executionInfo.endTime", n)?,
        dependencies: d.uses_task_dependencies.unwrap_or(false),
    })
}
