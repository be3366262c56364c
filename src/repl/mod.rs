//! The what-if session: type a formula, change the world, let time pass, ask why.
//!
//! In: a session and a line. Out: a reply, and the session changed; a line that fails changes nothing. Never: a terminal
//! ([`terminal`] is apart), a wall clock, a file except through [`Files`].
//!
//! ```
//! use poolcast::repl::{NoFiles, Session, step};
//! let mut session = Session::new(Box::new(NoFiles));
//! step(&mut session, ":set $PendingTasks 4,6,8");
//! assert_eq!(step(&mut session, "max($PendingTasks.GetSample(3))").text, "8 (double)");
//! ```
//!
//! Invariants: the same lines give the same replies, with a terminal or without; a failed line leaves the session as it
//! was; every change can be undone within the bounds of [`UNDO_STEPS`] and [`UNDO_BYTES`].

mod command;
pub mod complete;
mod language;
mod pool;
mod run;
mod session;
mod show;
mod submit;
pub mod terminal;
pub mod transcript;
pub mod unfinished;
mod view;
mod why;
mod words;
mod world;

pub use command::{COMMANDS, Command};
pub use pool::{Future, HAND};
pub use session::{Files, Hand, NoFiles, Session, State, Statement, UNDO_BYTES, UNDO_STEPS};
pub use world::load_samples;

/// What the front has to do besides printing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Open an editor on this text and hand the result to [`edited`].
    Edit(String),
    /// End the session.
    Quit,
}

/// The answer to a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// What to print; no line end.
    pub text: String,
    /// The line was wrong and changed nothing.
    pub failed: bool,
    /// What else to do.
    pub ask: Option<Ask>,
}

impl Reply {
    pub(crate) fn answer(text: impl AsRef<str>) -> Reply {
        Reply { text: text.as_ref().trim_end().to_owned(), failed: false, ask: None }
    }
    pub(crate) fn error(text: impl AsRef<str>) -> Reply {
        Reply { text: text.as_ref().trim_end().to_owned(), failed: true, ask: None }
    }
}

/// Takes one line (or one statement over several lines) and answers.
pub fn step(session: &mut Session, line: &str) -> Reply {
    let text = line.trim();
    if text.is_empty() {
        return Reply::default();
    }
    session.cancel.store(false, std::sync::atomic::Ordering::Relaxed);
    let before = session.state.clone();
    let (reply, changes) = match text {
        // What people type before they know about the colon.
        "help" | "?" => command::run(session, ":help"),
        "quit" | "exit" => command::run(session, ":quit"),
        _ if text.starts_with(':') => command::run(session, text),
        _ => (language::enter(session, text), true),
    };
    if reply.failed {
        session.state = before;
    } else if changes && !session.state.same(&before) {
        session.remember(text, before);
    }
    reply
}

/// The text comes back from the editor.
pub fn edited(session: &mut Session, text: &str) -> Reply {
    let before = session.state.clone();
    let reply = if text.trim().is_empty() {
        session.state.program.clear();
        Reply::answer("the formula is empty now")
    } else {
        language::load(session, "formula", text)
    };
    if reply.failed {
        session.state = before;
    } else {
        session.remember(":edit", before);
    }
    reply
}

/// The words before the cursor: where we are.
pub fn prompt(session: &Session) -> String {
    let state = &session.state;
    match (&state.here, state.future()) {
        (Some(name), Some(future)) => format!("{name} {}", &show::clock(future.now(), future.now())[..5]),
        _ => String::new(),
    }
}
