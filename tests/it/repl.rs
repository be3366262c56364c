//! The what-if session as its users meet it: transcripts, the promises of every command, the real binary in a terminal.
//!
//! A transcript under `tests/repl` is played and must come out as it stands; `BLESS=1` writes what came out.

use poolcast::{
    repl::{COMMANDS, Files, Session, complete, step, transcript},
    wire::scenario::{self, Overrides, Scenario},
};
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, atomic::Ordering},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of the repository to read, a table to write.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<BTreeMap<String, String>>>);

impl Table {
    fn with(files: &[(&str, &str)]) -> Table {
        let table = Table::default();
        for (name, text) in files {
            table.0.lock().unwrap().insert((*name).into(), (*text).into());
        }
        table
    }
    fn get(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

impl Files for Table {
    fn read(&self, name: &str) -> Result<String, String> {
        self.get(name)
            .or_else(|| std::fs::read_to_string(root().join(name)).ok())
            .ok_or_else(|| format!("cannot read {name}: no such file"))
    }
    fn write(&mut self, name: &str, text: &str) -> Result<(), String> {
        self.0.lock().unwrap().insert(name.into(), text.into());
        Ok(())
    }
    fn list(&self, prefix: &str) -> Vec<String> {
        self.0.lock().unwrap().keys().filter(|n| n.starts_with(prefix)).cloned().collect()
    }
    fn scenario(&self, name: &str, overrides: &Overrides) -> Result<Scenario, String> {
        // Where the repository lies is nobody's business.
        let here = format!("{}{}", root().display(), std::path::MAIN_SEPARATOR);
        scenario::load(&root().join(name), overrides).map_err(|e| e.to_string().replace(&here, ""))
    }
}

/// One node for every two tasks, at most sixty.
const FORMULA: &str = "\
seen = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute);
tasks = seen < 50 ? 0 : max($PendingTasks.GetSample(5 * TimeInterval_Minute));
$TargetDedicatedNodes = min(60, ceil(tasks / 2));
$NodeDeallocationOption = taskcompletion;
";
const SAMPLES: &str = "\
time,$PendingTasks,$CurrentDedicatedNodes
2026-01-05T08:00:00Z,2,1
2026-01-05T08:00:30Z,,1
2026-01-05T08:01:00Z,9,2
";

fn table() -> Table {
    Table::with(&[("formula.txt", FORMULA), ("samples.csv", SAMPLES)])
}

fn session() -> Session {
    Session::new(Box::new(table()))
}

#[test]
fn transcripts_come_out_as_they_stand() {
    let folder = root().join("tests/repl");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 8);
    let mut wrong = Vec::new();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
        let played = transcript::play(&mut session(), &text);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &played).unwrap();
        } else if played != text {
            let diff = similar::TextDiff::from_lines(&text, &played).unified_diff().to_string();
            wrong.push(format!("{}\n{diff}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "BLESS=1 writes what came out\n{}", wrong.join("\n"));
}

/// Every command has a page; every line of its example works, in the order given.
#[test]
fn every_command_has_help_and_an_example_that_works() {
    let overview = step(&mut session(), ":help").text;
    for c in COMMANDS {
        assert!(overview.contains(&format!(":{}", c.name)), "{}", c.name);
        let page = step(&mut session(), &format!(":help {}", c.name)).text;
        assert!(page.contains(c.help) && page.contains("for example"), "{}", c.name);
        assert!(!c.about.is_empty() && !c.help.is_empty() && !c.example.is_empty(), "{}", c.name);
        assert!(c.example.iter().any(|l| l.starts_with(&format!(":{}", c.name))), "{} is not in its example", c.name);
        let mut session = session();
        for line in c.example {
            let reply = step(&mut session, line);
            assert!(!reply.failed, ":help {}: `{line}`\n{}", c.name, reply.text);
        }
    }
}

#[test]
fn a_wrong_command_names_the_nearest() {
    for (wrong, right) in [
        (":hlep", ":help"),
        (":serie", ":series"),
        (":submt 3", ":submit"),
        (":untl x", ":until"),
        (":prempt", ":preempt"),
    ] {
        let reply = step(&mut session(), wrong);
        assert!(reply.failed && reply.text.contains(&format!("did you mean `{right}`?")), "{wrong}: {}", reply.text);
    }
    assert!(!step(&mut session(), ":xyzzyx").text.contains("did you mean"));
}

/// A line that fails leaves everything as it was, whatever it is.
#[test]
fn errors_never_lose_state() {
    let mut s = session();
    for line in ["x = 3", ":set $PendingTasks 1,2,3", ":sim examples/scenarios/quota_race.toml", ":run 1h", ":fork b"] {
        assert!(!step(&mut s, line).failed, "{line}");
    }
    let before = (
        step(&mut s, ":list").text,
        step(&mut s, ":set").text,
        step(&mut s, ":pool").text,
        step(&mut s, ":switch").text,
    );
    for line in [
        "x = y",
        "x = 1 +* 2",
        "(",
        "\"",
        ":load nothing",
        ":sim nothing.toml",
        ":sim quota=3",
        ":set $PendingTasks 9",
        ":run -5m",
        ":run soon",
        ":until never ever",
        ":submit many",
        ":submit 0 tasks of 5m",
        ":submit 5 tasks",
        ":quota lots",
        ":preempt 200%",
        ":resize",
        ":fork b",
        ":switch nowhere",
        ":diff b nowhere",
        ":why node 99999",
        ":why task none",
        ":plot x y",
        ":edit 77",
        ":now 9:00",
        ":step 0",
        ":undo 0",
        ":tick -1m",
        ":at never",
        ":explain nothingatall",
        ":save",
        ":pool nowhere",
        ":samples nowhere.csv",
    ] {
        assert!(step(&mut s, line).failed, "{line}");
    }
    let after = (
        step(&mut s, ":list").text,
        step(&mut s, ":set").text,
        step(&mut s, ":pool").text,
        step(&mut s, ":switch").text,
    );
    assert_eq!(before, after);
}

#[test]
fn undo_takes_back_statements_settings_and_time() {
    let mut s = session();
    step(&mut s, "x = 1");
    step(&mut s, ":set $PendingTasks 5");
    step(&mut s, "x = max($PendingTasks.GetSample(1))");
    assert_eq!(step(&mut s, "x").text, "5 (double)");
    step(&mut s, ":undo");
    step(&mut s, ":undo");
    assert_eq!(step(&mut s, "x").text, "1 (double)");
    step(&mut s, "$TargetDedicatedNodes = 4");
    step(&mut s, ":sim");
    let start = step(&mut s, ":pool").text;
    step(&mut s, ":run 3h");
    let later = step(&mut s, ":pool").text;
    assert_ne!(start, later);
    step(&mut s, ":undo");
    assert_eq!(step(&mut s, ":pool").text, start);
    // The same luck again.
    step(&mut s, ":run 3h");
    assert_eq!(step(&mut s, ":pool").text, later);
}

#[test]
fn a_question_changes_nothing_and_is_not_remembered() {
    let mut s = session();
    step(&mut s, "x = 1");
    let steps = s.behind().0;
    for line in [":list", ":help", ":at 9:00 time().hour", ":series", ":why x", ":type x", ":set"] {
        assert!(!step(&mut s, line).failed, "{line}");
    }
    assert_eq!(s.behind().0, steps);
}

/// Two futures from one instant differ only by what is done to them.
#[test]
fn forks_share_their_luck() {
    let mut s = session();
    for line in [
        ":load formula.txt",
        ":sim",
        ":submit 30 tasks of 10m",
        ":run 20m",
        ":fork twin",
        ":run 2h",
        ":switch main",
        ":run 2h",
    ] {
        assert!(!step(&mut s, line).failed, "{line}");
    }
    let diff = step(&mut s, ":diff main twin").text;
    for line in diff.lines().skip(1) {
        assert!(!line.contains('+') && !line.contains('−'), "{line}");
    }
}

/// Files are written whole and read back.
#[test]
fn saving_and_loading() {
    let files = table();
    let mut s = Session::new(Box::new(files.clone()));
    step(&mut s, ":load formula.txt");
    let list = step(&mut s, ":list").text;
    step(&mut s, ":save copy.txt");
    step(&mut s, ":new");
    step(&mut s, ":load copy.txt");
    assert_eq!(step(&mut s, ":list").text, list);
    step(&mut s, ":sim");
    step(&mut s, ":run 1h");
    assert!(!step(&mut s, ":report page.html").failed);
    assert!(files.get("page.html").is_some_and(|page| page.starts_with("<!doctype html>") && page.contains("</html>")));
}

#[test]
fn a_run_ends_where_it_is_when_somebody_asks() {
    let mut s = session();
    step(&mut s, "$TargetDedicatedNodes = 3");
    step(&mut s, ":sim");
    let cancel = s.cancel.clone();
    let (stop, stopped) = (Arc::new(std::sync::atomic::AtomicBool::new(false)), cancel.clone());
    let done = stop.clone();
    // The flag is cleared when a line begins: keep asking until the run has ended.
    let asker = std::thread::spawn(move || {
        while !done.load(Ordering::Relaxed) {
            stopped.store(true, Ordering::Relaxed);
            std::thread::yield_now();
        }
    });
    let reply = step(&mut s, ":run 200d");
    stop.store(true, Ordering::Relaxed);
    asker.join().unwrap();
    assert!(!reply.failed && reply.text.contains("stopped here"), "{}", reply.text);
    assert_eq!(step(&mut s, "1 + 1").text, "2 (double)");
}

/// The piped binary answers what the session answers, and its exit code tells whether a line failed.
#[test]
fn without_a_terminal_the_answers_are_the_same() {
    let lines = "x = 2 +\n 3\n:set $PendingTasks 1,_,4\nmax(x, $PendingTasks.GetSample(2))\n:nothing\n";
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolcast"))
        .args(["repl", "--color", "never"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), lines.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(said, transcript::play(&mut session(), lines));
    assert!(said.contains("5 (double)"));
    assert_eq!(out.status.code(), Some(1));
    // What came out goes in again.
    assert_eq!(transcript::play(&mut session(), &said), said);
}

#[test]
fn completion_knows_the_session() {
    let mut s = session();
    step(&mut s, "busyNodes = 3");
    step(&mut s, ":sim");
    step(&mut s, ":fork bigger");
    let words = complete::Vocabulary::of(&s);
    let texts = |line: &str| {
        complete::complete(line, line.len(), &words, &table()).into_iter().map(|c| c.text).collect::<Vec<_>>()
    };
    assert_eq!(texts("1 + busy"), ["busyNodes"]);
    assert_eq!(texts(":switch b"), ["bigger"]);
    assert_eq!(texts(":load form"), ["formula.txt"]);
    assert_eq!(texts(":sim latency.alloc_m"), ["latency.alloc_median="]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Nothing that can be typed ends a session.
    #[test]
    fn any_lines_are_answered(lines in proptest::collection::vec(line(), 1..12)) {
        let mut s = session();
        for l in &lines {
            let before = step(&mut s, ":list").text;
            let reply = step(&mut s, l);
            if reply.failed {
                prop_assert_eq!(&before, &step(&mut s, ":list").text);
            }
            for cursor in 0..=l.len() {
                for c in complete::complete(l, cursor, &complete::Vocabulary::default(), &table()) {
                    prop_assert!(l.get(c.span.range()).is_some());
                }
            }
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        (0..COMMANDS.len()).prop_map(|i| format!(":{}", COMMANDS[i].name)),
        prop::sample::select(vec![
            "x",
            "=",
            "x = 1",
            "$PendingTasks",
            "1,_,3",
            "(1,2)*3",
            "9:00",
            "5m",
            "1h",
            "50",
            "tasks",
            "of",
            "10m",
            "at",
            "over",
            "30%",
            "node",
            "0",
            "main",
            "hand",
            "it",
            "it * 2",
            "ready",
            "quota error",
            "formula.txt",
            "é",
            "\"",
            "(",
            "?",
            "stop()",
            "rand()",
            "off",
            "none",
            "hold",
            "time()",
            "sunday",
            "7",
            "999999999999",
            "-1",
            "1e400",
            "🦀",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    proptest::collection::vec(word, 1..5)
        .prop_map(|w| w.join(" "))
        .prop_filter("a year takes too long here", |l| !l.contains(":run"))
}

/// The real binary in a pseudo-terminal: completion, an entry over two lines, Ctrl-C on a line and on a run, Ctrl-D.
#[test]
#[cfg(unix)]
fn the_binary_in_a_terminal() {
    let python = Command::new("python3").arg("-c").arg("import pty").status();
    if !python.is_ok_and(|s| s.success()) {
        println!("skipped: no python3 with a pty module to hold the terminal");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history");
    let out = Command::new("python3")
        .arg(root().join("tests/it/terminal.py"))
        .arg(env!("CARGO_BIN_EXE_poolcast"))
        .arg(&history)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}\n{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let lines = std::fs::read_to_string(&history).unwrap();
    assert!(lines.contains("6 * 7") && lines.contains(":help"), "{lines}");
}
