//! What a job uses of its GPUs: how a shared one is split, what adds up over an attempt, when it counts as idle.

use super::span::{SPAN_FIRST, SPAN_MAX};

/// How the power of a GPU was split among those on it, from exact to rough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// It was all the job's.
    Whole,
    /// In proportion to what the processes computed.
    Utilisation,
    /// In proportion to the memory that they held.
    Memory,
    /// In equal parts: the driver told nothing of the processes.
    Equal,
}

impl Basis {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Whole, Self::Utilisation, Self::Memory, Self::Equal];

    /// What it is stored as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Utilisation => "utilisation",
            Self::Memory => "memory",
            Self::Equal => "equal",
        }
    }

    /// What `word` stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.as_str() == word)
    }
}

/// What one job, or all others together, does on a GPU.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    /// Bytes of its memory, where the driver tells.
    pub memory: Option<u64>,
    /// Percent of its time, where the driver tells.
    pub utilisation: Option<f64>,
}

/// Splits a GPU among the jobs that hold it and the others on it, if there are any. The parts, of which the others'
/// is left out, are in the order of the jobs.
///
/// - A job that is alone has all of it, what the card takes when idle included.
/// - Else in proportion to utilisation, where that is known of all and somebody computes;
/// - else in proportion to memory, where that is known of all and somebody holds some;
/// - else in equal parts.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a proportion")]
pub fn shares(jobs: &[Share], others: Option<Share>) -> (Vec<f64>, Basis) {
    if jobs.len() == 1 && others.is_none() {
        return (vec![1.0], Basis::Whole);
    }
    let all = || jobs.iter().chain(&others);
    let utilisation: Option<Vec<f64>> = all()
        .map(|share| share.utilisation.filter(|known| known.is_finite()).map(|known| known.max(0.0)))
        .collect();
    let memory: Option<Vec<f64>> = all().map(|share| share.memory.map(|bytes| bytes as f64)).collect();
    for (parts, basis) in [(utilisation, Basis::Utilisation), (memory, Basis::Memory)] {
        if let Some(mut parts) = parts
            && parts.iter().sum::<f64>() > 0.0
        {
            let sum: f64 = parts.iter().sum();
            parts.truncate(jobs.len());
            return (parts.into_iter().map(|part| part / sum).collect(), basis);
        }
    }
    let part = 1.0 / all().count().max(1) as f64;
    (vec![part; jobs.len()], Basis::Equal)
}

/// What a job was seen to use at one moment, over all its GPUs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Used {
    /// When, UTC milliseconds.
    pub at: i64,
    /// The time that it stands for, milliseconds.
    pub span: u64,
    /// Bytes, summed.
    pub memory: Option<u64>,
    /// Percent, as a mean over its GPUs.
    pub utilisation: Option<f64>,
    /// Watts, its part of them, summed.
    pub power: Option<f64>,
    /// How they were split: the roughest over its GPUs.
    pub basis: Basis,
}

/// The time that a sample stands for, milliseconds, after one at `before`: from that one on, as long as that is no
/// longer than the sampler ever pauses. Nobody knows what was while the machine slept.
#[must_use]
pub fn span_after(before: Option<i64>, at: i64) -> u64 {
    match before.map(|before| at.saturating_sub(before)) {
        Some(passed) if passed > 0 => passed.unsigned_abs().min(SPAN_MAX),
        _ => SPAN_FIRST,
    }
}

/// What adds up over an attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Most memory that was seen, bytes.
    pub peak_memory: Option<u64>,
    /// Mean utilisation, percent, over `sampled_ms`.
    pub utilisation: Option<f64>,
    /// The time in which the utilisation was known, milliseconds.
    pub sampled_ms: u64,
    /// Watt-hours, as far as the power was known.
    pub energy_wh: Option<f64>,
    /// How shared GPUs were split: the roughest that was needed.
    pub basis: Option<Basis>,
}

impl Usage {
    /// Takes in what was seen.
    #[allow(clippy::cast_precision_loss, reason = "weights, and an integral")]
    pub fn add(&mut self, used: &Used) {
        self.peak_memory = self.peak_memory.max(used.memory);
        if let Some(now) = used.utilisation {
            let (before, span) = (self.sampled_ms as f64, used.span as f64);
            self.utilisation =
                Some((self.utilisation.unwrap_or(0.0) * before + now * span) / (before + span));
            self.sampled_ms += used.span;
        }
        if let Some(power) = used.power {
            *self.energy_wh.get_or_insert(0.0) += power.max(0.0) * used.span as f64 / 3_600_000.0;
            self.basis = self.basis.max(Some(used.basis));
        }
    }
}

/// When a job's GPUs count as idle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Idle {
    /// Percent; 0 is never.
    pub below: f64,
    /// For so long, milliseconds.
    pub for_ms: u64,
}

/// Watches for GPUs that are held and not used. Time that was not sampled counts neither way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alarm {
    idle_ms: u64,
    raised: bool,
}

impl Alarm {
    /// Takes in a utilisation that stands for `span` milliseconds. True when the alarm is to be raised: once, and not
    /// again before they were in use.
    pub fn look(&mut self, idle: &Idle, utilisation: Option<f64>, span: u64) -> bool {
        let Some(now) = utilisation else { return false };
        if now >= idle.below {
            *self = Self::default();
            return false;
        }
        self.idle_ms = self.idle_ms.saturating_add(span);
        let due = self.idle_ms >= idle.for_ms && !self.raised;
        self.raised |= due;
        due
    }

    /// For how long it has been idle, milliseconds.
    #[must_use]
    pub fn idle_ms(&self) -> u64 {
        self.idle_ms
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(memory: Option<u64>, utilisation: Option<f64>) -> Share {
        Share { memory, utilisation }
    }

    #[test]
    fn a_shared_gpu_is_split_by_the_best_that_is_known() {
        let alone = [share(None, None)];
        assert_eq!(shares(&alone, None), (vec![1.0], Basis::Whole));
        let two = [share(Some(30), Some(60.0)), share(Some(10), Some(20.0))];
        assert_eq!(shares(&two, None), (vec![0.75, 0.25], Basis::Utilisation));
        let idle = [share(Some(30), Some(0.0)), share(Some(10), Some(0.0))];
        assert_eq!(shares(&idle, None), (vec![0.75, 0.25], Basis::Memory), "nobody computes");
        let unknown = [share(Some(30), None), share(None, Some(1.0))];
        assert_eq!(shares(&unknown, None), (vec![0.5, 0.5], Basis::Equal));
        let foreign = share(Some(30), None);
        assert_eq!(shares(&[share(Some(10), None)], Some(foreign)), (vec![0.25], Basis::Memory));
        assert_eq!(shares(&[], Some(foreign)).0, Vec::<f64>::new());
    }

    proptest! {
        #[test]
        fn no_more_is_given_out_than_there_is(
            jobs in proptest::collection::vec((proptest::option::of(0u64..1 << 40), proptest::option::of(0.0..100.0f64)), 0..6),
            others in proptest::option::of((proptest::option::of(0u64..1 << 40), proptest::option::of(0.0..100.0f64))),
        ) {
            let jobs: Vec<Share> = jobs.into_iter().map(|(memory, utilisation)| Share { memory, utilisation }).collect();
            let others = others.map(|(memory, utilisation)| Share { memory, utilisation });
            let (parts, _) = shares(&jobs, others);
            prop_assert_eq!(parts.len(), jobs.len());
            prop_assert!(parts.iter().all(|part| (0.0..=1.0).contains(part)));
            let sum: f64 = parts.iter().sum();
            prop_assert!(sum <= 1.0 + 1e-9);
            prop_assert!(others.is_some() || jobs.is_empty() || (sum - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn energy_is_the_integral_of_power() {
        let mut usage = Usage::default();
        let used = |at, memory, utilisation, power| Used {
            at,
            span: 10_000,
            memory,
            utilisation,
            power,
            basis: Basis::Whole,
        };
        for i in 0..360 {
            usage.add(&used(i * 10_000, Some(5), Some(80.0), Some(250.0)));
        }
        usage.add(&Used { span: 1000, basis: Basis::Memory, ..used(0, Some(9), None, Some(0.0)) });
        assert!((usage.energy_wh.unwrap() - 250.0).abs() < 1e-9, "{usage:?}");
        assert_eq!(
            (usage.peak_memory, usage.sampled_ms, usage.basis),
            (Some(9), 3_600_000, Some(Basis::Memory))
        );
        assert!((usage.utilisation.unwrap() - 80.0).abs() < 1e-9);
    }

    #[test]
    fn time_that_nobody_saw_is_not_counted() {
        assert_eq!(span_after(None, 5), SPAN_FIRST);
        assert_eq!(span_after(Some(1000), 3500), 2500);
        assert_eq!(span_after(Some(1000), 9_000_000), SPAN_MAX, "the machine slept");
        assert_eq!(span_after(Some(9_000_000), 1000), SPAN_FIRST, "the clock was set back");
    }

    #[test]
    fn an_alarm_is_raised_once_until_the_gpus_were_used() {
        let idle = Idle { below: 5.0, for_ms: 60_000 };
        let mut alarm = Alarm::default();
        let mut raised = Vec::new();
        for i in 0..40 {
            let now = if i == 20 { 50.0 } else { 1.0 };
            if alarm.look(&idle, (i != 3).then_some(now), 10_000) {
                raised.push(i);
            }
        }
        assert_eq!(raised, [6, 26], "six looks that saw it idle, then again after it was used");
        assert!(!Alarm::default().look(&Idle { below: 0.0, for_ms: 0 }, Some(0.0), 1), "0 is never");
    }
}
