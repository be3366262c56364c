//! Unit tests of the series.

use super::*;
use crate::rules::Possible;
use proptest::prelude::*;

const S: i64 = 10_000_000;

/// Samples as (measured, visible, value), raised as `push` promises to raise them.
type Plain = Vec<(i64, i64, f64)>;

fn build(rules: &Rules, steps: &[(i64, i64, f64)]) -> (Series, Plain) {
    let (mut series, mut plain) = (Series::new(rules), Plain::new());
    let (mut measured, mut visible) = (0, i64::MIN);
    for (gap, delay, value) in steps {
        measured += gap;
        visible = visible.max(measured + delay).max(measured);
        series.push(Ticks(measured), Ticks(measured + delay), *value).unwrap();
        plain.push((measured, visible, *value));
    }
    (series, plain)
}

fn naive(rules: &Rules, plain: &Plain, now: i64, lo: i64, hi: i64) -> Vec<f64> {
    let inside = |t: i64| match rules.window_ends {
        WindowEnds::OpenClosed => lo < t && t <= hi,
        WindowEnds::ClosedOpen => lo <= t && t < hi,
        WindowEnds::Closed => lo <= t && t <= hi,
    };
    let key = |s: &(i64, i64, f64)| if rules.sample_stamp == SampleStamp::Published { s.1 } else { s.0 };
    plain.iter().filter(|s| s.1 <= now && inside(key(s))).map(|s| s.2).collect()
}

/// Regular samples, jitter, dense bursts, long gaps, and gaps too long for the position grid.
fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => Just(30 * S),
        3 => 25 * S..35 * S,
        3 => 1..S,
        2 => 60 * S..3600 * S,
        1 => 30_000_000 * S..40_000_000 * S,
    ]
}
fn steps() -> impl Strategy<Value = Vec<(i64, i64, f64)>> {
    let value = prop_oneof![4 => (-20i32..200).prop_map(f64::from), 1 => -5.0..5.0, 1 => Just(-0.0), 1 => Just(0.0), 1 => Just(9e15)];
    let whole = prop::collection::vec((gap(), -50 * S..200 * S, (-20i32..200).prop_map(f64::from)), 0..300);
    prop_oneof![prop::collection::vec((gap(), -50 * S..200 * S, value), 0..300), whole]
}
fn rules() -> impl Strategy<Value = Rules> {
    let stamp = prop_oneof![3 => Just(SampleStamp::Published), 1 => Just(SampleStamp::Measured)];
    let ends = prop_oneof![3 => Just(WindowEnds::OpenClosed), 1 => Just(WindowEnds::ClosedOpen), 1 => Just(WindowEnds::Closed)];
    (stamp, ends).prop_map(|(sample_stamp, window_ends)| Rules { sample_stamp, window_ends, ..Rules::default() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]

    #[test]
    fn windows_equal_the_naive_filter(rules in rules(), steps in steps(), picks in prop::collection::vec((any::<prop::sample::Index>(), -100 * S..100 * S, 0..2000 * S, 0..200 * S), 20), cut in 0usize..300) {
        let (mut series, mut plain) = build(&rules, &steps);
        series.index_extremes();
        series.index_quantiles();
        for round in 0..2 {
            for (pick, off, length, late) in &picks {
                let base = if plain.is_empty() { 0 } else { plain[pick.index(plain.len())].1 };
                let hi = base + off;
                let (lo, now) = (hi - length, hi + late - 50 * S);
                let want = naive(&rules, &plain, now, lo, hi);
                let range = series.range(Ticks(now), Ticks(lo), Ticks(hi));
                prop_assert_eq!(series.window(Ticks(now), Ticks(lo), Ticks(hi)), &want[..]);
                prop_assert_eq!(series.last(Ticks(now), 3), &plain.iter().filter(|s| s.1 <= now).map(|s| s.2).collect::<Vec<_>>().iter().rev().take(3).rev().copied().collect::<Vec<_>>()[..]);
                prop_assert_eq!(series.count(Ticks(now)), plain.iter().filter(|s| s.1 <= now).count());
                if let Some(sight) = series.sight(Ticks(now)) {
                    prop_assert_eq!(sight.visible, series.visible_to(Ticks(now)));
                    let to_now = |lo| series.range(Ticks(now), Ticks(lo), Ticks(now));
                    let found = series.range_in_sight(sight, Ticks(lo));
                    prop_assert_eq!(found.clone(), found.map(|_| to_now(lo)));
                    let lo = now - length / (30 * S) * (30 * S);
                    let found = series.periods_in_sight(sight, Ticks(lo), (length / (30 * S)) as usize);
                    prop_assert_eq!(found.clone(), found.map(|_| to_now(lo)));
                }
                if let Some(sum) = series.window_sum(range.clone()) {
                    prop_assert_eq!(sum.to_bits(), reduce::sum(&want).to_bits());
                }
                if let Some(std) = series.window_std(range.clone()) {
                    prop_assert_eq!(Some(std.to_bits()), reduce::std(&want).map(f64::to_bits));
                }
                if let Some(norm) = series.window_norm(range.clone()) {
                    prop_assert_eq!(norm.to_bits(), reduce::norm(&want).to_bits());
                }
                for p in [0.0, 37.5, 95.0, 100.0] {
                    let selected = reduce::percentile(&want, p, &mut vec![0.0; want.len()]);
                    let k = if want.is_empty() { 0 } else { reduce::nearest_rank(p, want.len()) };
                    prop_assert_eq!(series.window_nth(range.clone(), k).map(f64::to_bits), selected.map(f64::to_bits));
                    prop_assert_eq!(series.locate(&series.values()[range.clone()]), (!range.is_empty()).then(|| range.clone()));
                }
                prop_assert_eq!(series.window_min(range.clone()).map(f64::to_bits), reduce::min(&want).map(f64::to_bits));
                prop_assert_eq!(series.window_max(range).map(f64::to_bits), reduce::max(&want).map(f64::to_bits));
            }
            // Second round: after retention.
            if round == 0 && cut < plain.len() {
                let t = if rules.sample_stamp == SampleStamp::Published { plain[cut].1 } else { plain[cut].0 };
                series.forget_before(Ticks(t));
                plain.retain(|s| if rules.sample_stamp == SampleStamp::Published { s.1 >= t } else { s.0 >= t });
                prop_assert_eq!(series.len(), plain.len());
            }
        }
    }

    #[test]
    fn any_instants_are_safe(steps in steps(), now: i64, lo: i64, hi: i64) {
        let (series, _) = build(&Rules::default(), &steps);
        let _ = (series.window(Ticks(now), Ticks(lo), Ticks(hi)), series.last(Ticks(now), usize::MAX));
        let p = possible(Ticks(lo), Ticks(hi), Possible::Whole);
        prop_assert!((0.0..=100.0).contains(&percent(steps.len(), p)));
    }
}

#[test]
fn refuses_what_is_no_sample_and_keeps_order() {
    let mut s = Series::default();
    s.push(Ticks(100), Ticks(900), 1.0).unwrap();
    assert_eq!(
        s.push(Ticks(100), Ticks(950), 1.0),
        Err(SeriesError::NotNewer { newest: Ticks(100), given: Ticks(100) })
    );
    assert!(matches!(s.push(Ticks(200), Ticks(950), f64::NAN), Err(SeriesError::NotFinite(_))));
    s.push(Ticks(200), Ticks(300), 2.0).unwrap();
    assert_eq!(s.visible_from(1), Ticks(900), "delivered in order");
    assert_eq!(s.measured(1), Ticks(200));
    assert_eq!((s.begin(Ticks(899)), s.begin(Ticks(900))), (None, Some(Ticks(900))));
    s.clear();
    assert!(s.is_empty() && s.begin(Ticks(i64::MAX)).is_none());
    s.push(Ticks(5), Ticks(5), 2.0).unwrap();
    assert_eq!(s.window_sum(0..1), Some(2.0));
}

#[test]
fn counts_keep_their_sums_and_fractions_give_them_up() {
    let mut s = Series::default();
    for (i, x) in [3.0, 5.0, -2.0, 2147483647.0].into_iter().enumerate() {
        s.push(Ticks(i as i64 * S), Ticks(0), x).unwrap();
    }
    assert_eq!((s.window_sum(0..3), s.window_sum(1..1)), (Some(6.0), Some(0.0)));
    assert_eq!((s.window_std(0..3), s.window_std(0..1)), (reduce::std(&[3.0, 5.0, -2.0]), None));
    assert_eq!(s.window_std(0..4), reduce::std(s.values()));
    s.push(Ticks(9 * S), Ticks(0), 0.5).unwrap();
    assert_eq!((s.window_sum(0..3), s.window_std(0..3)), (None, None));
    s.index_quantiles();
    assert_eq!((s.window_nth(0..5, 2), s.window_nth(0..5, 5)), (Some(3.0), None));
    s.push(Ticks(10 * S), Ticks(0), 1.0).unwrap();
    assert_eq!(
        (s.window_nth(0..5, 0), s.window_nth(0..6, 0)),
        (Some(-2.0), None),
        "later samples are outside the index"
    );
}

#[test]
fn extremes_over_long_windows_and_compaction() {
    let mut s = Series::default();
    s.index_extremes();
    let mut x = 1u64;
    for i in 0..5000i64 {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        s.push(Ticks(i * 30 * S), Ticks(i * 30 * S), (x >> 40) as f64).unwrap();
    }
    let step = if cfg!(miri) { 997 } else { 61 };
    for lo in (0..5000).step_by(step) {
        for hi in (lo..=5000).step_by(step + 6) {
            assert_eq!(s.window_min(lo..hi), reduce::min(&s.values()[lo..hi]));
            assert_eq!(s.window_max(lo..hi), reduce::max(&s.values()[lo..hi]));
        }
    }
    s.forget_before(Ticks(4000 * 30 * S));
    assert_eq!((s.len(), s.values().len()), (1000, 1000), "memory follows");
    assert_eq!(s.window_max(0..1000), reduce::max(s.values()));
    assert_eq!(s.window_sum(10..20), Some(reduce::sum(&s.values()[10..20])));
}

#[test]
fn giving_memory_back_changes_no_window() {
    let mut s = Series::default();
    let mut all: Plain = Vec::new();
    let (mut t, mut x) = (7 * S, 1u64);
    for i in 0..20_000i64 {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        // Regular, two in a period, and now and then a gap; some fractions early, so that sums come back.
        t += match x >> 60 {
            0 => 11 * S,
            1 => 400 * S,
            _ => 30 * S,
        };
        let value = if i < 2500 && i % 1000 == 7 { 0.5 } else { (x >> 50 & 63) as f64 };
        s.push(Ticks(t), Ticks(t), value).unwrap();
        all.push((t, t, value));
        if i % 3 == 0 {
            s.forget_before(Ticks(t - 100_000 * S));
        }
        if i % 97 == 0 {
            let kept: Plain = all.iter().copied().filter(|p| p.0 >= t - 100_000 * S).collect();
            let margin = (x >> 40) as i64 % (90_000 * S);
            let (lo, hi) = (t - margin, t - margin / 3);
            let want = naive(&Rules::default(), &kept, t, lo, hi);
            let range = s.range(Ticks(t), Ticks(lo), Ticks(hi));
            assert_eq!(s.window(Ticks(t), Ticks(lo), Ticks(hi)), &want[..], "sample {i}");
            if i > 12_000 {
                assert_eq!(s.window_sum(range.clone()), Some(reduce::sum(&want)), "the fractions are forgotten");
                assert_eq!(s.window_std(range), reduce::std(&want).filter(|_| want.len() > 1));
            }
        }
    }
    assert!(s.values().len() < 10_000);
    s.forget_before(Ticks(i64::MAX));
    assert!(s.is_empty() && s.values().is_empty());
    s.push(Ticks(t + 1), Ticks(t + 1), 3.0).unwrap();
    assert_eq!(s.window(Ticks(t + 1), Ticks(0), Ticks(t + 1)), [3.0]);
}

#[test]
fn possible_samples() {
    let p = |seconds: i64| possible(Ticks(0), Ticks(seconds * S), Possible::Whole);
    assert_eq!([p(0), p(1), p(15), p(30), p(45), p(180), p(900), p(-5)], [0.0, 1.0, 1.0, 1.0, 1.0, 6.0, 30.0, 0.0]);
    assert_eq!(possible(Ticks(0), Ticks(45 * S), Possible::Exact), 1.5);
    assert_eq!(percent(29, 30.0), 100.0 * 29.0 / 30.0);
    assert_eq!((percent(2, 1.0), percent(0, 0.0), percent(3, 0.0)), (100.0, 0.0, 0.0));
    assert!(possible(Ticks(i64::MIN), Ticks(i64::MAX), Possible::Whole) > 1e10);
}
