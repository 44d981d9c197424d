//! Runs of a test with many seeds.

use super::Chance;
use crate::tasks;
use std::env;
use std::ops::Range;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// The variable that names the only seed to run.
const VARIABLE: &str = "SEED";
/// The variable that sets the number of seeds.
const COUNT: &str = "SEEDS";

/// Runs a test once for each seed. Each run has its own runtime on the paused clock.
///
/// A run fails if it panics, takes longer than a day of the paused clock, or leaves a task. The seed of a failed run is
/// printed. `SEED=17` in the environment runs only that seed, and `SEEDS=10000` this number of seeds.
pub fn for_each_seed<F: Future<Output = ()>>(seeds: Range<u64>, run: impl Fn(Chance) -> F) {
    let only = env::var(VARIABLE).ok().map(|seed| seed.parse().expect("SEED is a number"));
    let count = env::var(COUNT).ok().map(|count| count.parse::<u64>().expect("SEEDS is a number"));
    let seeds = count.map_or(seeds.clone(), |count| seeds.start..seeds.start + count);
    for seed in only.map_or(seeds, |only| only..only + 1) {
        let _report = Report(seed);
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime can be built").block_on(async {
            let finished = timeout(Duration::from_hours(24), run(Chance::new(seed))).await;
            finished.expect("the run finishes within a day");
            let no_task = async {
                while tasks() > 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let ended = timeout(Duration::from_hours(1), no_task).await;
            assert!(ended.is_ok(), "{} tasks are left", tasks());
        });
    }
}

/// Prints the seed of a run that panics.
struct Report(u64);

impl Drop for Report {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self(seed) = self;
            eprintln!("The run with seed {seed} failed. {VARIABLE}={seed} repeats it.");
        }
    }
}
