//! From the file's structs to a `Config`: meaning, references, files it names.
//!
//! In: structs, knobs, a folder. Out: a scenario, or every problem found. Never: stopping at the first problem.

use super::{
    Overrides, Scenario, ScenarioError, VERSION,
    file::*,
    keys::{Setting, Settings, join, near},
    leaves::{conditions, exit, spot_trace, usage},
};
use crate::{
    sim::{
        config::*,
        knobs::{self, KnobError, parse_duration, show_duration},
        vm::{TABLE_REGION, VmTable},
        workload::Workload,
    },
    wire::{time, vm_prices},
};
use std::{collections::BTreeSet, path::Path};

/// What building needs everywhere.
pub(super) struct Build<'a> {
    pub errors: Vec<ScenarioError>,
    knobs: Settings,
    pub base: &'a Path,
    sizes: VmTable,
    pub accounts: Vec<AccountConfig>,
    pub first_pool: Option<String>,
}

pub(super) fn build(
    mut file: ScenarioFile,
    knobs: Settings,
    base: &Path,
    name: &str,
    over: &Overrides,
) -> Result<Scenario, Vec<ScenarioError>> {
    let mut b = Build {
        errors: Vec::new(),
        knobs,
        base,
        sizes: VmTable::built_in().clone(),
        accounts: Vec::new(),
        first_pool: file.pools.first().map(|p| p.id.clone()),
    };
    if file.version != VERSION {
        b.fail("version", format!("is {}", file.version), format!("this program reads version {VERSION}"));
    }
    let mut config = Config { accounts: Vec::new(), ..Config::default() };
    b.prices(file.prices.take(), over);
    b.root(&mut config, over);
    b.accounts(std::mem::take(&mut file.accounts));
    config.accounts = b.accounts.clone();
    for (i, p) in file.pools.iter().enumerate() {
        let path = format!("pools[{i}]");
        if p.id.is_empty() {
            b.fail(join(&path, "id"), "is missing", "every pool needs an id");
        }
        b.id(&p.id, &path);
        let pool = b.pool(p, &path);
        if config.pools.iter().any(|other| other.id.eq_ignore_ascii_case(&pool.id)) && !pool.id.is_empty() {
            b.fail(
                join(&path, "id"),
                format!("`{}` is there twice", pool.id),
                "ids are compared without regard to case",
            );
        }
        config.pools.push(pool);
    }
    let mut pool_ids: BTreeSet<String> = config.pools.iter().map(|p| p.id.clone()).collect();
    pool_ids.extend(file.actions.iter().filter_map(|a| a.new_pool.as_ref()).map(|p| p.id.clone()));
    let created: Vec<String> = file.actions.iter().filter_map(|a| a.new_job.as_ref()).map(|j| j.id.clone()).collect();
    for (i, j) in file.jobs.iter().enumerate() {
        let path = format!("jobs[{i}]");
        b.id(&j.id, &path);
        let job = b.job(j, &path);
        if config.jobs.iter().any(|other| other.id.eq_ignore_ascii_case(&job.id)) {
            b.fail(
                join(&path, "id"),
                format!("`{}` is there twice", job.id),
                "ids are compared without regard to case",
            );
        }
        config.jobs.push(job);
    }
    for (i, s) in file.schedules.iter().enumerate() {
        let schedule = b.schedule(s, &format!("schedules[{i}]"));
        config.schedules.push(schedule);
    }
    let epoch = file.epoch.as_ref().and_then(|text| {
        let ms = time::instant(text.as_bytes());
        if ms.is_none() {
            b.fail("epoch", format!("`{text}` is not an instant"), "write ISO 8601, such as 2026-01-05T00:00:00Z");
        }
        ms
    });
    let (mut workload, mut imported) = b.workload(&mut file, &mut config, over, epoch);
    // A trace knows when it was; a scenario may move it.
    if let Some(ms) = epoch {
        if let Some(report) = &mut imported
            && workload.epoch != time::ticks_from_unix_ms(ms)
        {
            let (from, to) = (workload.epoch.iso_trimmed(), time::ticks_from_unix_ms(ms).iso_trimmed());
            report.notes.push(format!("moved from {from}, where it begins, to the scenario's epoch, {to}"));
        }
        workload.epoch = time::ticks_from_unix_ms(ms);
    } else if workload.is_empty() && imported.is_none() {
        workload.epoch = time::ticks_from_unix_ms(time::DEFAULT_EPOCH_UNIX_MS);
    }
    config.epoch = workload.epoch;
    config.workload_pool = match (file.workload.as_ref().and_then(|w| w.pool.clone()), &b.first_pool) {
        (Some(id), _) => id,
        (None, Some(first)) => first.clone(),
        (None, None) => String::new(),
    };
    for (i, a) in file.actions.iter().enumerate() {
        if let Some(action) = b.action(a, &format!("actions[{i}]")) {
            config.actions.push(action);
        }
    }
    for (i, c) in file.capacity.iter().enumerate() {
        if let Some(size) = &c.vm_size {
            b.size(size, &format!("capacity[{i}].vm_size"));
        }
        let code = c.code.clone().unwrap_or_else(|| "AllocationFailed".into());
        b.one_of(
            &code,
            &["AllocationFailed", "BatchOutOfCapacity", "AllocationTimedout"],
            &format!("capacity[{i}].code"),
        );
        config.capacity.push(CapacityStep {
            from: c.from.0,
            vm: c.vm_size.clone(),
            dedicated: c.dedicated,
            spot: c.spot,
            code,
        });
    }
    for (i, f) in file.faults.iter().enumerate() {
        b.known(&f.pool, &pool_ids, "pool", &format!("faults[{i}].pool"));
        config.faults.push(ResizeFault {
            from: f.from.0,
            until: f.until.0,
            pool: f.pool.clone(),
            code: f.code.clone(),
            reason: f.reason.clone(),
        });
    }
    b.references(&config, &file, &pool_ids, &created, &workload);
    config.horizon = b.horizon(&file, over, &workload, &config);
    let late = workload.submit_ms.iter().filter(|at| **at as Ms > config.horizon).count();
    if let Some(report) = &mut imported
        && late > 0
    {
        let end = show_duration(config.horizon);
        report.notes.push(format!("{late} of its tasks arrive after the horizon of {end} and are not simulated"));
    }
    if let Some(formula) = &over.formula {
        config.set_formula(formula);
    }
    b.apply_sets(&mut config, over);
    if let Some(report) = &mut imported
        && let Some(node) = config.pools.iter().find(|p| p.id == config.workload_pool).map(|p| p.task_slots)
    {
        let wide = workload.slots.iter().filter(|s| u32::from(**s) > node).count();
        let most = u32::from(workload.slots.iter().copied().max().unwrap_or(0));
        if wide > 0 {
            report.notes.push(format!(
                "{wide} of its tasks need more slots than the {node} of a node, up to {most}, and never run: \
                 name a larger vm_size with more task_slots_per_node, or count {} CPUs as one slot (--cpus-per-slot)",
                over.cpus_per_slot.or(file.workload.as_ref().and_then(|w| w.cpus_per_slot)).unwrap_or(1)
                    * most.div_ceil(node.max(1))
            ));
        }
    }
    let about = file.about.clone().unwrap_or_default();
    let name = file.name.clone().unwrap_or_else(|| name.to_string());
    b.errors.sort();
    b.errors.dedup();
    if b.errors.is_empty() {
        Ok(Scenario { name, about, config, workload, imported, prices: b.sizes.source })
    } else {
        Err(b.errors)
    }
}

impl Build<'_> {
    pub fn fail(&mut self, path: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(ScenarioError::new(path, message).help(help));
    }

    /// Sets the knobs that stand in one object.
    fn settings(&mut self, path: &str, mut set: impl FnMut(&Setting) -> Result<(), KnobError>) {
        for s in self.knobs.remove(path).unwrap_or_default() {
            if let Err(e) = set(&s) {
                self.fail(s.at.clone(), e.message, e.help.unwrap_or_default());
            }
        }
    }

    fn one_of(&mut self, name: &str, allowed: &[&str], path: &str) {
        if !allowed.contains(&name) {
            self.fail(path, format!("`{name}` is not known here"), near(name, allowed));
        }
    }

    fn known(&mut self, id: &str, ids: &BTreeSet<String>, what: &str, path: &str) {
        if !ids.iter().any(|k| k.eq_ignore_ascii_case(id)) {
            let names: Vec<&str> = ids.iter().map(String::as_str).collect();
            self.fail(path, format!("there is no {what} `{id}`"), near(id, &names));
        }
    }

    pub fn read_file(&mut self, name: &str, path: &str) -> Option<String> {
        match std::fs::read_to_string(self.base.join(name)) {
            Ok(text) => Some(text),
            Err(e) => {
                self.fail(
                    path,
                    format!("cannot read `{}`: {e}", self.base.join(name).display()),
                    "paths are relative to the scenario file",
                );
                None
            }
        }
    }

    fn prices(&mut self, prices: Option<PricesFile>, over: &Overrides) {
        let p = prices.unwrap_or_default();
        let (region, region_at) = match (&over.region, &p.region) {
            (Some(r), _) => (Some(r.as_str()), "--region"),
            (None, r) => (r.as_deref(), "prices.region"),
        };
        let os = match p.os {
            Some(OsFile::Windows) => vm_prices::Os::Windows,
            Some(OsFile::Linux) | None => vm_prices::Os::Linux,
        };
        let (path, at) = match (&over.prices, &p.file) {
            (Some(file), _) => (file.into(), "--prices"),
            (None, Some(file)) => (self.base.join(file), "prices.file"),
            (None, None) => {
                let help = "name a dump of the retail-prices API: --prices FILE, or prices.file";
                if let Some(r) = region.filter(|r| !r.eq_ignore_ascii_case(TABLE_REGION)) {
                    self.fail(region_at, format!("the built-in prices are of {TABLE_REGION}, not of {r}"), help);
                }
                if os == vm_prices::Os::Windows {
                    self.fail("prices.os", "the built-in prices are without a Windows licence", help);
                }
                return;
            }
        };
        let read = std::fs::File::open(&path)
            .map_err(|e| {
                let help = if at == "prices.file" { "paths are relative to the scenario file" } else { "" };
                (format!("cannot read `{}`: {e}", path.display()), help.to_string())
            })
            .and_then(|f| {
                let read = vm_prices::read(std::io::BufReader::new(f), region, os, VmTable::built_in());
                read.map_err(|e| (format!("{}: {}", path.display(), e.text), e.help))
            });
        match read {
            Ok((table, _)) => self.sizes = table,
            Err((text, help)) => self.fail(at, text, help),
        }
    }

    fn root(&mut self, config: &mut Config, over: &Overrides) {
        self.settings("", |s| knobs::set(config, s.knob, &s.text));
        if let Some(seed) = over.seed {
            config.seed = seed;
        }
    }

    fn accounts(&mut self, files: Vec<AccountFile>) {
        for (i, a) in files.into_iter().enumerate() {
            let path = format!("accounts[{i}]");
            let mut account = AccountConfig { id: a.id, ..AccountConfig::default() };
            self.settings(&path, |s| knobs::set_account(&mut account, s.knob, &s.text));
            account.per_family.extend(a.families);
            if self.accounts.iter().any(|other| other.id.eq_ignore_ascii_case(&account.id)) {
                self.fail(join(&path, "id"), format!("`{}` is there twice", account.id), "");
            }
            self.accounts.push(account);
        }
        if self.accounts.is_empty() {
            self.accounts.push(AccountConfig::default());
        }
    }

    pub fn account(&mut self, id: &Option<String>, path: &str) -> usize {
        let Some(id) = id else { return 0 };
        if let Some(i) = self.accounts.iter().position(|a| a.id.eq_ignore_ascii_case(id)) {
            return i;
        }
        let names: Vec<String> = self.accounts.iter().map(|a| a.id.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.fail(path, format!("there is no account `{id}`"), near(id, &names));
        0
    }

    /// A size by name.
    fn size(&mut self, name: &str, path: &str) -> Option<crate::sim::vm::VmSize> {
        match self.sizes.get(name) {
            Ok(size) => Some(size.clone()),
            Err(e) => {
                let help = if e.near.is_empty() {
                    "a size no table has can be written as a `vm` table: name, vcpus, price".to_string()
                } else {
                    format!("did you mean `{}`?", e.near.join("`, `"))
                };
                self.errors.push(ScenarioError::new(path, format!("unknown VM size `{}`", e.asked)).help(help));
                None
            }
        }
    }

    pub fn pool(&mut self, p: &PoolFile, path: &str) -> PoolConfig {
        let mut pool = PoolConfig { id: p.id.clone(), ..PoolConfig::default() };
        pool.create_at = p.create_at.map_or(0, |d| d.0);
        pool.account = self.account(&p.account, &join(path, "account"));
        let spot_mode = self.accounts.get(pool.account).is_some_and(|a| a.mode == AllocationMode::UserSubscription);
        match (&p.vm_size, &p.vm) {
            (Some(_), Some(_)) => self.fail(join(path, "vm"), "stands beside `vm_size`", "give one of them"),
            (Some(name), None) => {
                if let Some(s) = self.size(name, &join(path, "vm_size")) {
                    // Free nodes would be the cheapest of every comparison.
                    if s.regular.is_none() {
                        let message = format!("{} has no price: {}", s.name, self.sizes.source);
                        self.fail(
                            join(path, "vm_size"),
                            message,
                            "give --prices FILE, or write a `vm` table: name, vcpus, price",
                        );
                    }
                    let preemptible = if spot_mode { s.spot.or(s.low_priority) } else { s.low_priority.or(s.spot) };
                    pool.vm = VmSize {
                        memory_mb: (s.memory_gib * 1024.0).round() as u64,
                        price_regular: s.regular.map_or(0, |m| m.0),
                        price_spot: preemptible.map(|m| m.0),
                        name: s.name,
                        family: s.family,
                        vcpus: s.vcpus,
                    };
                }
            }
            (None, Some(v)) => {
                let prices = [Some(v.price), v.price_spot];
                if prices.into_iter().flatten().any(|price| !(0.0..=1000.0).contains(&price)) {
                    self.fail(join(path, "vm.price"), "is out of range", "an hour of a node costs 0 to 1000");
                }
                pool.vm = VmSize {
                    name: v.name.clone(),
                    family: v.family.clone(),
                    vcpus: v.vcpus.max(1),
                    memory_mb: (v.memory_gib.max(0.0) * 1024.0).round() as u64,
                    price_regular: (v.price * 1e6).round() as i64,
                    price_spot: v.price_spot.map(|x| (x * 1e6).round() as i64),
                }
            }
            (None, None) => {}
        }
        self.settings(path, |s| knobs::set_pool(&mut pool, s.knob, &s.text));
        let most = (4 * pool.vm.vcpus).min(256);
        if pool.task_slots > most {
            self.fail(
                join(path, "task_slots_per_node"),
                format!("{} is more than a {} may have", pool.task_slots, pool.vm.name),
                format!("at most min(4 × {} vCPUs, 256) = {most}", pool.vm.vcpus),
            );
        }
        pool.formula = self.formula(&p.formula, &p.formula_file, path);
        if pool.formula.is_some() && (pool.target_dedicated > 0 || pool.target_spot > 0) {
            self.fail(
                path,
                "has a formula and fixed targets",
                "the service refuses both; drop target_dedicated and target_spot",
            );
        }
        if let Some(name) = &p.spot_trace
            && let Some(text) = self.read_file(name, &join(path, "spot_trace"))
        {
            match spot_trace(&text) {
                Ok((gap, data)) => {
                    pool.spot.trace = data;
                    pool.spot.trace_gap = gap;
                }
                Err(e) => self.fail(
                    join(path, "spot_trace"),
                    e,
                    "expected {\"metadata\": {\"gap_seconds\": 32}, \"data\": [1, 0, …]}",
                ),
            }
        }
        pool
    }

    pub fn formula(&mut self, text: &Option<String>, file: &Option<String>, path: &str) -> Option<String> {
        match (text, file) {
            (Some(_), Some(_)) => {
                self.fail(join(path, "formula_file"), "stands beside `formula`", "give one of them");
                None
            }
            (Some(text), None) => Some(text.clone()),
            (None, Some(name)) => self.read_file(name, &join(path, "formula_file")),
            (None, None) => None,
        }
    }

    pub fn job(&mut self, j: &JobFile, path: &str) -> JobConfig {
        let mut job = JobConfig { id: j.id.clone(), ..JobConfig::default() };
        if job.id.is_empty() {
            job.id = path.replace(['[', ']', '.'], "");
        }
        job.create_at = j.create_at.map_or(0, |d| d.0);
        job.pool = match (&j.pool, &j.auto_pool) {
            (Some(_), Some(_)) => {
                self.fail(join(path, "auto_pool"), "stands beside `pool`", "give one of them");
                PoolRef::Pool(String::new())
            }
            (Some(id), None) => PoolRef::Pool(id.clone()),
            (None, Some(a)) => {
                let at = format!("{path}.auto_pool");
                if a.prefix.len() > 20 {
                    self.fail(join(&at, "prefix"), format!("`{}` is too long", a.prefix), "at most 20 characters");
                }
                PoolRef::Auto(Box::new(AutoPool {
                    prefix: a.prefix.clone(),
                    lifetime: match a.lifetime {
                        Some(LifetimeFile::JobSchedule) => PoolLifetime::Schedule,
                        _ => PoolLifetime::Job,
                    },
                    keep_alive: a.keep_alive,
                    pool: self.pool(&a.pool, &join(&at, "pool")),
                }))
            }
            (None, None) => PoolRef::Pool(self.first_pool.clone().unwrap_or_default()),
        };
        self.settings(path, |s| knobs::set_job(&mut job, s.knob, &s.text));
        if let Some(e) = &j.exit {
            job.exit = exit(e);
        }
        if let Some(c) = &j.exit_conditions {
            job.exit_conditions = conditions(c);
        }
        if let Some(u) = &j.usage {
            job.usage = usage(u);
        }
        job.preparation = j.preparation.as_ref().map(|p| PreparationTask {
            duration: p.duration.0,
            failure: p.failure.clamp(0.0, 1.0),
            wait_for_success: p.wait_for_success.unwrap_or(true),
            rerun_on_reboot: p.rerun_on_reboot.unwrap_or(true),
        });
        if let Some(r) = &j.release {
            let at = join(path, "release");
            if j.preparation.is_none() {
                self.fail(
                    at.clone(),
                    "needs a job preparation task",
                    "the service takes a release task only beside `preparation`",
                );
            }
            let mut release = ReleaseTask { duration: r.duration.0, ..ReleaseTask::default() };
            self.settings(&at, |s| knobs::set_release(&mut release, s.knob, &s.text));
            job.release = Some(release);
        }
        if let Some(m) = &j.manager {
            let task = self.tasks(&m.task, &format!("{path}.manager.task"), "jobmanager").into_iter().next();
            job.manager = task.map(|task| ManagerTask {
                task,
                kill_job_on_completion: m.kill_job_on_completion.unwrap_or(true),
                run_exclusive: m.run_exclusive.unwrap_or(true),
                allow_spot_node: m.allow_spot_node.unwrap_or(true),
            });
        }
        for (i, t) in j.tasks.iter().enumerate() {
            let fallback = format!("task-{}-", i + 1);
            let tasks = self.tasks(t, &format!("{path}.tasks[{i}]"), &fallback);
            job.tasks.extend(tasks);
        }
        let ids: BTreeSet<String> = job.tasks.iter().map(|t| t.id.clone()).collect();
        if ids.len() < job.tasks.len() {
            self.fail(join(path, "tasks"), "have ids that are there twice", "ids are unique in a job");
        }
        for (i, t) in j.tasks.iter().enumerate() {
            for d in &t.depends_on {
                self.known(d, &ids, "task", &format!("{path}.tasks[{i}].depends_on"));
            }
            if let Some(a) = &t.affinity_task {
                self.known(a, &ids, "task", &format!("{path}.tasks[{i}].affinity_task"));
            }
        }
        job
    }

    /// A task, or `count` of them.
    pub fn tasks(&mut self, t: &TaskFile, path: &str, fallback: &str) -> Vec<TaskConfig> {
        let count = t.count.unwrap_or(1);
        if !(1..=1_000_000).contains(&count) {
            self.fail(join(path, "count"), format!("is {count}"), "1 to 1000000");
            return Vec::new();
        }
        let mut one = TaskConfig { submit: t.submit.map_or(0, |d| d.0), run: t.run.0, ..TaskConfig::default() };
        one.coordination = t.coordination.map_or(0, |d| d.0);
        one.depends_on = t.depends_on.clone();
        one.depends_on_ranges = t.depends_on_ranges.clone();
        one.affinity_task = t.affinity_task.clone();
        one.affinity_node = t.affinity_node;
        one.max_wall_clock = t.max_wall_clock.map(|d| d.0);
        one.retention = t.retention.map(|d| d.0);
        one.exit = t.exit.as_ref().map(exit);
        one.exit_conditions = t.exit_conditions.as_ref().map(conditions);
        one.usage = t.usage.as_ref().map(usage);
        self.settings(path, |s| knobs::set_task(&mut one, s.knob, &s.text));
        let id = if t.id.is_empty() { fallback } else { &t.id };
        let every = t.every.map_or(0, |d| d.0);
        (0..count)
            .map(|k| TaskConfig {
                id: if t.count.is_some() || t.id.is_empty() && fallback.ends_with('-') {
                    format!("{id}{}", k + 1)
                } else {
                    id.to_string()
                },
                submit: one.submit + every * k as Ms,
                ..one.clone()
            })
            .collect()
    }

    fn schedule(&mut self, s: &ScheduleFile, path: &str) -> ScheduleConfig {
        let mut schedule = ScheduleConfig { id: s.id.clone(), ..ScheduleConfig::default() };
        schedule.create_at = s.create_at.map_or(0, |d| d.0);
        schedule.do_not_run_until = s.do_not_run_until.map_or(0, |d| d.0);
        schedule.do_not_run_after = s.do_not_run_after.map_or(NEVER, |d| d.0);
        self.settings(path, |s| knobs::set_schedule(&mut schedule, s.knob, &s.text));
        schedule.job = self.job(&s.job, &join(path, "job"));
        if s.job.id.is_empty() {
            schedule.job.id = s.id.clone();
        }
        schedule
    }

    fn references(
        &mut self,
        config: &Config,
        file: &ScenarioFile,
        pools: &BTreeSet<String>,
        created: &[String],
        workload: &Workload,
    ) {
        let check = |b: &mut Self, r: &PoolRef, path: String| {
            if let PoolRef::Pool(id) = r {
                b.known(id, pools, "pool", &join(&path, "pool"));
            }
        };
        for (i, j) in config.jobs.iter().enumerate() {
            check(self, &j.pool, format!("jobs[{i}]"));
        }
        for (i, s) in config.schedules.iter().enumerate() {
            check(self, &s.job.pool, format!("schedules[{i}].job"));
        }
        if !workload.is_empty() {
            self.known(&config.workload_pool.clone(), pools, "pool", "workload.pool");
        }
        let mut jobs: BTreeSet<String> = config.jobs.iter().map(|j| j.id.clone()).collect();
        jobs.extend(workload.jobs.iter().map(|j| j.id.clone()));
        jobs.extend(created.iter().cloned());
        // Jobs of schedules get numbers and auto-pools get ids when they are made: such names are taken as they are.
        let open_jobs = !config.schedules.is_empty();
        let schedules: BTreeSet<String> = config.schedules.iter().map(|s| s.id.clone()).collect();
        let open_pools = config
            .jobs
            .iter()
            .chain(config.schedules.iter().map(|s| &s.job))
            .any(|j| matches!(j.pool, PoolRef::Auto(_)));
        for (i, a) in file.actions.iter().enumerate() {
            let at = |key: &str| format!("actions[{i}].{key}");
            if let Some(p) = a.pool.as_ref().filter(|_| !open_pools) {
                self.known(p, pools, "pool", &at("pool"));
            }
            if let Some(j) = a.job.as_ref().filter(|_| !open_jobs) {
                self.known(j, &jobs, "job", &at("job"));
            }
            if let Some(s) = &a.schedule {
                self.known(s, &schedules, "schedule", &at("schedule"));
            }
        }
    }

    /// Ids as the service takes them (pool.md §1).
    fn id(&mut self, id: &str, path: &str) {
        let fine = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) && id.len() <= 64;
        if !fine {
            let help = "ids have at most 64 letters, digits, hyphens and underscores";
            self.fail(join(path, "id"), format!("`{}` is no id", id.escape_debug()), help);
        }
    }

    /// An end that a simulation can reach.
    fn bounded(&mut self, horizon: Ms, at: &str) -> Ms {
        let most = 10 * 366 * DAY;
        if !(1..=most).contains(&horizon) {
            let text = format!("{} is out of range", show_duration(horizon));
            self.fail(at, text, "simulate from a millisecond to ten years; a month is the usual horizon");
            return DAY;
        }
        horizon
    }

    fn horizon(&mut self, file: &ScenarioFile, over: &Overrides, workload: &Workload, config: &Config) -> Ms {
        if let Some(text) = &over.until {
            match parse_duration(text).filter(|ms| *ms < NEVER) {
                Some(ms) => return self.bounded(ms, "--until"),
                None => self.fail("--until", format!("`{text}` is not a duration"), "write PT12H, 30d or 90m"),
            }
        }
        if let Some(d) = file.horizon {
            if d.0 >= NEVER {
                self.fail("horizon", "is never", "a simulation needs an end, such as P30D");
                return DAY;
            }
            return self.bounded(d.0, "horizon");
        }
        let explicit =
            config.jobs.iter().flat_map(|j| j.tasks.iter().map(|t| j.create_at + t.submit + t.run)).max().unwrap_or(0);
        let bulk = workload.submit_ms.last().map_or(0, |s| *s as Ms);
        let acts = config.actions.iter().map(|a| a.at).max().unwrap_or(0);
        explicit.max(bulk).max(acts) + DAY
    }

    fn apply_sets(&mut self, config: &mut Config, over: &Overrides) {
        for set in &over.set {
            let Some((path, text)) = set.split_once('=') else {
                self.fail(
                    "--set",
                    format!("`{set}` is not knob=value"),
                    "such as --set sampler.loss=0.05 or --set mypool:latency.creating=1m",
                );
                continue;
            };
            if let Err(e) = knobs::set(config, path.trim(), text.trim()) {
                self.fail(format!("--set {}", e.path), e.message, e.help.unwrap_or_default());
            }
        }
    }
}
