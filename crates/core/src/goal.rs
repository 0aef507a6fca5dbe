//! Which way a metric is better, as far as its name tells.

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

/// Words in names of metrics of which less is better.
const LESS: [&str; 30] = [
    "loss",
    "losses",
    "err",
    "error",
    "errors",
    "mse",
    "rmse",
    "mae",
    "mape",
    "nll",
    "perplexity",
    "ppl",
    "fid",
    "kid",
    "wer",
    "cer",
    "kl",
    "divergence",
    "regret",
    "bpc",
    "bpb",
    "eer",
    "lpips",
    "ece",
    "brier",
    "misses",
    "cost",
    "violations",
    "chamfer",
    "hausdorff",
];

/// Words in names of metrics of which more is better.
const MORE: [&str; 29] = [
    "acc",
    "accuracy",
    "top1",
    "top5",
    "f1",
    "fbeta",
    "auc",
    "auroc",
    "auprc",
    "ap",
    "map",
    "map50",
    "map95",
    "ar",
    "precision",
    "recall",
    "iou",
    "miou",
    "dice",
    "psnr",
    "ssim",
    "bleu",
    "rouge",
    "reward",
    "rewards",
    "return",
    "returns",
    "score",
    "r2",
];

/// The goal of a metric by the words of its name, of which the last that says something counts: `val/loss`,
/// `train_accuracy`, `rollout/ep_rew_mean`, `metrics/mAP50-95(B)`. None if no word does.
#[must_use]
pub fn goal(name: &str) -> Option<Goal> {
    let name = name.to_lowercase();
    name.split(|c: char| !c.is_alphanumeric()).rev().find_map(|word| {
        let more = MORE.contains(&word) || ["rew", "ndcg", "mrr", "kappa", "success", "mcc"].contains(&word);
        if more {
            Some(Goal::Max)
        } else if LESS.contains(&word) {
            Some(Goal::Min)
        } else if word.ends_with("loss") {
            // Keras and others write `valloss`, `bceloss`.
            Some(Goal::Min)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_which_way_is_better() {
        for (name, expected) in [
            ("val/loss", Some(Goal::Min)),
            ("train_loss", Some(Goal::Min)),
            ("val_BCELoss", Some(Goal::Min)),
            ("eval/top-1 err", Some(Goal::Min)),
            ("val/acc", Some(Goal::Max)),
            ("rollout/ep_rew_mean", Some(Goal::Max)),
            ("metrics/mAP50-95(B)", Some(Goal::Max)),
            ("test_f1", Some(Goal::Max)),
            // What it is the loss of does not count.
            ("reward/loss", Some(Goal::Min)),
            ("lr", None),
            ("epoch", None),
            ("glossary", None),
            ("", None),
        ] {
            assert_eq!(goal(name), expected, "{name}");
        }
    }
}
