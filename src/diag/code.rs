//! Every diagnostic code: one row each, numbers never reused.
//!
//! Families: `E01xx` shape, `E02xx` names, `E03xx` types and values: what the service refuses or fails at.
//! `U04xx` unverified: nobody outside knows; a warning that says which choice we made, an error under `--strict`.
//! `W05xx` lints: accepted by the service, probably not what the author wants.
//! Each row has a page `explain/CODE.md` whose failing and repaired formulas are tests.

use super::Code;

/// One code.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The code.
    pub code: Code,
    /// Kebab-case name, usable wherever the code is.
    pub name: &'static str,
    /// One line.
    pub title: &'static str,
    /// The page, markdown.
    pub page: &'static str,
}

macro_rules! codes {
    ($( $id:ident $code:literal $name:literal $title:literal; )*) => {
        $( #[doc = $title] pub const $id: Code = Code($code); )*
        /// All rows in order of code.
        pub static ROWS: &[Row] = &[ $( Row { code: $id, name: $name, title: $title,
            page: include_str!(concat!("explain/", $code, ".md")) }, )* ];
    };
}

codes! {
    UNEXPECTED "E0101" "unexpected" "something else was expected here";
    MISSING_SEMICOLON "E0102" "missing-semicolon" "statements need `;` between them";
    UNCLOSED_PAREN "E0103" "unclosed-parenthesis" "`(` without `)`";
    UNOPENED_PAREN "E0104" "unopened-parenthesis" "`)` without `(`";
    UNCLOSED_STRING "E0105" "unclosed-string" "a string does not end on its line";
    SINGLE_QUOTES "E0106" "single-quotes" "strings take double quotes";
    HASH_COMMENT "E0107" "hash-comment" "comments start with `//`";
    BLOCK_COMMENT "E0108" "block-comment" "there are no block comments";
    PERCENT "E0109" "percent" "there is no `%`";
    BACKSLASH "E0110" "backslash" "there are no escapes";
    BRACKET "E0111" "bracket" "there are no vector literals and no indexing";
    BRACE "E0112" "brace" "braces mean nothing in a formula";
    ASSIGN_IN_EXPR "E0113" "assignment-in-expression" "`=` inside an expression";
    CHAINED_ASSIGN "E0114" "chained-assignment" "one assignment per statement";
    FOREIGN_OPERATOR "E0115" "foreign-operator" "an operator the language lacks";
    BAD_ASSIGN_TARGET "E0116" "bad-assignment-target" "only a name can be assigned";
    BAD_NUMBER "E0117" "bad-number" "a number in no known form";
    BAD_CHARACTER "E0118" "bad-character" "a character outside the language";
    EMPTY "E0119" "empty-formula" "the formula has no statements";
    TOO_LONG "E0120" "too-long" "more than 8192 characters";
    TOO_MANY_STATEMENTS "E0121" "too-many-statements" "more than 100 statements";
    FOREIGN_STATEMENT "E0122" "foreign-statement" "there is no `if`, no loop and no declaration";

    UNDEFINED "E0201" "undefined-symbol" "a name that has no value";
    UNKNOWN_FUNCTION "E0202" "unknown-function" "there is no such function";
    UNKNOWN_METHOD "E0203" "unknown-method" "there is no such method";
    UNKNOWN_MEMBER "E0204" "unknown-member" "there is no such member";
    READ_ONLY "E0205" "read-only" "a service metric cannot be assigned";
    RESERVED "E0206" "reserved-name" "a constant or keyword cannot be assigned";
    RENAMED "E0207" "renamed-variable" "a service variable under a name that no longer exists";
    METHOD_RECEIVER "E0208" "method-on-value" "only service metrics have methods";

    OPERATOR_TYPES "E0301" "operator-types" "the operator does not take these types";
    ARGUMENT_COUNT "E0302" "argument-count" "wrong number of arguments";
    ARGUMENT_TYPE "E0303" "argument-type" "an argument of the wrong type";
    KEYWORD_PLACE "E0304" "keyword-place" "a deallocation keyword outside `$NodeDeallocationOption`";
    OPTION_VALUE "E0305" "option-value" "`$NodeDeallocationOption` takes one of four keywords";
    OPTION_READ "E0306" "option-read" "`$NodeDeallocationOption` cannot be read";
    TARGET_TYPE "E0307" "target-type" "a target takes a number";
    CONDITION_TYPE "E0308" "condition-type" "a condition takes a number";
    ARM_TYPES "E0309" "arm-types" "the arms of `?:` have different types";
    BAD_TIME "E0310" "bad-time" "a time too precise for the service";
    NO_VALUE "E0311" "no-value" "`stop()` has no value";
    METRIC_VALUE "E0312" "metric-value" "a metric cannot be used this way";

    BARE_METRIC "U0401" "bare-metric" "a metric read without a method";
    VECTOR_AS_NUMBER "U0402" "vector-as-number" "a vector where one number is needed";
    BROADCAST "U0403" "broadcast" "a number on the left of a vector operator";
    TIME_MINUS_INTERVAL "U0404" "time-minus-interval" "timestamp minus timeinterval is not documented";
    KEYWORD_ARM "U0405" "keyword-arm" "deallocation keywords as arms of `?:`";
    NUMBER_FORM "U0406" "number-form" "a number form not seen in documentation";
    YEAR_LENGTH "U0407" "year-length" "the length of TimeInterval_Year is not documented";
    CHAINED_COMPARISON "U0408" "chained-comparison" "a comparison of a comparison";
    MIXED_COMPARISON "U0409" "mixed-comparison" "`==` and `<` mixed without parentheses";
    ARMS_JOIN "U0410" "arms-join" "a number and a vector as arms of `?:`";
    EMPTY_STATEMENT "U0411" "empty-statement" "an empty statement";
    ZERO_ARGUMENTS "U0412" "zero-arguments" "a list function without arguments";
    STRING_ORDER "U0413" "string-order" "the order of strings is not documented";
    BYTES_OVER "U0414" "bytes-over-limit" "more than 8192 bytes, though not characters";
    BUILTIN_NAME "U0415" "builtin-name" "a variable named like a function";
    NON_ASCII "U0416" "non-ascii" "text outside ASCII in a comment or string";
    BYTE_ORDER_MARK "U0417" "byte-order-mark" "a byte-order mark before the formula";
    UNREAD_TIME "U0418" "unread-time" "text in no documented time format";

    UNUSED "W0501" "unused-variable" "assigned and never used";
    UNGUARDED_WINDOW "W0502" "unguarded-window" "a window sample that stops evaluation on a new pool";
    FRACTION "W0503" "fraction-cut" "a fraction reaching a target is cut toward zero";
    PERCENT_SCALE "W0504" "percent-scale" "percentages run from 0 to 100";
    LAST_SAMPLE_ONLY "W0505" "last-sample-only" "only the newest sample decides a target";
    WINDOW_TOO_RECENT "W0506" "window-too-recent" "a window with no sample to see";
    MIN_OF_VECTOR "W0507" "min-of-vector" "`min(cap, vector)` takes the smallest sample";
    ACTIVE_ONLY "W0508" "active-only" "`$ActiveTasks` alone forgets running tasks";
    NO_OPTION "W0509" "no-deallocation-option" "nodes may leave with running tasks";
    KILLING_OPTION "W0510" "killing-option" "the option kills running tasks";
    NO_TARGET "W0511" "no-target" "no target is set";
    TARGET_TWICE "W0512" "target-twice" "a target set twice";
    ALIAS_AND_NAME "W0513" "alias-and-name" "an alias and its full name are both set";
    WEEKDAY "W0514" "weekday-number" "weekday compared with 0 or 7";
    TIME_FRACTION "W0515" "time-fraction" "more than 6 fraction digits in a time";
    TIME_ZONE "W0516" "time-zone" "a time without zone";
    CONSTANT_CONDITION "W0517" "constant-condition" "a condition that never changes";
    EQUAL_ARMS "W0518" "equal-arms" "both arms are the same";
    DOLLAR_AND_BARE "W0519" "dollar-and-bare" "`$x` and `x` are two variables";
    NEAR_SERVICE_NAME "W0520" "near-service-name" "a variable that looks like a misspelt service variable";
    RETIRED "W0521" "retired-metric" "a metric the service no longer fills";
    OLD_NAME "W0522" "old-name" "an old name of a service variable";
    PREEMPTED_COUNTED "W0523" "preempted-counted" "`$CurrentLowPriorityNodes` counts preempted nodes";
    COMMENT_SWALLOWS "W0524" "comment-swallows" "`//` hides the rest of a one-line formula";
    DIVISION "W0525" "unguarded-division" "a division by something that can be zero";
    VECTOR_ORDER "W0526" "vector-order" "the order of samples in a vector is not documented";
    DIRECTIVE "W0527" "unknown-directive" "a `//!` comment that says nothing to poolcast";
    VECTOR_LENGTHS "W0528" "vector-lengths" "an operator between vectors of different length";
    NO_SUCH_SAMPLE "W0529" "no-such-sample" "a sample that is never there";
    AFTER_STOP "W0530" "after-stop" "statements after `stop()`";
    COMPARISON_STATEMENT "W0531" "comparison-statement" "a comparison as a statement";
    CAP "W0560" "cap-does-not-cap" "a target can exceed the maximum the formula states";
    FLOOR "W0561" "floor-does-not-floor" "a target can fall below the minimum the formula states";
    ARM_NEVER "W0562" "arm-never-taken" "an arm of `?:` that no input reaches";
    DECIDED "W0563" "comparison-decided" "a comparison that comes out the same on every input";
    ALWAYS_CUT "W0564" "always-cut-to-zero" "a target that is always a fraction below one";
    BAD_TARGET "W0565" "bad-target" "a target that can be negative, NaN or infinite";
}

/// The row of a code (`E0301`, any case) or a name (`operator-types`).
pub fn find(text: &str) -> Option<&'static Row> {
    ROWS.iter().find(|r| r.code.0.eq_ignore_ascii_case(text) || r.name.eq_ignore_ascii_case(text))
}

/// The row a misspelt code or name most likely meant.
pub fn nearest(text: &str) -> Option<&'static Row> {
    let text = text.to_lowercase();
    let distance =
        |r: &Row| strsim::osa_distance(&text, r.name).min(strsim::osa_distance(&text, &r.code.0.to_lowercase()));
    ROWS.iter().min_by_key(|r| distance(r)).filter(|r| distance(r) * 3 <= text.len().max(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_in_order_of_family() {
        let mut names: Vec<&str> = ROWS.iter().map(|r| r.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len(), "a name is used twice");
        let family = |r: &Row| ["E01", "E02", "E03", "U04", "W05"].iter().position(|f| r.code.0.starts_with(f));
        for pair in ROWS.windows(2) {
            assert!((family(&pair[0]), pair[0].code) < (family(&pair[1]), pair[1].code), "{}", pair[1].code.0);
        }
    }

    #[test]
    fn every_page_opens_with_its_code_and_has_both_formulas() {
        for row in ROWS {
            assert!(row.page.starts_with(&format!("# {} {}", row.code.0, row.name)), "{}: title", row.code.0);
            assert!(row.page.contains("```fails\n") && row.page.contains("```passes\n"), "{}: formulas", row.code.0);
        }
    }
}
