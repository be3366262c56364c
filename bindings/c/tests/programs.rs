//! Builds C and C++ programs against the header and the library with the system's compilers and runs them: plainly with a
//! million calls from four threads, and under valgrind where it is installed (else AddressSanitizer) for leaks and errors.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The static library of this build, made by Cargo next to the tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let exe = std::env::current_exe().unwrap();
        // target/PROFILE/deps/programs-HASH
        let deps = exe.parent().unwrap();
        let mut found: Vec<PathBuf> = [deps, deps.parent().unwrap()]
            .iter()
            .flat_map(|d| std::fs::read_dir(d).unwrap().flatten())
            .map(|e| e.path())
            .filter(|p| {
                let name = p.file_name().unwrap_or_default().to_string_lossy().into_owned();
                name.starts_with("libpoolcast_c") && name.ends_with(".a")
            })
            .collect();
        found.sort_by_key(|p| std::fs::metadata(p).and_then(|m| m.modified()).ok());
        found.pop().expect("cargo builds the static library before the tests")
    })
}

fn have(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|o| o.status.success())
}

fn build(compiler: &str, source: &Path, flags: &[&str], name: &str) -> Option<PathBuf> {
    if !have(compiler) {
        println!("skipped: no {compiler}");
        return None;
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let built = Command::new(compiler)
        .args(["-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"])
        .args(flags)
        .arg("-I")
        .arg(root())
        .arg(source)
        .arg(library())
        .args(["-lm", "-ldl", "-o"])
        .arg(&out)
        .output()
        .unwrap();
    succeeded(&built, "the compiler");
    Some(out)
}

fn succeeded(o: &Output, what: &str) {
    let words = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    assert!(o.status.success(), "{what}: {}\n{}{}", o.status, words(&o.stdout), words(&o.stderr));
}

fn valgrind(program: &Path, args: &[&str]) {
    if !have("valgrind") {
        println!("skipped: no valgrind");
        return;
    }
    let flags = ["-q", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect"];
    let run = Command::new("valgrind").args(flags).arg(program).args(args).output().unwrap();
    succeeded(&run, "valgrind");
}

#[test]
fn c_program_and_a_million_calls_from_four_threads() {
    let source = root().join("tests/smoke.c");
    let Some(program) = build("gcc", &source, &["-std=c11", "-Wno-override-init"], "smoke_c") else { return };
    let run = Command::new(&program).arg("1000000").output().unwrap();
    succeeded(&run, "the program");
    assert_eq!(String::from_utf8_lossy(&run.stdout), "ok, 1000000 calls\n");
    valgrind(&program, &["2000"]);
}

#[test]
fn c_program_with_address_sanitizer() {
    let source = root().join("tests/smoke.c");
    let Some(program) = build("gcc", &source, &["-std=c11", "-fsanitize=address"], "smoke_asan") else { return };
    succeeded(&Command::new(&program).arg("20000").output().unwrap(), "the program with AddressSanitizer");
}

#[test]
fn cpp_program() {
    let source = root().join("tests/smoke.cpp");
    let Some(program) = build("g++", &source, &["-std=c++17"], "smoke_cpp") else { return };
    succeeded(&Command::new(&program).output().unwrap(), "the program");
    valgrind(&program, &[]);
}

#[test]
fn the_header_stands_alone_in_c99_and_cpp11() {
    for (compiler, flags) in [("gcc", ["-std=c99", "-xc"]), ("g++", ["-std=c++11", "-xc++"])] {
        if !have(compiler) {
            continue;
        }
        let header = root().join("poolcast.h");
        let run = Command::new(compiler)
            .args(flags)
            .args(["-fsyntax-only", "-pedantic", "-Wall", "-Wextra", "-Werror"])
            .arg(header)
            .output()
            .unwrap();
        succeeded(&run, compiler);
    }
}

#[test]
fn the_pages_programs_and_the_examples_run() {
    for (page, name, prints) in [("docs/embedding.md", "guide", "6 nodes\n"), ("README.md", "readme", "7 nodes\n")] {
        let text = std::fs::read_to_string(root().join("../..").join(page)).unwrap();
        let hello = text.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a C program");
        let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hello_{name}.c"));
        std::fs::write(&source, hello).unwrap();
        let Some(program) = build("gcc", &source, &["-std=c11"], &format!("hello_{name}_c")) else { return };
        let run = Command::new(&program).output().unwrap();
        succeeded(&run, page);
        assert_eq!(String::from_utf8_lossy(&run.stdout), prints, "{page}");
    }
    for example in ["embed_scheduler", "reject_pool"] {
        let source = root().join(format!("examples/{example}.c"));
        let Some(program) = build("gcc", &source, &["-std=c11"], &format!("{example}_c")) else { return };
        succeeded(&Command::new(&program).output().unwrap(), example);
        valgrind(&program, &[]);
    }
}
