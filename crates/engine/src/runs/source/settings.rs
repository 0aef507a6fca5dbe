//! Hyperparameters and other settings, as they are stored.

use athanor_core::sweep::{Kind, Scalar};

use crate::store::runs::NewSetting;

/// A setting as it is stored.
pub(in crate::runs) fn setting(key: String, value: &Scalar) -> NewSetting {
    let text = value.as_str().to_owned();
    let (kind, number) = match value.kind() {
        Kind::Null => (0, None),
        Kind::Bool => (1, Some(f64::from(u8::from(is_true(&text))))),
        Kind::Int => (2, text.replace('_', "").parse().ok()),
        Kind::Float => (3, number(&text)),
        Kind::Flow | Kind::Text => (4, None),
    };
    NewSetting { key, kind, number, text }
}

/// What YAML 1.1 and 1.2 readers take for true.
fn is_true(text: &str) -> bool {
    ["true", "yes", "on"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A number as YAML writes it: `.inf` and `.nan` have a point before them.
fn number(text: &str) -> Option<f64> {
    let plain = text.replace('_', "");
    let sign = if plain.starts_with('-') { -1.0 } else { 1.0 };
    match plain.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str() {
        ".inf" => Some(sign * f64::INFINITY),
        ".nan" => None,
        _ => plain.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compares_is_what_was_meant() {
        let check = |text: &str, kind: i64, number: Option<f64>| {
            let stored = setting("key".into(), &Scalar::plain(text));
            assert_eq!((stored.kind, stored.number, stored.text.as_str()), (kind, number, text));
        };
        check("null", 0, None);
        check("yes", 1, Some(1.0));
        check("False", 1, Some(0.0));
        check("12", 2, Some(12.0));
        check("1e-4", 3, Some(1e-4));
        check("-.inf", 3, Some(f64::NEG_INFINITY));
        check("resnet", 4, None);
        check("[1, 2]", 4, None);
    }
}
