//! Names and cells: which column is the x axis, what a cell says.

/// What a column has shown itself to hold so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// The x axis.
    X,
    /// At least one number: a metric.
    Metric,
    /// Text and no number yet.
    Text,
    /// Nothing yet.
    Empty,
}

/// A column of the header.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// The trimmed name, unique within the file; empty when the header has none, such a column is not read.
    pub name: String,
    /// Cells with a number, NaN and infinities included.
    pub numbers: u64,
    /// Cells with something else.
    pub texts: u64,
}

/// Where the x position of a row comes from. The first rule that finds a column wins, the leftmost within a rule:
///
/// 1. `step`
/// 2. `global_step`
/// 3. `_step` (W&B)
/// 4. `train/step`, or any name that ends in `/step` or `/global_step`
/// 5. `steps`, `num_steps`, `total_steps`
/// 6. `total_timesteps`, `timesteps`, `num_timesteps`, `timesteps_total`, `total_env_interacts`
///    (Stable-Baselines3, RLlib, Spinning Up)
/// 7. `iter`, `iteration`, `iterations`, `training_iteration`
/// 8. `epoch`, `epochs`
/// 9. `episode`, `episodes`, `num_episodes`
/// 10. a first column without a name, which is the index that pandas writes
///
/// A real step comes before the epoch because many steps share one epoch. Case does not matter, a blank or a hyphen
/// counts as `_`, and rules 5 to 9 also look at the part after the last `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XColumn {
    /// The cell itself.
    Cell(usize),
    /// The sum of the cells so far. Monitor files of Stable-Baselines3 have the length of each episode (`l`) and no
    /// step; the sum is the number of environment steps.
    RunningSum(usize),
}

impl XColumn {
    /// Position of the column.
    pub fn index(self) -> usize {
        match self {
            Self::Cell(index) | Self::RunningSum(index) => index,
        }
    }
}

const BY_BASE: [&[&str]; 5] = [
    &["steps", "num_steps", "total_steps"],
    &[
        "total_timesteps",
        "timesteps",
        "num_timesteps",
        "timesteps_total",
        "total_env_interacts",
        "totalenvinteracts",
    ],
    &["iter", "iteration", "iterations", "training_iteration"],
    &["epoch", "epochs"],
    &["episode", "episodes", "num_episodes"],
];

/// Finds the x column among trimmed names. `monitor`: the file began with the comment of a monitor file.
pub(super) fn choose_x(names: &[String], monitor: bool) -> Option<XColumn> {
    let ranked = names.iter().enumerate().filter_map(|(index, name)| Some((x_rank(name)?, index)));
    if let Some((_, index)) = ranked.min() {
        return Some(XColumn::Cell(index));
    }
    if monitor && let Some(index) = names.iter().position(|name| name == "l") {
        return Some(XColumn::RunningSum(index));
    }
    (names.len() > 1 && names[0].is_empty()).then_some(XColumn::Cell(0))
}

/// The rule of [`XColumn`] by which a column of that name may be the x axis, from 0; lower ones win.
pub(crate) fn x_rank(name: &str) -> Option<usize> {
    let base = name.rsplit('/').next().unwrap_or_default();
    if is(base, "step") || is(base, "global_step") {
        return Some(if base.len() < name.len() { 3 } else { usize::from(base.len() > 4) });
    }
    if is(name, "_step") {
        return Some(2);
    }
    BY_BASE.iter().position(|names| names.iter().any(|known| is(base, known))).map(|rule| rule + 4)
}

/// Whether a name is a known one but for case, and blanks and hyphens in place of `_`. It is asked for each value of a
/// line of JSON, so it makes no copy. None of the known ones has a letter that other alphabets share.
fn is(name: &str, known: &str) -> bool {
    let plain = |byte: u8| if matches!(byte, b' ' | b'-') { b'_' } else { byte.to_ascii_lowercase() };
    name.len() == known.len() && name.bytes().map(plain).eq(known.bytes())
}

/// Whether a column of that name may hold Unix time.
pub(crate) fn is_wall_name(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or_default();
    let known = ["timestamp", "_timestamp", "wall_time", "walltime", "created_at"];
    known.iter().any(|known| base.eq_ignore_ascii_case(known))
}

/// Unix time in milliseconds, when the number is plausible as seconds (1973 to 5138) or as milliseconds.
pub(crate) fn wall_ms(number: f64) -> Option<i64> {
    if (1e8..1e11).contains(&number) {
        Some((number * 1000.0).round() as i64)
    } else if (1e11..1e14).contains(&number) {
        Some(number.round() as i64)
    } else {
        None
    }
}

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    Nothing,
    Number(f64),
    Text,
}

/// Powers of ten that are exact.
const TENS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number of at most 15 digits without an exponent, as most are printed. Both the digits and the power of ten are
/// exact then, so that the quotient is what the digits round to (Clinger, “How to Read Floating Point Numbers
/// Accurately”, 1990): the same as the general way gives, sooner.
fn short_number(cell: &[u8]) -> Option<f64> {
    let (digits, negative) = match cell.split_first()? {
        (b'-', rest) => (rest, true),
        _ => (cell, false),
    };
    if digits.len() > 16 {
        return None;
    }
    let (mut whole, mut point) = (0u64, None);
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => whole = whole * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let behind = point.map_or(0, |at| digits.len() - at - 1);
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 || count > 15 {
        return None;
    }
    let number = whole as f64 / TENS[behind];
    Some(if negative { -number } else { number })
}

pub(super) fn read_cell(cell: &[u8], decimal_comma: bool) -> Cell {
    let cell = cell.trim_ascii();
    if cell.is_empty() {
        return Cell::Nothing;
    }
    // Longer than any number that a program prints; spares the parser a cell of a megabyte.
    if cell.len() > 400 {
        return Cell::Text;
    }
    if let Some(number) = short_number(cell) {
        return Cell::Number(number);
    }
    let Ok(text) = std::str::from_utf8(cell) else { return Cell::Text };
    if let Ok(number) = text.parse() {
        return Cell::Number(number);
    }
    if ["na", "n/a", "null", "none", "-", "<na>"].iter().any(|none| text.eq_ignore_ascii_case(none)) {
        return Cell::Nothing;
    }
    if decimal_comma && let Ok(number) = text.replacen(',', ".", 1).parse() {
        return Cell::Number(number);
    }
    Cell::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_x(header: &str, expected: Option<XColumn>) {
        let names: Vec<String> = header.split(',').map(str::to_owned).collect();
        assert_eq!(choose_x(&names, header.contains("r,l,t")), expected, "{header}");
    }

    #[test]
    fn a_step_comes_before_an_epoch() {
        check_x("epoch,loss,step", Some(XColumn::Cell(2)));
        check_x("epoch,train/step,val/step,loss", Some(XColumn::Cell(1)));
        check_x("global_step,step", Some(XColumn::Cell(1)));
        check_x("rollout/ep_rew_mean,time/iterations,time/total_timesteps", Some(XColumn::Cell(2)));
        check_x("Epoch,AverageEpRet,TotalEnvInteracts", Some(XColumn::Cell(2)));
        check_x("loss,num episodes", Some(XColumn::Cell(1)));
        check_x(",loss,val_loss", Some(XColumn::Cell(0)));
        check_x("loss,acc", None);
        check_x("", None);
        check_x("r,l,t", Some(XColumn::RunningSum(1)));
    }

    proptest::proptest! {
        #[test]
        fn short_numbers_are_what_the_general_way_says(text in "-?[0-9]{0,9}\\.?[0-9]{0,9}") {
            if let Some(number) = short_number(text.as_bytes()) {
                proptest::prop_assert_eq!(text.parse().map(f64::to_bits), Ok(number.to_bits()));
            } else {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                proptest::prop_assert!(digits > 15 || digits == 0, "{text} is short");
            }
        }
    }

    #[test]
    fn names_are_compared_without_case_and_signs() {
        for (name, rank) in [
            ("Step", Some(0)),
            ("Global Step", Some(1)),
            ("_STEP", Some(2)),
            ("a/step", Some(3)),
            ("a/global-step", Some(3)),
            ("/step", Some(3)),
            ("a/_step", None),
            ("train/Total Steps", Some(4)),
            ("Epoch", Some(7)),
            ("", None),
            ("steppe", None),
        ] {
            assert_eq!(x_rank(name), rank, "{name}");
        }
        assert!(is_wall_name("time/Wall_Time") && !is_wall_name("time"));
    }

    #[test]
    fn cells_say_number_nothing_or_text() {
        for (cell, expected) in [
            ("1.5", Cell::Number(1.5)),
            ("  1e-4 ", Cell::Number(1e-4)),
            ("+3", Cell::Number(3.0)),
            ("-Infinity", Cell::Number(f64::NEG_INFINITY)),
            ("inf", Cell::Number(f64::INFINITY)),
            ("", Cell::Nothing),
            (" ", Cell::Nothing),
            ("NA", Cell::Nothing),
            ("None", Cell::Nothing),
            ("1,5", Cell::Text),
            ("0.455G", Cell::Text),
            ("True", Cell::Text),
        ] {
            assert_eq!(read_cell(cell.as_bytes(), false), expected, "{cell}");
        }
        assert!(matches!(read_cell(b"NaN", false), Cell::Number(n) if n.is_nan()));
        assert_eq!(read_cell(b"1,5", true), Cell::Number(1.5));
        assert_eq!(read_cell(&[b'1'; 500], false), Cell::Text);
        assert_eq!(read_cell(&[0xff, 0x31], false), Cell::Text);
    }
}
