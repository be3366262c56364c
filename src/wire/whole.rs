//! Writing a file whole or not at all.
//!
//! In: a path and bytes. Out: the file, in its place only when all of it is written. Never: half a file, a link or a mode
//! lost, a neighbour's file taken for our own.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// A file being written: beside its place until [`Whole::finish`] puts it there. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct Whole {
    out: BufWriter<File>,
    /// Where it is and where it goes; none for what is no regular file, such as a pipe, which takes bytes as they come.
    place: Option<(PathBuf, PathBuf)>,
}

impl Whole {
    /// Begins. The place itself is untouched until the end.
    pub fn create(path: &Path) -> io::Result<Whole> {
        // A link stays a link: what it points to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let old = fs::metadata(&path).ok();
        if old.as_ref().is_some_and(|m| m.is_dir()) {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory; name a file"));
        }
        let (file, place) = if old.as_ref().is_some_and(|m| !m.is_file()) {
            (OpenOptions::new().write(true).open(&path)?, None)
        } else {
            let Some(name) = path.file_name() else {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
            };
            let beside = (0..1000).find_map(|n| {
                let mut hidden = std::ffi::OsString::from(".");
                hidden.push(name);
                hidden.push(format!(".{}-{n}.part", std::process::id()));
                let beside = path.with_file_name(hidden);
                match OpenOptions::new().write(true).create_new(true).open(&beside) {
                    Err(e) if e.kind() == io::ErrorKind::AlreadyExists => None,
                    made => Some(made.map(|file| (file, beside))),
                }
            });
            let (file, beside) = beside.unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()))?;
            let whole = (file, Some((beside, path)));
            if let Some(old) = old {
                whole.0.set_permissions(old.permissions())?;
            }
            whole
        };
        Ok(Whole { out: BufWriter::with_capacity(1 << 18, file), place })
    }

    /// Puts the file in its place.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        match self.place.take() {
            Some((beside, path)) => fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside))),
            None => Ok(()),
        }
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some((beside, _)) = &self.place {
            let _ = fs::remove_file(beside);
        }
    }
}

/// Writes a file in one go.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = Whole::create(path)?;
    write(&mut out)?;
    out.finish()
}
