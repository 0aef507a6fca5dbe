//! What fell into quiet hours, in one notification afterwards.

use std::collections::BTreeMap;

use super::{Kind, Words};

/// Sums up what was kept: kinds with how much each tells of. None if nothing was.
#[must_use]
pub fn sum_up(kept: &[(Kind, u64)]) -> Option<Words> {
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    for (kind, count) in kept.iter().filter(|(kind, _)| kind.has_switch()) {
        *counts.entry(*kind).or_default() += count;
    }
    if counts.is_empty() {
        return None;
    }
    let endings: u64 = counts.iter().filter(|(kind, _)| kind.is_ending()).map(|(_, count)| count).sum();
    let parts: Vec<String> = counts.iter().map(|(kind, count)| words(*kind, *count)).collect();
    let title = match endings {
        0 => "While it was quiet".to_owned(),
        1 => "While it was quiet, 1 experiment ended".to_owned(),
        many => format!("While it was quiet, {many} experiments ended"),
    };
    let mut body = parts.join(", ");
    body.push('.');
    Some(Words::new(title, body))
}

fn words(kind: Kind, count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    match kind {
        Kind::Completed => format!("{count} completed"),
        Kind::Failed => format!("{count} failed"),
        Kind::Cancelled => format!("{count} cancelled by a policy"),
        Kind::Blocked => format!("{count} blocked"),
        Kind::Drained => "the queue ran empty".into(),
        Kind::GpuHot => format!("{count} warning{plural} of a hot GPU"),
        Kind::GpuLost => format!("{count} warning{plural} of a lost GPU"),
        Kind::DiskLow => format!("{count} warning{plural} of a full disk"),
        Kind::Stalled => format!("{count} stalled"),
        Kind::GpuIdle => format!("{count} left a GPU idle"),
        Kind::Summary | Kind::HookFailed | Kind::Test => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_counted_by_kind() {
        let kept = [
            (Kind::Completed, 10),
            (Kind::Failed, 1),
            (Kind::Completed, 2),
            (Kind::GpuHot, 1),
            (Kind::Test, 3),
        ];
        let words = sum_up(&kept).expect("something was kept");
        assert_eq!(words.title, "While it was quiet, 13 experiments ended");
        assert_eq!(words.body, "12 completed, 1 failed, 1 warning of a hot GPU.");
        assert_eq!(sum_up(&[]), None);
        assert_eq!(sum_up(&[(Kind::Test, 1)]), None);
        assert_eq!(sum_up(&[(Kind::DiskLow, 2)]).expect("some").title, "While it was quiet");
    }
}
