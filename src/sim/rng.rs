//! Keyed randomness for the simulator's many small draws.
//!
//! In: seed, purpose, entity. Out: draws that depend on nothing else, so changing one policy shifts nobody else's luck
//! (common random numbers). Never: a shared stream.
//!
//! A draw is a counter put through the SplitMix64 finaliser (Steele, Lea, Flood 2014): stateless, about a nanosecond.
//! A cryptographic stream per task would cost more than simulating the task.

/// What a draw is for. The number is part of the stream's key: never reorder.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
#[allow(missing_docs)]
pub enum Purpose {
    Allocation = 1,
    Boot,
    StartTask,
    Eviction,
    Dwell,
    Restore,
    HostFailure,
    Recovery,
    Scheduling,
    Exit,
    Usage,
    Preparation,
    SampleDelay,
    SampleLoss,
    EvaluationJitter,
    Stall,
    Storm,
    StormBatch,
    Shrink,
    Evaluation,
    Upgrade,
}

/// A keyed sequence of draws.
#[derive(Debug, Clone, Copy)]
pub struct Draw(u64);

#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Draw {
    /// The sequence of one purpose and entity.
    #[inline]
    pub fn keyed(seed: u64, purpose: Purpose, entity: u64) -> Draw {
        let key = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((purpose as u64) << 56);
        Draw(mix(key ^ mix(entity.wrapping_add(0x632b_e59b_d9b4_e019))))
    }
    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }
    /// Uniform in [0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
    /// True with a probability.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
    /// Uniform between two whole numbers, both included (multiply and shift; the bias is below 2⁻³²).
    #[inline]
    pub fn between(&mut self, lo: i64, hi: i64) -> i64 {
        if hi <= lo {
            return lo;
        }
        let width = (hi - lo) as u64 + 1;
        lo + ((u128::from(self.bits()) * u128::from(width)) >> 64) as i64
    }
    /// Exponential with a mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log1p(-self.unit())
    }
    /// Standard normal (Box–Muller, cosine branch).
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (self.unit(), self.unit());
        libm::sqrt(-2.0 * libm::log1p(-u)) * libm::cos(std::f64::consts::TAU * v)
    }
    /// Lognormal with a median and a spread.
    pub fn lognormal(&mut self, median: i64, sigma: f64) -> i64 {
        if sigma == 0.0 || median == 0 {
            return median;
        }
        whole(median as f64 * libm::exp(sigma * self.normal()))
    }
}

/// Nearest whole number of milliseconds, never negative, never near the end of the range.
pub fn whole(x: f64) -> i64 {
    let x = x.clamp(0.0, super::config::NEVER as f64);
    // What the conversion cuts off is exact, so halves go up; of what is no number it makes 0.
    let below = x as i64;
    below + i64::from(x - below as f64 >= 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_frozen() {
        // Golden: every digest of every run depends on these.
        let mut d = Draw::keyed(7, Purpose::Boot, 3);
        assert_eq!([d.bits(), d.bits()], [0x914eca1353e4fb25, 0x52e5484c7f96b57c]);
        // Another purpose or entity is another stream.
        assert_ne!(Draw::keyed(7, Purpose::Exit, 3).bits(), Draw::keyed(7, Purpose::Boot, 3).bits());
        assert_ne!(Draw::keyed(7, Purpose::Boot, 4).bits(), Draw::keyed(7, Purpose::Boot, 3).bits());
    }

    #[test]
    fn moments() {
        let mut d = Draw::keyed(1, Purpose::Exit, 9);
        let n = 200_000;
        let (mut mean, mut square, mut exponential) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let x = d.normal();
            mean += x / n as f64;
            square += x * x / n as f64;
            exponential += d.exponential(3.0) / n as f64;
        }
        assert!(mean.abs() < 0.01 && (square - 1.0).abs() < 0.02 && (exponential - 3.0).abs() < 0.03);
        assert!((0..1000).all(|_| (2..=5).contains(&d.between(2, 5))));
    }
}
