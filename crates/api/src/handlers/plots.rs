//! Plots of runs.

use athanor_engine::Engine;

use crate::wire::{self, ApiError, ErrorCode};

type Result<T> = std::result::Result<T, ApiError>;

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message.into()).field(field)
}

pub(crate) async fn draw(_: &Engine, input: wire::DrawPlot) -> Result<wire::Plot> {
    if input.width < 40 || input.height < 40 {
        return Err(wrong("width", "a plot is at least 40 pixels wide and high"));
    }
    Err(wrong("plot", "this kind of plot can’t be drawn"))
}
