//! Claims about a formula, as they are written in its comments or on the command line.
//!
//! In: text. Out: what is claimed, or what is wrong with it. Never: a judgement (that is `claims`).

/// Evaluations within which a pool without work comes to nought, when the claim does not say: four hours of them.
const EVALUATIONS: u32 = 48;

/// What is claimed.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// A condition holds after every evaluation.
    Always(String),
    /// Without work every target is 0 within so many evaluations.
    SettlesToZero(u32),
    /// No evaluation asks for fewer slots than tasks run on the nodes there are.
    NeverBelowRunning,
    /// Under a constant load targets do not go up and down.
    Steady,
    /// A target rises within so many minutes of a burst of work.
    ReactsWithin(u32),
}

/// A claim and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Assertion {
    /// As written.
    pub text: String,
    /// Line of the formula, for a comment.
    pub line: Option<u32>,
    /// What it means.
    pub claim: Claim,
}

/// Reads a claim.
pub fn parse(text: &str, line: Option<u32>) -> Result<Assertion, String> {
    let text = text.trim().trim_end_matches(';').trim();
    let (word, argument) = match text.split_once('(') {
        Some((w, rest)) => (w.trim(), rest.trim_end().strip_suffix(')').map(str::trim)),
        None => (text, None),
    };
    let count = |default: Option<u32>| match (argument, default) {
        (None, Some(n)) => Ok(n),
        (Some(a), _) => a.parse().map_err(|_| format!("`{word}` takes a whole number, not `{a}`")),
        (None, None) => Err(format!("`{word}` takes a whole number: `{word}(15)`")),
    };
    let claim = match word {
        "settles_to_zero" => Claim::SettlesToZero(count(Some(EVALUATIONS))?),
        "never_below_running" => Claim::NeverBelowRunning,
        "steady" => Claim::Steady,
        "reacts_within" => Claim::ReactsWithin(count(None)?),
        _ => {
            let parsed = poolcast_grammar::parse(text);
            let one = parsed.errors.is_empty() && parsed.ast.stmts.len() == 1 && parsed.ast.stmts[0].target.is_none();
            if !one {
                return Err(format!(
                    "cannot read the assertion `{text}`; write a condition such as `$TargetDedicatedNodes <= 25`, or settles_to_zero, \
                     never_below_running, steady, reacts_within(15)"
                ));
            }
            Claim::Always(text.to_owned())
        }
    };
    Ok(Assertion { text: text.to_owned(), line, claim })
}

/// The claims in a formula's comments.
pub fn in_comments(source: &str) -> Vec<Result<Assertion, String>> {
    let ast = poolcast_grammar::parse(source).ast;
    let lines = poolcast_grammar::LineIndex::new(source);
    ast.comments
        .iter()
        .filter_map(|span| {
            let text = span.text(source).trim_start_matches('/').strip_prefix('!')?.trim().strip_prefix("assert ")?;
            let line = lines.line_col(source, span.lo).0;
            Some(parse(text, Some(line)).map_err(|why| format!("line {line}: {why}")))
        })
        .collect()
}
