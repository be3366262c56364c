//! Importing a million tasks, beside the csv crate's plain loop over the same bytes in the same run.
//!
//! In: a month drawn from a seed. Out: medians of the thread's processor time (the machine is shared) and, from a process
//! that does nothing else, the memory beyond the table itself.
#![allow(missing_docs)]

use cpu_time::ThreadTime;
use poolcast::{
    report::profile::Profile,
    sim::{
        generate::{Arrivals, Generator},
        workload::{Exit, Workload},
    },
    wire::{import, tables, time},
};
use std::{hint::black_box, io::Read, path::Path, process::Command};

const PEAK: &str = "POOLCAST_BENCH_PEAK";

/// Median of nine, milliseconds of this thread.
fn median(mut f: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let start = ThreadTime::now();
            f();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[4]
}

fn read(path: &Path) -> Workload {
    import::workload(path, &import::Options { names: false, ..Default::default() }).unwrap().0
}

/// The most memory this process ever had, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

fn table_mib(w: &Workload) -> f64 {
    let task = size_of::<u64>() + 2 * size_of::<u32>() + size_of::<u16>();
    let bytes = w.len() * task + w.exit.len() * size_of::<Exit>() + w.recorded_wait_ms.len() * size_of::<u32>();
    bytes as f64 / f64::from(1 << 20)
}

fn main() {
    if let Some(file) = std::env::var_os(PEAK) {
        let w = read(Path::new(&file));
        print!("{:.1} MiB beyond the table of {:.1}", peak() - table_mib(&w), table_mib(&w));
        return;
    }
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
    println!("1 M tasks, CSV of {size:.1} MB, medians of 9, processor time of one thread");
    let bytes = median(|| {
        let mut f = std::fs::File::open(&csv).unwrap();
        let mut buf = vec![0u8; 1 << 18];
        while f.read(&mut buf).unwrap() > 0 {}
        black_box(buf[0]);
    });
    println!("read the bytes                       {bytes:8.1} ms");
    let loop_only = median(|| {
        let mut r = csv::ReaderBuilder::new().from_path(&csv).unwrap();
        let mut record = csv::ByteRecord::new();
        let mut sum = 0u64;
        while r.read_byte_record(&mut record).unwrap() {
            sum += record.get(0).map_or(0, |f| f.len() as u64);
        }
        black_box(sum);
    });
    println!("csv crate, ByteRecord loop, no parse {loop_only:8.1} ms");
    let tell = |name: &str, file: &Path| {
        let t = median(|| drop(black_box(read(file))));
        println!("import from {name:<24} {t:8.1} ms   {:.2} of the csv loop", t / loop_only);
        let exe = std::env::current_exe().unwrap();
        let out = Command::new(exe).env(PEAK, file).output().unwrap();
        println!("  at most {}, program included", String::from_utf8_lossy(&out.stdout));
    };
    tell("CSV", &csv);
    #[cfg(feature = "parquet")]
    {
        let parquet = dir.join("t.parquet");
        table.write(&parquet).unwrap();
        tell("Parquet (snappy)", &parquet);
    }
    let profile = median(|| {
        black_box(Profile::of(&w));
    });
    println!("its profile                          {profile:8.1} ms");
    let _ = std::fs::remove_dir_all(&dir);
}
