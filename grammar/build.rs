//! Turns `src/formula.lalrpop` into Rust, or takes `src/formula.rs` when the package ships it.
//!
//! A published package carries the generated file, so that nobody but us waits for LALRPOP to build the tables.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let shipped = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("src/formula.rs");
    println!("cargo:rustc-check-cfg=cfg(fuzzing)");
    println!("cargo:rerun-if-changed=src/formula.rs");
    println!("cargo:rerun-if-changed=src/formula.lalrpop");
    if shipped.exists() {
        fs::copy(shipped, PathBuf::from(env::var("OUT_DIR")?).join("formula.rs"))?;
        return Ok(());
    }
    lalrpop::Configuration::new().use_cargo_dir_conventions().process()
}
