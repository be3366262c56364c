//! Lints about the calendar: weekday numbers and the text given to `time`.

use super::{LintCx, facts::flip, warn};
use crate::{
    check::hir::HKind,
    diag::{Diagnostic, code},
};
use poolcast_grammar::{BinOp, Span};
use poolcast_runtime::ticks::Ticks;

/// W0514: weekday compared with 0 or 7.
pub(super) fn weekday(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for h in cx.ids() {
        let HKind::Binary(op, a, b) = cx.kind(h) else { continue };
        for (op, day, other) in [(op, a, b), (flip(op), b, a)] {
            if !matches!(cx.call(cx.resolve(day)), Some(("weekday", _))) {
                continue;
            }
            let Some(n) = cx.number(other) else { continue };
            let edge = match op {
                BinOp::Gt => n == 0.0 || n >= 6.0,
                BinOp::Lt => n == 1.0 || n == 7.0,
                BinOp::Le | BinOp::Ge | BinOp::Eq | BinOp::Ne => n == 0.0 || n == 7.0,
                _ => false,
            };
            if edge {
                out.push(
                    warn(
                        code::WEEKDAY,
                        cx.span(h),
                        format!(
                            "whether `{}` is meant for Sunday depends on Sunday's number, which is not documented",
                            cx.text(h)
                        ),
                    )
                    .label("true or false on Sundays?")
                    .note("Monday is 1 and Saturday 6; Sunday is taken to be 0 here, some formulas expect 7")
                    .help(format!(
                        "test for the days you know: the weekend is `!({0} >= 1 && {0} <= 5)`",
                        cx.text(day)
                    )),
                );
                break;
            }
        }
    }
}

/// W0515 and W0516: the text of `time("…")`.
pub(super) fn time_text(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for h in cx.ids() {
        let Some(("time", [arg])) = cx.call(h) else { continue };
        let HKind::Str(i) = cx.kind(*arg) else { continue };
        let (Some(text), span) = (cx.hir.strings.get(i as usize), cx.span(*arg)) else { continue };
        // Places inside the text count from after the quotation mark.
        let open = span.lo + 1;
        // Text that is no time at all is the checker's to tell.
        let Ok(read) = Ticks::parse_service(text) else { continue };
        let Some((_, clock)) = text.split_once('T') else { continue };
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let clock_at = open + (text.len() - clock.len()) as u32;
        if let Some((whole, fraction)) = clock.split_once('.') {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 6 {
                let lo = clock_at + whole.len() as u32 + 1 + 6;
                out.push(
                    warn(
                        code::TIME_FRACTION,
                        span,
                        format!("this time has {digits} digits after the decimal point; more than 6 were seen to fail"),
                    )
                    .label("too precise")
                    .note("the service stores such a formula and fails when it evaluates it")
                    .fix(true, "keep six digits", Span::new(lo, lo + (digits - 6) as u32), ""),
                );
            }
        }
        if read.no_zone {
            let end = Span::new(span.hi - 1, span.hi - 1);
            out.push(
                warn(code::TIME_ZONE, span, "this time has no zone")
                    .label("read as UTC")
                    .note("the service works in UTC; what it does with a time that has no zone is not documented")
                    .fix(false, "say that it is UTC", end, "Z"),
            );
        }
    }
}
