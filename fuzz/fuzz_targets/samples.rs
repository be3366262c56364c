//! Any bytes as a samples file: an error with a place, or series whose windows hold what a plain scan finds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolcast::{Interval, Metric, Rules, Ticks, wire::metrics};

fuzz_target!(|bytes: &[u8]| {
    let rules = Rules::default();
    let Ok(read) = metrics::read(bytes, &metrics::Visibility::default(), &rules) else { return };
    for m in Metric::ALL {
        let series = read.series.get(*m);
        let Some(last) = series.len().checked_sub(1) else { continue };
        let now = series.key(last);
        for back in [0i64, 30, 180, 900] {
            let lo = Ticks(now.0.saturating_sub(back * Interval::SECOND.0));
            let want: Vec<f64> = (0..series.len()).filter(|i| series.key(*i) > lo && series.key(*i) <= now).map(|i| series.values()[i]).collect();
            assert_eq!(series.window(now, lo, now), want);
        }
    }
});
