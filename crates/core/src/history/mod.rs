//! What the machine did: readings summed up in buckets, in tiers from fine to coarse.
//!
//! A sample goes into a bucket of one second. Coarser tiers are made from finer ones a whole slice at a time
//! ([`Ledger`]), and whoever looks at a coarse tier before that has its open end made from the finer ones: so the
//! same samples are never counted in two places, whatever a crash interrupts. Every bucket keeps the least and the
//! greatest value, so that a spike survives all the way up.
//!
//! What is left to others: where the bytes live (the engine's store), axes and colours ([`crate::chart`]).

mod bucket;
mod ledger;
mod metric;
mod pack;
mod shrink;
mod span;
mod usage;

pub use bucket::{Bucket, fold, roll};
pub use ledger::{Ledger, Roll, Tier};
pub use metric::{Metric, Unit};
pub use pack::{Damaged, pack, unpack};
pub use shrink::Shrinking;
pub use span::{Resolution, WIDTH_MAX, breaks, resolution};
pub use usage::{Alarm, Basis, Idle, Share, Usage, Used, shares, span_after};
