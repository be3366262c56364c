//! Properties over arbitrary texts: unicode, token soups, and generated trees.

use crate::oracle::check;
use crate::*;
use proptest::prelude::*;

const BITS: &[&str] = &[
    "a", "b", "$x", "1", "2.5", "\"s\"", "+", "-", "*", "/", "<", "<=", "==", "!=", "&&", "||", "!", "=", "=", "?",
    ":", ".", ",", "(", ")", "(", ")", ";", ";", "\n", " ", " ", "// c\n", "#", "/*", "*/", "'", "\"", "\\", "%", "[",
    "]", "{", "}", "^", "&", "|", "++", "+=", "and", "not", "max(", "é", "−", "“", "”", "\0", "@", "$", "0x1F", "1x",
    "\\\"", "\\n", "${", "}}", ">", "\u{a0}", "\r\n",
];

fn soup() -> impl Strategy<Value = String> {
    let all =
        prop::collection::vec(0..BITS.len(), 0..40).prop_map(|ix| ix.into_iter().map(|i| BITS[i]).collect::<String>());
    // mostly well-formed parts reach deeper
    let sane = prop::collection::vec(0..36usize, 0..40)
        .prop_map(|ix| ix.into_iter().map(|i| BITS[i]).collect::<Vec<_>>().join(" "));
    prop_oneof![all, sane]
}

/// A tree as the generator knows it.
#[derive(Debug, Clone)]
enum T {
    Leaf(&'static str),
    Un(char, Box<T>),
    Bin(usize, Box<T>, Box<T>),
    Tern(Box<T>, Box<T>, Box<T>),
    Call(&'static str, Vec<T>),
    Method(Box<T>, &'static str, Vec<T>),
    Member(Box<T>, &'static str),
}

/// Operators and their levels, written down a second time on purpose.
const OPS: [(&str, u8); 12] = [
    ("||", 1),
    ("&&", 2),
    ("==", 3),
    ("!=", 3),
    ("<", 4),
    ("<=", 4),
    (">", 4),
    (">=", 4),
    ("+", 5),
    ("-", 5),
    ("*", 6),
    ("/", 6),
];

fn tree() -> impl Strategy<Value = T> {
    let leaf = prop::sample::select(vec![
        "a",
        "$b",
        "TimeInterval_Hour",
        "1",
        "0.5",
        ".5",
        "5.",
        "1e3",
        "\"Mon, 'x' \\ //\"",
        "_",
    ])
    .prop_map(T::Leaf);
    leaf.prop_recursive(7, 80, 4, |inner| {
        let args = prop::collection::vec(inner.clone(), 0..4);
        let b = || inner.clone().prop_map(Box::new);
        prop_oneof![
            (prop::sample::select(vec!['-', '!']), b()).prop_map(|(o, e)| T::Un(o, e)),
            (0..OPS.len(), b(), b()).prop_map(|(o, l, r)| T::Bin(o, l, r)),
            (0..OPS.len(), b(), b()).prop_map(|(o, l, r)| T::Bin(o, l, r)),
            (b(), b(), b()).prop_map(|(c, t, e)| T::Tern(c, t, e)),
            (prop::sample::select(vec!["min", "$f"]), args.clone()).prop_map(|(n, a)| T::Call(n, a)),
            (b(), prop::sample::select(vec!["GetSample", "m"]), args).prop_map(|(r, n, a)| T::Method(r, n, a)),
            (b(), prop::sample::select(vec!["hour", "x"])).prop_map(|(r, n)| T::Member(r, n)),
        ]
    })
}

impl T {
    /// 0 for a ternary, 1 to 6 for operators, 7 unary, 8 the rest.
    fn level(&self) -> u8 {
        match self {
            T::Tern(..) => 0,
            T::Bin(o, ..) => OPS[*o].1,
            T::Un(..) => 7,
            _ => 8,
        }
    }

    /// The fewest parentheses that keep the tree.
    fn text(&self, at_least: u8) -> String {
        let list = |a: &[T]| a.iter().map(|t| t.text(0)).collect::<Vec<_>>().join(", ");
        let dot = |r: &T| if matches!(r, T::Leaf(n) if n.starts_with(['0', '1', '5', '.'])) { " ." } else { "." };
        let text = match self {
            T::Leaf(t) => (*t).to_owned(),
            T::Un(o, e) => format!("{o}{}", e.text(7)),
            T::Bin(o, l, r) => format!("{} {} {}", l.text(OPS[*o].1), OPS[*o].0, r.text(OPS[*o].1 + 1)),
            T::Tern(c, t, e) => format!("{} ? {} : {}", c.text(1), t.text(0), e.text(0)),
            T::Call(n, a) => format!("{n}({})", list(a)),
            T::Method(r, n, a) => format!("{}{}{n}({})", r.text(8), dot(r), list(a)),
            T::Member(r, n) => format!("{}{}{n}", r.text(8), dot(r)),
        };
        if self.level() < at_least { format!("({text})") } else { text }
    }

    fn shape(&self) -> String {
        let list = |a: &[T]| a.iter().map(T::shape).collect::<Vec<_>>().join(" ");
        match self {
            T::Leaf(t) => (*t).to_owned(),
            T::Un(o, e) => format!("[{o} {}]", e.shape()),
            T::Bin(o, l, r) => format!("[{} {} {}]", OPS[*o].0, l.shape(), r.shape()),
            T::Tern(c, t, e) => format!("[? {} {} {}]", c.shape(), t.shape(), e.shape()),
            T::Call(n, a) => format!("[call {n} {}]", list(a)),
            T::Method(r, n, a) => format!("[method {} {n} {}]", r.shape(), list(a)),
            T::Member(r, n) => format!("[member {} {n}]", r.shape()),
        }
    }
}

fn shape(ast: &Ast, id: ExprId) -> String {
    let list = |a: Args| ast.args(a).iter().map(|e| shape(ast, *e)).collect::<Vec<_>>().join(" ");
    match ast.expr(id) {
        Expr::Number(_) | Expr::Str | Expr::Name(_) | Expr::Error => ast.span(id).text(ast.text()).to_owned(),
        Expr::Unary(o, e) => format!("[{} {}]", if o == UnOp::Neg { '-' } else { '!' }, shape(ast, e)),
        Expr::Binary(o, l, r) => format!("[{} {} {}]", o.symbol(), shape(ast, l), shape(ast, r)),
        Expr::Ternary(c, t, e) => format!("[? {} {} {}]", shape(ast, c), shape(ast, t), shape(ast, e)),
        Expr::Call(n, a) => format!("[call {} {}]", ast.name(n), list(a)),
        Expr::Method(r, n, a) => format!("[method {} {} {}]", shape(ast, r), ast.name(n), list(a)),
        Expr::Member(r, n) => format!("[member {} {}]", shape(ast, r), ast.name(n)),
        Expr::Paren(e) => shape(ast, e),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_parses_to_itself(trees in prop::collection::vec(tree(), 1..4)) {
        let text: String = trees.iter().enumerate().map(|(i, t)| format!("x{i} = {};\n", t.text(0))).collect();
        prop_assume!(text.len() <= MAX_CHARS);
        let p = parse(&text);
        prop_assert_eq!(&p.errors, &[]);
        prop_assert_eq!(print::print(&p.ast), text.clone());
        for (t, s) in trees.iter().zip(&p.ast.stmts) {
            prop_assert_eq!(t.shape(), shape(&p.ast, s.value));
        }
        check(&text);
    }

    #[test]
    fn layout_of_any_formula_is_stable(t in tree(), gaps in prop::collection::vec(0..9usize, 1..60)) {
        const GAPS: [&str; 9] = [" ", " ", "\n", "\t", "\r\n", " // one\n", "\n// two\n", "\n\n", "\n\n\n// three\r\n"];
        // spaces of a canonical text outside strings are exactly the places where anything may stand
        let mut gaps = gaps.iter().cycle();
        let mut inside = false;
        let mut text = String::new();
        for c in format!(" a = {} ; b = 1 ; ; {} ; ", t.text(0), t.text(0)).chars() {
            inside ^= c == '"';
            if c == ' ' && !inside { text += GAPS[*gaps.next().unwrap()] } else { text.push(c) }
        }
        prop_assert_eq!(&parse(&text).errors.iter().filter(|e| !matches!(e.kind, SyntaxKind::TooLong(_))).count(), &0);
        check(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_token_soup_has_a_tree_and_agreed_errors(text in soup()) {
        check(&text);
    }

    #[test]
    fn any_text_has_a_tree(text in any::<String>()) {
        check(&text);
    }
}
