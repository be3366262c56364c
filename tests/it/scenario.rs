//! Scenario files: the shipped ones load, and mistakes are answered with a path, what is allowed and the nearest name.

use poolcast::{
    sim::{
        config::{Action, HOUR, MINUTE, PoolRef},
        knobs::KNOBS,
    },
    wire::scenario::{self, Overrides, Scenario, ScenarioError, schema},
};
use std::path::Path;

fn parse(text: &str) -> Result<Scenario, Vec<ScenarioError>> {
    scenario::parse(text, false, Path::new(""), "test", &Overrides::default())
}

/// The only problem of a scenario.
fn problem(text: &str) -> ScenarioError {
    let mut errors = parse(text).expect_err("a problem");
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

const HEAD: &str = "version = 1\n[[pools]]\nid = \"p\"\nvm_size = \"Standard_D4ds_v5\"\n";

#[test]
fn every_shipped_scenario_loads_and_says_what_to_look_at() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios");
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let s = scenario::load(&path, &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
            assert!(!s.about.is_empty(), "{}", path.display());
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with('#') && text.contains("# Look at:"), "{}", path.display());
            count += 1;
        }
    }
    assert!(count >= 11, "{count}");
}

#[test]
fn knobs_stand_where_they_belong() {
    let s = parse(
        "version = 1\nseed = 9\nhorizon = \"2h\"\n[[accounts]]\nid = \"a\"\nmode = \"usersubscription\"\nspot_cores = 7\nfamilies = { standardDDSv5Family = 8 }\n\
         [[pools]]\nid = \"p\"\nvm_size = \"standard_d4ds_v5\"\ntask_slots_per_node = 4\nsampler.loss = 0.5\n[pools.autoscale]\ninterval = \"10m\"\n\
         [[jobs]]\nid = \"j\"\npriority = 5\ntask.retention = \"1h\"\ntasks = [{ id = \"t\", run = \"1m\", slots = 3, retries = 2 }, { id = \"u-\", run = \"90s\", count = 3, every = \"1m\", depends_on = [\"t\"] }]\n",
    )
    .unwrap_or_else(|e| panic!("{e:?}"));
    let p = &s.config.pools[0];
    assert_eq!((p.task_slots, p.sampler.loss, p.autoscale.interval), (4, 0.5, 10 * MINUTE));
    assert_eq!((p.vm.vcpus, p.vm.price_regular, p.vm.price_spot), (4, 272_000, Some(54_400)));
    assert_eq!((s.config.accounts[0].spot_cores, s.config.accounts[0].per_family[0].1), (7, 8));
    assert_eq!((s.config.seed, s.config.horizon), (9, 2 * HOUR));
    let j = &s.config.jobs[0];
    assert_eq!((j.priority, j.task_retention, j.tasks.len()), (5, HOUR, 4));
    assert_eq!((j.tasks[0].slots, j.tasks[0].retries), (3, Some(2)));
    assert_eq!((j.tasks[3].id.as_str(), j.tasks[3].submit), ("u-3", 2 * MINUTE));
    assert_eq!(j.pool, PoolRef::Pool("p".into()));
}

#[test]
fn json_is_the_same_schema() {
    let text = r#"{"version":1,"pools":[{"id":"p","vm_size":"Standard_D2_v3","shrink":{"order":"random"}}],
        "actions":[{"at":"1h","action":"resize","pool":"p","dedicated":3,"option":"terminate"}]}"#;
    let s = scenario::parse(text, true, Path::new(""), "t", &Overrides::default()).unwrap_or_else(|e| panic!("{e:?}"));
    assert!(matches!(s.config.actions[0].action, Action::Resize { dedicated: Some(3), .. }));
}

#[test]
fn mistakes_are_answered_with_the_place_and_the_nearest_name() {
    let cases = [
        ("version = 2\n", "version", "is 2", "version 1"),
        ("version = 1\nhorizn = \"1d\"\n", "horizn", "unknown key", "did you mean `horizon`"),
        (&format!("{HEAD}vmsize = \"x\"\n"), "pools[0].vmsize", "unknown key", "did you mean `vm_size`"),
        (
            &format!("{HEAD}task_slot_per_node = 2\n"),
            "pools[0].task_slot_per_node",
            "unknown key",
            "did you mean `task_slots_per_node`",
        ),
        (&format!("{HEAD}sampler.los = 0.1\n"), "pools[0].sampler.los", "no knob `los`", "did you mean `loss`"),
        (&format!("{HEAD}sampler.loss = 2\n"), "pools[0].sampler.loss", "out of range", "0 to 1"),
        (&format!("{HEAD}autoscale = 3\n"), "pools[0].autoscale", "is not a table", "interval"),
        (&format!("{HEAD}fill_type = \"packed\"\n"), "pools[0].fill_type", "\"packed\"", "spread, pack"),
        (
            &format!("{HEAD}task_slots_per_node = 17\n"),
            "pools[0].task_slots_per_node",
            "more than a Standard_D4ds_v5",
            "= 16",
        ),
        (
            "version = 1\n[[pools]]\nid = \"p\"\nvm_size = \"Standard_D4s_v55\"\n",
            "pools[0].vm_size",
            "unknown VM size",
            "did you mean `Standard_D4",
        ),
        (&format!("{HEAD}account = \"x\"\n"), "pools[0].account", "no account `x`", "account"),
        (&format!("{HEAD}[[jobs]]\nid = \"j\"\npool = \"pp\"\n"), "jobs[0].pool", "no pool `pp`", "did you mean `p`"),
        (
            &format!("{HEAD}[[jobs]]\nid = \"j\"\ntasks = [{{ id = \"a\", run = \"1m\", depends_on = [\"b\"] }}]\n"),
            "jobs[0].tasks[0].depends_on",
            "no task `b`",
            "`a`",
        ),
        (
            &format!("{HEAD}[[jobs]]\nid = \"j\"\ntasks = [{{ id = \"a\", run = \"soon\" }}]\n"),
            "jobs[0].tasks[0].run",
            "\"soon\"",
            "",
        ),
        (
            &format!("{HEAD}[[jobs]]\nid = \"j\"\nrelease = {{ duration = \"1m\" }}\n"),
            "jobs[0].release",
            "preparation",
            "",
        ),
        (
            &format!("{HEAD}[[actions]]\nat = \"1h\"\naction = \"resize\"\npool = \"p\"\n"),
            "actions[0].dedicated",
            "is missing",
            "needs",
        ),
        (
            &format!("{HEAD}[[actions]]\nat = \"1h\"\naction = \"stop_resize\"\npool = \"q\"\n"),
            "actions[0].pool",
            "no pool `q`",
            "did you mean `p`",
        ),
        (&format!("{HEAD}formula_file = \"nowhere.txt\"\n"), "pools[0].formula_file", "cannot read", "relative"),
        (
            &format!("{HEAD}formula = \"$TargetDedicatedNodes=1;\"\ntarget_dedicated = 2\n"),
            "pools[0]",
            "formula and fixed targets",
            "",
        ),
        (&format!("{HEAD}[workload]\nfile = \"nowhere.csv\"\n"), "workload.file", "cannot open", ""),
        ("version = 1\npools = 3\n", "pools", "found `3`, expected a list", ""),
        ("version = 1\n[workload.job]\nid = \"j\"\nexit = 1\n", "workload.job.exit", "expected a table with codes", ""),
        ("version = 1\nhorizon = \"none\"\n", "horizon", "is never", "P30D"),
    ];
    for (text, path, message, help) in cases {
        let e = problem(text);
        assert_eq!(e.path, path, "{text}\n{e}");
        assert!(e.message.contains(message) && e.help.contains(help), "{text}\n{e}");
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = format!("{HEAD}account = \"x\"\nsampler.loss = 2\n[[jobs]]\nid = \"j\"\npool = \"nope\"\n");
    assert_eq!(parse(&text).unwrap_err().len(), 3);
}

#[test]
fn the_command_line_has_the_last_word() {
    let over = Overrides {
        formula: Some("$TargetDedicatedNodes=2;".into()),
        seed: Some(77),
        until: Some("90m".into()),
        set: vec!["sampler.loss=0".into(), "p:latency.creating=1s".into()],
        ..Overrides::default()
    };
    let s = scenario::parse(HEAD, false, Path::new(""), "t", &over).unwrap();
    assert_eq!((s.config.seed, s.config.horizon, s.config.pools[0].sampler.loss), (77, 90 * MINUTE, 0.0));
    assert_eq!(s.config.pools[0].formula.as_deref(), Some("$TargetDedicatedNodes=2;"));
    let over = Overrides { set: vec!["sampler.los=0".into(), "what".into()], ..Overrides::default() };
    let e = scenario::parse(HEAD, false, Path::new(""), "t", &over).unwrap_err();
    assert!(e.iter().any(|e| e.help.contains("sampler.loss")) && e.len() == 2, "{e:?}");
}

/// One price of a dump of the retail-prices API.
fn price(region: &str, product: &str, price: f64) -> String {
    format!(
        r#"{{"currencyCode":"EUR","retailPrice":{price},"armRegionName":"{region}","armSkuName":"Standard_D4ds_v5","productName":"{product}","meterName":"D4ds v5","serviceName":"Virtual Machines","unitOfMeasure":"1 Hour","type":"Consumption"}}"#
    )
}

#[test]
fn prices_come_from_a_file_a_region_and_an_operating_system() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("prices.json");
    let items =
        [price("norwayeast", "Ddsv5", 0.5), price("norwayeast", "Ddsv5 Windows", 0.9), price("westus", "Ddsv5", 0.25)];
    std::fs::write(&file, format!(r#"{{"Items":[{}]}}"#, items.join(","))).unwrap();
    let load = |text: &str, prices: bool, region: Option<&str>| {
        let over = Overrides {
            prices: prices.then(|| file.display().to_string()),
            region: region.map(Into::into),
            ..Overrides::default()
        };
        scenario::parse(text, false, dir.path(), "t", &over)
    };
    let per_hour = |s: Result<Scenario, Vec<ScenarioError>>| {
        s.unwrap_or_else(|e| panic!("{e:?}")).config.pools[0].vm.price_regular
    };
    let told = |s: Result<Scenario, Vec<ScenarioError>>| s.map(|_| ()).unwrap_err().remove(0);
    let with = |keys: &str| format!("prices = {{ {keys} }}\n{HEAD}");
    assert_eq!(per_hour(load(HEAD, true, Some("NorwayEast"))), 500_000);
    assert_eq!(per_hour(load(&with("file = \"prices.json\", region = \"westus\""), false, None)), 250_000);
    assert_eq!(per_hour(load(&with("file = \"none.json\", region = \"westus\""), true, Some("norwayeast"))), 500_000);
    assert_eq!(per_hour(load(&with("region = \"norwayeast\", os = \"windows\""), true, None)), 900_000);

    let cases = [
        (load(HEAD, true, None), "--prices", "prices of 2 regions", "norwayeast, westus"),
        (load(HEAD, true, Some("norwayest")), "--prices", "`norwayest`", "did you mean `norwayeast`"),
        (load(&with("file = \"none.json\""), false, None), "prices.file", "cannot read", "relative"),
        (load(&with("os = \"windows\""), false, None), "prices.os", "Windows licence", "--prices FILE"),
        (load(HEAD, false, Some("westus")), "--region", "are of westeurope, not of westus", "--prices FILE"),
        (load(&with("region = \"westus\", os = \"windows\""), true, None), "--prices", "no hourly Windows", "linux"),
        (
            load(&HEAD.replace("D4ds_v5", "D2_v3"), true, Some("westus")),
            "pools[0].vm_size",
            "Standard_D2_v3 has no price",
            "--prices FILE",
        ),
    ];
    for (result, path, message, help) in cases {
        let e = told(result);
        assert!(e.path == path && e.message.contains(message) && e.help.contains(help), "{e:?}");
    }
}

#[test]
fn every_knob_can_be_set_in_a_file() {
    let schema = serde_json::to_string(&schema::schema()).unwrap();
    let page = schema::knobs_page();
    for knob in KNOBS {
        assert!(page.contains(knob.path), "{}", knob.path);
        assert!(knob.path == "capacity.process" || schema.contains(knob.doc), "{}", knob.path);
    }
}

/// `BLESS=1` rewrites; otherwise the committed page must be the generated one.
fn current(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{file} is stale: run BLESS=1 cargo test --test it scenario");
}

#[test]
fn generated_pages_are_current() {
    current("docs/scenario.schema.json", &schema::text());
    current("docs/knobs.md", &schema::knobs_page());
}

#[test]
fn a_command_lines_work_and_formula_replace_the_scenarios() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("two.csv");
    std::fs::write(&trace, "submit,run_s\n2026-01-05T07:00:00Z,60\n2026-01-05T07:30:00Z,60\n2026-02-05T07:30:00Z,60\n")
        .unwrap();
    let text = format!(
        "epoch = \"2026-01-05T08:00:00Z\"\nhorizon = \"2h\"\n{HEAD}[[jobs]]\nid = \"j\"\ntasks = [{{ id = \"t-\", run = \"30m\", count = 12 }}]\n\
         [[jobs]]\nid = \"own\"\nauto_pool = {{ prefix = \"own\", lifetime = \"job\", pool = {{ vm_size = \"Standard_D4ds_v5\", target_dedicated = 2 }} }}\n"
    );
    let over = Overrides {
        workload: Some(trace.display().to_string()),
        formula: Some("$TargetDedicatedNodes = 3;".into()),
        ..Overrides::default()
    };
    let s = scenario::parse(&text, false, Path::new(""), "test", &over).unwrap();
    assert!(s.config.jobs.iter().all(|j| j.tasks.is_empty()), "the trace is instead of the scenario's work");
    assert_eq!(s.workload.len(), 3);
    let notes = s.imported.unwrap().notes.join("\n");
    assert!(
        notes.contains("moved from 2026-01-05T07:00:00Z") && notes.contains("1 of its tasks arrive after"),
        "{notes}"
    );
    assert!(s.config.all_pools().count() == 2 && s.config.all_pools().all(|p| p.formula.is_some()), "auto-pools too");
}

#[test]
fn tasks_wider_than_a_node_are_told_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("wide.csv");
    std::fs::write(&trace, "submit_s,run_s,cpus\n0,60,16\n1,60,5\n2,60,4\n").unwrap();
    let notes = |cpus_per_slot: Option<u32>| {
        let workload = Some(trace.display().to_string());
        let over = Overrides { workload, cpus_per_slot, ..Overrides::default() };
        let text = format!("{HEAD}task_slots_per_node = 4\n");
        let s = scenario::parse(&text, false, dir.path(), "t", &over).unwrap_or_else(|e| panic!("{e:?}"));
        s.imported.unwrap().notes.join("\n")
    };
    let told = notes(None);
    assert!(told.contains("2 of its tasks need more slots than the 4 of a node, up to 16"), "{told}");
    assert!(told.contains("count 4 CPUs as one slot (--cpus-per-slot)"), "{told}");
    assert!(!notes(Some(4)).contains("never run"));
}

#[test]
fn sizes_that_no_simulation_can_reach_are_refused() {
    for (line, path) in [
        ("horizon = \"9999999999d\"", "horizon"),
        ("horizon = \"0s\"", "horizon"),
        ("[[accounts]]\nid = \"a\"\ndedicated_cores = 999999999", "dedicated_cores"),
        (
            "[[pools]]\nid = \"x\"\nvm_size = \"Standard_D4ds_v5\"\ncost.price_regular = 9223372036854775807",
            "price_regular",
        ),
    ] {
        let text = match line.starts_with('[') {
            true => format!("{HEAD}{line}"),
            false => format!("{line}\n{HEAD}"),
        };
        let e = parse(&text).expect_err(line);
        assert!(e.iter().any(|e| e.path.contains(path)), "{line}: {e:?}");
    }
    let e = problem(&format!("{HEAD}[[jobs]]\nid = \"../up\"\n"));
    assert!(e.path == "jobs[0].id" && e.help.contains("64 letters"), "{e:?}");
}
