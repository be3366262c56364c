//! What could stand at the cursor: commands, names, methods, members, settings, knobs, files.
//!
//! In: a line, the cursor, a vocabulary. Out: candidates with what they replace. Never: the session itself: a keystroke
//! must not wait for a running simulation.

use super::{
    command::{COMMANDS, Takes},
    pool::HAND,
    run::CONDITIONS,
    session::{Files, Session},
    view::PLOTS,
};
use crate::diag::code;
use poolcast_grammar::{Lexeme, Span, lexemes};
use poolcast_runtime::{
    builtins,
    catalog::RowKind,
    metric::{ALIASES, Metric},
    rules::Rules,
    value::DeallocationOption,
};

/// Names the session has made: refreshed after every line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Variables of the formula.
    pub variables: Vec<String>,
    /// Futures.
    pub futures: Vec<String>,
    /// Pools of the future we are at.
    pub pools: Vec<String>,
}

impl Vocabulary {
    /// Of a session.
    pub fn of(session: &Session) -> Vocabulary {
        let state = &session.state;
        let mut variables: Vec<String> = state.program.iter().chain(&state.it).map(|s| s.target.clone()).collect();
        variables.sort();
        variables.dedup();
        let pools = state.future().map_or(Vec::new(), |f| f.sim().pools().map(|p| p.id).collect());
        Vocabulary { variables, futures: state.futures.keys().cloned().chain([HAND.to_owned()]).collect(), pools }
    }
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The text.
    pub text: String,
    /// A few words about it.
    pub about: String,
    /// What it replaces, in bytes of the line.
    pub span: Span,
    /// A space follows: nothing can be added to it.
    pub whole: bool,
}

/// Everything that could stand at the cursor, best first.
pub fn complete(line: &str, cursor: usize, words: &Vocabulary, files: &dyn Files) -> Vec<Candidate> {
    let Some(before) = line.get(..cursor.min(line.len())) else { return Vec::new() };
    let lead = before.len() - before.trim_start().len();
    if !before[lead..].starts_with(':') {
        return expression(before, 0, words);
    }
    let Some(end) = before[lead..].find(char::is_whitespace).map(|n| lead + n) else {
        let all = COMMANDS.iter().map(|c| (format!(":{}", c.name), c.about.to_owned()));
        return pick(before, lead, all, true);
    };
    let name = &before[lead + 1..end];
    let Some(command) = COMMANDS.iter().find(|c| c.name == name) else { return Vec::new() };
    let blank = before.char_indices().rev().find(|(_, c)| c.is_whitespace());
    let word = blank.map_or(0, |(at, c)| at + c.len_utf8()).max(end);
    let first = before[end..word].trim().is_empty();
    match command.takes {
        Takes::Nothing => Vec::new(),
        Takes::File => file_names(before, word, files),
        Takes::Scenario => {
            let mut out = if before[word..].contains('=') { Vec::new() } else { file_names(before, word, files) };
            out.extend(knobs(before, word));
            out
        }
        Takes::Setting if first => {
            let rules = Rules::ROWS.iter().map(|r| (r.name.to_owned(), format!("rule: {}", (r.allowed)())));
            let targets = ["$TargetDedicatedNodes", "$TargetLowPriorityNodes"]
                .map(|t| (t.to_owned(), "present target".to_owned()));
            pick(before, word, metrics().chain(targets).chain(rules), true)
        }
        Takes::Setting => {
            let name = before[end..word].trim().trim_end_matches('=').trim().replace('-', "_");
            let values = Rules::ROWS.iter().find(|r| r.name == name).map(|r| (r.allowed)()).unwrap_or_default();
            let list = values
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .filter(|w| !w.is_empty() && *w != "or" && *w != "one" && *w != "of");
            pick(before, word, list.map(|w| (w.to_owned(), String::new())).collect::<Vec<_>>().into_iter(), true)
        }
        Takes::Metric => pick(before, word, metrics(), true),
        Takes::Expression => expression(before, end, words),
        Takes::Page => {
            let codes = code::ROWS
                .iter()
                .flat_map(|r| [(r.code.0.to_owned(), r.title.to_owned()), (r.name.to_owned(), r.title.to_owned())]);
            let rules = Rules::ROWS.iter().map(|r| (r.name.to_owned(), "rule".to_owned()));
            let rows = builtins::ROWS.iter().map(|r| (r.name.trim_start_matches('.').to_owned(), brief(r.doc)));
            let knobs = crate::sim::knobs::KNOBS.iter().map(|k| (k.path.to_owned(), brief(k.doc)));
            let own = words.variables.iter().map(|v| (v.clone(), "your variable".to_owned()));
            pick(before, word, own.chain(rows).chain(metrics()).chain(rules).chain(codes).chain(knobs), true)
        }
        Takes::Command => pick(before, word, COMMANDS.iter().map(|c| (c.name.to_owned(), c.about.to_owned())), true),
        Takes::Condition => {
            // A condition may have two words.
            let from = end + before[end..].len() - before[end..].trim_start().len();
            let known = CONDITIONS.iter().map(|(n, doc)| ((*n).to_owned(), (*doc).to_owned()));
            let mut out = pick(before, from, known, true);
            out.extend(expression(before, end, words));
            out
        }
        Takes::Plot => {
            let known = PLOTS.iter().map(|(n, doc)| ((*n).to_owned(), (*doc).to_owned()));
            let mut out = pick(before, word, known, true);
            out.extend(expression(before, end, words));
            out
        }
        Takes::Future => pick(before, word, words.futures.iter().map(|f| (f.clone(), String::new())), true),
        Takes::Pool => pick(before, word, words.pools.iter().map(|f| (f.clone(), String::new())), true),
        Takes::Why => {
            let fates =
                [("node", "a node's story"), ("task", "a task's fate")].map(|(n, d)| (n.to_owned(), d.to_owned()));
            let own = words.variables.iter().map(|v| (v.clone(), "your variable".to_owned()));
            pick(before, word, own.chain(fates), true)
        }
    }
}

fn metrics() -> impl Iterator<Item = (String, String)> {
    let old = ALIASES.iter().map(|(name, m)| ((*name).to_owned(), format!("old name of {}", m.name())));
    Metric::ALL.iter().map(|m| (m.name().to_owned(), brief(m.row().doc))).chain(old)
}

/// The first sentence.
fn brief(doc: &str) -> String {
    doc.split_once(". ").map_or(doc, |(first, _)| first).trim_end_matches('.').to_owned()
}

/// Candidates that begin with the word from `from` to the cursor; a `$` may be left out, case does not matter.
fn pick(before: &str, from: usize, all: impl Iterator<Item = (String, String)>, whole: bool) -> Vec<Candidate> {
    let typed = &before[from..];
    let span = Span::new(from as u32, before.len() as u32);
    let plain = typed.trim_start_matches('$');
    let begins = |name: &str| {
        let same = |a: &str, b: &str| a.get(..b.len()).is_some_and(|start| start.eq_ignore_ascii_case(b));
        same(name, typed) || (!plain.is_empty() && same(name.trim_start_matches('$'), plain))
    };
    let mut out: Vec<Candidate> = Vec::new();
    for (text, about) in all {
        if begins(&text) && out.iter().all(|c| c.text != text) {
            out.push(Candidate { text, about, span, whole });
        }
    }
    // What begins exactly so comes first.
    out.sort_by_key(|c| !c.text.starts_with(typed));
    out
}

fn file_names(before: &str, word: usize, files: &dyn Files) -> Vec<Candidate> {
    let span = Span::new(word as u32, before.len() as u32);
    let list = files.list(&before[word..]).into_iter();
    list.map(|text| Candidate { whole: !text.ends_with('/'), text, about: String::new(), span }).collect()
}

fn knobs(before: &str, word: usize) -> Vec<Candidate> {
    // `pool-id:knob=value` sets one pool's.
    let from = before[word..].find(':').map_or(word, |n| word + n + 1);
    let all = crate::sim::knobs::KNOBS.iter().map(|k| (format!("{}=", k.path), brief(k.doc)));
    pick(before, from, all, false)
}

/// Names of the language at the end of a text that begins at `from`.
fn expression(before: &str, from: usize, words: &Vocabulary) -> Vec<Candidate> {
    let text = &before[from..];
    let pieces = lexemes(text);
    let inside = pieces.last().is_some_and(|(what, at)| {
        matches!(what, Lexeme::Comment | Lexeme::Text) && at.hi as usize == text.len() && *what == Lexeme::Comment
    });
    if inside {
        return Vec::new();
    }
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, c)| c.is_ascii_alphanumeric() || *c == '_')
        .last()
        .map_or(text.len(), |(i, _)| i);
    let start = if text[..start].ends_with('$') { start - 1 } else { start };
    let word_from = from + start;
    // After a dot: what the receiver has.
    let ahead: Vec<&(Lexeme, Span)> = pieces.iter().filter(|(_, at)| (at.hi as usize) <= start).collect();
    if let [.., (receiver, at), (Lexeme::Dot, _)] = ahead.as_slice() {
        let metric = *receiver == Lexeme::Name && Metric::from_name(at.text(text)).is_some();
        let kind = if metric { RowKind::Method } else { RowKind::Member };
        let rows = builtins::ROWS.iter().filter(|r| r.kind == kind);
        let named = rows.map(|r| {
            let name = r.name.trim_start_matches('.');
            (if metric { format!("{name}(") } else { name.to_owned() }, signature(r))
        });
        return pick(before, word_from, named, false);
    }
    let option = text[..start]
        .rfind(['=', ';'])
        .is_some_and(|at| text[..at].trim_end().ends_with("$NodeDeallocationOption") && text[at..].starts_with('='));
    if option {
        let all = DeallocationOption::ALL.iter().map(|o| (o.keyword().to_owned(), String::new()));
        return pick(before, word_from, all, false);
    }
    if start == text.len()
        && !text.is_empty()
        && !text.ends_with([' ', '(', ',', '=', '?', ':', ';', '+', '-', '*', '/', '<', '>', '!', '&', '|'])
    {
        return Vec::new();
    }
    let own = words.variables.iter().map(|v| (v.clone(), "your variable".to_owned()));
    let outputs = crate::cli::explain::OUTPUTS.iter().map(|(n, doc)| ((*n).to_owned(), brief(doc)));
    let rows = builtins::ROWS.iter().filter_map(|r| match r.kind {
        RowKind::Function => Some((format!("{}(", r.name), signature(r))),
        RowKind::Constant => Some((r.name.to_owned(), brief(r.doc))),
        _ => None,
    });
    pick(before, word_from, own.chain(rows).chain(metrics()).chain(outputs), false)
}

fn signature(row: &builtins_row::Row) -> String {
    row.overloads.iter().map(|o| o.signature).next().map_or_else(|| brief(row.doc), str::to_owned)
}

mod builtins_row {
    pub(super) type Row = poolcast_runtime::catalog::Builtin;
}

/// What the call the cursor is in takes; shown beside the line.
pub fn hint(line: &str) -> Option<String> {
    if line.trim_start().starts_with(':') {
        let text = line.trim();
        let command = COMMANDS.iter().find(|c| text.strip_prefix(':') == Some(c.name))?;
        return (!command.args.is_empty()).then(|| format!(" {}", command.args));
    }
    let mut open: Vec<(&str, bool)> = Vec::new();
    let pieces = lexemes(line);
    for (i, (what, _)) in pieces.iter().enumerate() {
        match what {
            Lexeme::Open => {
                let name = i.checked_sub(1).and_then(|p| pieces.get(p)).filter(|(w, _)| *w == Lexeme::Name);
                let method = i >= 2 && pieces[i - 2].0 == Lexeme::Dot;
                open.push((name.map_or("", |(_, at)| at.text(line)), method));
            }
            Lexeme::Close => {
                open.pop();
            }
            _ => {}
        }
    }
    let (name, method) = open.last().filter(|(n, _)| !n.is_empty())?;
    let row = builtins::ROWS.iter().find(|r| {
        r.name.trim_start_matches('.') == *name && r.kind == if *method { RowKind::Method } else { RowKind::Function }
    })?;
    let all: Vec<&str> = row.overloads.iter().map(|o| o.signature).collect();
    (line.ends_with('(')).then(|| format!("  {}", all.join("  or  ")))
}

#[cfg(test)]
mod tests {
    use super::super::session::NoFiles;
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let words = Vocabulary { variables: vec!["busy".into()], futures: vec!["main".into()], pools: vec![] };
        complete(line, line.len(), &words, &NoFiles).into_iter().map(|c| c.text).collect()
    }

    #[test]
    fn names_methods_members_and_variables() {
        assert_eq!(texts("x = perc"), ["percentile("]);
        assert_eq!(texts("x = $Pend"), ["$PendingTasks"]);
        assert_eq!(texts("Pend"), ["$PendingTasks"]);
        assert_eq!(texts("1 + bus"), ["busy"]);
        assert!(texts("$PendingTasks.").iter().any(|t| t == "GetSample("));
        assert_eq!(texts("$PendingTasks.GetSampleP"), ["GetSamplePercent(", "GetSamplePeriod("]);
        assert!(texts("time().").contains(&"weekday".to_owned()));
        assert!(texts("$NodeDeallocationOption = task").contains(&"taskcompletion".to_owned()));
        assert!(texts("x = 1 // per").is_empty());
        assert!(texts("x = 1)").is_empty());
    }

    #[test]
    fn commands_and_their_words() {
        assert_eq!(texts(":sub"), [":submit"]);
        assert_eq!(texts(":set $PendingT"), ["$PendingTasks"]);
        assert_eq!(texts(":set sund"), ["sunday"]);
        assert_eq!(texts(":until quo"), ["quota error"]);
        assert_eq!(texts(":sim autoscale.int"), ["autoscale.interval="]);
        assert_eq!(texts(":switch m"), ["main"]);
        assert_eq!(texts(":help fo"), ["formula", "fork"]);
        assert!(texts(":explain W050").len() >= 9);
        assert!(texts(":nothing x").is_empty());
    }

    #[test]
    fn every_candidate_fits_its_place() {
        for line in
            [":load \u{2000}", ":set é\u{2000}sun", "x = min(a, $Cur", ":plot $Pe", "é + av", ":set ", ":", "", "$"]
        {
            for c in complete(line, line.len(), &Vocabulary::default(), &NoFiles) {
                assert!(line.get(c.span.range()).is_some(), "{line}: {c:?}");
            }
        }
    }

    #[test]
    fn hints_show_what_a_call_takes() {
        assert!(hint("x = percentile(").is_some_and(|h| h.contains("percentile(")));
        assert!(hint("$PendingTasks.GetSample(").is_some());
        assert_eq!(hint("x = 1"), None);
        assert_eq!(hint("foo("), None);
    }
}
