//! Behaviour of the parser on whole formulas: every mistake it knows, limits, depth, places.

use crate::*;

/// The text with every offered edit made, later ones first; of two insertions at one place the first stays first.
fn apply(text: &str, errors: &[SyntaxError]) -> String {
    let mut edits: Vec<&Edit> = errors.iter().flat_map(|e| &e.fix).collect();
    edits.sort_by_key(|e| e.span.lo);
    let mut out = text.to_owned();
    for e in edits.iter().rev() {
        out.replace_range(e.span.range(), &e.text);
    }
    out
}

#[test]
fn a_formula_of_every_construct_parses() {
    let text = "// head\n$n = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute) < 70\r\n\t? max(0, $PendingTasks.GetSample(1)) : -avg(a, b.c().d) + 2 * 3 - .5;;\nstop(); x = !(a || b && c == d < e)";
    let p = parse(text);
    assert_eq!(p.errors, []);
    p.ast.verify().unwrap();
    assert_eq!(p.ast.stmts.len(), 3);
    assert_eq!(p.ast.empty_stmts.len(), 1);
    assert_eq!(p.ast.comments.len(), 1);
}

#[test]
fn what_real_formulas_use_parses() {
    // the census of public formulas (language.md §0), one line for each shape
    for text in [
        "$TargetDedicatedNodes=4",
        "n = min(12, max(0, avg($ActiveTasks.GetSample(7 * TimeInterval_Minute))));",
        "n = val($PendingTasks.GetSample(1), 0) + max($RunningTasks.GetSample(2)) - min($RunningTasks.GetSample(3));",
        "t = time(); u = time(\"2023-04-05T06:07:08Z\"); age = t - u;",
        "h = time().hour; w = t.weekday; late = h >= 20 || h < 6;",
        "p = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 0, TimeInterval_Minute * 12);",
        "s = $CPUPercent.GetSample(TimeInterval_Hour, TimeInterval_Minute, 40);\nc = $CPUPercent.Count();",
        "v = $ActiveTasks.GetSample(span, 50) + $RunningTasks.GetSample(span, 50);\nv4 = v / 4;",
        "x = ($a ? (b == 0 ? 1 : 2) : ($c ? 3 : 4));",
        "isDay = $h > 7 && $h < 19; night = !isDay; n = isDay ? 9 : 2;",
        "shift = t + (-5 * TimeInterval_Hour); drop = max(-limit, -4);",
        "a = b == 1 != c;\nrebalance = 0 == 1;",
        "n = 1; // after a statement; with = signs, 'quotes', 50% and $Names",
        "a = 600.0 * 0.7; z = TimeInterval_100ns; _x1 = 1; $_ = 2;",
        "stop()",
        "something_unknown",
        "avg(); min(1, 2, 3, $v); f((((1))));",
        "$NodeDeallocationOption = busy ? taskcompletion : requeue;",
        "x = \"a // b ; c\" == \"\";",
        "x = (a).b.c(d).e(f ? 1 : 2);",
        "x = .5 + 5. + 1e3 + 1.5E-2;",
    ] {
        oracle::check(text);
        assert_eq!(parse(text).errors, [], "{text}");
    }
}

#[test]
fn tree_and_tokens_can_be_shown() {
    let text = "n = max(1, -$a.b) // c\n";
    assert_eq!(
        print::tree(&parse(text).ast),
        "assign n  @1:1\n  call max  @1:5\n    number 1  @1:9\n    unary -  @1:12\n      member .b  @1:13\n        name $a  @1:13\n"
    );
    let tokens = print::tokens(text);
    let rows: Vec<Vec<&str>> = tokens.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["1:1", "name", "n"]);
    assert_eq!(rows[4], ["1:9", "number", "1"]);
    assert_eq!(rows.last().unwrap()[..2], ["1:19", "comment"]);
    assert!(print::tokens("a # b\n = 'x' % \0;").contains("foreign   %"));
}

/// A wrong formula, its errors with their places, and what the offered edits make of it ("" when they do not mend it).
type Row = (&'static str, &'static [&'static str], &'static str);

const WRONG: &[Row] = &[
    ("$a = min(4, $b)\n$c = requeue;", &["MissingSemicolon 15..15"], "$a = min(4, $b);\n$c = requeue;"),
    ("n = 1 # why\n;", &["HashComment 6..11"], "n = 1 // why\n;"),
    ("n = /* one */ 1;", &["BlockComment 4..13"], "n = // one\n 1;"),
    ("/* first\n * second\n */\nn = 1;", &["BlockComment 0..22"], "// first\n// second\n//\nn = 1;"),
    ("/* never closed\nn = 1;", &["BlockComment 0..2"], ""),
    ("n = 1; */", &["BlockComment 7..9"], ""),
    ("n = 7 % 2;", &["Percent 6..7"], ""),
    ("n = share > 70% ? 1 : 2;", &["Percent 14..15"], "n = share > 70 ? 1 : 2;"),
    ("n = %d;", &["Percent 4..5"], ""),
    ("t = time('2024-02-03T04:05:06Z');", &["SingleQuotes 9..31"], "t = time(\"2024-02-03T04:05:06Z\");"),
    ("t = time('2024);", &["UnclosedString 9..14"], "t = time(\"2024\");"),
    ("t = time(\"2024-02-03);\nn = 1;", &["UnclosedString 9..20"], "t = time(\"2024-02-03\");\nn = 1;"),
    ("t = time(\"2024); u = time(\"2025\");", &["UnclosedString 9..14"], "t = time(\"2024\"); u = time(\"2025\");"),
    ("t = time(\\\"2024\\\");", &["Backslash 9..10"], "t = time(\"2024\");"),
    ("n = 1;\\nm = 2;\\n", &["Backslash 6..7"], "n = 1;\nm = 2;\n"),
    ("n = 1 + \\\n 2;", &["Backslash 8..9"], "n = 1 + \n 2;"),
    ("n = avg([1, 2]);", &["Bracket 8..9"], ""),
    ("n = v[0];", &["Bracket 5..6"], "n = val(v, 0);"),
    ("n = v.GetSample(3)[0];", &["Bracket 18..19"], ""),
    ("n = a];", &["Bracket 5..6"], ""),
    ("n = {pool.Nodes};", &["Brace 4..5"], ""),
    ("n = ${nodes};", &["Brace 4..6"], ""),
    ("n = {{ nodes }};", &["Brace 4..6"], ""),
    ("if (a > 1) { n = 1; }", &["ForeignStatement(\"if\") 0..2"], ""),
    ("n = (a = 1) ? 2 : 3;", &["AssignInExpression 7..8"], "n = (a == 1) ? 2 : 3;"),
    ("n = a = 1 ? 2 : 3;", &["AssignInExpression 6..7"], "n = a == 1 ? 2 : 3;"),
    ("n = a + 1 = b;", &["AssignInExpression 10..11"], "n = a + 1 == b;"),
    ("n = m.GetSample(count = 1);", &["AssignInExpression 22..23"], ""),
    ("a = b = 1;", &["ChainedAssignment 6..7"], "b = 1; a = b;"),
    ("a = b = c = d + 1;", &["ChainedAssignment 6..7"], "c = d + 1; b = c; a = b;"),
    ("n = 2 ^ 3;", &["ForeignOperator(\"^\") 6..7"], ""),
    ("n = a & b | c;", &["ForeignOperator(\"&\") 6..7", "ForeignOperator(\"|\") 10..11"], "n = a && b || c;"),
    ("n = 2 ** 3;", &["ForeignOperator(\"**\") 6..8"], ""),
    ("n++;", &["ForeignOperator(\"++\") 1..3"], "n = n + 1;"),
    ("n--;", &["ForeignOperator(\"--\") 1..3"], "n = n - 1;"),
    ("n += 1;", &["ForeignOperator(\"+=\") 2..4"], "n = n + 1;"),
    ("n /= a + b;", &["ForeignOperator(\"/=\") 2..4"], ""),
    ("n = a ++ b;", &["ForeignOperator(\"++\") 6..8"], "n = a + b;"),
    ("n = +1;", &["ForeignOperator(\"+\") 4..5"], "n = 1;"),
    ("n = a === b;", &["ForeignOperator(\"===\") 6..9"], "n = a == b;"),
    ("n = a <> b;", &["ForeignOperator(\"<>\") 6..8"], "n = a != b;"),
    ("n = a => b;", &["ForeignOperator(\"=>\") 6..8"], "n = a >= b;"),
    ("n := 1;", &["ForeignOperator(\":=\") 2..4"], "n = 1;"),
    ("n = a and b OR c;", &["ForeignOperator(\"and\") 6..9", "ForeignOperator(\"OR\") 12..14"], "n = a && b || c;"),
    ("n = not a;", &["ForeignOperator(\"not\") 4..7"], ""),
    ("n = max(a, (b + c);\nm = 1;", &["UnclosedParen 7..8"], "n = max(a, (b + c));\nm = 1;"),
    ("n = max(a, b\nm = 1;", &["UnclosedParen 7..8", "MissingSemicolon 12..12"], "n = max(a, b);\nm = 1;"),
    ("n = ((a + b;", &["UnclosedParen 4..6"], "n = ((a + b));"),
    ("n = a + b);", &["UnopenedParen 9..10"], "n = a + b;"),
    ("n = (a)) * b;", &["UnopenedParen 7..8"], ""),
    (")", &["UnopenedParen 0..1"], ""),
    ("5 = n;", &["BadAssignTarget 0..1"], ""),
    ("n.x = 1;", &["BadAssignTarget 0..3"], ""),
    ("max(a) = 1;", &["BadAssignTarget 0..6"], ""),
    ("n = 0x1F;", &["BadNumber 4..8"], "n = 31;"),
    ("n = 1_000;", &["BadNumber 4..9"], "n = 1000;"),
    ("n = 1.2.3;", &["BadNumber 4..9"], ""),
    ("n = 2x;", &["BadNumber 4..6"], ""),
    ("n = 1e;", &["BadNumber 4..6"], ""),
    ("größe = 1;", &["BadCharacter('ö') 2..6"], ""),
    ("n = a − 1;", &["BadCharacter('−') 6..9"], "n = a - 1;"),
    ("t = time(“2024”);", &["BadCharacter('“') 9..12"], "t = time(\"2024\");"),
    ("n = $;", &["BadCharacter('$') 4..5"], ""),
    ("n = $1x;", &["BadCharacter('$') 4..5"], ""),
    ("$$n = 1;", &["BadCharacter('$') 0..1"], "$n = 1;"),
    ("n = 1 @ 2;", &["BadCharacter('@') 6..7"], ""),
    ("n = €€€;", &["BadCharacter('€') 4..13"], ""),
    ("n = ;", &["Unexpected { found: \"`;`\", expected: \"an expression\" } 4..5"], ""),
    ("n = 1 + ;", &["Unexpected { found: \"`;`\", expected: \"an expression\" } 8..9"], ""),
    ("n = 1 + * 2;", &["Unexpected { found: \"`*`\", expected: \"an expression\" } 8..9"], ""),
    ("n = 1 +\nm = 2;", &["Unexpected { found: \"`m`\", expected: \"an expression\" } 8..9"], ""),
    ("n = max(1,);", &["Unexpected { found: \"`)`\", expected: \"an expression\" } 10..11"], "n = max(1);"),
    ("n = max(1 2);", &["Unexpected { found: \"`2`\", expected: \"an operator, `,` or `)`\" } 10..11"], ""),
    ("n = (a, b);", &["Unexpected { found: \"`,`\", expected: \"an operator or `)`\" } 6..7"], ""),
    ("n = a b;", &["Unexpected { found: \"`b`\", expected: \"an operator or `;`\" } 6..7"], ""),
    ("n = a ? b;", &["Unexpected { found: \"`;`\", expected: \"an operator or `:`\" } 9..10"], ""),
    ("n = (a ? b) + 1;", &["Unexpected { found: \"`)`\", expected: \"an operator or `:`\" } 10..11"], ""),
    ("n = a : b;", &["Unexpected { found: \"`:`\", expected: \"an operator or `;`\" } 6..7"], ""),
    ("n = a.;", &["Unexpected { found: \"`;`\", expected: \"the name of a method or member\" } 6..7"], ""),
    ("n = a.5;", &["Unexpected { found: \"`.5`\", expected: \"an operator or `;`\" } 5..7"], ""),
    ("n = a > = 1;", &["Unexpected { found: \"`=`\", expected: \"an expression\" } 8..9"], "n = a >= 1;"),
    ("n = 1, m = 2;", &["MissingSemicolon 5..6"], "n = 1; m = 2;"),
    ("n = 1, 2;", &["Unexpected { found: \"`,`\", expected: \"an operator or `;`\" } 5..6"], ""),
    ("n = (a)(b);", &["Unexpected { found: \"`(`\", expected: \"an operator or `;`\" } 7..8"], ""),
    ("n = ();", &["Unexpected { found: \"`)`\", expected: \"an expression\" } 5..6"], ""),
    ("n = 1 !a;", &["Unexpected { found: \"`!`\", expected: \"an operator or `;`\" } 6..7"], ""),
    ("n = \"a\" \"b\";", &["Unexpected { found: \"a string\", expected: \"an operator or `;`\" } 8..11"], ""),
    ("please scale to ten nodes", &["Unexpected { found: \"`scale`\", expected: \"an operator or `;`\" } 7..12"], ""),
];

#[test]
fn every_mistake_is_named_in_place_and_mended_where_the_repair_is_sure() {
    for (text, errors, mended) in WRONG {
        oracle::check(text);
        let p = parse(text);
        let said: Vec<String> = p.errors.iter().map(|e| format!("{:?} {}..{}", e.kind, e.span.lo, e.span.hi)).collect();
        assert_eq!(said, *errors, "{text}");
        let fixed = apply(text, &p.errors);
        if mended.is_empty() {
            assert_eq!(&fixed, text, "an edit that mends nothing");
        } else {
            assert_eq!(&fixed, mended);
            assert_eq!(parse(&fixed).errors, [], "{text}");
        }
    }
}

#[test]
fn a_sure_repair_gives_the_tree_of_the_mended_text() {
    let kept = [
        "n = 1 # why",
        "t = time('2024');",
        "n = (a = 1) ? 2 : 3;",
        "a = b = c = d + 1;",
        "n = a & b | c;",
        "n = +1;",
        "n = a <> b;",
        "n := 1;",
        "n = a and b OR c;",
        "n = max(a, (b + c);\nm = 1;",
        "n = max(a, b\nm = 1;",
        "n = 70%;",
    ];
    for text in kept {
        let p = parse(text);
        let mended = parse(&apply(text, &p.errors));
        assert_eq!(print::print(&p.ast).matches(';').count(), mended.ast.stmts.len(), "{text}");
        let shape = |ast: &Ast| ast.exprs.iter().map(std::mem::discriminant).collect::<Vec<_>>();
        assert_eq!(shape(&p.ast), shape(&mended.ast), "{text}");
    }
}

#[test]
fn three_mistakes_are_three_errors_and_good_statements_stay() {
    let text = "cap = 10\nneed = avg($PendingTasks.GetSample(3);\n$TargetDedicatedNodes = min(cap, need);\n$x = 7 % 2;\ny = $x;";
    let p = parse(text);
    let kinds: Vec<_> = p.errors.iter().map(|e| &e.kind).collect();
    assert_eq!(kinds, [&SyntaxKind::MissingSemicolon, &SyntaxKind::UnclosedParen, &SyntaxKind::Percent]);
    let targets: Vec<_> = p.ast.stmts.iter().map(|s| p.ast.name(s.target.unwrap().0)).collect();
    assert_eq!(targets, ["cap", "need", "$TargetDedicatedNodes", "$x", "y"]);
    let broken: Vec<_> = p.ast.stmts.iter().map(|s| p.ast.expr(s.value) == Expr::Error).collect();
    assert_eq!(broken, [false; 5], "a remainder is an error, and its sides are still worth checking");
    let open = &p.errors[1];
    assert_eq!(open.span.text(text), "(");
    assert_eq!(LineIndex::new(text).line_col(text, open.span.lo), (2, 11));
    assert_eq!(open.related.as_ref().map(|r| r.1.as_str()), Some("the statement ends here"));
}

#[test]
fn words_and_no_tokens_reach_the_user() {
    for (text, _, _) in WRONG {
        for e in parse(text).errors {
            if let SyntaxKind::Unexpected { found, expected } = e.kind {
                assert!(
                    ["an expression", "an operator", "the name"].iter().any(|w| expected.starts_with(w)),
                    "{expected}"
                );
                assert!(found.starts_with('`') || ["a string", "the end"].contains(&found.as_str()), "{found}");
            }
        }
    }
}

#[test]
fn size_limits_are_exact() {
    let kinds = |text: &str| parse(text).errors.into_iter().map(|e| e.kind).collect::<Vec<_>>();
    let fill = |n: usize, c: &str| format!("x = 1; // {}", c.repeat(n - 10));
    assert_eq!(kinds(&fill(MAX_CHARS, "a")), []);
    assert_eq!(kinds(&fill(MAX_CHARS + 1, "a")), [SyntaxKind::TooLong(MAX_CHARS + 1)]);
    // characters and not bytes
    assert_eq!(kinds(&fill(MAX_CHARS, "é")), []);
    assert_eq!(kinds(&fill(MAX_CHARS + 1, "é")), [SyntaxKind::TooLong(MAX_CHARS + 1)]);
    let many = |n: usize| "x = 1;;\n".repeat(n);
    assert_eq!(kinds(&many(MAX_STATEMENTS)), []);
    assert_eq!(kinds(&many(MAX_STATEMENTS + 1)), [SyntaxKind::TooManyStatements(MAX_STATEMENTS + 1)]);
    let text = many(MAX_STATEMENTS + 1);
    assert_eq!(parse(&text).errors[0].span.lo as usize, 8 * MAX_STATEMENTS);
    assert_eq!(parse(&text).ast.empty_stmts.len(), MAX_STATEMENTS + 1);
}

#[test]
fn nothing_is_no_formula() {
    for text in ["", " \t\r\n", "// only words", "// a\r\n// b", ";", ";; // c"] {
        let p = parse(text);
        assert_eq!(p.errors.len(), 1, "{text:?}");
        assert_eq!(p.errors[0].kind, SyntaxKind::Empty, "{text:?}");
        assert!(format(text).is_err());
    }
}

#[test]
fn a_line_break_is_lf_or_crlf_and_a_tab_is_a_character() {
    let text = "a = 1;\r\n\tb = é;\r\n// c\r\nd = 2;";
    let p = parse(text);
    let at = |o: u32| LineIndex::new(text).line_col(text, o);
    assert_eq!(at(p.errors[0].span.lo), (2, 6));
    assert_eq!(at(p.ast.stmts[2].span.lo), (4, 1));
    assert_eq!(p.ast.comments[0].text(text), "// c");
    assert_eq!(at(p.ast.comments[0].lo), (3, 1));
}

#[test]
fn a_calls_parenthesis_is_kept_for_the_services_positions() {
    // the service reports sample errors at the `(` of the method (language.md §3.4)
    let text = "sizes = avg($ActiveTasks.GetSample(span));";
    let ast = parse(text).ast;
    let (i, _) = ast.exprs.iter().enumerate().find(|(_, e)| matches!(e, Expr::Method(..))).unwrap();
    let (name, open) = ast.detail[i];
    assert_eq!(name.text(text), "GetSample");
    assert_eq!(LineIndex::new(text).line_col(text, open), (1, 35));
}

#[test]
fn depth_is_free() {
    let n = 8000;
    for (open, close) in
        [("-", ""), ("!", ""), ("(", ")"), ("f(", ")"), ("a ? b : ", ""), ("a ? ", " : b"), ("a + (", ")")]
    {
        let n = n / (open.len() + close.len());
        let text = format!("x = {}1{};", open.repeat(n), close.repeat(n));
        let p = parse(&text);
        assert_eq!(p.errors, [], "{open}");
        p.ast.verify().unwrap();
        assert!(parse(&print::print(&p.ast)).ast.same_tree(&p.ast));
        let _ = (print::tree(&p.ast), format(&text).unwrap());
        // and left open
        let p = parse(&format!("x = {}", open.repeat(n)));
        assert!(!p.errors.is_empty());
    }
}

#[test]
fn garbage_of_full_size_has_an_answer() {
    for bit in [
        "(", ")", "[", "{", "}", "\"", "'", "\\", "$", "é", "\u{a0}", "/*", "# ", "a b ", "a=", "a\n", "%", "+", "++",
        "? ", ": ", ", ", ". ", "1x ", "\0", "\\\"", "a?(", "(a?", "“",
    ] {
        let text = bit.repeat(MAX_CHARS / bit.chars().count());
        oracle::check(&text);
        assert!(!parse(&text).errors.is_empty(), "{bit:?}");
    }
}

#[test]
fn precedence_is_that_of_the_reference() {
    // (language.md §2.3) the same with every parenthesis written
    for (text, full) in [
        ("a || b && c == d < e + f * -g", "(a || (b && (c == (d < (e + (f * (-g)))))))"),
        ("a - b - c / d / e", "((a - b) - ((c / d) / e))"),
        ("a < b < c", "((a < b) < c)"),
        ("a == b != c >= d", "((a == b) != (c >= d))"),
        ("a || b || c && d && e", "((a || b) || ((c && d) && e))"),
        ("!a == -b.hour", "((!a) == (-b.hour))"),
        ("a == 0 ? b : c > 0 ? d : e", "((a == 0) ? b : ((c > 0) ? d : e))"),
        ("a ? b ? c : d : e", "(a ? (b ? c : d) : e)"),
        ("a > 0 ? b : max(0, c / 2) + 0.5", "((a > 0) ? b : (max(0, (c / 2)) + 0.5))"),
        ("time().weekday - -1", "(time().weekday - (-1))"),
    ] {
        let (ast, full) = (parse(text).ast, parse(full).ast);
        let bare = |ast: &Ast| {
            ast.exprs.iter().filter(|e| !matches!(e, Expr::Paren(_))).map(std::mem::discriminant).collect::<Vec<_>>()
        };
        assert_eq!(bare(&ast), bare(&full), "{text}");
        let ops = |ast: &Ast| {
            ast.exprs
                .iter()
                .filter_map(|e| if let Expr::Binary(op, ..) = e { Some(*op) } else { None })
                .collect::<Vec<_>>()
        };
        assert_eq!(ops(&ast), ops(&full), "{text}");
    }
}

#[test]
fn what_fuzzing_found_stays_found() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions/parse");
    // absent from a published package
    for file in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let bytes = std::fs::read(file.path()).unwrap();
        oracle::check(&String::from_utf8_lossy(&bytes));
    }
}
