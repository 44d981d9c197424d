//! Measures something and the same by hand, in one group of the report, and says how they compare.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use std::time::{Duration, Instant};

/// How often they take turns to be compared, and for how long each.
const TURNS: usize = 41;
const TURN: Duration = Duration::from_millis(10);

/// What the command line says, with samples that are short enough for the whole to take a minute.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_500))
        .configure_from_args()
}

/// Measures something, and the same by hand.
#[allow(dead_code, reason = "each benchmark uses its part")]
pub(crate) fn beside(criterion: &mut Criterion, name: &str, ours: impl FnMut(u64), hand: impl FnMut(u64)) {
    compare(criterion, name, ("wswrapper", ours), ("by hand", hand));
}

/// Both are run so many times as they are told. Criterion measures one after the other; the ratio that is printed comes
/// from short turns that alternate, so that what else the machine does meets both.
pub(crate) fn compare(
    criterion: &mut Criterion,
    name: &str,
    (this, mut this_run): (&str, impl FnMut(u64)),
    (that, mut that_run): (&str, impl FnMut(u64)),
) {
    let mut group = criterion.benchmark_group(name);
    let was_measured = measure(&mut group, this, &mut this_run).is_some();
    let each = measure(&mut group, that, &mut that_run);
    group.finish();
    let (true, Some(each)) = (was_measured, each) else { return };
    let times = u64::try_from(TURN.as_nanos() / each.max(1)).unwrap_or(1).max(1);
    let mut ratios: Vec<_> =
        (0..TURNS).map(|_| took(&mut this_run, times).div_duration_f64(took(&mut that_run, times))).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    println!("{name}: {:.2} of the time {that}\n", ratios[TURNS / 2]);
}

/// About how many nanoseconds one run takes; none if it was not to be measured.
fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut run: impl FnMut(u64)) -> Option<u128> {
    let mut each = None;
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let took = took(&mut run, times);
            each = Some(took.as_nanos() / u128::from(times));
            took
        });
    });
    each
}

fn took(run: &mut impl FnMut(u64), times: u64) -> Duration {
    let began = Instant::now();
    run(times);
    began.elapsed()
}
