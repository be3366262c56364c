//! `:submit`: work for a simulated pool, in the words it is asked for.
//!
//! In: `50 tasks of 10m with 2 slots at 9:00 over 1h`. Out: a job with those tasks. Never: a random arrival; scenarios have
//! those.

use super::{Reply, pool::here_mut, session::Session, show, words};
use crate::sim::config::{Action, JobConfig, PoolRef, TaskConfig};
use poolcast_runtime::ticks::Interval;

/// Most tasks one `:submit` adds.
const MOST_TASKS: u32 = 100_000;

/// `:submit 50 tasks of 10m [with 2 slots] [at TIME | in DURATION] [over DURATION]`
pub(super) fn submit(session: &mut Session, args: &str) -> Reply {
    const SHAPE: &str =
        "write `:submit 50 tasks of 10m`, and if you like `with 2 slots`, `at 9:00`, `in 15m`, `over 1h`";
    let future = match here_mut(&mut session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let Some(pool) = future.pool() else { return Reply::error("no pool exists yet; `:run` until it does") };
    let (mut n, mut run, mut slots, mut after, mut over) = (1u32, None, 1u32, 0, 0);
    let words_: Vec<&str> = args.split_whitespace().collect();
    let mut i = 0;
    // Everything up to the next keyword.
    let phrase = |from: usize| {
        let to = words_[from..].iter().position(|w| KEYS.contains(w)).map_or(words_.len(), |n| from + n);
        (words_[from..to].join(" "), to)
    };
    const KEYS: [&str; 5] = ["of", "with", "at", "in", "over"];
    while i < words_.len() {
        let word = words_[i];
        let (text, next) = if KEYS.contains(&word) { phrase(i + 1) } else { (word.to_owned(), i + 1) };
        let ms = |text: &str| words::duration(text).map(|d| d.0 / 10_000).filter(|d| *d >= 0);
        let good = match word {
            "of" => {
                run = ms(&text).filter(|r| *r > 0);
                run.is_some()
            }
            "with" => {
                let number = words::first(&text).0.parse().ok().filter(|s| (1..=256).contains(s));
                slots = number.unwrap_or(0);
                slots > 0
            }
            "in" => ms(&text).map(|d| after = d).is_some(),
            "over" => ms(&text).map(|d| over = d).is_some(),
            "at" => match words::instant(&text, future.now()) {
                Ok(at) => {
                    after = future.ms(at) - future.sim().now();
                    after >= 0
                }
                Err(why) => return Reply::error(why),
            },
            "task" | "tasks" => true,
            _ => match word.parse() {
                Ok(number) => {
                    n = number;
                    true
                }
                Err(_) => false,
            },
        };
        if !good {
            let what = if KEYS.contains(&word) { format!("`{word} {text}`") } else { format!("`{word}`") };
            return Reply::error(format!("{what} is not understood\n{SHAPE}"));
        }
        i = next;
    }
    let Some(run) = run else { return Reply::error(format!("how long does one task run?\n{SHAPE}")) };
    if n == 0 || n > MOST_TASKS {
        return Reply::error(format!("between 1 and {MOST_TASKS} tasks at a time"));
    }
    future.submitted += 1;
    let id = format!("typed-{}", future.submitted);
    let task = |k: u32| {
        let submit = after + (i64::from(k) * over) / i64::from(n);
        TaskConfig { slots, ..TaskConfig::new(format!("{id}.{}", k + 1), submit, run) }
    };
    let job = JobConfig {
        id: id.clone(),
        pool: PoolRef::Pool(pool.id.clone()),
        tasks: (0..n).map(task).collect(),
        ..JobConfig::default()
    };
    let before = future.sim().task_totals().0;
    if let Err(why) = future.act(&Action::AddJob(Box::new(job))) {
        return Reply::error(why);
    }
    let arrived = future.sim().task_totals().0 - before;
    let slots_ = if slots > 1 { format!(", {slots} slots each") } else { String::new() };
    let when = if arrived == u64::from(n) {
        "now".to_owned()
    } else {
        let first = show::clock(future.at(future.sim().now() + after), future.now());
        if over > 0 {
            format!("from {first} on, over {}", words::show(Interval(over * 10_000)))
        } else {
            format!("at {first}")
        }
    };
    let mut out = format!(
        "{} of {}{slots_} in job {id}, {when}\n",
        words::count(i64::from(n), "task"),
        words::show(Interval(run * 10_000))
    );
    if slots > pool.task_slots {
        out.push_str(&format!(
            "they can never run: a node of this pool has {}\n",
            words::count(i64::from(pool.task_slots), "slot")
        ));
    }
    Reply::answer(out)
}
