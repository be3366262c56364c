//! Diagnostics as data.
//!
//! In: codes, spans, words. Out: `Diagnostics`, sorted and deduplicated. Never: formatting (that is `render`), deciding
//! what is fatal (that is the caller).

pub mod code;
pub mod fix;
pub mod level;
pub mod render;
pub mod syntax;

use poolcast_grammar::Span;

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The service refuses this, or fails at it: documented or observed.
    Error,
    /// Likely not what the author wants, or an unverified corner of the language.
    Warning,
    /// Worth knowing.
    Note,
}

/// A second place with words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there.
    pub text: String,
}

/// A replacement of text. All edits of one `Fix` apply together.
pub use poolcast_grammar::Edit;

/// A repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// "write `GetSample(1)`"
    pub title: String,
    /// What changes.
    pub edits: Vec<Edit>,
    /// True when `check --fix` may apply it unasked: the repair cannot be wrong about what the author meant.
    pub automatic: bool,
}

/// A stable code such as `E0301`. The table of all codes is `diag::code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

/// One finding about a formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its code.
    pub code: Code,
    /// Its severity after evidence and `--strict` (lint levels are applied by the caller).
    pub severity: Severity,
    /// The primary place.
    pub span: Span,
    /// Lower case, no full stop: what was found.
    pub message: String,
    /// A few words at the primary place.
    pub label: String,
    /// Other places.
    pub labels: Vec<Label>,
    /// Facts: evidence, which choice was made.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
    /// Repairs, best first.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// A diagnostic with the bare necessities.
    pub fn new(code: Code, severity: Severity, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity,
            span,
            message: message.into(),
            label: String::new(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            fixes: Vec::new(),
        }
    }
    /// Words at the primary place.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }
    /// A second place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }
    /// A fact.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }
    /// Advice.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
    /// A repair of one edit.
    pub fn fix(mut self, automatic: bool, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.fixes.push(Fix { title: title.into(), edits: vec![Edit { span, text: text.into() }], automatic });
        self
    }
}

/// All findings about one formula.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Sorted by place, then severity, then code; exact repeats are dropped.
    pub fn new(mut list: Vec<Diagnostic>) -> Diagnostics {
        list.sort_by(|a, b| (a.span, a.severity, a.code, &a.message).cmp(&(b.span, b.severity, b.code, &b.message)));
        list.dedup();
        Diagnostics { list }
    }
    /// In order of place.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }
    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}
