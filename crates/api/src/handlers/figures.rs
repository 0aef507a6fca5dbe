//! Charts as files.

use athanor_engine::Engine;

use crate::wire::{self, ApiError, ErrorCode};

type Result<T> = std::result::Result<T, ApiError>;

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message.into()).field(field)
}

pub(crate) async fn make(_: &Engine, input: wire::MakeFigure) -> Result<wire::FigureFile> {
    if !(10.0..=1000.0).contains(&input.figure.width_mm) {
        return Err(wrong("width_mm", "a figure is 10 to 1000 millimetres wide"));
    }
    Err(wrong("chart", "this kind of chart can’t be made into a file"))
}
