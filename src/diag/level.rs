//! How much each warning matters to this caller: `--allow`, `--warn`, `--deny`, `--strict` and `//! allow` comments.
//!
//! In: diagnostics. Out: the same, some dropped, some with another severity. Never: making an error milder; what the
//! service refuses is refused.

use super::{Code, Diagnostic, Diagnostics, Severity, code};

/// What to do with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Say nothing.
    Allow,
    /// A warning.
    Warn,
    /// An error.
    Deny,
}

/// Which findings a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// Every warning.
    All,
    /// One code.
    Code(Code),
}

impl Selector {
    /// A code, a name, or `all` / `warnings`. The error names the nearest.
    pub fn parse(text: &str) -> Result<Selector, String> {
        if text.eq_ignore_ascii_case("all") || text.eq_ignore_ascii_case("warnings") {
            return Ok(Selector::All);
        }
        match code::find(text) {
            Some(row) if row.code.0.starts_with('E') => {
                Err(format!("{} is refused by the service: its level cannot be changed", row.code.0))
            }
            Some(row) => Ok(Selector::Code(row.code)),
            None => Err(match code::nearest(text) {
                Some(row) => format!("there is no code or name `{text}`; did you mean {} ({})?", row.name, row.code.0),
                None => format!("there is no code or name `{text}`; `poolcast explain` lists them"),
            }),
        }
    }
}

/// Levels: a rule for one code wins over one for all, whatever their order; of two of a kind the later wins.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    /// Rules.
    pub rules: Vec<(Selector, Level)>,
    /// Unverified corners (`U04xx`) are errors.
    pub strict: bool,
}

impl Levels {
    /// Applies the rules.
    pub fn apply(&self, list: impl IntoIterator<Item = Diagnostic>) -> Diagnostics {
        Diagnostics::new(list.into_iter().filter_map(|d| self.apply_one(d)).collect())
    }

    fn apply_one(&self, mut d: Diagnostic) -> Option<Diagnostic> {
        if d.severity == Severity::Error {
            return Some(d);
        }
        if self.strict && d.code.0.starts_with('U') {
            d.severity = Severity::Error;
        }
        let hits = self.rules.iter().filter(|(selector, _)| match selector {
            Selector::All => true,
            Selector::Code(code) => *code == d.code,
        });
        // The last of the most particular.
        match hits.max_by_key(|(selector, _)| *selector != Selector::All).map(|(_, level)| level) {
            Some(Level::Allow) => return None,
            Some(Level::Warn) => d.severity = Severity::Warning,
            Some(Level::Deny) => d.severity = Severity::Error,
            None => {}
        }
        Some(d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolcast_grammar::Span;

    fn of(code: Code, severity: Severity) -> Diagnostic {
        Diagnostic::new(code, severity, Span::new(0, 1), "x")
    }

    #[test]
    fn later_rules_win_and_errors_stay() {
        let levels = Levels {
            rules: vec![(Selector::All, Level::Deny), (Selector::Code(code::UNUSED), Level::Allow)],
            strict: false,
        };
        let out = levels.apply([
            of(code::UNUSED, Severity::Warning),
            of(code::FRACTION, Severity::Warning),
            of(code::UNDEFINED, Severity::Error),
        ]);
        assert_eq!(
            out.iter().map(|d| (d.code, d.severity)).collect::<Vec<_>>(),
            [(code::UNDEFINED, Severity::Error), (code::FRACTION, Severity::Error)]
        );
    }

    #[test]
    fn a_named_code_wins_over_all_in_any_order() {
        let (all, one) = ((Selector::All, Level::Allow), (Selector::Code(code::FRACTION), Level::Deny));
        for rules in [vec![all, one], vec![one, all]] {
            let out = Levels { rules, strict: false }
                .apply([of(code::UNUSED, Severity::Warning), of(code::FRACTION, Severity::Warning)]);
            assert_eq!(
                out.iter().map(|d| (d.code, d.severity)).collect::<Vec<_>>(),
                [(code::FRACTION, Severity::Error)]
            );
        }
    }

    #[test]
    fn strict_makes_the_unverified_errors() {
        let out = Levels { strict: true, ..Levels::default() }.apply([of(code::BARE_METRIC, Severity::Warning)]);
        assert!(out.has_errors());
    }

    #[test]
    fn selectors_take_codes_names_and_suggest() {
        assert_eq!(Selector::parse("W0503"), Ok(Selector::Code(code::FRACTION)));
        assert_eq!(Selector::parse("fraction-cut"), Ok(Selector::Code(code::FRACTION)));
        assert!(Selector::parse("fractoin-cut").unwrap_err().contains("fraction-cut"));
        assert!(Selector::parse("E0101").is_err());
    }
}
