//! Which tier holds what: when finer buckets become coarser ones, and when they may go.

/// A tier of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Every second, for an hour.
    Second,
    /// Ten seconds, for a day.
    Ten,
    /// A minute, for 30 days.
    Minute,
    /// An hour, for ever.
    Hour,
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl Tier {
    /// From fine to coarse.
    pub const ALL: [Self; 4] = [Self::Second, Self::Ten, Self::Minute, Self::Hour];

    /// Width of a bucket, milliseconds.
    #[must_use]
    pub const fn bucket_ms(self) -> i64 {
        match self {
            Self::Second => SECOND,
            Self::Ten => 10 * SECOND,
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
        }
    }

    /// The time whose buckets are stored together, milliseconds. Each divides the next, so that a slice is made of
    /// whole finer ones. The finest is how often something is written, and so what a crash can take; none has more
    /// than 30 buckets, so that a row stays below the quarter of a page beyond which SQLite needs a second one.
    #[must_use]
    pub const fn slice_ms(self) -> i64 {
        match self {
            Self::Second => 30 * SECOND,
            Self::Ten => 5 * MINUTE,
            Self::Minute => 30 * MINUTE,
            Self::Hour => DAY,
        }
    }

    /// For how long it is kept, milliseconds; `None` is for ever.
    #[must_use]
    pub const fn keep_ms(self) -> Option<i64> {
        match self {
            Self::Second => Some(HOUR),
            Self::Ten => Some(DAY),
            Self::Minute => Some(30 * DAY),
            Self::Hour => None,
        }
    }

    /// Where the slice of a moment begins.
    #[must_use]
    pub const fn slice_of(self, at: i64) -> i64 {
        at.div_euclid(self.slice_ms()) * self.slice_ms()
    }

    /// The next coarser tier.
    #[must_use]
    pub fn coarser(self) -> Option<Self> {
        Self::ALL.get(self.number() + 1).copied()
    }

    /// The next finer tier.
    #[must_use]
    pub fn finer(self) -> Option<Self> {
        self.number().checked_sub(1).map(|number| Self::ALL[number])
    }

    /// 0 for the finest; what the store knows it by.
    #[must_use]
    pub const fn number(self) -> usize {
        self as usize
    }
}

/// Up to where each tier was made from the next finer one.
///
/// *Invariant:* the marks are whole slices of their tier, and none lies beyond that of a finer tier. *Invariant:* a
/// bucket that arrives is put into the finest tier and, where the clock was set back, into those coarser ones whose
/// slice was made already ([`Ledger::late`]); the others get it when theirs is made. So each tier, read with the finer
/// ones beyond its mark ([`Ledger::pieces`]), has every sample once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ledger {
    /// For ten seconds, a minute, an hour: made before this moment.
    marks: [i64; 3],
}

/// A roll-up that is due: the slices of `tier` in a span of time are made from the next finer tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll {
    /// The tier to be made.
    pub tier: Tier,
    /// Its beginning, UTC milliseconds.
    pub from: i64,
    /// Its end.
    pub until: i64,
}

impl Ledger {
    /// With nothing stored from before `at`.
    #[must_use]
    pub fn beginning(at: i64) -> Self {
        Self { marks: [Tier::Ten, Tier::Minute, Tier::Hour].map(|tier| tier.slice_of(at)) }.in_order()
    }

    /// From what was stored: ten seconds, a minute, an hour.
    #[must_use]
    pub fn stored(marks: [i64; 3]) -> Self {
        Self { marks: std::array::from_fn(|i| Tier::ALL[i + 1].slice_of(marks[i])) }.in_order()
    }

    fn in_order(mut self) -> Self {
        self.marks[1] = self.marks[1].min(Tier::Minute.slice_of(self.marks[0]));
        self.marks[2] = self.marks[2].min(Tier::Hour.slice_of(self.marks[1]));
        self
    }

    /// The marks of ten seconds, a minute, an hour: what [`Ledger::stored`] takes.
    #[must_use]
    pub fn marks(&self) -> [i64; 3] {
        self.marks
    }

    /// Up to where a tier was made; the finest is never made from another.
    #[must_use]
    pub fn mark(&self, tier: Tier) -> i64 {
        tier.number().checked_sub(1).map_or(i64::MAX, |place| self.marks[place])
    }

    /// The coarser tiers that a new bucket of this start goes into at once, because theirs was made already.
    pub fn late(&self, start: i64) -> impl Iterator<Item = Tier> + '_ {
        Tier::ALL.into_iter().skip(1).filter(move |tier| start < self.mark(*tier))
    }

    /// The next roll-up that is due once everything before `now` was put into the finest tier: finer before coarser.
    #[must_use]
    pub fn due(&self, now: i64) -> Option<Roll> {
        Tier::ALL.into_iter().skip(1).find_map(|tier| {
            let finer = tier.finer().map_or(i64::MAX, |finer| self.mark(finer));
            let (from, until) = (self.mark(tier), tier.slice_of(now.min(finer)));
            (from < until).then_some(Roll { tier, from, until })
        })
    }

    /// Notes that a tier was made up to a moment.
    pub fn made(&mut self, tier: Tier, until: i64) {
        if let Some(place) = tier.number().checked_sub(1) {
            self.marks[place] = self.marks[place].max(tier.slice_of(until));
            *self = self.in_order();
        }
    }

    /// Slices of a tier that begin before this moment may go: they are old, and the next tier has what they have.
    #[must_use]
    pub fn removable(&self, tier: Tier, now: i64) -> Option<i64> {
        let old = now.saturating_sub(tier.keep_ms()?);
        let made = self.mark(tier.coarser()?);
        Some(tier.slice_of(old.min(made)))
    }

    /// What has to be read so that a tier is seen from `since` to `until`: that tier up to its mark, finer ones beyond.
    #[must_use]
    pub fn pieces(&self, tier: Tier, since: i64, until: i64) -> Vec<Roll> {
        let mut from = since;
        let mut pieces = Vec::new();
        for tier in Tier::ALL.into_iter().take(tier.number() + 1).rev() {
            let end = self.mark(tier).min(until);
            if from < end {
                pieces.push(Roll { tier, from, until: end });
                from = end;
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::{Bucket, fold, roll};
    use super::*;

    /// A store as the engine has one, and an engine that can be killed.
    struct Model {
        stored: BTreeMap<(Tier, i64), Vec<Bucket>>,
        ledger: Ledger,
        pending: Vec<Bucket>,
        /// What was stored for good: samples by second.
        truth: Vec<Bucket>,
    }

    impl Model {
        fn put(&mut self, tier: Tier, bucket: &Bucket) {
            let start = bucket.start.div_euclid(tier.bucket_ms()) * tier.bucket_ms();
            let slice = self.stored.entry((tier, tier.slice_of(start))).or_default();
            fold(slice, &Bucket { start, ..*bucket });
        }

        fn flush(&mut self) {
            for bucket in std::mem::take(&mut self.pending) {
                let late: Vec<Tier> = self.ledger.late(bucket.start).collect();
                self.put(Tier::Second, &bucket);
                late.into_iter().for_each(|tier| self.put(tier, &bucket));
                fold(&mut self.truth, &bucket);
            }
        }

        /// Does at most `steps` of what is due: a crash may come after any of them.
        fn maintain(&mut self, now: i64, steps: usize) {
            for _ in 0..steps {
                let Some(due) = self.ledger.due(now) else { break };
                let finer = due.tier.finer().unwrap();
                let found: Vec<Bucket> = self
                    .stored
                    .range((finer, due.from)..(finer, due.until))
                    .flat_map(|(_, buckets)| buckets.clone())
                    .collect();
                for bucket in roll(found, due.tier.bucket_ms()) {
                    self.put(due.tier, &bucket);
                }
                self.ledger.made(due.tier, due.until);
            }
            for tier in Tier::ALL {
                if let Some(before) = self.ledger.removable(tier, now) {
                    self.stored.retain(|(other, slice), _| *other != tier || *slice >= before);
                }
            }
        }

        fn seen(&self, tier: Tier) -> Vec<Bucket> {
            let pieces = self.ledger.pieces(tier, i64::MIN, i64::MAX);
            let found = pieces.iter().flat_map(|piece| {
                let all = self.stored.iter().filter(|((tier, _), _)| *tier == piece.tier);
                all.flat_map(|(_, buckets)| buckets.clone())
                    .filter(|bucket| bucket.start >= piece.from && bucket.start < piece.until)
                    .collect::<Vec<_>>()
            });
            roll(found.chain(self.pending.iter().copied()), tier.bucket_ms())
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// Time goes on by this much, then a sample.
        Sample(i64, f64),
        /// The clock is set, forwards or back.
        Clock(i64),
        Flush(usize),
        /// The engine is killed and started again.
        Crash,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            12 => (200i64..40_000, 0.0..100.0f64).prop_map(|(pass, value)| Step::Sample(pass, value)),
            1 => (-5_000_000i64..9_000_000).prop_map(Step::Clock),
            1 => (-200_000_000i64..400_000_000).prop_map(Step::Clock),
            4 => (0usize..5).prop_map(Step::Flush),
            1 => Just(Step::Crash),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn every_sample_that_was_stored_is_in_every_tier_once(steps in proptest::collection::vec(step(), 1..200)) {
            let mut now = 1_790_000_000_000i64;
            let mut model = Model {
                stored: BTreeMap::new(), ledger: Ledger::beginning(now), pending: Vec::new(), truth: Vec::new(),
            };
            for step in steps {
                match step {
                    Step::Sample(pass, value) => {
                        now += pass;
                        let bucket = Bucket::of(now, value, 1000, 1000).unwrap();
                        fold(&mut model.pending, &bucket);
                    }
                    Step::Clock(by) => now += by,
                    Step::Flush(steps) => {
                        model.flush();
                        model.maintain(now, steps);
                    }
                    Step::Crash => {
                        model.pending.clear();
                        model.ledger = Ledger::stored(model.ledger.marks());
                    }
                }
                let marks = model.ledger.marks();
                prop_assert!(marks[0] >= marks[1] && marks[1] >= marks[2], "{marks:?}");
            }
            model.flush();
            model.maintain(now, 100);
            prop_assert_eq!(model.ledger.due(now), None);
            let hours = roll(model.truth.iter().copied(), Tier::Hour.bucket_ms());
            let seen = model.seen(Tier::Hour);
            prop_assert_eq!(hours.len(), seen.len());
            for (true_one, seen) in hours.iter().zip(&seen) {
                prop_assert_eq!((true_one.start, true_one.count, true_one.span), (seen.start, seen.count, seen.span));
                prop_assert_eq!((true_one.min, true_one.max), (seen.min, seen.max), "a spike is in every tier");
                prop_assert!((true_one.mean - seen.mean).abs() < 1e-6);
                prop_assert!(seen.min <= seen.mean && seen.mean <= seen.max);
            }
            for tier in [Tier::Second, Tier::Ten, Tier::Minute] {
                let truth = roll(model.truth.iter().copied(), tier.bucket_ms());
                for seen in model.seen(tier) {
                    let known = truth.binary_search_by_key(&seen.start, |bucket| bucket.start);
                    prop_assert!(known.is_ok(), "{tier:?} tells of {seen:?}, which never was");
                    let known = truth[known.unwrap()];
                    // What was removed may come back in part where the clock went back; never more than there was.
                    prop_assert!(seen.count <= known.count && seen.max <= known.max && seen.min >= known.min);
                }
            }
        }
    }

    #[test]
    fn a_clock_that_only_goes_on_keeps_each_tier_for_its_time() {
        let start = 1_790_000_000_000i64;
        let mut model = Model {
            stored: BTreeMap::new(),
            ledger: Ledger::beginning(start),
            pending: Vec::new(),
            truth: Vec::new(),
        };
        let end = start + 3 * DAY;
        let mut at = start;
        while at < end {
            let value = if at == start + HOUR { 100.0 } else { 1.0 };
            fold(&mut model.pending, &Bucket::of(at, value, 10_000, 1000).unwrap());
            at += 10_000;
            if at % Tier::Second.slice_ms() == 0 {
                model.flush();
                model.maintain(at, 9);
            }
        }
        let reach = |tier: Tier| {
            model.stored.keys().find(|(other, _)| *other == tier).map_or(0, |(_, slice)| end - slice)
        };
        assert!((HOUR..HOUR + 2 * Tier::Ten.slice_ms()).contains(&reach(Tier::Second)));
        assert!((DAY..DAY + 2 * Tier::Minute.slice_ms()).contains(&reach(Tier::Ten)));
        assert!(reach(Tier::Minute) >= 3 * DAY - Tier::Minute.slice_ms());
        let spike = model.seen(Tier::Hour).into_iter().find(|bucket| bucket.max > 99.0);
        assert_eq!(
            spike.map(|bucket| (bucket.count, bucket.min)),
            Some((360, 1.0)),
            "seen after it was rolled up"
        );
        assert!(model.stored.values().all(|slice| slice.len() <= 30));
    }

    #[test]
    fn a_reader_gets_the_open_end_from_the_finer_tiers() {
        let now = 40 * DAY + 7 * HOUR + 17 * MINUTE + 48 * SECOND;
        let mut ledger = Ledger::beginning(0);
        while let Some(due) = ledger.due(now) {
            ledger.made(due.tier, due.until);
        }
        let pieces: Vec<(Tier, i64)> = ledger
            .pieces(Tier::Hour, 0, now)
            .iter()
            .map(|piece| (piece.tier, piece.until - piece.from))
            .collect();
        assert_eq!(
            pieces,
            [
                (Tier::Hour, 40 * DAY),
                (Tier::Minute, 7 * HOUR),
                (Tier::Ten, 15 * MINUTE),
                (Tier::Second, 2 * MINUTE + 48 * SECOND)
            ]
        );
        assert_eq!(ledger.pieces(Tier::Second, now - 5, now).len(), 1);
        assert_eq!(ledger.pieces(Tier::Hour, now, now), []);
    }
}
