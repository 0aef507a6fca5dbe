//! The ways of a driver and of a GPU to fail, each told apart, and each recovered from without a restart.

use athanor_engine::devices::{DriverFaultKind, GpuFaultKind, Reading, Sample};
use athanor_nvml_test::script::{ErrorCode, Fault, Gpu, Script, Series};

use crate::machine::{Machine, driver, gpu, uuids};

fn two() -> Script {
    Script::with(2, 0, 0)
}

fn works(sample: &Sample) -> bool {
    driver(sample).fault.is_none()
}

fn fault(sample: &Sample) -> Option<DriverFaultKind> {
    driver(sample).fault.as_ref().map(|fault| fault.kind)
}

fn all(error: ErrorCode) -> (String, Fault) {
    ("*".to_owned(), Fault::Error(error))
}

#[test]
fn a_gpu_is_read_in_full() {
    let machine = Machine::new(two());
    let sample = machine.until("there are two", |sample| sample.gpus.list.len() == 2);
    assert_eq!(
        (driver(&sample).version.as_deref(), driver(&sample).cuda.as_deref()),
        (Some("560.35.03"), Some("12.6"))
    );
    assert_eq!(uuids(&sample), ["GPU-0", "GPU-1"]);
    let gpu = gpu(&sample, "GPU-1");
    assert_eq!((gpu.index, gpu.name.as_str()), (1, "NVIDIA A100-SXM4-80GB"));
    assert_eq!(gpu.pci.as_deref(), Some("00000000:02:00.0"));
    let texts = [
        ("utilisation", gpu.utilisation.value().map(f64::from_copied)),
        ("memory utilisation", gpu.memory_utilisation.value().map(f64::from_copied)),
        ("temperature", gpu.temperature.value().map(f64::from_copied)),
        ("fan", gpu.fan.value().map(f64::from_copied)),
        ("clock", gpu.clock.value().map(f64::from_copied)),
        ("memory clock", gpu.memory_clock.value().map(f64::from_copied)),
        ("power", gpu.power.value().copied()),
        ("power limit", gpu.power_limit.value().copied()),
        ("energy", gpu.energy.value().copied()),
    ];
    for (what, value) in texts {
        assert!(value.is_some(), "every entry point that is used is exported: {what} of {gpu:#?}");
    }
    assert_eq!(gpu.memory_total, Reading::Value(80 << 30));
    assert_eq!((gpu.clock.value(), gpu.memory_clock.value()), (Some(&1410), Some(&1593)));
    assert_eq!(gpu.power_limit, Reading::Value(400.0));
    let later =
        machine.until("energy is drawn", |later| later.gpus.list[1].energy.value() > gpu.energy.value());
    assert!(works(&later));
}

trait FromCopied {
    fn from_copied(value: &u32) -> f64;
}

impl FromCopied for f64 {
    fn from_copied(value: &u32) -> f64 {
        Self::from(*value)
    }
}

#[test]
fn a_library_that_is_missing_is_found_once_it_is_installed() {
    let mut machine = Machine::without_library(two());
    machine.start();
    let sample = machine.until("it is missed", |sample| fault(sample).is_some());
    assert_eq!(fault(&sample), Some(DriverFaultKind::NoLibrary));
    let said = driver(&sample).fault.clone().expect("a fault");
    assert!(said.message.contains("libnvidia-ml.so.1") && said.next_step.is_some(), "{said:?}");
    assert!(sample.gpus.list.is_empty());
    machine.install();
    let sample = machine.until("it is found", works);
    assert_eq!(uuids(&sample), ["GPU-0", "GPU-1"]);
}

#[test]
fn a_file_that_is_no_library_is_told_from_none() {
    let mut machine = Machine::without_library(two());
    std::fs::write(machine.library(), "nonsense").expect("written");
    machine.start();
    let sample = machine.until("it is refused", |sample| fault(sample).is_some());
    assert_eq!(fault(&sample), Some(DriverFaultKind::NoLibrary));
    machine.install();
    machine.until("it is found", works);
}

#[test]
fn a_driver_that_is_not_loaded_works_once_it_is() {
    let mut script = two();
    script.faults.extend([("nvmlInitWithFlags".to_owned(), Fault::Error(ErrorCode::DriverNotLoaded))]);
    let mut machine = Machine::new(script);
    let sample = machine.until("it is said", |sample| fault(sample).is_some());
    assert_eq!(fault(&sample), Some(DriverFaultKind::NotLoaded));
    let said = driver(&sample).fault.clone().expect("a fault");
    assert!(said.next_step.is_some_and(|step| step.contains("modprobe nvidia")));
    machine.set(|script| script.faults.clear());
    machine.until("it works", |sample| works(sample) && sample.gpus.list.len() == 2);
}

#[test]
fn a_driver_that_was_updated_under_us_is_loaded_anew() {
    let mut machine = Machine::new(two());
    machine.until("it works", |sample| sample.gpus.list.len() == 2);
    machine.set(|script| script.faults.extend([all(ErrorCode::LibRmVersionMismatch)]));
    let sample = machine.until("it does not fit any more", |sample| fault(sample).is_some());
    assert_eq!(fault(&sample), Some(DriverFaultKind::Mismatch));
    assert_eq!(uuids(&sample), ["GPU-0", "GPU-1"], "they are still there");
    let lost = gpu(&sample, "GPU-0");
    assert_eq!(lost.fault.as_ref().map(|fault| fault.kind), Some(GpuFaultKind::Driver));
    assert!(matches!(lost.utilisation, Reading::Failed(_)), "what is not known is not 0");
    assert_eq!(lost.memory_total, Reading::Value(80 << 30));
    // The new version's library lies in the place of the old one.
    machine.set(|script| {
        script.faults.clear();
        script.driver = Some("570.10".into());
    });
    machine.install();
    let sample = machine.until("it works", works);
    assert_eq!(driver(&sample).version.as_deref(), Some("570.10"));
    assert!(gpu(&sample, "GPU-0").fault.is_none());
}

#[test]
fn a_driver_that_was_reloaded_is_opened_again_without_a_gap() {
    let mut machine = Machine::new(two());
    machine.until("it works", |sample| sample.gpus.list.len() == 2);
    machine.set(|script| {
        script.generation += 1;
        script.driver = Some("570.10".into());
    });
    machine.until("it was opened again", |sample| driver(sample).version.as_deref() == Some("570.10"));
    let history = machine.sampler.as_ref().expect("it samples").history();
    assert!(history.iter().all(|sample| works(sample)), "nobody noticed");
}

#[test]
fn a_gpu_that_falls_off_the_bus_is_lost_and_the_others_go_on() {
    let mut machine = Machine::new(Script::with(3, 1, std::process::id()));
    machine.until("all work", |sample| sample.gpus.list.len() == 3);
    machine.set(|script| script.gpus[1].faults.extend([all(ErrorCode::GpuIsLost)]));
    let sample = machine.until("one is lost", |sample| gpu(sample, "GPU-1").fault.is_some());
    assert!(works(&sample));
    let lost = gpu(&sample, "GPU-1");
    let said = lost.fault.as_ref().expect("a fault");
    assert_eq!(said.kind, GpuFaultKind::Lost);
    assert!(!said.message.is_empty() && !said.next_step.is_empty());
    assert_eq!((lost.index, lost.name.as_str()), (1, "NVIDIA A100-SXM4-80GB"));
    assert_eq!(lost.memory_total, Reading::Value(80 << 30), "what a job could ask of it is still known");
    assert!(matches!(lost.temperature, Reading::Failed(_)) && matches!(lost.processes, Reading::Failed(_)));
    for uuid in ["GPU-0", "GPU-2"] {
        assert!(gpu(&sample, uuid).temperature.value().is_some(), "{uuid} goes on");
    }
    machine.set(|script| script.gpus[1].faults.clear());
    let sample = machine.until("it is back", |sample| gpu(sample, "GPU-1").fault.is_none());
    assert!(gpu(&sample, "GPU-1").temperature.value().is_some());
}

#[test]
fn a_gpu_that_is_lost_in_the_middle_of_a_look_is_lost() {
    let mut machine = Machine::new(two());
    machine.until("all work", |sample| sample.gpus.list.len() == 2);
    machine.set(|script| {
        script.gpus[0]
            .faults
            .extend([("nvmlDeviceGetPowerUsage".to_owned(), Fault::Error(ErrorCode::GpuIsLost))]);
    });
    let sample = machine.until("it is lost", |sample| gpu(sample, "GPU-0").fault.is_some());
    assert!(matches!(gpu(&sample, "GPU-0").temperature, Reading::Failed(_)));
    assert!(gpu(&sample, "GPU-1").fault.is_none());
}

#[test]
fn a_gpu_that_the_driver_lists_no_more_stays_under_its_number() {
    let mut machine = Machine::new(Script::with(3, 0, 0));
    machine.until("all work", |sample| sample.gpus.list.len() == 3);
    let mut removed = None;
    machine.set(|script| removed = Some(script.gpus.remove(1)));
    let sample = machine.until("it is missed", |sample| gpu(sample, "GPU-1").fault.is_some());
    let numbers: Vec<(u32, &str)> =
        sample.gpus.list.iter().map(|gpu| (gpu.index, gpu.uuid.as_str())).collect();
    assert_eq!(numbers, [(0, "GPU-0"), (1, "GPU-1"), (2, "GPU-2")]);
    assert!(gpu(&sample, "GPU-2").temperature.value().is_some());
    machine.set(|script| script.gpus.insert(1, removed.expect("it was removed")));
    let sample = machine.until("it is back", |sample| gpu(sample, "GPU-1").fault.is_none());
    assert_eq!(uuids(&sample), ["GPU-0", "GPU-1", "GPU-2"]);
}

#[test]
fn a_gpu_that_was_lost_from_the_start_is_one_of_them() {
    let mut script = two();
    script.gpus[0].faults.extend([all(ErrorCode::GpuIsLost)]);
    let mut machine = Machine::new(script);
    let sample = machine.until("both are there", |sample| sample.gpus.list.len() == 2);
    assert_eq!(sample.gpus.list[0].fault.as_ref().map(|fault| fault.kind), Some(GpuFaultKind::Lost));
    assert_eq!(sample.gpus.list[0].memory_total, Reading::Unsupported);
    machine.set(|script| script.gpus[0].faults.clear());
    let sample = machine.until("it is back", |sample| sample.gpus.list[0].fault.is_none());
    assert_eq!(uuids(&sample), ["GPU-0", "GPU-1"], "and it is not there twice");
}

#[test]
fn a_reading_that_fails_once_is_failed_once() {
    let mut machine = Machine::new(two());
    machine.until("all work", |sample| sample.gpus.list.len() == 2);
    machine.set(|script| {
        let once = Fault::Times { error: ErrorCode::Unknown, times: 1 };
        script.gpus[0].faults.extend([("nvmlDeviceGetTemperature".to_owned(), once)]);
    });
    let read = |sample: &Sample| gpu(sample, "GPU-0").temperature.clone();
    for _ in 0..2 {
        machine.wait_for_next();
    }
    let history = machine.sampler.as_ref().expect("it samples").history();
    let failed: Vec<usize> = (0..history.len())
        .filter(|at| history[*at].gpus.list.len() == 2 && matches!(read(&history[*at]), Reading::Failed(_)))
        .collect();
    assert_eq!(failed.len(), 1, "one sample lacks it");
    let sample = machine.wait_for_next();
    assert!(read(&sample).value().is_some());
    assert!(history[failed[0]].gpus.list[0].fault.is_none(), "and nothing else was wrong");
    assert!(history[failed[0]].gpus.list[0].power.value().is_some());
}

#[test]
fn each_error_of_a_reading_is_what_it_is() {
    // A GPU for each error; those that are the driver's alone would strike all.
    let of_the_driver =
        [ErrorCode::Uninitialized, ErrorCode::LibRmVersionMismatch, ErrorCode::DriverNotLoaded];
    let errors: Vec<ErrorCode> =
        ErrorCode::ALL.into_iter().filter(|error| !of_the_driver.contains(error)).collect();
    let script = Script {
        gpus: (0..)
            .zip(&errors)
            .map(|(index, error)| Gpu {
                uuid: format!("GPU-{index}"),
                power: Some(Series::Constant(100.0)),
                temperature: Some(Series::Constant(50.0)),
                faults: [("nvmlDeviceGetTemperature".to_owned(), Fault::Error(*error))].into(),
                ..Gpu::default()
            })
            .collect(),
        ..Script::default()
    };
    let machine = Machine::new(script);
    let sample = machine.until("all are there", |sample| sample.gpus.list.len() == errors.len());
    for (gpu, error) in sample.gpus.list.iter().zip(&errors) {
        let kind = gpu.fault.as_ref().map(|fault| fault.kind);
        match error {
            ErrorCode::GpuIsLost => assert_eq!(kind, Some(GpuFaultKind::Lost)),
            ErrorCode::ResetRequired => assert_eq!(kind, Some(GpuFaultKind::NeedsReset)),
            ErrorCode::NotSupported | ErrorCode::FunctionNotFound => {
                assert_eq!((kind, &gpu.temperature), (None, &Reading::Unsupported), "{error:?}");
            }
            _ => {
                assert!(
                    kind.is_none() && matches!(gpu.temperature, Reading::Failed(_)),
                    "{error:?}: {gpu:#?}"
                );
                assert_eq!(gpu.power, Reading::Value(100.0), "{error:?}");
            }
        }
    }
}

#[test]
fn each_error_of_the_driver_is_said_and_recovered_from() {
    use DriverFaultKind::{Failing, Mismatch, NoPermission, NotLoaded};
    for (error, kind) in [
        (ErrorCode::NoPermission, NoPermission),
        (ErrorCode::DriverNotLoaded, NotLoaded),
        (ErrorCode::LibRmVersionMismatch, Mismatch),
        (ErrorCode::Uninitialized, Failing),
        (ErrorCode::Unknown, Failing),
    ] {
        let mut script = two();
        script.faults.extend([all(error)]);
        let mut machine = Machine::new(script);
        let sample = machine.until("it fails", |sample| fault(sample).is_some());
        assert_eq!(fault(&sample), Some(kind), "{error:?}");
        assert!(driver(&sample).fault.as_ref().is_some_and(|fault| fault.next_step.is_some()), "{error:?}");
        machine.set(|script| script.faults.clear());
        machine.until("it works", works);
    }
}

#[test]
fn a_driver_that_hangs_holds_up_nothing_but_itself() {
    let mut machine = Machine::new(two());
    machine.until("all work", |sample| sample.gpus.list.len() == 2);
    machine.set(|script| {
        script.gpus[1]
            .faults
            .extend([("nvmlDeviceGetUtilizationRates".to_owned(), Fault::Hang { hang: true })]);
    });
    let sample = machine.until("it is silent", |sample| fault(sample).is_some());
    assert_eq!(fault(&sample), Some(DriverFaultKind::Silent));
    assert_eq!(uuids(&sample), ["GPU-0", "GPU-1"]);
    assert!(sample.gpus.list.iter().all(|gpu| matches!(gpu.power, Reading::Failed(_))));
    let history = machine.sampler.as_ref().expect("it samples").history();
    let longest = history.windows(2).map(|pair| pair[1].at - pair[0].at).max();
    assert!(longest < Some(4_000), "samples went on meanwhile: {longest:?} ms");
    assert!(sample.memory_total.value().is_some());
    machine.set(|script| script.gpus[1].faults.clear());
    let sample = machine.until("it answers", works);
    assert!(sample.gpus.list.iter().all(|gpu| gpu.power.value().is_some()));
    assert_eq!(driver(&sample).version.as_deref(), Some("560.35.03"));
}

#[test]
fn a_driver_that_is_slow_is_waited_for_and_not_silent() {
    let mut script = two();
    script.gpus[0].faults.extend([("nvmlDeviceGetTemperature".to_owned(), Fault::Slow { slow_ms: 600 })]);
    let machine = Machine::new(script);
    let sample = machine.until("it has answered", |sample| sample.gpus.list.len() == 2);
    assert!(works(&sample) && gpu(&sample, "GPU-0").temperature.value().is_some());
    for _ in 0..3 {
        let sample = machine.wait_for_next();
        assert!(
            works(&sample) && gpu(&sample, "GPU-0").temperature.value().is_some(),
            "what was last known stands"
        );
    }
}

#[test]
fn no_gpu_is_no_fault() {
    let machine = Machine::new(Script { driver: Some("560.35".into()), ..Script::default() });
    let sample = machine.until("it works", works);
    assert!(sample.gpus.list.is_empty() && sample.gpus.fault().is_none());
}
