//! Questions that somebody at a terminal answers, and a script answers beforehand with `--yes`.

use std::io::{BufRead, IsTerminal, Write};

use athanor_api::wire::{ApiError, ErrorCode};

use crate::exit::Failure;

/// Asks, unless it was agreed to beforehand.
///
/// # Errors
/// Somebody said no, or there is nobody to ask.
pub fn agree(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused = |message: String| Failure(ApiError::new(ErrorCode::NeedsAgreement, message));
    let mut said = std::io::stderr().lock();
    if !(std::io::stdin().is_terminal() && said.is_terminal()) {
        let error = ApiError::new(ErrorCode::NeedsAgreement, question).hint("Give --yes to agree.");
        return Err(Failure(error));
    }
    write!(said, "{question} [y/N] ")?;
    said.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(refused("left as it is".into())),
    }
}
