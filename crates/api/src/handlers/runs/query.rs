//! The query bar.

use athanor_core::query::{Fault, Known, Now, Query, Want, complete as suggestions, parse, place};
use athanor_engine::Engine;
use athanor_engine::home::now_ms;
use jiff::tz::TimeZone;

use super::Result;
use crate::wire::{self, ApiError, ErrorCode};

/// What relative times are relative to, in the zone of the machine.
pub(super) fn now() -> Now {
    Now { ms: now_ms(), zone: TimeZone::system() }
}

/// A query, or what is wrong with it and where.
pub(super) fn parsed(text: &str) -> Result<Query> {
    parse(text).map_err(|fault| {
        let (from, length) = units(text, &fault);
        ApiError {
            place: Some((from, from + length)),
            ..ApiError::new(ErrorCode::InvalidInput, format!("the query is not understood: {fault}"))
                .field("query")
                .hint("Such as: metrics.loss < 0.5 and config.lr in (0.1, 0.01) and tag:baseline")
        }
    })
}

/// UTF-16 code units before a byte.
fn unit(text: &str, at: usize) -> u32 {
    let before = text.get(..at).unwrap_or(text);
    u32::try_from(before.encode_utf16().count()).unwrap_or(u32::MAX)
}

/// Where a fault is and how long, in UTF-16 code units.
fn units(text: &str, fault: &Fault) -> (u32, u32) {
    let from = unit(text, fault.at);
    (from, unit(text, fault.at + fault.length) - from)
}

/// The byte at which so many UTF-16 code units have passed.
fn byte(text: &str, units: u32) -> usize {
    let mut passed = 0;
    for (at, c) in text.char_indices() {
        if passed >= units {
            return at;
        }
        passed += u32::try_from(c.len_utf16()).unwrap_or(1);
    }
    text.len()
}

pub(crate) async fn complete(engine: &Engine, input: wire::CompleteQuery) -> Result<wire::QueryCompletion> {
    let text = &input.query;
    let place = place(text, byte(text, input.cursor));
    let store = engine.runs().store();
    let mut known = Known::default();
    match &place.want {
        Want::Condition { .. } | Want::Field => {
            known.configs = store.setting_names().await?;
            known.metrics = store.metric_names().await?;
        }
        Want::Value { field } => known.values = store.values_of(field).await?,
        Want::Sign { .. } => {}
    }
    let error = match parse(text) {
        Err(fault) => {
            let (at, length) = units(text, &fault);
            Some(wire::QueryFault { at, length, message: fault.to_string() })
        }
        Ok(_) => None,
    };
    Ok(wire::QueryCompletion {
        from: unit(text, place.from),
        to: unit(text, place.to),
        items: suggestions(&place, &known).into_iter().map(Into::into).collect(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_the_window_counts_them() {
        let text = "name:\"😀ä\" and nmae = x";
        let fault = parse(text).expect_err("a slip");
        let (from, length) = units(text, &fault);
        assert_eq!((from, length), (15, 4));
        assert_eq!(&text[byte(text, from)..byte(text, from + length)], "nmae");
        assert_eq!(byte(text, 1_000), text.len());
        let error = parsed(text).expect_err("a slip");
        assert_eq!((error.field.as_deref(), error.place), (Some("query"), Some((15, 19))));
        assert!(error.message.contains("did you mean name?"), "{}", error.message);
    }
}
