//! Random choices that a seed repeats.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// A source of random choices. The same seed gives the same choices.
#[derive(Debug)]
pub struct Chance {
    seed: u64,
    random: SmallRng,
}

impl Chance {
    /// Creates a source with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, random: SmallRng::seed_from_u64(seed) }
    }

    /// Returns the seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns a number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        self.random.random_range(least..=most)
    }

    /// Returns true in one of `n` cases.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.random.random_ratio(1, n)
    }

    /// Returns one of the values.
    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.between(0, values.len() - 1)]
    }

    /// Returns a new seed.
    pub fn next_seed(&mut self) -> u64 {
        self.random.random()
    }
}
