//! Measures two implementations in one group of the report and prints how they compare.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use std::time::{Duration, Instant};

/// Number of turns that each implementation gets for the comparison, and the length of one turn.
const TURNS: usize = 41;
const TURN: Duration = Duration::from_millis(10);

/// Criterion configured from the command line. The samples are short, so that all benchmarks together take a minute.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_500))
        .configure_from_args()
}

/// Measures wswrapper and the hand-written baseline.
#[allow(dead_code, reason = "each benchmark uses its part")]
pub(crate) fn with_baseline(criterion: &mut Criterion, name: &str, ours: impl FnMut(u64), baseline: impl FnMut(u64)) {
    pair(criterion, name, ("wswrapper", ours), ("baseline", baseline));
}

/// Measures two closures, which run their operation as many times as their argument says.
///
/// Criterion measures one after the other. The printed ratio comes from short alternating turns, so that other load on
/// the machine affects both.
pub(crate) fn pair(
    criterion: &mut Criterion,
    name: &str,
    (name_a, mut run_a): (&str, impl FnMut(u64)),
    (name_b, mut run_b): (&str, impl FnMut(u64)),
) {
    let mut group = criterion.benchmark_group(name);
    let measured_a = measure(&mut group, name_a, &mut run_a).is_some();
    let nanoseconds_b = measure(&mut group, name_b, &mut run_b);
    group.finish();
    let (true, Some(nanoseconds)) = (measured_a, nanoseconds_b) else { return };
    let times = u64::try_from(TURN.as_nanos() / nanoseconds.max(1)).unwrap_or(1).max(1);
    let mut ratios: Vec<_> =
        (0..TURNS).map(|_| time(&mut run_a, times).div_duration_f64(time(&mut run_b, times))).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    println!("{name}: {:.2} times as long as {name_b}\n", ratios[TURNS / 2]);
}

/// Returns the approximate nanoseconds of one run, or `None` if the command line filters this benchmark out.
fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut run: impl FnMut(u64)) -> Option<u128> {
    let mut nanoseconds = None;
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let elapsed = time(&mut run, times);
            nanoseconds = Some(elapsed.as_nanos() / u128::from(times));
            elapsed
        });
    });
    nanoseconds
}

fn time(run: &mut impl FnMut(u64), times: u64) -> Duration {
    let start = Instant::now();
    run(times);
    start.elapsed()
}
