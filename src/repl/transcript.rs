//! Sessions without a terminal: lines in, the same lines with their replies out.
//!
//! In: text. Out: a transcript, which is itself such a text. Never: a different answer than the terminal gives.
//!
//! An entry begins a line; a statement that is not finished goes on at the next line. In a transcript entries stand after
//! `> `, further lines of theirs after `. `; replies follow as they are.

use super::{Ask, Reply, Session, step, unfinished::unfinished};

/// The mark of an entry.
pub const MARK: &str = "> ";
/// The mark of its further lines.
pub const MORE: &str = ". ";

/// Takes lines one by one and says when an entry is complete.
#[derive(Debug, Default)]
pub struct Entries {
    open: String,
}

impl Entries {
    /// One line; the entry when it is complete. A command or an empty line ends whatever was open.
    pub fn take(&mut self, line: &str) -> Vec<String> {
        let mut out = Vec::new();
        let command = line.trim_start().starts_with(':');
        if !self.open.is_empty() && (command || line.trim().is_empty()) {
            out.push(std::mem::take(&mut self.open));
            if !command {
                return out;
            }
        }
        if !self.open.is_empty() {
            self.open.push('\n');
        }
        self.open.push_str(line);
        if !unfinished(&self.open) {
            out.push(std::mem::take(&mut self.open));
        }
        out.retain(|e| !e.trim().is_empty());
        out
    }
    /// What was open at the end.
    pub fn end(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.open);
        (!rest.trim().is_empty()).then_some(rest)
    }
}

/// An entry as a transcript shows it.
pub fn shown(entry: &str) -> String {
    let mut out = String::new();
    for (i, line) in entry.lines().enumerate() {
        out.push_str(if i == 0 { MARK } else { MORE });
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// An entry and its reply.
pub fn exchange(session: &mut Session, entry: &str) -> (String, Reply) {
    let mut reply = step(session, entry);
    if let Some(Ask::Edit(_)) = reply.ask {
        reply = Reply::error("`:edit` alone needs a terminal; `:edit N STATEMENT` replaces statement N of `:list`");
    }
    let mut text = shown(entry);
    if !reply.text.is_empty() {
        text.push_str(&reply.text);
        text.push('\n');
    }
    (text, reply)
}

/// The entries of a transcript, or of plain lines when none is marked.
pub fn entries(text: &str) -> Vec<String> {
    if !text.lines().any(|l| l.starts_with(MARK)) {
        let mut open = Entries::default();
        let mut out: Vec<String> = text.lines().flat_map(|l| open.take(l)).collect();
        out.extend(open.end());
        return out;
    }
    let mut out: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(first) = line.strip_prefix(MARK) {
            out.push(first.to_owned());
            inside = true;
        } else if let (true, Some(more), Some(last)) = (inside, line.strip_prefix(MORE), out.last_mut()) {
            last.push('\n');
            last.push_str(more);
        } else {
            inside = false;
        }
    }
    out
}

/// The whole session.
pub fn play(session: &mut Session, text: &str) -> String {
    let mut out = String::new();
    for entry in entries(text) {
        let (said, reply) = exchange(session, &entry);
        out.push_str(&said);
        if reply.ask == Some(Ask::Quit) {
            break;
        }
    }
    out
}
