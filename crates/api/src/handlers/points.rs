//! Points of an experiment's metrics.

use athanor_engine::Engine;

use crate::wire::{self, ApiError, ErrorCode, Number};

/// Points of one answer.
const POINTS: u32 = 100_000;

pub(crate) async fn points(engine: &Engine, input: wire::ReadPoints) -> Result<wire::RunPoints, ApiError> {
    if input.limit == 0 || input.limit > POINTS {
        let message = format!("ask for 1 to {POINTS} points at once");
        return Err(ApiError::new(ErrorCode::InvalidInput, message).field("limit"));
    }
    let row = engine.find(&input.uid).await?;
    let known = engine.series(row.id, input.attempt.unwrap_or(row.attempt)).await?;
    let series = known.iter().find(|series| series.key == input.key).ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("{} has no metric “{}”", row.uid, input.key))
            .field("key")
            .hint(format!("“athanor metrics {}” lists those that it has.", row.uid))
    })?;
    let all = engine.points(series.id).await?;
    let after = usize::try_from(input.after).unwrap_or(usize::MAX);
    let points = all.iter().skip(after).take(input.limit as usize);
    let points = points.map(|point| (point.step, Number(point.value), point.wall_ms));
    Ok(wire::RunPoints { points: points.collect(), total: all.len() as u64 })
}
