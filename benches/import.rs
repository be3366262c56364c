//! Importing a million tasks, beside the csv crate's plain loop over the same bytes in the same run.
#![allow(missing_docs)]

use poolcast::{
    sim::generate::{Arrivals, Generator},
    wire::{import, tables, time},
};
use std::{hint::black_box, io::Read, time::Instant};

/// Median of five, milliseconds.
fn median(mut f: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[2]
}

fn main() {
    let n = 1_000_000;
    let g = Generator {
        arrivals: Arrivals::Poisson { per_hour: n as f64 / 720.0 },
        duration_ms: 40 * 86_400_000,
        most_tasks: n,
        jobs: 50,
        failure: 0.01,
        ..Generator::default()
    };
    let w = g.generate(1, time::ticks_from_unix_ms(time::DEFAULT_EPOCH_UNIX_MS));
    let dir = std::env::temp_dir().join(format!("poolcast-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let table = tables::of_workload(&w);
    let csv = dir.join("t.csv");
    table.write(&csv).unwrap();
    let size = std::fs::metadata(&csv).unwrap().len() as f64 / 1e6;
    let options = import::Options { names: false, ..Default::default() };
    let ours = median(|| {
        black_box(import::workload(&csv, &options).unwrap());
    });
    let loop_only = median(|| {
        let mut r = csv::ReaderBuilder::new().from_path(&csv).unwrap();
        let mut record = csv::ByteRecord::new();
        let mut sum = 0u64;
        while r.read_byte_record(&mut record).unwrap() {
            sum += record.get(0).map_or(0, |f| f.len() as u64);
        }
        black_box(sum);
    });
    let bytes = median(|| {
        let mut f = std::fs::File::open(&csv).unwrap();
        let mut buf = vec![0u8; 1 << 18];
        while f.read(&mut buf).unwrap() > 0 {}
        black_box(buf[0]);
    });
    println!("1 M tasks, CSV of {size:.1} MB, medians of 5, one core");
    println!("read the bytes                       {bytes:8.1} ms");
    println!("csv crate, ByteRecord loop, no parse {loop_only:8.1} ms");
    println!(
        "import, whole workload               {ours:8.1} ms   {:.2} of the csv loop, {:.0} MB/s",
        ours / loop_only,
        size / ours * 1e3
    );
    #[cfg(feature = "parquet")]
    {
        let parquet = dir.join("t.parquet");
        table.write(&parquet).unwrap();
        let t = median(|| {
            black_box(import::workload(&parquet, &options).unwrap());
        });
        println!("import from Parquet (snappy)         {t:8.1} ms   {:.2} of the csv loop", t / loop_only);
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        for line in status.lines().filter(|l| l.starts_with("VmHWM")) {
            println!("{line} (the generated table and its text are in it too)");
        }
    }
    let _ = std::fs::remove_dir_all(&dir);
}
