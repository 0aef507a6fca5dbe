//! Tests of the policy: against a judge that knows only what may stand on a machine (`brute`), and by playing a
//! queue forward (`simulation`).

mod brute;
mod properties;
mod simulation;
mod tables;
mod worlds;

/// As the standard, but never fewer than this many cases: these rules are the heart of the queue.
fn cases(least: u32) -> proptest::test_runner::Config {
    let standard = proptest::test_runner::Config::default();
    let cases = standard.cases.max(least);
    proptest::test_runner::Config { cases, ..standard }
}
