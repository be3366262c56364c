//! Complaints of serde in the words of people who never saw our types.
//!
//! In: what serde says: `invalid type: string "two", expected u64 at line 3 column 9`. Out: the same without names of types:
//! ``found text `two`, expected a whole number, 0 or more``. Never: a place (whoever reads the file knows it).

/// The complaint in our words; `keys` are those of a struct, when they are known.
pub(crate) fn shape(text: &str, keys: impl Fn(&str) -> Vec<String>) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(complaint, _)| complaint);
    if let Some(field) = text.strip_prefix("missing field ") {
        return format!("has no {field}");
    }
    if let Some(rest) = text.strip_prefix("unknown variant ")
        && let Some((found, expected)) = rest.split_once(", expected ")
    {
        return format!("found {found}, expected {}", expected.trim_start_matches("one of "));
    }
    let rest = ["invalid type: ", "invalid value: ", "invalid "].iter().find_map(|p| text.strip_prefix(p));
    match rest.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, expected)) => format!("found {}, expected {}", present(found), wanted(expected, keys)),
        None => text.to_string(),
    }
}

/// What serde found.
fn present(found: &str) -> String {
    let (kind, value) = match found.split_once(['`', '"']) {
        Some((kind, value)) => (kind.trim_end(), value.trim_end_matches(['`', '"'])),
        None => (found, ""),
    };
    let kind = match kind {
        "boolean" | "integer" | "floating point" => "",
        "string" | "character" => "text ",
        "sequence" => return "a list".into(),
        "map" => return "a table".into(),
        "null" | "unit value" | "Option value" => return "nothing".into(),
        other => return other.strip_prefix("length ").map_or(other.into(), |n| format!("{n} values")),
    };
    let short: String = value.chars().take(40).collect();
    format!("{kind}`{short}`")
}

/// What serde expected.
fn wanted(expected: &str, keys: impl Fn(&str) -> Vec<String>) -> String {
    if let Some(name) = expected.strip_prefix("struct ") {
        let keys = keys(name);
        let which = if keys.is_empty() { String::new() } else { format!(" with {}", keys.join(", ")) };
        return format!("a table{which}");
    }
    match expected {
        "a string" | "string" | "str" => "text",
        "a sequence" => "a list",
        "a map" | "map" => "a table",
        "a boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "string or map" => "one of the words it knows",
        _ if expected.contains("tagged enum") => "a table with `kind`",
        _ if expected.starts_with("a tuple of size ") => {
            return format!("a list of {}", expected.trim_start_matches("a tuple of size "));
        }
        other => other,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[allow(dead_code)]
    struct ThingFile {
        size: u32,
        share: Option<f64>,
        pair: Option<(u32, u32)>,
        inner: Option<Box<ThingFile>>,
        kind: Option<Kind>,
    }

    #[derive(Deserialize, Debug)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Plain,
        Fancy,
    }

    #[test]
    fn no_type_of_ours_is_named() {
        for (json, said) in [
            (r#"{"size": "two"}"#, "found text `two`, expected a whole number, 0 or more"),
            (r#"{"size": -1}"#, "found `-1`, expected a whole number, 0 or more"),
            (r#"{"size": 1.5}"#, "found `1.5`, expected a whole number, 0 or more"),
            (r#"{"size": null}"#, "found nothing, expected a whole number, 0 or more"),
            (r#"{"size": 1, "share": true}"#, "found `true`, expected a number"),
            (r#"{"size": 1, "share": {}}"#, "found a table, expected a number"),
            (r#"{"size": 1, "pair": [1]}"#, "found 1 values, expected a list of 2"),
            (r#"{"size": 1, "pair": 5}"#, "found `5`, expected a list of 2"),
            (r#"{"size": 1, "inner": 5}"#, "found `5`, expected a table with size, share"),
            (r#"{"size": 1, "kind": "odd"}"#, "found `odd`, expected `plain` or `fancy`"),
            (r#"{"size": 1, "kind": [1]}"#, "found a list, expected one of the words it knows"),
            (r#"{"share": 1}"#, "has no `size`"),
        ] {
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            let e = serde_json::from_value::<ThingFile>(value).unwrap_err().to_string();
            let keys = |name: &str| {
                assert_eq!(name, "ThingFile");
                vec!["size".to_string(), "share".to_string()]
            };
            assert_eq!(shape(&e, keys), said, "{e}");
        }
    }
}
