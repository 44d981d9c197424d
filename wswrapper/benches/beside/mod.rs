//! Measures something and the same by hand, one after the other, in one group of the report.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use std::time::{Duration, Instant};

/// What the command line says, with samples that are short enough for the whole to take a minute.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_500))
        .configure_from_args()
}

/// Both are run so many times as they are told. The ratio that is printed is that of their best samples: others on the
/// same machine only ever take time away.
pub(crate) fn beside(criterion: &mut Criterion, name: &str, ours: impl FnMut(u64), hand: impl FnMut(u64)) {
    let mut group = criterion.benchmark_group(name);
    let ours = best(&mut group, "wswrapper", ours);
    let hand = best(&mut group, "by hand", hand);
    group.finish();
    if let (Some(ours), Some(hand)) = (ours, hand) {
        println!("{name}: {} % of the time by hand\n", ours * 100 / hand.max(1));
    }
}

/// Picoseconds for one run, of the best sample; none if it was not to be run.
fn best(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut run: impl FnMut(u64)) -> Option<u128> {
    let mut best = None;
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let began = Instant::now();
            run(times);
            let took = began.elapsed();
            let each = took.as_nanos() * 1_000 / u128::from(times);
            best = Some(best.map_or(each, |best: u128| best.min(each)));
            took
        });
    });
    best
}
