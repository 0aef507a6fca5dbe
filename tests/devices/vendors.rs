//! GPUs of several vendors in one machine.

use std::fs;

use athanor_engine::devices::{DriverFaultKind, GpuFaultKind, Reading, Vendor};
use athanor_nvml_test::script::{ErrorCode, Fault, Script};

use crate::machine::{Machine, uuids};

#[test]
fn each_vendor_is_seen_whatever_becomes_of_the_other() {
    let mut machine = Machine::without_library(Script::with(2, 0, 0));
    let card = machine.root().join("sys/class/drm/card0/device");
    fs::create_dir_all(&card).expect("made");
    for (file, text) in [
        ("vendor", "0x1002\n"),
        ("device", "0x744c\n"),
        ("revision", "0xc8\n"),
        ("unique_id", "abcdef0123456789\n"),
        ("gpu_busy_percent", "12\n"),
        ("mem_info_vram_total", "25753026560\n"),
        ("mem_info_vram_used", "1073741824\n"),
    ] {
        fs::write(card.join(file), text).expect("written");
    }
    machine.install();
    machine.start();
    let sample = machine.until("three are there", |sample| sample.gpus.list.len() == 3);
    assert_eq!(uuids(&sample), ["GPU-0", "GPU-1", "GPU-abcdef0123456789"]);
    let numbers: Vec<u32> = sample.gpus.list.iter().map(|gpu| gpu.index).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let vendors: Vec<Vendor> = sample.gpus.drivers.iter().map(|driver| driver.vendor).collect();
    assert_eq!(vendors, [Vendor::Nvidia, Vendor::Amd]);
    assert!(!sample.gpus.list[2].is_for_jobs(), "it is shown, but jobs can't be told of it");
    machine.set(|script| {
        script.faults.extend([("*".to_owned(), Fault::Error(ErrorCode::LibRmVersionMismatch))])
    });
    let sample = machine.until("one driver fails", |sample| sample.gpus.drivers[0].fault.is_some());
    let kinds: Vec<_> =
        sample.gpus.drivers.iter().map(|it| it.fault.as_ref().map(|fault| fault.kind)).collect();
    assert_eq!(kinds, [Some(DriverFaultKind::Mismatch), None]);
    assert_eq!(sample.gpus.list[0].fault.as_ref().map(|fault| fault.kind), Some(GpuFaultKind::Driver));
    assert_eq!(sample.gpus.list[2].utilisation, Reading::Value(12), "the other goes on");
}
