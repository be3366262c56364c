//! Traces of every format, and the recorded ones when they are there.

use poolcast::{
    sim::workload::{Exit, Workload},
    wire::{
        import::{self, Format, ImportReport, Imported, Options, source::Source},
        tables, time,
    },
};
use std::{io::Cursor, path::PathBuf};

/// The folder with recorded traces, or one line saying that the test passes over.
pub fn shared(file: &str) -> Option<PathBuf> {
    let base = std::env::var_os("POOLCAST_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")));
    let path = base.join("data").join(file);
    if path.exists() {
        return Some(path);
    }
    println!("passed over: {} is not here", path.display());
    None
}

fn import(text: &str) -> Result<(Imported, ImportReport), import::ImportError> {
    import_as(text, Options::default())
}

fn import_as(text: &str, options: Options) -> Result<(Imported, ImportReport), import::ImportError> {
    import::read_source(Source::new(Cursor::new(text.as_bytes().to_vec())).unwrap(), &options, "test")
}

fn work(text: &str) -> (Workload, ImportReport) {
    match import(text) {
        Ok((Imported::Workload(w), r)) => (w, r),
        other => panic!("{other:?}"),
    }
}

fn slot_hours(w: &Workload) -> f64 {
    w.run_ms.iter().zip(&w.slots).map(|(r, s)| *r as f64 * *s as f64).sum::<f64>() / 3_600_000.0
}

#[test]
fn swf_directives_missing_values_and_status() {
    let log = "; Version: 2.2\n; UnixStartTime: 749458803\n; MaxProcs: 128\n\
        1 0 5 100 4 -1 -1 8 -1 -1 1 7 1 -1 2 -1 -1 -1\n\
        2 10 -1 50 -1 -1 -1 16 -1 -1 0 7 1 -1 2 -1 -1 -1\n\
        3 20 -1 -1 4 -1 -1 -1 -1 -1 1 7 1 -1 2 -1 -1 -1\n\
        4 30 -1 0 4 -1 -1 -1 -1 -1 5 7 1 -1 2 -1 -1 -1\n";
    let (w, r) = work(log);
    assert_eq!(
        (w.submit_ms.clone(), w.run_ms.clone(), w.slots.clone()),
        (vec![0, 10_000], vec![100_000, 50_000], vec![4, 16])
    );
    assert_eq!(w.exit, [Exit::Success, Exit::Code(1)]);
    assert_eq!(w.jobs[0].id, "queue-2.user-7");
    assert_eq!(w.recorded_wait_ms[0], 5000);
    assert_eq!(time::unix_ms_from_ticks(w.epoch), 749_458_803_000);
    assert_eq!((r.rows, r.tasks, r.skipped_total()), (4, 2, 2));
    assert!(r.header.contains(&("MaxProcs".into(), "128".into())));
    let e = import("; Version: 2.2\n1 0 x 100 4 -1 -1 8 -1 -1 1 7 1 -1 2 -1 -1 -1\n").unwrap_err();
    assert_eq!((e.problem.row, e.problem.field.as_str()), (2, "wait time"));
}

#[test]
fn nextflow_default_trace_with_units_for_people() {
    let trace = "task_id\thash\tnative_id\tname\tstatus\texit\tsubmit\tduration\trealtime\t%cpu\tpeak_rss\tpeak_vmem\trchar\twchar\n\
        1\tab/12\t77\tALIGN (s1)\tCOMPLETED\t0\t2024-03-01 10:00:00.000\t1m 30s\t1m 2s\t95.5%\t1.5 GB\t2 GB\t1 MB\t1 MB\n\
        2\tab/13\t78\tALIGN (s2)\tFAILED\t137\t2024-03-01 10:00:10.500\t20s\t15s\t10.0%\t512 MB\t-\t-\t-\n\
        3\tab/14\t79\tALIGN (s3)\tCACHED\t0\t2024-03-01 10:00:10.500\t20s\t15s\t-\t-\t-\t-\t-\n\
        4\tab/15\t80\tQC (s1)\tABORTED\t-\t2024-03-01 10:00:20.000\t-\t-\t-\t-\t-\t-\t-\n";
    let (w, r) = work(trace);
    assert_eq!(w.run_ms, [62_000, 15_000]);
    assert_eq!(w.submit_ms, [0, 10_500]);
    assert_eq!(w.recorded_wait_ms, [28_000, 5_000]);
    assert_eq!(w.exit[1], Exit::Code(137));
    assert_eq!(w.jobs[0].id, "ALIGN");
    assert_eq!((w.extra[&0].cpu_percent, w.extra[&0].memory_mb), (Some(95.5), Some(1536.0)));
    assert_eq!(r.skipped.keys().map(|k| &k[..6]).collect::<Vec<_>>(), ["ABORTE", "CACHED"]);
    assert!(r.to_string().contains("left out 1: CACHED"), "{r}");
}

#[test]
fn a_nextflow_trace_with_too_few_columns_is_told_which_fields_to_ask_for() {
    for header in
        ["name\tstatus\texit\tduration", "task_id,hash,name,status", "process,name,realtime", "name,status,exit,submit"]
    {
        let e = import(&format!("{header}\nA,COMPLETED,0,1\n")).unwrap_err();
        assert!(e.problem.text.contains("is a Nextflow trace without a"), "{header}: {e}");
        assert!(
            e.problem.help.contains("trace.fields = '") && e.problem.help.contains("nextflow log"),
            "{header}: {e}"
        );
    }
    // A plain table with some of those names stays one.
    let (_, r) = work("name,status,exit,submit_s,run_s\nA,done,0,1,2\n");
    assert!(r.format.starts_with("csv"), "{r}");
}

#[test]
fn no_importer_lets_a_command_or_a_setting_through() {
    let row = "name\tstatus\texit\tsubmit\trealtime\tscript\tworkdir\tcontainer\tenv\nA\tCOMPLETED\t0\t1700000000000\t1000\trun --key SECRET\t/SECRET\tSECRET\tSECRET\n";
    let sacct = "JobID|Submit|Start|End|Elapsed|AllocCPUS|State|ExitCode|SubmitLine|Comment|AdminComment\n\
        1|2024-03-01T10:00:00|2024-03-01T10:05:00|2024-03-01T10:06:00|00:01:00|8|COMPLETED|0:0|sbatch SECRET|SECRET|SECRET\n";
    let events = r#"{"operationName":"TaskCompleteEvent","properties":{"jobId":"j","id":"1","commandLine":"SECRET","environmentSettings":[{"name":"K","value":"SECRET"}],"executionInfo":{"startTime":"2024-03-01T10:00:00Z","endTime":"2024-03-01T10:01:00Z","exitCode":0,"failureInfo":{"details":[{"value":"SECRET"}]}}}}"#;
    let job = r#"[{"id":"j","poolInfo":{"poolId":"p"},"commonEnvironmentSettings":[{"name":"K","value":"SECRET"}],"metadata":[{"name":"K","value":"SECRET"}],"jobManagerTask":{"id":"m","commandLine":"SECRET","authenticationTokenSettings":{"access":["SECRET"]}},"creationTime":"2024-03-01T10:00:00Z"}]"#;
    let node = r#"[{"id":"n","state":"idle","schedulingState":"enabled","allocationTime":"2024-03-01T10:00:00Z","startTask":{"commandLine":"SECRET","environmentSettings":[{"name":"K","value":"SECRET"}]},"recentTasks":[{"taskUrl":"https://x/SECRET"}],"endpointConfiguration":{"x":"SECRET"}}]"#;
    let pool = r#"{"id":"p","vmSize":"x","allocationState":"steady","startTask":{"commandLine":"SECRET"},"userAccounts":[{"name":"u","password":"SECRET"}],"mountConfiguration":[{"azureBlobFileSystemConfiguration":{"accountKey":"SECRET","sasKey":"SECRET"}}],"metadata":[{"name":"k","value":"SECRET"}]}"#;
    let account = r#"{"name":"a","dedicatedCoreQuota":5,"poolQuota":1,"primary":"SECRET","keys":{"primary":"SECRET"},"autoStorage":{"storageAccountId":"SECRET"}}"#;
    let csv = "submit_s,run_s,command,env\n1,2,run SECRET,SECRET\n";
    for text in [row, sacct, events, TASKS, job, node, pool, account, csv] {
        let (imported, report) = import(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let all = format!("{imported:?} {report:?} {report}");
        assert!(!all.contains("SECRET"), "{all}");
    }
    #[cfg(feature = "parquet")]
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let table = tables::Table::new()
            .with("submit_s", tables::Column::Int(vec![1]))
            .with("run_s", tables::Column::Int(vec![2]))
            .with("command", tables::Column::Text(vec!["SECRET".into()]));
        table.write(&path).unwrap();
        let (w, r) = import::workload(&path, &Options::default()).unwrap();
        assert!(!format!("{w:?} {r:?} {r}").contains("SECRET"));
    }
}

#[test]
fn nextflow_traces_of_several_runs_in_one_file() {
    let run = "submit\trealtime\tcpus\tname\n1700000000000\t1000\t2\tA (1)\n";
    let (w, r) = work(&run.repeat(3));
    assert_eq!((w.len(), r.rows, r.skipped_total()), (3, 3, 0));
    assert!(r.notes.iter().any(|n| n.starts_with("3 traces")), "{r}");
    let e = import(&format!("{run}{}", run.replace("cpus", "exit"))).unwrap_err();
    assert!(e.problem.row == 3 && e.problem.help.contains("one by one"), "{e}");
}

#[test]
fn sacct_steps_are_inside_their_job() {
    let log = "JobID|Partition|Account|Submit|Start|End|Elapsed|AllocCPUS|State|ExitCode|SubmitLine\n\
        10|long|bio|2024-03-01T10:00:00|2024-03-01T10:05:00|2024-03-02T11:05:00|1-01:00:00|8|COMPLETED|0:0|sbatch --token=hunter2\n\
        10.batch|||2024-03-01T10:05:00|2024-03-01T10:05:00|2024-03-02T11:05:00|1-01:00:00|8|COMPLETED|0:0|\n\
        11|long|bio|2024-03-01T10:01:00|2024-03-01T10:01:30|2024-03-01T10:02:30|00:01:00|1|TIMEOUT|0:15|\n\
        12|long|bio|2024-03-01T10:01:00|Unknown|Unknown|00:00:00|1|CANCELLED by 5|0:0|\n\
        13|long|bio|2024-03-01T10:01:00|2024-03-01T10:01:30|Unknown|00:09:00|1|RUNNING|0:0|\n";
    let (w, r) = work(log);
    assert_eq!(w.run_ms, [90_000_000, 60_000]);
    assert_eq!((w.slots.clone(), w.recorded_wait_ms.clone()), (vec![8, 1], vec![300_000, 30_000]));
    assert_eq!(w.exit[1], Exit::Code(1));
    assert_eq!(w.jobs[0].id, "long.bio");
    assert_eq!((r.rows, r.skipped_total()), (5, 3));
    assert!(!format!("{w:?}{r:?}").contains("hunter2"));
}

const TASKS: &str = r#"[
 {"id":"1","url":"https://a.example/jobs/render/tasks/1","creationTime":"2024-03-01T10:00:00.5Z","state":"completed","requiredSlots":2,
  "commandLine":"run --key SECRET-A","environmentSettings":[{"name":"TOKEN","value":"SECRET-B"}],"resourceFiles":[{"httpUrl":"https://x/?sig=SECRET-C"}],
  "containerSettings":{"registry":{"password":"SECRET-D"}},
  "constraints":{"maxWallClockTime":"1:00:00","maxTaskRetryCount":2,"retentionTime":"7 days, 0:00:00"},
  "executionInfo":{"startTime":"2024-03-01T10:01:00Z","endTime":"2024-03-01T10:03:00Z","exitCode":0,"retryCount":0,"requeueCount":0,"result":"success"}},
 {"id":"2","url":"https://a.example/jobs/render/tasks/2","creation_time":"2024-03-01T10:00:00+00:00","depends_on":{"task_ids":["1"],"task_id_ranges":[{"start":1,"end":1}]},
  "constraints":{"max_wall_clock_time":"P10675199DT2H48M5.4775807S","max_task_retry_count":0},
  "execution_info":{"start_time":"2024-03-01T10:04:00+00:00","end_time":"2024-03-01T10:05:00+00:00","exit_code":3,"retry_count":1,"result":"Failure"}},
 {"id":"3","url":"https://a.example/jobs/render/tasks/3","creationTime":"2024-03-01T10:00:00Z","state":"active","executionInfo":null}
]"#;

#[test]
fn az_task_list_in_both_casings_without_secrets() {
    // Two listings one after the other, as a loop over jobs writes them.
    let (w, r) = work(&format!("{TASKS}\n{}", TASKS.replace("/render/", "/bake/")));
    assert_eq!((w.len(), w.jobs.len()), (4, 2));
    let first = w.names.iter().position(|n| n == "1").unwrap();
    assert_eq!((w.run_ms[first], w.slots[first]), (120_000, 2));
    assert_eq!(w.extra[&(first as u32)].max_wall_clock_ms, Some(3_600_000));
    let second = w.names.iter().position(|n| n == "2").unwrap();
    assert_eq!(w.exit[second], Exit::Code(3));
    let x = &w.extra[&(second as u32)];
    assert!(x.depends_on.iter().all(|d| w.names[*d as usize] == "1" && w.job[*d as usize] == w.job[second]));
    assert_eq!(x.max_wall_clock_ms, None, "the service's infinity is no limit");
    assert_eq!(r.skipped_total(), 2);
    assert!(r.adjusted.keys().any(|k| k.starts_with("retried")));
    let all = format!("{w:?} {r:?} {r}");
    assert!(!all.contains("SECRET"), "{all}");
    let mut csv = Vec::new();
    tables::of_workload(&w).write_csv(&mut csv).unwrap();
    assert!(!String::from_utf8(csv).unwrap().contains("SECRET"));
}

#[test]
fn secrets_do_not_show_in_errors() {
    let broken = TASKS.replace("\"requiredSlots\":2", "\"requiredSlots\":\"two\"");
    let e = import(&broken).unwrap_err().to_string();
    assert!(!e.contains("SECRET") && e.contains("two"), "{e}");
    for cut in (0..TASKS.len()).step_by(37) {
        if let Err(e) = import_as(&TASKS[..cut], Options { format: Some(Format::Az), ..Options::default() }) {
            assert!(!e.to_string().contains("SECRET"), "{e}");
        }
    }
}

#[test]
fn az_pool_nodes_account() {
    let pool = r#"{"id":"p","vmSize":"STANDARD_D4DS_V5","taskSlotsPerNode":4,"allocationState":"steady","targetDedicatedNodes":3,"targetLowPriorityNodes":0,
        "enableAutoScale":true,"autoScaleFormula":"$TargetDedicatedNodes=1;","autoScaleEvaluationInterval":"0:05:00","resizeTimeout":"PT15M",
        "taskSchedulingPolicy":{"nodeFillType":"Pack"},"startTask":{"commandLine":"SECRET"}}"#;
    let Ok((Imported::Pool(p), _)) = import(pool) else { panic!() };
    assert_eq!((p.slots, p.targets, p.interval_ms, p.pack), (4, [3, 0], Some(300_000), true));
    assert!(!format!("{p:?}").contains("SECRET"));
    let account = r#"{"name":"acc","properties":{"dedicatedCoreQuota":500,"lowPriorityCoreQuota":100,"poolQuota":100,"activeJobAndJobScheduleQuota":300,
        "dedicatedCoreQuotaPerVMFamily":[{"name":"standardDDSv5Family","coreQuota":64}],"dedicatedCoreQuotaPerVMFamilyEnforced":true,"poolAllocationMode":"BatchService"}}"#;
    let Ok((Imported::Account(a), _)) = import(account) else { panic!() };
    assert_eq!(
        (a.name.as_str(), a.dedicated_cores, a.per_family[0].1, a.per_family_enforced),
        ("acc", Some(500), 64, true)
    );
    let nodes = r#"[{"id":"tvm-1","state":"idle","schedulingState":"enabled","allocationTime":"2024-03-01T10:00:00Z","lastBootTime":"2024-03-01T10:02:30Z","isDedicated":true,"vmSize":"x"}]"#;
    let Ok((Imported::Nodes(n), _)) = import(nodes) else { panic!() };
    assert_eq!(n[0].booted.unwrap() - n[0].allocated.unwrap(), 150_000);
}

#[test]
fn service_log_has_every_attempt() {
    let line = |kind: &str, id: &str, start: &str, end: &str, retry: u32, code: i32| {
        let result = if code == 0 { "Success" } else { "Failure" };
        let end = if end.is_empty() {
            String::new()
        } else {
            format!(r#","endTime":"2024-03-01T10:{end}Z","exitCode":{code},"result":"{result}""#)
        };
        format!(
            r#"{{"time":"2024-03-01T10:00:00Z","category":"ServiceLog","operationName":"{kind}","properties":{{"jobId":"j","id":"{id}","taskType":"User","requiredSlots":3,"nodeInfo":{{"poolId":"p","nodeId":"n"}},"commandLine":"SECRET","executionInfo":{{"startTime":"2024-03-01T10:{start}Z"{end},"retryCount":{retry},"requeueCount":0}}}}}}"#
        )
    };
    let log = [
        line("TaskStartEvent", "a", "00:00", "", 0, 0),
        line("TaskFailEvent", "a", "00:00", "01:00", 0, 9),
        line("TaskStartEvent", "a", "02:00", "", 1, 0),
        line("TaskCompleteEvent", "a", "02:00", "05:00", 1, 0),
        line("TaskCompleteEvent", "a", "02:00", "05:00", 1, 0),
        line("TaskRequeueEvent", "b", "02:00", "", 0, 0),
    ]
    .join("\n");
    let (w, r) = work(&log);
    assert_eq!((w.run_ms.clone(), w.submit_ms.clone()), (vec![60_000, 180_000], vec![0, 120_000]));
    assert_eq!(w.exit, [Exit::Code(9), Exit::Success]);
    assert_eq!(w.slots, [3, 3]);
    assert!(r.skipped.contains_key("delivered twice") && r.skipped.keys().any(|k| k.starts_with("requeued")));
    assert!(!format!("{w:?}{r:?}").contains("SECRET"));
}

#[test]
fn plain_tables_say_what_is_missing_and_where() {
    let (w, r) = work("id,submit_s,run_s,cpu_count,secret\n7,0,10,4,hunter2\n8,5,1.5,2,hunter2\n9,6,,2,hunter2\n");
    assert_eq!(
        (w.run_ms.clone(), w.submit_ms.clone(), w.slots.clone()),
        (vec![10_000, 1_500], vec![0, 5_000], vec![4, 2])
    );
    assert!(r.notes[0].contains("submit_s → submit") && !format!("{w:?}{r}").contains("hunter2"));
    assert_eq!(r.skipped_total(), 1);
    let e = import("id,submit_s,runtim\n1,2,3\n").unwrap_err().to_string();
    assert!(e.contains("how long a task ran") && e.contains("help: name columns"), "{e}");
    let e = import("submit_s,run_s\n1,2\n\n3,soon\n").unwrap_err();
    assert_eq!((e.problem.row, e.problem.field.as_str()), (4, "run_s"));
    let (w, _) = work("created;duration\n2024-03-01T10:00:00Z;PT2M\n2024-03-01 09:59:00;1h 1s\n");
    assert_eq!((w.submit_ms, w.run_ms), (vec![0, 60_000], vec![3_601_000, 120_000]));
    let e = import("submit_s,run_s,id,depends_on\n1,2,a,b\n").unwrap_err();
    assert_eq!(e.problem.field, "depends_on");
    assert!(import("").unwrap_err().to_string().contains("is empty"));
    for (text, help) in
        [("{\"metadata\": {\"gap_seconds\": 32}, \"data\": [1]}", "spot_trace"), ("[{\"retailPrice\":1}]", "--prices")]
    {
        assert!(import(text).unwrap_err().problem.help.contains(help));
    }
    assert!(import("hello world\n").unwrap_err().to_string().contains("FILE:format"));
}

#[test]
fn what_is_written_reads_back() {
    let (mut w, _) = work("id,submit_s,run_s,slots,job,exit,depends_on,wait_s\n0,0,10,4,x,0,,3\n1,5,1.5,2,y,3,0,\n");
    w.names.clear();
    let dir = tempfile::tempdir().unwrap();
    let mut kinds = vec!["t.csv"];
    if cfg!(feature = "parquet") {
        kinds.push("t.parquet");
    }
    for kind in kinds {
        let path = dir.path().join(kind);
        tables::of_workload(&w).write(&path).unwrap();
        let (mut back, _) = import::workload(&path, &Options::default()).unwrap();
        back.names.clear();
        assert_eq!(back, w, "{kind}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_in_columns_is_what_csv_is_in_rows() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { names: false, ..Options::default() };
    let n = 20_000u64;
    // (what is odd about one row far down, its line)
    let odd = [
        ("nothing", String::new()),
        ("a failure", "1700000000000,1000,2,a,9,5\n".into()),
        ("no run time", "1700000000000,-1,2,a,0,5\n".into()),
        ("a long run", "1700000000000,5000000000,2,a,0,5\n".into()),
        ("no slots", "1700000000000,1000,0,a,0,5\n".into()),
        ("very wide", "1700000000000,1000,70000,a,0,5\n".into()),
        ("no wait", "1700000000000,1000,2,a,0,-1\n".into()),
        ("no job", "1700000000000,1000,2,,0,5\n".into()),
    ];
    for (what, line) in odd {
        for keep_failed in [true, false] {
            let mut text = String::from("submit_ms,run_ms,slots,job,exit,wait_ms\n");
            for i in 0..n {
                if i == 15_000 {
                    text += &line;
                }
                let job = ["a", "pipeline-one", "pipeline-two", "pipeline-ten"][(i % 4) as usize];
                text += &format!("{},{},{},{job},0,{}\n", 1_700_000_000_000 + i * 7 % 5000, i % 977, 1 + i % 3, i % 50);
            }
            let options = Options { keep_failed, ..options.clone() };
            let (csv, _) =
                import::read_source(Source::new(Cursor::new(text.clone().into_bytes())).unwrap(), &options, "t")
                    .unwrap();
            let Imported::Workload(csv) = csv else { panic!() };
            let mut rows = text.lines().skip(1).map(|l| l.split(',').collect::<Vec<_>>()).collect::<Vec<_>>();
            rows.retain(|r| r.len() == 6);
            let int = |k: usize| tables::Column::Int(rows.iter().map(|r| r[k].parse().unwrap()).collect());
            let table = tables::Table::new()
                .with("submit_ms", int(0))
                .with("run_ms", int(1))
                .with("slots", int(2))
                .with("job", tables::Column::Text(rows.iter().map(|r| r[3].to_string()).collect()))
                .with("exit", int(4))
                .with("wait_ms", int(5));
            let path = dir.path().join("t.parquet");
            table.write(&path).unwrap();
            let (parquet, report) = import::workload(&path, &options).unwrap();
            assert_eq!(report.rows, rows.len() as u64, "{what}");
            assert!(parquet == csv, "{what}, keep_failed {keep_failed}");
        }
    }
}

#[test]
fn nasa_log_totals() {
    let Some(path) = shared("swf/NASA-iPSC-1993-3.1-cln.swf") else { return };
    let (w, r) = import::workload(&path, &Options::default()).unwrap();
    assert_eq!((r.rows, r.tasks, r.skipped_total()), (18_239, 18_066, 173));
    assert_eq!(r.rows, r.tasks + r.skipped_total());
    let days = (w.submit_ms[w.len() - 1] - w.submit_ms[0]) as f64 / 86_400_000.0;
    assert!((91.0..92.1).contains(&days), "{days}");
    assert_eq!(w.slots.iter().max(), Some(&128));
    println!("NASA: {:.1} slot-hours", slot_hours(&w));
}

#[test]
fn nfcore_trace_totals() {
    let Some(path) = shared("nextflow/rnaseq.csv") else { return };
    let (w, r) = import::workload(&path, &Options::default()).unwrap();
    assert_eq!((r.tasks, r.skipped_total()), (1_308, 0));
    let hours = w.run_ms.iter().map(|r| *r as f64).sum::<f64>() / 3_600_000.0;
    assert!((65.0..67.0).contains(&hours), "{hours}");
    let mut cpus: Vec<u16> = w.slots.clone();
    cpus.sort_unstable();
    cpus.dedup();
    assert_eq!(cpus, [1, 2, 6, 12]);
    let Some(path) = shared("nextflow/methylseq.csv") else { return };
    let (w, r) = import::workload(&path, &Options::default()).unwrap();
    assert_eq!(r.rows, 1_083);
    let failed = w.exit.iter().filter(|e| **e != Exit::Success).count();
    assert_eq!(failed, 72);
    let hours = w.run_ms.iter().map(|r| *r as f64).sum::<f64>() / 3_600_000.0;
    assert!((770.0..778.0).contains(&hours), "{hours}");
}

#[test]
fn surf_month_totals() {
    let Some(path) = shared("cloud/surf_lisa_month.csv.gz") else { return };
    let (w, r) = import::workload(&path, &Options::default()).unwrap();
    assert_eq!((r.tasks, r.skipped_total()), (68_648, 0));
    assert!(w.slots.iter().all(|s| *s == 16));
    let mut bins = vec![0u32; (w.submit_ms[w.len() - 1] / 300_000) as usize + 1];
    for s in &w.submit_ms {
        bins[(*s / 300_000) as usize] += 1;
    }
    assert_eq!(bins.iter().max(), Some(&479));
    let empty = bins.iter().filter(|b| **b == 0).count() as f64 / bins.len() as f64;
    assert!((0.45..0.47).contains(&empty), "{empty}");
}
