//! Generated pages are current, and what the README says runs. `BLESS=1` rewrites the pages.

use poolcast::cli::doc;
use std::{fs, path::PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn current(name: &str, text: String) {
    let path = root().join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let now = fs::read_to_string(&path).unwrap_or_default();
    assert!(now == text, "{name} is stale: run `BLESS=1 cargo test --test it docs` and commit it");
}

#[test]
fn reference_is_current() {
    current("docs/reference.md", doc::reference());
}

#[test]
fn diagnostics_are_current() {
    current("docs/diagnostics.md", doc::codes());
}

#[test]
fn compatibility_is_current() {
    current("docs/compatibility.md", doc::compatibility());
}

#[test]
fn readme_links_and_files_exist() {
    for page in ["README.md", "docs/architecture.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let base = root().join(page).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|t| t.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                assert!(base.join(file).exists(), "{page} links to {file}");
            }
        }
        for word in text.split(|c: char| c.is_whitespace() || c == '`').filter(|w| w.starts_with("examples/")) {
            assert!(root().join(word).exists(), "{page} names {word}");
        }
    }
}
