use super::*;
use proptest::prelude::*;

fn show(tail: &str) -> String {
    let Some(progress) = scan(tail) else { return "none".into() };
    let fraction = progress.fraction.map_or("?".into(), |f| format!("{:.1} %", f * 100.0));
    let count = |n: Option<u64>| n.map_or("?".into(), |n| n.to_string());
    format!("{fraction} {:?} {}/{}", progress.unit, count(progress.current), count(progress.total))
}

#[test]
fn reads_what_frameworks_print() {
    for (tail, expected) in [
        ("epoch 3/12", "16.7 % Epoch 3/12"),
        ("Epoch [3/12]", "16.7 % Epoch 3/12"),
        ("Epoch 3 of 12", "16.7 % Epoch 3/12"),
        ("EPOCH: 3 / 12", "16.7 % Epoch 3/12"),
        ("Epoch 3/12 - loss: 0.52", "25.0 % Epoch 3/12"),
        ("Epoch 12/12, loss=0.1", "100.0 % Epoch 12/12"),
        ("Epoch [3/12], Step [150/600], Loss: 0.5", "18.8 % Epoch 3/12"),
        ("Epoch 3/12\n412/563 [=====>....] - ETA: 3s", "22.8 % Epoch 3/12"),
        ("Epoch 3/12\n\u{1b}[1m412/563\u{1b}[0m \u{1b}[32m━━━\u{1b}[0m 3s 5ms/step", "22.8 % Epoch 3/12"),
        ("Epoch 3/12:  73%|███▊ | 412/563 [00:10<00:03, 3.1it/s]", "22.8 % Epoch 3/12"),
        (" 73%|███▊ | 412/563 [00:10<00:03, 3.1it/s]", "73.2 % Step 412/563"),
        ("Train:  50%|██ | 1.2M/2.4M [00:10<00:03]", "50.0 % Percent ?/?"),
        ("Epochs:  30%|███ | 3/10 [01:00<02:20]\nTrain:  50%|██ | 5/10 [00:01<00:01]", "35.0 % Epoch 3/10"),
        ("Epoch 3:  73%|███▊ | 412/563 [00:10<00:03]", "? Epoch 3/?"),
        ("     22/499      2.43G     0.0593   41  640:  79%|███▊ | 44/56 [00:11]", "4.4 % Epoch 22/499"),
        ("Epoch(train) [3][50/391]  lr: 1.0e-3", "? Epoch 3/?"),
        ("step 1200/60000", "2.0 % Step 1200/60000"),
        ("iter: 100/5000, loss 0.5\niter: 200/5000, loss 0.4", "4.0 % Step 200/5000"),
        ("global_step=30 of 60", "50.0 % Step 30/60"),
        ("{'loss': 0.5, 'epoch': 0.52}\n  5%|▌  | 500/10000 [01:00<19:00]", "5.0 % Step 500/10000"),
        ("73%", "73.0 % Percent ?/?"),
        ("[ 73%] Building", "73.0 % Percent ?/?"),
        ("Progress: 7.5%", "7.5 % Percent ?/?"),
        ("accuracy 73%", "none"),
        ("412it [00:10, 3.1it/s]", "? Step 412/?"),
        ("INFO:0 | step=688 | monitor", "? Step 688/?"),
        ("Epoch 5 done, val 0.3", "? Epoch 5/?"),
        ("\r 10%|█ | 1/10\r 20%|██ | 2/10\r", "20.0 % Step 2/10"),
        ("epoch 3/0\nstep 9/4", "none"),
        ("multistep 3/4 timestep 1/2 lr_step 1/2", "none"),
        ("11/20 [INFO] started", "none"),
        ("took 3.5/12 s", "none"),
        ("epoch 99999999999999999999/3", "none"),
        ("", "none"),
    ] {
        assert_eq!(show(tail), expected, "{tail:?}");
    }
}

#[test]
fn long_lines_take_linear_time() {
    for piece in ["epoch ", "1%|", "1/", "[[", "\u{1b}[", "\u{1b}]", "step (((", "9", "3 of "] {
        let text = piece.repeat(300_000 / piece.len());
        let _ = scan(&text);
    }
    let _ = scan(&format!("{}{}", "(".repeat(400_000), "1% ".repeat(200_000)));
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "epoch", "Epoch", " ", "[", "]", "(", ")", "/", "of", "%", "|", "it [", "\r", "\n", "\u{1b}[",
            "m", "━", "█", "step", ".", "G", "=", ":",
        ])
        .prop_map(str::to_owned),
        (0u32..200).prop_map(|n| n.to_string()),
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_text_is_read(text in prop_oneof![3 => pieces(), 1 => any::<String>()]) {
        if let Some(progress) = scan(&text) {
            prop_assert!(progress.fraction.is_none_or(|f| (0.0..=1.0).contains(&f)));
            prop_assert!(progress.fraction.is_some() || progress.current.is_some());
        }
    }
}
