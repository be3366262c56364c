//! Reading sources and writing results, the same way for every verb.
//!
//! In: names, text. Out: text on the terminal or in files. Never: what the text means.

use super::{Complaint, args::Color};
use crate::wire::whole::write_whole;
use std::{
    io::{ErrorKind, IsTerminal, Read, Write},
    path::Path,
    sync::Mutex,
};

/// Why standard output could not be written, if so: what was to be said is lost, and the exit code must say that.
static LOST: Mutex<Option<String>> = Mutex::new(None);

/// What became of standard output.
pub fn lost() -> Option<String> {
    LOST.lock().ok().and_then(|mut lost| lost.take())
}

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
    /// Columns of standard output: those of its terminal, else 100.
    pub fn width(&self) -> usize {
        terminal_size::terminal_size_of(std::io::stdout()).map_or(100, |(w, _)| usize::from(w.0))
    }
    /// Writes to standard output. A reader that has gone away is not an error; a full disk is, at the end of the run.
    pub fn print(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        if let Err(e) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
            && e.kind() != ErrorKind::BrokenPipe
            && let Ok(mut lost) = LOST.lock()
        {
            lost.get_or_insert(e.to_string());
        }
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

/// Writes a text into a file, whole or not at all.
pub fn write(path: impl AsRef<Path>, text: &str) -> Result<(), Complaint> {
    let path = path.as_ref();
    write_whole(path, |out| out.write_all(text.as_bytes())).map_err(|e| cannot_write(path, &e))
}

/// The complaint about a file that cannot be written.
pub fn cannot_write(path: &Path, e: &std::io::Error) -> Complaint {
    Complaint(format!("cannot write {}: {e}", path.display()))
}

/// Refuses to write what is also read, or one file twice.
pub fn apart(reads: &[&Path], writes: &[Option<&Path>]) -> Result<(), Complaint> {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let regular = |path: &&Path| std::fs::metadata(path).map_or(true, |m| m.is_file());
    let writes: Vec<&Path> = writes.iter().flatten().copied().filter(regular).collect();
    for (i, out) in writes.iter().enumerate() {
        let name = out.display();
        if reads.iter().any(|r| real(r) == real(out)) {
            return Err(format!("{name} is read by this command and would be overwritten; name another file").into());
        }
        if writes[..i].iter().any(|w| real(w) == real(out)) {
            return Err(format!("{name} is named for two outputs; name two files").into());
        }
    }
    Ok(())
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
