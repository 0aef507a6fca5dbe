//! Lengths and sizes of text as people write them.

/// A number with a unit, of which the first is meant if none is given; in parts of that one.
fn measured(text: &str, units: &[(&str, f64)]) -> Result<f64, String> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = (text[..end].trim(), text[end..].trim());
    let names = || units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let factor = match unit {
        "" => 1.0,
        unit => {
            let known = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
            known.ok_or_else(|| format!("“{unit}” is no unit here: use {}", names()))?.1
        }
    };
    match number.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number * factor),
        _ => Err(format!("“{text}” is no size, such as 85{}", units[0].0)),
    }
}

/// A length in millimetres.
pub fn length(text: &str) -> Result<f64, String> {
    measured(text, &[("mm", 1.0), ("cm", 10.0), ("in", 25.4), ("px", 25.4 / 96.0)])
}

/// A size of text in points.
pub fn font(text: &str) -> Result<f64, String> {
    measured(text, &[("pt", 1.0), ("px", 72.0 / 96.0)])
}

/// Two numbers with a colon between them.
pub fn range(text: &str) -> Result<(f64, f64), String> {
    let form = || format!("“{text}” has not the form FROM:TO, such as 0:1000");
    let (from, to) = text.split_once(':').ok_or_else(form)?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let ends = number(from).zip(number(to)).ok_or_else(form)?;
    if ends.0 < ends.1 { Ok(ends) } else { Err(format!("“{text}” ends before it begins")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_units() {
        for (text, mm) in [("85mm", 85.0), ("85", 85.0), ("8.5 cm", 85.0), ("1in", 25.4), ("96PX", 25.4)] {
            assert_eq!(length(text), Ok(mm), "{text}");
        }
        assert_eq!(font("8"), Ok(8.0));
        assert_eq!(font("12px"), Ok(9.0));
        for text in ["", "mm", "-3mm", "3 feet", "infmm", "NaN"] {
            assert!(length(text).is_err(), "{text}");
        }
        assert_eq!(range("0:1e3"), Ok((0.0, 1000.0)));
        assert!(range("3:1").is_err() && range("3").is_err() && range("nan:1").is_err());
    }
}
