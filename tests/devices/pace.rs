//! The machine is sampled as often as somebody cares.

use std::time::Duration;

use athanor_engine::devices::Attention;
use athanor_nvml_test::script::Script;

use crate::machine::Machine;

#[test]
fn samples_come_as_often_as_somebody_cares() {
    let mut machine = Machine::without_library(Script::with(1, 1, std::process::id()));
    machine.attention = Attention::default();
    machine.install();
    machine.start();
    let idle = machine.until("nobody cares", |sample| sample.pace_ms == 10_000);
    assert!(!idle.gpus.list[0].processes().is_empty());
    let listening = machine.attention.listen();
    machine.until("somebody listens", |sample| sample.pace_ms == 5_000);
    machine.attention.set_busy(true);
    let busy = machine.until("a job runs", |sample| sample.pace_ms == 1_000);
    assert!(
        !busy.gpus.list[0].processes().is_empty(),
        "processes last known stand where they are not asked for"
    );
    machine.attention.set_busy(false);
    machine.until("it has ended", |sample| sample.pace_ms == 5_000);
    machine.attention.look(Duration::from_secs(60));
    machine.until("somebody looks", |sample| sample.pace_ms == 1_000);
    drop(listening);
    // Without being told to hurry.
    let count = || machine.sampler.as_ref().map_or(0, |sampler| sampler.history().len());
    let before = count();
    machine.wait_for("two more", || count() >= before + 2);
}
