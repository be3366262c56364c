//! Samples files: every shape reads to the same series, and every refusal says where.
#![cfg(feature = "serde")]

use poolcast::wire::metrics::{Format, Samples, SamplesError, Visibility, read};
use poolcast_runtime::{
    metric::Metric,
    rules::Rules,
    ticks::{Interval, Ticks},
};
use proptest::prelude::*;

fn load(text: impl AsRef<[u8]>) -> Result<Samples, SamplesError> {
    read(text.as_ref(), &Visibility::default(), &Rules::default())
}
/// Seconds after 08:00, values.
fn samples(s: &Samples, m: Metric) -> Vec<(i64, f64)> {
    let series = s.series.get(m);
    let eight = Ticks::parse_service("2026-01-05T08:00:00Z").unwrap().ticks;
    (0..series.len()).map(|i| ((series.measured(i).0 - eight.0) / 10_000_000, series.values()[i])).collect()
}
fn error(text: impl AsRef<[u8]>) -> String {
    load(text).unwrap_err().to_string()
}

const PENDING: [(i64, f64); 3] = [(0, 4.0), (30, 5.5), (90, 6.0)];

#[test]
fn every_text_shape_reads_alike() {
    for text in [
        "time,metric,value\n2026-01-05T08:00:00Z,$PendingTasks,4\n2026-01-05T08:00:30Z,$PendingTasks,5.5\n2026-01-05T08:01:30Z,$PendingTasks,6\n",
        "# from the portal\r\nvalue;name;note;timestamp\r\n4;PendingTasks;x;2026-01-05 08:00:00\r\n5.5;PendingTasks;;2026-01-05 10:00:30+02:00\r\n6;PendingTasks;;1767600090",
        "\u{feff}Time,PendingTasks,$RunningTasks\n1767600000000,4,\n1767600030000,5.5,NaN\n1767600060000,,1\n1767600090000,6\n",
        "time\tPendingTasks\n2026-01-05T08:00:00Z\t4\n2026-01-05T08:00:30Z\t5.5\n2026-01-05T08:01:30Z\t\"6\"\n",
        r#"{"samples": {"$PendingTasks": [["2026-01-05T08:00:00Z", 4], [1767600030, 5.5], ["2026-01-05T08:01:30Z", 6]]}}"#,
        r#"{"samples": {"PendingTasks": {"start": "2026-01-05T08:00:00Z", "values": [4, 5.5, null, 6]}}}"#,
        r#" [{"time": 1767600000, "metric": "PendingTasks", "value": 4}, {"time": 1767600030, "metric": "PendingTasks", "value": 5.5},
             {"time": 1767600060, "metric": "PendingTasks"}, {"time": 1767600090.0, "metric": "PendingTasks", "value": 6}]"#,
    ] {
        let read = load(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(samples(&read, Metric::PendingTasks), PENDING, "{text}");
    }
}

#[test]
fn unsorted_duplicate_and_missing_samples_are_defined_and_counted() {
    let read = load(
        "time,metric,value,host\n\
         1767600090,PendingTasks,6,a\n1767600000,PendingTasks,1,a\n1767600030,PendingTasks,5.5,a\n1767600000,PendingTasks,4,b\n\
         1767600060,PendingTasks,,a\n1767600000,DiskFree,7,a\n1767600030,CurrentDedicated,2,a\n",
    )
    .unwrap();
    assert_eq!(samples(&read, Metric::PendingTasks), PENDING, "of equal times the later row wins");
    assert_eq!(samples(&read, Metric::CurrentDedicatedNodes), [(30, 2.0)], "old names are known");
    let summary = &read.summary;
    assert_eq!((summary.format, summary.rows, summary.unsorted), (Format::Csv, 7, true));
    let pending = summary.metrics.iter().find(|m| m.metric == Metric::PendingTasks).unwrap();
    assert_eq!((pending.samples, pending.duplicates, pending.missing), (3, 1, 1));
    assert_eq!((pending.first, pending.last), (Ticks(17_676_000_000_000_000), Ticks(17_676_000_900_000_000)));
    assert_eq!(summary.skipped, [("DiskFree".to_owned(), 1)]);
}

#[test]
fn refusals_say_where_and_what_to_do() {
    for (text, want) in [
        ("", "the file is empty"),
        ("a,b\n1,2\n", "no `time` column in the header (a, b)"),
        ("time,metric,value\n", "no samples"),
        ("time,disk\n1767600000,2\n", "no column is a metric (time, disk)"),
        ("time,metric,value\n1767600000,disk,2\n", "no samples of any metric; `disk` is none"),
        (
            "time,PendngTasks\n1767600000,2\n",
            "row 1, column `PendngTasks`: no metric `PendngTasks`; did you mean `$PendingTasks`?",
        ),
        (
            "time,metric,value\n# note\n1767600000,pendingTasks,2\n",
            "row 3, column `metric`: no metric `pendingTasks`; did you mean `$PendingTasks`?",
        ),
        ("time,PendingTasks\n1767600000,2\nyesterday,2\n", "row 3, column `time`: `yesterday` is no time"),
        ("time,PendingTasks\n1767600000,2\n\n1767600030,two\n", "row 4, column `PendingTasks`: `two` is not a number"),
        ("time,PendingTasks\n1767600000,inf\n", "row 2, column `PendingTasks`: inf cannot be a sample"),
        ("time,PendingTasks\n1767600000,1,2\n", "row 2, column `#3`: 3 cells, but the header has 2"),
        ("time,PendingTasks,$PendingTasks\n", "`$PendingTasks` has two columns"),
        ("{", "unreadable JSON at line 1"),
        ("{}", "no `samples`"),
        (r#"{"sample": {}}"#, "unknown key `sample`; the keys are `samples`"),
        (
            r#"{"samples": {"PendingTasks": [["2026-01-05T08:00:00Z", "x"]]}}"#,
            "samples.PendingTasks[0][1]: expected a number or null, found \"x\"",
        ),
        (r#"{"samples": {"PendingTasks": [["soon", 1]]}}"#, "samples.PendingTasks[0][0]: `soon` is no time"),
        (
            r#"{"samples": {"PendingTasks": [[1]]}}"#,
            "samples.PendingTasks[0]: expected a pair [time, value], found [1]",
        ),
        (
            r#"{"samples": {"PendingTasks": {"start": 0, "every": 0, "values": []}}}"#,
            "samples.PendingTasks.every: expected seconds above 0",
        ),
        (
            r#"{"samples": {"PendingTasks": {"start": "9999-12-31", "every": 1e9, "values": [1, 2]}}}"#,
            "samples.PendingTasks.values[1]: beyond the year 9999",
        ),
        (r#"[{"time": 0, "metric": 3}]"#, "[0].metric: expected a name, found 3"),
        ("PAR1", "Parquet"),
    ] {
        let e = error(text);
        assert!(e.contains(want), "{text}\n  {e}\n  {want}");
    }
}

#[test]
fn visibility_delays_every_sample_and_jitter_is_repeatable() {
    let text = "time,PendingTasks\n1767600000,1\n1767600030,2\n1767600060,3\n";
    let visible = |v: &Visibility| -> Vec<i64> {
        let read = read(text.as_bytes(), v, &Rules::default()).unwrap();
        let s = read.series.get(Metric::PendingTasks);
        (0..3).map(|i| s.visible_from(i).0 - s.measured(i).0).collect()
    };
    assert_eq!(visible(&Visibility::default()), [600_000_000; 3], "a minute unless told otherwise");
    let jittery = |seed| Visibility { delay: Interval::ZERO, jitter: Interval::from_seconds(20.0), seed };
    let once = visible(&jittery(7));
    assert_eq!(once, visible(&jittery(7)));
    assert_ne!(once, visible(&jittery(8)));
    assert!(once.iter().all(|d| (0..200_000_000).contains(d)), "{once:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_give_samples_or_an_error(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[\\[{]?(time|PendingTasks|metric|value|samples|[-0-9:,;TZ\"\\[\\]{} .\n\te])*".prop_map(String::into_bytes),
            "time,PendingTasks\n([-0-9:.TZe ]{0,24},[-0-9.e]{0,20}\n){0,6}".prop_map(String::into_bytes),
        ],
    ) {
        let _ = load(&bytes);
    }

    #[test]
    fn any_order_of_rows_gives_the_same_series(rows in prop::collection::btree_map(0i64..100_000, -1000i32..1000, 1..60), seed in any::<u64>()) {
        let sorted: Vec<_> = rows.into_iter().collect();
        let mut shuffled = sorted.clone();
        let mut random = poolcast_runtime::rng::Stream::keyed(seed, 0, 0);
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, (random.next_u64() % (i as u64 + 1)) as usize);
        }
        let file = |rows: &[(i64, i32)]| rows.iter().fold("time,RunningTasks\n".to_owned(), |t, (at, x)| t + &format!("{at},{x}\n"));
        let (a, b) = (load(file(&sorted)).unwrap(), load(file(&shuffled)).unwrap());
        prop_assert_eq!(samples(&a, Metric::RunningTasks), samples(&b, Metric::RunningTasks));
    }
}

#[cfg(feature = "parquet")]
mod parquet_files {
    use super::*;
    use parquet::{
        data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type},
        file::writer::SerializedFileWriter,
        schema::parser::parse_message_type,
    };
    use std::sync::Arc;

    enum Cells {
        I(Vec<i64>),
        D(Vec<Option<f64>>),
        T(Vec<&'static str>),
    }

    fn file(schema: &str, groups: &[&[Cells]]) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut out = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut out, schema, Default::default()).unwrap();
        for columns in groups {
            let mut group = writer.next_row_group().unwrap();
            for cells in *columns {
                let mut column = group.next_column().unwrap().unwrap();
                match cells {
                    Cells::I(v) => column.typed::<Int64Type>().write_batch(v, None, None).map(|_| ()),
                    Cells::D(v) => {
                        let levels: Vec<i16> = v.iter().map(|x| i16::from(x.is_some())).collect();
                        let values: Vec<f64> = v.iter().flatten().copied().collect();
                        column.typed::<DoubleType>().write_batch(&values, Some(&levels), None).map(|_| ())
                    }
                    Cells::T(v) => {
                        let values: Vec<ByteArray> = v.iter().map(|t| ByteArray::from(*t)).collect();
                        column.typed::<ByteArrayType>().write_batch(&values, None, None).map(|_| ())
                    }
                }
                .unwrap();
                column.close().unwrap();
            }
            group.close().unwrap();
        }
        writer.close().unwrap();
        out
    }

    #[test]
    fn long_and_wide() {
        let long = file(
            "message s { required int64 time (TIMESTAMP_MILLIS); required binary metric (UTF8); optional double value; }",
            &[
                &[
                    Cells::I(vec![1767600090000, 1767600000000]),
                    Cells::T(vec!["PendingTasks"; 2]),
                    Cells::D(vec![Some(6.0), Some(4.0)]),
                ],
                &[
                    Cells::I(vec![1767600030000, 1767600060000, 0]),
                    Cells::T(vec!["$PendingTasks", "PendingTasks", "disk"]),
                    Cells::D(vec![Some(5.5), None, None]),
                ],
            ],
        );
        let read = load(&long).unwrap();
        assert_eq!(samples(&read, Metric::PendingTasks), PENDING);
        assert_eq!((read.summary.format, read.summary.rows, read.summary.unsorted), (Format::Parquet, 5, true));
        assert_eq!(read.summary.skipped, [("disk".to_owned(), 1)]);

        let wide = file(
            "message s { required binary time (UTF8); optional double PendingTasks; required int64 RunningTasks; required int64 disk; }",
            &[&[
                Cells::T(vec![
                    "2026-01-05T08:00:00Z",
                    "2026-01-05T08:00:30Z",
                    "2026-01-05T08:01:00Z",
                    "2026-01-05T08:01:30Z",
                ]),
                Cells::D(vec![Some(4.0), Some(5.5), None, Some(6.0)]),
                Cells::I(vec![1, 2, 3, 4]),
                Cells::I(vec![0; 4]),
            ]],
        );
        let read = load(&wide).unwrap();
        assert_eq!(samples(&read, Metric::PendingTasks), PENDING);
        assert_eq!(samples(&read, Metric::RunningTasks), [(0, 1.0), (30, 2.0), (60, 3.0), (90, 4.0)]);
        assert_eq!(read.summary.skipped, [("disk".to_owned(), 4)]);
    }

    #[test]
    fn refusals_say_where() {
        let bad = file(
            "message s { required binary time (UTF8); optional double PendingTasks; }",
            &[&[Cells::T(vec!["2026-01-05", "soon"]), Cells::D(vec![None, Some(1.0)])]],
        );
        assert_eq!(
            load(&bad).unwrap_err().to_string().split(" is no time").next(),
            Some("row 2, column `time`: `soon`")
        );
        for cut in [4, bad.len() / 2, bad.len() - 1] {
            assert!(load(&bad[..cut]).is_err());
        }
    }
}
