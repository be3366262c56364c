//! The command line as a newcomer meets it: exit codes, formats, repairs, files that hold formulas.

use assert_cmd::Command;
use std::{fs, path::Path};

fn poolcast(args: &[&str]) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_poolcast"));
    c.args(args).env_remove("NO_COLOR").current_dir(env!("CARGO_MANIFEST_DIR"));
    c
}

/// (exit code, standard output, standard error).
fn run(args: &[&str], stdin: &str) -> (i32, String, String) {
    let out = poolcast(args).write_stdin(stdin).output().unwrap();
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

const THREE: &str = "cap = 20\n$share = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 5);\n\
    $tasks = $share < 0.7 ? 1 : avg($PendingTasks.GetSample(TimeInterval_Minute * 5));\n\
    $TargetDedicatedNodes = min(caps, ceil($tasks));\n$NodeDeallocationOption = taskcompletion;\n";

#[test]
fn three_mistakes_are_all_reported_at_once_with_their_repair() {
    let (code, out, _) = run(&["check", "-"], THREE);
    assert_eq!(code, 1, "{out}");
    for said in ["error[E0102]", "warning[W0504]", "error[E0201]", "did you mean `cap`?", "write `70`", "-:1:9"] {
        assert!(out.contains(said), "{said} in\n{out}");
    }
    assert!(!out.contains('\x1b'), "no colour when nobody asked for it");
}

#[test]
fn exit_codes() {
    assert_eq!(run(&["check", "-"], "$TargetDedicatedNodes = 1;").0, 0);
    assert_eq!(run(&["check", "-"], "$TargetDedicatedNodes = ;").0, 1);
    assert_eq!(run(&["check", "no-such-file.txt"], "").0, 2);
    assert_eq!(run(&["check"], "").0, 2);
    assert_eq!(run(&["check", "-", "--deny", "no-such-lint"], "").0, 2);
    assert_eq!(run(&["--version"], "").0, 0);
    assert_eq!(run(&["check", "-"], "{\"name\": \"no formula here\"}").0, 2);
}

#[test]
fn levels_decide_what_is_fatal() {
    let fraction = "$TargetDedicatedNodes = 0.5;";
    assert_eq!(run(&["check", "-"], fraction).0, 0);
    assert_eq!(run(&["check", "-", "--deny", "W0503"], fraction).0, 1);
    assert_eq!(run(&["check", "-", "--deny", "all", "--allow", "fraction-cut"], fraction).0, 0);
    assert!(run(&["check", "-", "-A", "all", "--format", "short"], fraction).1.is_empty());
    let bare = "$TargetDedicatedNodes = $PendingTasks; $NodeDeallocationOption = taskcompletion;";
    assert_eq!(run(&["check", "-"], bare).0, 0);
    assert_eq!(run(&["check", "-", "--strict"], bare).0, 1);
    assert!(run(&["check", "-", "--format", "short"], &format!("//! allow bare-metric\n{bare}")).1.is_empty());
}

#[test]
fn outputs_never_eat_inputs_links_or_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let scenario = at("s.toml");
    std::fs::copy("examples/scenarios/scale_to_zero.toml", &scenario).unwrap();
    let before = std::fs::read(&scenario).unwrap();
    let s = scenario.to_str().unwrap();
    for flag in ["--report", "--trace"] {
        let (code, _, said) = run(&["simulate", s, flag, s], "");
        assert!(code == 2 && said.contains("would be overwritten"), "{said}");
    }
    let page = at("page.html");
    let (code, _, said) =
        run(&["simulate", s, "--report", page.to_str().unwrap(), "--trace", page.to_str().unwrap()], "");
    assert!(code == 2 && said.contains("two outputs"), "{said}");
    assert_eq!(std::fs::read(&scenario).unwrap(), before);
    // A directory in the way leaves nothing behind.
    std::fs::create_dir(at("taken")).unwrap();
    assert_eq!(run(&["simulate", s, "--report", at("taken").to_str().unwrap()], "").0, 2);
    let names = || std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names().len(), 2, "{:?}", names());
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let real = at("real.html");
        std::fs::write(&real, "old").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(at("real.html.part"), "mine").unwrap();
        symlink(&real, at("link.html")).unwrap();
        assert_eq!(run(&["simulate", s, "--report", at("link.html").to_str().unwrap()], "").0, 0);
        assert!(std::fs::symlink_metadata(at("link.html")).unwrap().is_symlink(), "a link stays a link");
        assert!(std::fs::read_to_string(&real).unwrap().contains("<html"));
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(at("real.html.part")).unwrap(), "mine");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_no_success() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut explain = std::process::Command::new(env!("CARGO_BIN_EXE_poolcast"));
    let out = explain.arg("explain").stdout(full).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("cannot write standard output"));
    // A device takes what is written; it is never replaced.
    let (code, _, said) = run(&["simulate", "examples/scenarios/scale_to_zero.toml", "--report", "/dev/full"], "");
    assert!(code == 2 && said.contains("/dev/full"), "{code} {said}");
    assert!(!std::fs::metadata("/dev/full").unwrap().is_file());
}

#[test]
fn a_remainder_hides_no_other_mistake() {
    let (code, out, _) =
        run(&["check", "-", "--format", "short"], "most = 20;\n$TargetDedicatedNodes = min(mots, 7 % 4);\n");
    assert_eq!(code, 1);
    assert!(out.contains("-:2:29: error[E0201]: `mots`") && out.contains("-:2:37: error[E0109]"), "{out}");
}

#[test]
fn the_service_stores_what_it_cannot_evaluate() {
    assert_eq!(run(&["check", "--like-service", "-"], "$TargetDedicatedNodes = nobody;").0, 0);
    assert_eq!(run(&["check", "--like-service", "-"], "$TargetDedicatedNodes = (1;").0, 1);
}

#[test]
fn short_json_and_sarif() {
    let (_, out, _) = run(&["check", "-", "--format", "short"], "$TargetDedicatedNodes = nobody;");
    assert_eq!(out, "-:1:25: error[E0201]: `nobody` has no value here\n");
    let (_, out, _) = run(&["check", "-", "--format", "json"], THREE);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["errors"], &json["warnings"]), (&2.into(), &1.into()));
    assert_eq!(json["files"][0]["diagnostics"][0]["span"]["start"]["line"], 1);
    let (_, out, _) = run(&["check", "-", "--format", "sarif"], THREE);
    let sarif: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 3);
}

#[test]
fn fix_repairs_the_file_and_dry_run_only_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f.txt");
    fs::write(&file, "# pool\ncap = 20\n$TargetDedicated = cap;;\n").unwrap();
    let name = file.to_str().unwrap();
    let (code, diff, _) = run(&["check", "--fix", "--dry-run", name], "");
    assert_eq!(code, 0);
    assert!(diff.contains("-# pool\n") && diff.contains("+// pool\n") && diff.contains("+cap = 20;\n"), "{diff}");
    assert!(fs::read_to_string(&file).unwrap().starts_with("# pool"));
    assert_eq!(run(&["check", "--fix", name], "").0, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "// pool\ncap = 20;\n$TargetDedicatedNodes = cap;\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside the file");
    assert_eq!(
        run(&["check", "--fix", "-"], "a = 1\n$TargetDedicatedNodes = a;").1,
        "a = 1;\n$TargetDedicatedNodes = a;"
    );
}

#[test]
fn formulas_inside_json_and_terraform_are_judged_where_they_stand() {
    let pool = "{\n  \"id\": \"p\",\n  \"autoScaleFormula\": \"cap = 1\\n$TargetDedicatedNodes = cap;\"\n}\n";
    let (code, out, _) = run(&["check", "-", "--format", "short"], pool);
    assert_eq!(code, 1);
    assert!(out.starts_with("-:3:31: error[E0102]"), "{out}");
    let (_, fixed, _) = run(&["check", "--fix", "-"], pool);
    assert_eq!(fixed, pool.replace("cap = 1\\n", "cap = 1;\\n"));
    let tf = "resource \"azurerm_batch_pool\" \"p\" {\n  auto_scale {\n    formula = <<-EOF\n      # cap\n      \
        $TargetDedicatedNodes = ${var.max};\n    EOF\n  }\n}\n";
    let (code, out, _) = run(&["check", "-", "--format", "short"], tf);
    assert_eq!((code, out.as_str()), (1, "-:4:7: error[E0107]: `#` does not start a comment\n"));
    assert_eq!(run(&["check", "--fix", "-"], tf).1, tf.replace("# cap", "// cap"));
}

#[test]
fn fmt_is_idempotent_and_check_only_looks() {
    let (code, once, _) = run(&["fmt", "-"], "a=1;$TargetDedicatedNodes=max( a,2 ) //cap");
    assert_eq!(code, 0);
    assert_eq!(run(&["fmt", "-"], &once).1, once);
    assert_eq!(run(&["fmt", "--check", "-"], &once).0, 0);
    assert_eq!(run(&["fmt", "--check", "-"], "a=1;").0, 1);
    let (code, _, err) = run(&["fmt", "-"], "a = (1;");
    assert_eq!(code, 1);
    assert!(err.contains("E0103"), "{err}");
}

#[test]
fn explain_is_one_door() {
    for (name, says) in [
        ("E0301", "# E0301 operator-types"),
        ("fraction-cut", "# W0503"),
        ("avg", "# avg: function"),
        ("GetSample", "# GetSample: method"),
        ("weekday", "# weekday: member"),
        ("TimeInterval_Minute", "# TimeInterval_Minute: constant"),
        ("$PendingTasks", "# $PendingTasks: service metric"),
        ("pendingtasks", "# $PendingTasks: service metric"),
        ("$NodeDeallocationOption", "written by the formula"),
        ("sunday", "# sunday: rule"),
        ("clamp", "max(low, min(x, high))"),
    ] {
        let (code, out, err) = run(&["explain", name], "");
        assert!(code == 0 && out.contains(says), "{name}: {out}{err}");
    }
    let (code, _, err) = run(&["explain", "percentle"], "");
    assert!(code == 2 && err.contains("`percentile`"), "{err}");
    assert!(run(&["explain"], "").1.contains("W0503  fraction-cut"));
}

#[test]
fn emit_shows_every_stage() {
    for stage in ["tokens", "ast", "hir"] {
        let (code, out, err) = run(&["emit", "-", "--stage", stage], "$TargetDedicatedNodes = max(1, 2);");
        assert!(code == 0 && out.contains("max"), "{stage}: {out}{err}");
    }
}

#[test]
fn shells_and_manuals() {
    assert!(run(&["completions", "bash"], "").1.contains("poolcast"));
    assert!(run(&["man"], "").1.contains(".TH"));
    assert!(run(&["man", "check"], "").1.contains("\\-\\-dry\\-run"), "a verb's page has its flags");
    let (code, _, said) = run(&["man", "chekc"], "");
    assert!(code == 2 && said.contains("no verb `chekc`"), "{said}");
}

#[test]
fn colour_is_the_readers_choice() {
    let bad = "$TargetDedicatedNodes = ;";
    assert!(run(&["check", "-", "--color", "always"], bad).1.contains('\x1b'));
    assert!(!run(&["check", "-", "--color", "never"], bad).1.contains('\x1b'));
}

fn formulas(dir: &str) -> Vec<std::path::PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut list: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    list.sort();
    list
}

#[test]
fn good_examples_have_nothing_to_say_about() {
    let good = formulas("examples/formulas");
    assert!(good.len() >= 12);
    let names: Vec<&str> = good.iter().map(|p| p.to_str().unwrap()).collect();
    let mut args = vec!["check", "--strict", "--format", "short"];
    args.extend(&names);
    assert_eq!(run(&args, ""), (0, String::new(), String::new()));
    let mut args = vec!["fmt", "--check"];
    args.extend(&names);
    assert_eq!(run(&args, ""), (0, String::new(), String::new()), "examples are formatted");
}

#[test]
fn pool_files_of_the_examples_are_sound() {
    let args = ["check", "--strict", "--format", "short", "examples/pools/pool.json", "examples/pools/main.tf"];
    assert_eq!(run(&args, ""), (0, String::new(), String::new()));
}

/// What a newcomer reads: reviewed word by word when it changes.
#[test]
fn broken_examples_read_like_this() {
    for file in formulas("examples/formulas/broken") {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let (_, out, _) = run(&["check", &format!("examples/formulas/broken/{name}.txt")], "");
        insta::assert_snapshot!(name, out);
    }
}

#[test]
fn broken_examples_get_one_finding_for_each_of_their_mistakes() {
    let expected: &[(&str, &[&str])] = &[
        ("calendar.txt", &["W0514", "W0517", "E0310"]),
        ("never_scales.txt", &["W0508", "W0502", "W0509", "W0507", "W0503"]),
        ("semicolon_name_percent.txt", &["E0102", "W0504", "E0201"]),
        ("three_habits.txt", &["E0107", "E0106", "E0109"]),
        ("wrong_calls.txt", &["E0203", "E0303", "E0205", "W0509"]),
    ];
    let files = formulas("examples/formulas/broken");
    assert_eq!(files.len(), expected.len());
    for (file, (name, codes)) in files.iter().zip(expected) {
        assert!(file.ends_with(name), "{}", file.display());
        let (_, out, _) = run(&["check", "--format", "short", file.to_str().unwrap()], "");
        let found: Vec<&str> = out.lines().filter_map(|l| Some(l.split_once('[')?.1.split_once(']')?.0)).collect();
        assert_eq!(&found, codes, "{name}\n{out}");
    }
}

#[test]
fn a_repair_is_written_once_and_only_where_a_formula_comes_of_it() {
    let share = "$TargetDedicatedNodes = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute) > 0.1 ? 1 : 2;";
    assert_eq!(run(&["check", "--fix", "-"], share).1, share.replace("0.1", "10"));
    let any = share.replace("0.1", "0.001");
    assert_eq!(run(&["check", "--fix", "-"], &any).1, any, "`> 0.001` asks for any sample at all");
    let prose = "# Title\n\nSome 'words' about pools.\n";
    let (code, out, err) = run(&["check", "--fix", "-"], prose);
    assert!(code == 1 && out == prose && err.contains("nothing is repaired"), "{out}\n{err}");
    for text in [
        "if ($x) $TargetDedicatedNodes = 10; else $TargetDedicatedNodes = 1;",
        "var x = 5;\n$TargetDedicatedNodes = x;",
    ] {
        assert_eq!(run(&["check", "--fix", "-"], text).1, text);
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("main.bicep");
    fs::write(&file, "# x\n").unwrap();
    let (code, _, err) = run(&["check", "--fix", file.to_str().unwrap()], "");
    assert!(code == 2 && err.contains("az bicep build"), "{err}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "# x\n");
}

#[test]
fn a_byte_order_mark_is_skipped_said_and_removed() {
    let text = "\u{feff}$TargetDedicatedNodes = 1;\n";
    let (code, out, _) = run(&["check", "--format", "short", "-"], text);
    assert_eq!((code, out.as_str()), (0, "-:1:1: warning[U0417]: the text starts with a byte-order mark\n"));
    assert_eq!(run(&["check", "--fix", "-"], text).1, &text[3..]);
    assert_eq!(run(&["fmt", "-"], text).1, &text[3..]);
    assert_eq!(run(&["eval", "-"], text).0, 0);
    let (_, out, _) = run(&["check", "--format", "short", "-"], "\u{feff}# x\n$TargetDedicatedNodes = 1;");
    assert!(out.contains("E0107") && !out.contains("E0118"), "{out}");
}

#[test]
fn a_named_code_wins_over_all() {
    let text = "$TargetDedicatedNodes = 0.5;";
    for args in [["-A", "all", "-D", "W0503"], ["-D", "W0503", "-A", "all"]] {
        let (code, out, _) = run(&["check", "--format", "short", "-", args[0], args[1], args[2], args[3]], text);
        assert!(code == 1 && out.contains("error[W0503]"), "{out}");
    }
}

#[test]
fn a_file_that_cannot_be_read_hides_nothing_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f.txt");
    fs::write(&file, "$TargetDedicatedNodes = nobody;\n").unwrap();
    for format in ["short", "human", "json", "sarif"] {
        let (code, out, err) = run(&["check", file.to_str().unwrap(), "missing.txt", "--format", format], "");
        assert_eq!(code, 2);
        assert!(out.contains("E0201") && err.contains("missing.txt"), "{format}: {out}\n{err}");
    }
}

#[test]
fn directives_are_read_or_told() {
    let said =
        |line: &str| run(&["check", "--format", "short", "-"], &format!("$TargetDedicatedNodes = 1;\n{line}\n")).1;
    assert_eq!(said("//! assert $TargetDedicatedNodes <= 2"), "");
    assert_eq!(said("//! assert settles_to_zero(3)"), "");
    assert_eq!(
        said("//! asert $TargetDedicatedNodes <= 2"),
        "-:2:5: warning[W0527]: `//! asert` says nothing to poolcast\n"
    );
    assert!(said("//! alow W0503").contains("`//! alow`"));
    assert!(
        said("//! assert $TargetDedicatedNodes <= nobody")
            .starts_with("-:2:37: warning[W0527]: the assertion does not check")
    );
    assert!(said("//! assert reacts_within").starts_with("-:2:12: warning[W0527]"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f.txt");
    fs::write(&file, "$TargetDedicatedNodes = 1;\n//! assert $TargetDedicatedNode <= 2\n").unwrap();
    let (code, _, err) = run(&["bounds", file.to_str().unwrap()], "");
    assert!(code == 2 && err.contains("f.txt:2: ") && err.contains("$TargetDedicatedNodes"), "{err}");
}

#[test]
fn fmt_keeps_line_ends_and_the_bytes_of_what_stays() {
    assert_eq!(
        run(&["fmt", "-"], "a=1;\r\n$TargetDedicatedNodes=a;\r\n").1,
        "a = 1;\r\n$TargetDedicatedNodes = a;\r\n"
    );
    let json = r#"{"autoScaleFormula": "// caf\u00e9\na=1; // \u00e9t\u00e9\n$TargetDedicatedNodes = a;\n"}"#;
    assert_eq!(run(&["fmt", "-"], json).1, json.replace("a=1;", "a = 1;"));
    let tf = "auto_scale {\n  formula = <<-EOF\n    a=1;\n    $TargetDedicatedNodes = a;\n  EOF\n}\n";
    assert_eq!(run(&["fmt", "-"], tf).1, tf.replace("a=1;", "a = 1;"));
}

#[test]
fn a_formula_that_is_no_text_is_told() {
    let (code, _, err) = run(&["check", "-"], "{\"autoScaleFormula\": 5}");
    assert!(code == 2 && err.contains("not text but 5"), "{err}");
}

#[test]
fn a_report_shows_what_every_statement_of_an_evaluation_did() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    let to = page.to_str().unwrap();
    let digest = |out: &str| out.lines().find(|l| l.starts_with("digest")).map(str::to_owned);
    let (code, watched, _) = run(&["simulate", "examples/scenarios/scale_to_zero.toml", "--report", to], "");
    assert_eq!(code, 0);
    let html = fs::read_to_string(&page).unwrap();
    for said in [
        "waiting = known &lt; 70 ? 8 : max($ActiveTasks.GetSample(2 * TimeInterval_Minute));\n    known &lt; 70 is false: second arm\n    $ActiveTasks from -120s to -0s: 4 of 4 samples",
        "$TargetDedicatedNodes = waiting &gt; 0 ? 8 : 0;\n    waiting &gt; 0 is true: first arm\n    = 8",
        "warning[",
    ] {
        assert!(html.contains(said), "{said}");
    }
    let (_, plain, _) = run(&["simulate", "examples/scenarios/scale_to_zero.toml"], "");
    assert_eq!(digest(&watched), digest(&plain), "watching changes nothing");
    // The page of a comparison has every formula with what the checker says, the scenario's own too.
    let compared = ["compare", "examples/scenarios/scale_to_zero.toml", "-", "examples/formulas/backlog.txt"];
    assert_eq!(run(&[&compared[..], &["--report", to]].concat(), "").0, 0);
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("hecker ").count(), 2, "one word of the checker for each formula");
    assert!(html.contains("<h3>Of pool drain</h3>") && html.contains("warning["));
    // A month of evaluations, most of which fail: the page stays a page.
    let bad = dir.path().join("bad.txt");
    fs::write(&bad, "$TargetDedicatedNodes = avg($ActiveTasks.GetSample(TimeInterval_Minute, 100)) - 1;").unwrap();
    let bad = bad.to_str().unwrap();
    let month = ["simulate", "examples/scenarios/month.toml", "--formula", bad, "--report", to];
    assert_eq!(run(&month, "").0, 0);
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    assert!(html.contains(" are here, evenly chosen among those that failed"));
}

#[test]
fn a_statement_that_failed_shows_what_it_read_and_no_value() {
    let formula = "n = max($PendingTasks.GetSample(TimeInterval_Minute * 10)) / 4;\n$TargetDedicatedNodes = n;";
    let (code, out, _) = run(&["eval", "-", "--steps"], formula);
    assert_eq!(code, 3);
    let wanted = "/ 4;\n    $PendingTasks from -600s to -0s: 0 of 20 samples, 70% wanted\n    failed\n$TargetDedicatedNodes = n;\n    not reached\n";
    assert!(out.contains(wanted), "{out}");
}
