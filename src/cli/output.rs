//! Reading sources and writing results, the same way for every verb.
//!
//! In: names, text. Out: text on the terminal or in files. Never: what the text means.

use super::{Complaint, args::Color};
use std::{
    io::{IsTerminal, Read, Write},
    path::Path,
};

/// Where output goes and whether it may be coloured.
#[derive(Debug, Clone, Copy)]
pub struct Term {
    /// Colour on standard output.
    pub color: bool,
}

impl Term {
    /// Decides about colour.
    pub fn new(when: Color) -> Term {
        let color = match when {
            Color::Always => true,
            Color::Never => false,
            // https://no-color.org: set and not empty.
            Color::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Term { color }
    }
    /// Writes to standard output. A reader that has gone away is not an error.
    pub fn print(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
    /// Writes a line to standard error.
    pub fn error(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// A named text.
#[derive(Debug, Clone)]
pub struct Source {
    /// As given; `-` for standard input.
    pub name: String,
    /// Its contents.
    pub text: String,
}

/// Largest file read: room for a Terraform root or an ARM template, not for a disk image.
const MAX_BYTES: u64 = 64 << 20;

/// Reads files, or standard input for `-`.
pub fn read(name: &str) -> Result<Source, Complaint> {
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| format!("cannot read standard input: {e}"))?;
    } else {
        let file = std::fs::File::open(name).map_err(|e| format!("cannot read {name}: {e}"))?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot read {name}: {e}"))?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("{name} is larger than {} MiB; is it the right file?", MAX_BYTES >> 20).into());
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source { name: name.to_owned(), text }),
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            Err(format!("{name} is not UTF-8 text (byte {at}); save it as UTF-8").into())
        }
    }
}

/// Writes a file: beside it first, then in its place, so that nobody ever sees half of it.
pub fn write(name: &str, text: &str) -> Result<(), Complaint> {
    let complain = |e: std::io::Error| Complaint(format!("cannot write {name}: {e}"));
    // A link stays a link: what it points to is replaced.
    let path = std::fs::canonicalize(name).unwrap_or_else(|_| Path::new(name).to_owned());
    let file = path.file_name().and_then(|f| f.to_str()).unwrap_or("file");
    let beside = path.with_file_name(format!(".{file}.poolcast-{}", std::process::id()));
    let done = std::fs::write(&beside, text)
        .and_then(|()| match std::fs::metadata(&path) {
            Ok(old) => std::fs::set_permissions(&beside, old.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| std::fs::rename(&beside, &path));
    if done.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    done.map_err(complain)
}

/// What would change, as a unified diff.
pub fn diff(name: &str, old: &str, new: &str) -> String {
    similar::TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}

/// A progress bar on standard error; invisible when that is no terminal.
pub fn progress(total: u64) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(total);
    bar.set_style(
        indicatif::ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}")
            .unwrap_or(indicatif::ProgressStyle::default_bar()),
    );
    bar
}
