//! The house style of pages: a head, a foot, a table, a figure.
//!
//! In: text that is escaped here. Out: HTML that a phone, a printer and a screen reader take. Never: a script, a request, a
//! meaning that only a colour carries.

use super::svg::escape;
use crate::{
    check::author,
    diag::{level::Levels, render},
};
use std::fmt::Write;

const STYLE: &str = "
:root{color-scheme:light dark;--line:#8886;--soft:#8881}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:.2em 0}h2{font-size:1.2rem;margin:2em 0 .6em;border-bottom:1px solid var(--line)}h3{font-size:1rem;margin:1.4em 0 .3em}
nav a{display:inline-block;padding:.2em 1em .2em 0}
svg{width:100%;height:auto;display:block;overflow:visible}
figure{margin:0}figcaption{font-size:.9rem;margin-top:.3em}
.figures{display:grid;gap:1.6rem}
.tables{columns:20rem;column-gap:2.5rem}.tables>*{break-inside:avoid;width:100%;margin-bottom:1.2em}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15em .8em .15em 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:normal}
th{font-weight:600}th[scope=row]{font-weight:400}caption{text-align:left;font-weight:600}
td:last-child,th:last-child{padding-right:0}
td.n,th.n{text-align:right}td small{display:block;white-space:nowrap}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.6rem;margin:1rem 0;padding:0}
.key div{border:1px solid var(--line);padding:.4rem .7rem}.key dt{font-size:.85rem}.key dd{margin:0;font-size:1.25rem;font-weight:600}
.scroll{overflow-x:auto}
pre{background:var(--soft);padding:.6em;overflow-x:auto;font-size:.85rem;white-space:pre-wrap;margin:.4em 0}
details{margin:.2em 0}details details{margin-left:1rem}summary{cursor:pointer;padding:.2em 0}
ol.findings{padding-left:1.6em}ol.findings>li{margin:.6em 0}
.partial{border:2px solid;padding:.6em}
@media(min-width:56rem){.figures{grid-template-columns:1fr 1fr}.figures.down{grid-auto-flow:column;grid-template-rows:auto auto}}
@media print{body{max-width:none;font-size:10pt;padding:0}nav{display:none}figure,table.whole,li{break-inside:avoid}h2,h3{break-after:avoid}.figures{grid-template-columns:1fr 1fr}a{color:inherit}}
";

/// Everything up to the first section.
pub fn open(title: &str, about: &str) -> String {
    let mut h = String::with_capacity(1 << 17);
    let _ = write!(
        h,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{0} – poolcast</title><link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main><h1>{0}</h1>",
        escape(title)
    );
    if !about.is_empty() {
        let _ = write!(h, "<p>{}</p>", escape(about));
    }
    h
}

/// Links to sections: id and title.
pub fn contents(h: &mut String, sections: &[(String, String)]) {
    h.push_str("<nav aria-label=\"Sections\">");
    for (id, title) in sections {
        let _ = write!(h, "<a href=\"#{id}\">{}</a>", escape(title));
    }
    h.push_str("</nav>");
}

/// The last section.
pub fn close(h: &mut String, how: &str) {
    let _ = writeln!(
        h,
        "<h2>How this was made</h2><p>poolcast {}, {} Times are UTC.</p></main></body></html>",
        env!("CARGO_PKG_VERSION"),
        escape(how)
    );
}

/// A chart with what it shows in words.
pub fn figure(h: &mut String, chart: &str, caption: &str) {
    let _ = write!(h, "<figure>{chart}<figcaption>{}</figcaption></figure>", escape(caption));
}

/// A formula and what the checker says about it.
pub fn formula(h: &mut String, text: &str) {
    let _ = write!(h, "<pre>{}</pre>", escape(text.trim_end()));
    let found = author::author(text, &Levels::default()).diagnostics;
    if found.is_empty() {
        h.push_str("<p>The checker has nothing to say about it.</p>");
    } else {
        let said = render::human("formula", text, found.iter(), false);
        let _ = write!(h, "<p>What the checker says:</p><pre>{}</pre>", escape(said.trim_end()));
    }
}

/// Numbers that are read before anything else.
pub fn key_figures(h: &mut String, rows: &[(&str, String)]) {
    h.push_str("<dl class=\"key\">");
    for (name, value) in rows {
        let _ = write!(h, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    }
    h.push_str("</dl>");
}

/// The currency that a description of prices ends with, if it does.
pub fn currency(prices: &str) -> &str {
    let last = prices.rsplit([',', ' ']).next().unwrap_or("");
    if last.len() == 3 && last.bytes().all(|b| b.is_ascii_uppercase()) { last } else { "" }
}
