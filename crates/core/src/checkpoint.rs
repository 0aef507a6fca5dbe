//! Which files and folders are checkpoints, and of which step, as far as their names tell.

/// Endings of files that hold weights.
const ENDINGS: [&str; 8] = ["pt", "pth", "ckpt", "safetensors", "h5", "keras", "npz", "onnx"];

/// What kind of checkpoint a name in a run's folder stands for: the ending without its point, or `folder`.
///
/// Folders are checkpoints when they are called so, as Hugging Face (`checkpoint-500`), Lightning (`last.ckpt`, sharded)
/// and Orbax do; `checkpoints` is a folder of them and none itself.
#[must_use]
pub fn kind(name: &str, is_folder: bool) -> Option<&str> {
    let ending = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, ending)| ending);
    let known =
        ending.and_then(|ending| ENDINGS.into_iter().find(|known| ending.eq_ignore_ascii_case(known)));
    if !is_folder {
        return known;
    }
    let lower = name.to_ascii_lowercase();
    let numbered = ["checkpoint-", "checkpoint_", "global_step", "ckpt-", "ckpt_"].iter().any(|start| {
        lower.strip_prefix(start).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    (numbered || known == Some("ckpt")).then_some("folder")
}

/// The step, else the epoch, that a checkpoint's name tells: `epoch=3-step=1200.ckpt`, `checkpoint-500`,
/// `model_0009999.pth`, `epoch_12.pth`. None for `best.pt`, and where a number belongs to the model (`resnet50.pt`).
#[must_use]
pub fn step(name: &str) -> Option<f64> {
    let stem = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or(name, |(stem, ending)| {
        if ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)) { stem } else { name }
    });
    let lower = stem.to_ascii_lowercase();
    let after = |word: &str| {
        lower.match_indices(word).find_map(|(at, _)| {
            let rest = lower[at + word.len()..].trim_start_matches(['=', '_', '-', ':']);
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            rest[..digits].parse().ok()
        })
    };
    ["global_step", "step", "iter", "epoch", "checkpoint", "ckpt"].into_iter().find_map(after).or_else(|| {
        // A number that stands by itself at the end.
        let (_, last) = lower.rsplit_once(['_', '-'])?;
        last.bytes().all(|b| b.is_ascii_digit()).then(|| last.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_a_checkpoint() {
        for (name, is_folder, expected) in [
            ("last.ckpt", false, Some("ckpt")),
            ("MODEL.PT", false, Some("pt")),
            ("model.safetensors", false, Some("safetensors")),
            (".pt", false, None),
            ("metrics.csv", false, None),
            ("checkpoint-500", true, Some("folder")),
            ("last.ckpt", true, Some("folder")),
            ("checkpoints", true, None),
            ("checkpoint-500", false, None),
        ] {
            assert_eq!(kind(name, is_folder), expected, "{name}");
        }
    }

    #[test]
    fn names_tell_of_which_step() {
        for (name, expected) in [
            ("epoch=3-step=1200.ckpt", Some(1200.0)),
            ("epoch_12.pth", Some(12.0)),
            ("checkpoint-500", Some(500.0)),
            ("model_0009999.pth", Some(9999.0)),
            ("iter_4000.pth", Some(4000.0)),
            ("ckpt-7.npz", Some(7.0)),
            ("global_step250", Some(250.0)),
            ("best.pt", None),
            ("resnet50.pt", None),
            ("step.pt", None),
            ("", None),
        ] {
            assert_eq!(step(name), expected, "{name}");
        }
    }
}
