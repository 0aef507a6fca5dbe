//! The entry points, as NVIDIA's `nvml.h` declares them. Each takes pointers that its caller answers for.
#![allow(
    unsafe_code,
    reason = "this is a C interface: it is called through pointers and writes through them"
)]
#![allow(non_snake_case, reason = "the names are NVIDIA's")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the contract of each is that of NVIDIA's function of the same name"
)]
#![allow(missing_docs, reason = "the meaning of each is that of NVIDIA's function of the same name")]

use std::ffi::{c_char, c_int, c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlClockType_t, nvmlDevice_t, nvmlMemory_v2_t, nvmlPciInfo_t, nvmlProcessInfo_t,
    nvmlProcessUtilizationSample_t, nvmlReturn_t, nvmlTemperatureSensors_t, nvmlUtilization_t,
};

use crate::script::{ErrorCode, Process, Work};
use crate::state::{Call, Handle};

/// NVML's clock of the streaming multiprocessors.
const CLOCK_SM: nvmlClockType_t = 1;
/// NVML's clock of the memory.
const CLOCK_MEMORY: nvmlClockType_t = 2;
/// The greatest number of instances that a GPU is divided into.
const INSTANCES: u32 = 7;
/// What stands for “no instance” in a process.
const NO_INSTANCE: u32 = u32::MAX;
/// What stands for “not known” in a process.
const NOT_KNOWN: u64 = u64::MAX;

type Answer<T = ()> = Result<T, ErrorCode>;

fn code(answer: Answer) -> nvmlReturn_t {
    match answer {
        Ok(()) => 0,
        Err(error) => error.code(),
    }
}

fn handle(device: nvmlDevice_t) -> Answer<Handle> {
    Handle::from_number(device as usize).ok_or(ErrorCode::InvalidArgument)
}

unsafe fn put<T>(to: *mut T, value: T) -> Answer {
    if to.is_null() {
        return Err(ErrorCode::InvalidArgument);
    }
    // SAFETY: not null; the caller answers for the rest.
    unsafe { to.write(value) };
    Ok(())
}

unsafe fn put_text(to: *mut c_char, length: c_uint, text: &str) -> Answer {
    if to.is_null() {
        return Err(ErrorCode::InvalidArgument);
    }
    if text.len() >= length as usize {
        return Err(ErrorCode::InsufficientSize);
    }
    // SAFETY: there is room for the text and the zero after it, as the caller says.
    unsafe {
        to.copy_from_nonoverlapping(text.as_ptr().cast(), text.len());
        to.add(text.len()).write(0);
    }
    Ok(())
}

/// Fills a list as NVML does: with too little room it says how much is needed.
unsafe fn put_list<T>(list: *mut T, count: *mut c_uint, items: Vec<T>, none: Answer) -> Answer {
    if count.is_null() {
        return Err(ErrorCode::InvalidArgument);
    }
    // SAFETY: not null; the caller answers for the rest, and for room for as many as the count says.
    unsafe {
        let room = count.read() as usize;
        count.write(c_uint::try_from(items.len()).unwrap_or(c_uint::MAX));
        if items.is_empty() {
            return none;
        }
        if room < items.len() || list.is_null() {
            return Err(ErrorCode::InsufficientSize);
        }
        for (at, item) in items.into_iter().enumerate() {
            list.add(at).write(item);
        }
    }
    Ok(())
}

fn whole(value: f64) -> c_uint {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of the type"
    )]
    let value = value.round().clamp(0.0, f64::from(c_uint::MAX)) as c_uint;
    value
}

/// Declares entry points: name, parameters, and what they answer. `call` is what the call works with.
macro_rules! entries {
    ($($name:ident($($parameter:ident: $type:ty),*) $(of $device:ident)? |$call:ident| $body:expr;)*) => {
        $(
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($parameter: $type),*) -> nvmlReturn_t {
                let answer = || -> Answer {
                    #[allow(unused_mut, unused_assignments, reason = "some entry points are of no device")]
                    let mut of = None;
                    $(of = Some(handle($device)?);)?
                    #[allow(unused_mut, reason = "few of them change anything")]
                    let mut $call = Call::begin(stringify!($name), of)?;
                    $body
                };
                code(answer())
            }
        )*

        /// The names of all of them.
        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

entries! {
    nvmlInit_v2() |_call| Ok(());
    nvmlInitWithFlags(_flags: c_uint) |_call| Ok(());
    nvmlShutdown() |call| { call.close(); Ok(()) };
    nvmlSystemGetDriverVersion(version: *mut c_char, length: c_uint) |call| {
        let text = call.script()?.driver.clone().ok_or(ErrorCode::NotSupported)?;
        unsafe { put_text(version, length, &text) }
    };
    nvmlSystemGetCudaDriverVersion_v2(version: *mut c_int) |call| {
        let cuda = call.script()?.cuda.ok_or(ErrorCode::NotSupported)?;
        unsafe { put(version, cuda) }
    };
    nvmlDeviceGetCount_v2(count: *mut c_uint) |call| {
        let gpus = c_uint::try_from(call.script()?.gpus.len()).unwrap_or(c_uint::MAX);
        unsafe { put(count, gpus) }
    };
    nvmlDeviceGetUUID(device: nvmlDevice_t, uuid: *mut c_char, length: c_uint) of device |call| {
        let device = handle(device)?;
        let text = match call.instance(device)? {
            Some(instance) => instance.uuid.clone(),
            None => call.gpu(device)?.uuid.clone(),
        };
        unsafe { put_text(uuid, length, &text) }
    };
    nvmlDeviceGetName(device: nvmlDevice_t, name: *mut c_char, length: c_uint) of device |call| {
        let device = handle(device)?;
        let whole = call.gpu(device)?.name.clone();
        let text = match call.instance(device)? {
            Some(instance) => instance.name.clone().or(whole),
            None => whole,
        };
        unsafe { put_text(name, length, &text.unwrap_or_else(|| "NVIDIA Test GPU".into())) }
    };
    nvmlDeviceGetPciInfo_v3(device: nvmlDevice_t, pci: *mut nvmlPciInfo_t) of device |call| {
        let device = handle(device)?;
        let bus = c_uint::try_from(device.gpu + 1).unwrap_or(c_uint::MAX);
        let id = call.gpu(device)?.pci.clone().unwrap_or_else(|| format!("00000000:{bus:02X}:00.0"));
        let mut info = nvmlPciInfo_t {
            busIdLegacy: [0; 16], domain: 0, bus, device: 0, pciDeviceId: 0x20b2_10de, pciSubSystemId: 0, busId: [0; 32],
        };
        let length = c_uint::try_from(info.busId.len()).unwrap_or(0);
        unsafe {
            put_text(info.busId.as_mut_ptr(), length, &id)?;
            put(pci, info)
        }
    };
    nvmlDeviceGetNumFans(device: nvmlDevice_t, fans: *mut c_uint) of device |call| {
        let count = c_uint::try_from(call.gpu(handle(device)?)?.fans.len()).unwrap_or(c_uint::MAX);
        unsafe { put(fans, count) }
    };
    nvmlDeviceGetFanSpeed_v2(device: nvmlDevice_t, fan: c_uint, speed: *mut c_uint) of device |call| {
        let percent = call.reading(handle(device)?, |gpu| gpu.fans.get(fan as usize))?;
        unsafe { put(speed, whole(percent)) }
    };
    nvmlDeviceGetUtilizationRates(device: nvmlDevice_t, rates: *mut nvmlUtilization_t) of device |call| {
        let device = handle(device)?;
        if call.gpu(device)?.mig.is_some() {
            return Err(ErrorCode::NotSupported);
        }
        let own = call.reading(device, |gpu| gpu.utilisation.as_ref())?;
        let gpu = (own + shares(&call, device, |share| share.utilisation.at(call.seconds))?).min(100.0);
        let memory = call.reading(device, |gpu| gpu.memory_utilisation.as_ref()).unwrap_or(0.0);
        unsafe { put(rates, nvmlUtilization_t { gpu: whole(gpu), memory: whole(memory) }) }
    };
    nvmlDeviceGetMemoryInfo_v2(device: nvmlDevice_t, memory: *mut nvmlMemory_v2_t) of device |call| {
        let device = handle(device)?;
        let (total, series) = match call.instance(device)? {
            Some(instance) => (instance.memory_total, instance.memory_used.clone()),
            None => (call.gpu(device)?.memory_total, call.gpu(device)?.memory_used.clone()),
        };
        let named: u64 = call.processes(device)?.iter().filter_map(|process| process.memory).sum();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes")]
        let used = (series.at(call.seconds).max(0.0) as u64).saturating_add(named).min(total);
        if memory.is_null() {
            return Err(ErrorCode::InvalidArgument);
        }
        let version = unsafe { memory.read().version };
        let info = nvmlMemory_v2_t { version, total, reserved: 0, free: total - used, used };
        unsafe { put(memory, info) }
    };
    nvmlDeviceGetTemperature(device: nvmlDevice_t, _sensor: nvmlTemperatureSensors_t, degrees: *mut c_uint) of device |call| {
        let value = call.reading(handle(device)?, |gpu| gpu.temperature.as_ref())?;
        unsafe { put(degrees, whole(value)) }
    };
    nvmlDeviceGetClockInfo(device: nvmlDevice_t, kind: nvmlClockType_t, clock: *mut c_uint) of device |call| {
        let megahertz = call.reading(handle(device)?, |gpu| match kind {
            CLOCK_SM => gpu.clock.as_ref(),
            CLOCK_MEMORY => gpu.memory_clock.as_ref(),
            _ => None,
        })?;
        unsafe { put(clock, whole(megahertz)) }
    };
    nvmlDeviceGetPowerUsage(device: nvmlDevice_t, milliwatts: *mut c_uint) of device |call| {
        let watts = watts(&call, handle(device)?)?;
        unsafe { put(milliwatts, whole(watts * 1000.0)) }
    };
    nvmlDeviceGetEnforcedPowerLimit(device: nvmlDevice_t, milliwatts: *mut c_uint) of device |call| {
        let device = handle(device)?;
        let limit = call.gpu(device)?.power_limit.filter(|_| device.instance.is_none()).ok_or(ErrorCode::NotSupported)?;
        unsafe { put(milliwatts, whole(limit * 1000.0)) }
    };
    nvmlDeviceGetTotalEnergyConsumption(device: nvmlDevice_t, millijoules: *mut c_ulonglong) of device |call| {
        let device = handle(device)?;
        let watts = watts(&call, device)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hours of watts")]
        let energy = (call.energy(device, watts) * 1000.0) as c_ulonglong;
        unsafe { put(millijoules, energy) }
    };
    nvmlDeviceGetMigMode(device: nvmlDevice_t, current: *mut c_uint, pending: *mut c_uint) of device |call| {
        let divided = c_uint::from(call.gpu(handle(device)?)?.mig.is_some());
        unsafe {
            put(current, divided)?;
            put(pending, divided)
        }
    };
    nvmlDeviceGetMaxMigDeviceCount(device: nvmlDevice_t, count: *mut c_uint) of device |call| {
        let divided = call.gpu(handle(device)?)?.mig.is_some();
        unsafe { put(count, if divided { INSTANCES } else { 0 }) }
    };
    nvmlDeviceGetComputeRunningProcesses_v3(device: nvmlDevice_t, count: *mut c_uint, list: *mut nvmlProcessInfo_t) of device |call| {
        let all = named(&call, handle(device)?, Work::Graphics)?;
        unsafe { put_list(list, count, all, Ok(())) }
    };
    nvmlDeviceGetGraphicsRunningProcesses_v3(device: nvmlDevice_t, count: *mut c_uint, list: *mut nvmlProcessInfo_t) of device |call| {
        let all = named(&call, handle(device)?, Work::Compute)?;
        unsafe { put_list(list, count, all, Ok(())) }
    };
    nvmlDeviceGetProcessUtilization(device: nvmlDevice_t, list: *mut nvmlProcessUtilizationSample_t, count: *mut c_uint, since: c_ulonglong) of device |call| {
        let device = handle(device)?;
        if call.gpu(device)?.mig.is_some() {
            return Err(ErrorCode::NotSupported);
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds of a few hours")]
        let now = (call.seconds * 1e6) as c_ulonglong + 1;
        let sample = |process: Process| {
            let busy = whole(process.utilisation.at(call.seconds));
            (busy > 0 && now > since).then_some(nvmlProcessUtilizationSample_t {
                pid: process.pid, timeStamp: now, smUtil: busy, memUtil: 0, encUtil: 0, decUtil: 0,
            })
        };
        let samples = call.processes(device)?.into_iter().filter_map(sample).collect();
        unsafe { put_list(list, count, samples, Err(ErrorCode::NotFound)) }
    };
}

fn watts(call: &Call, device: Handle) -> Answer<f64> {
    let own = call.reading(device, |gpu| gpu.power.as_ref())?;
    Ok(own + shares(call, device, |share| share.power.at(call.seconds))?)
}

/// What the followed processes add to a reading of the whole GPU.
fn shares(call: &Call, device: Handle, of_each: impl Fn(&crate::script::Share) -> f64) -> Answer<f64> {
    let gpu = call.gpu(device)?;
    let Some(share) = &gpu.follow else { return Ok(0.0) };
    let followed = call.processes(device)?.len() - gpu.processes.len();
    #[allow(clippy::cast_precision_loss, reason = "few processes")]
    let count = followed as f64;
    Ok(of_each(share) * count)
}

/// What runs there, without those that do only the other kind of work.
fn named(call: &Call, device: Handle, other: Work) -> Answer<Vec<nvmlProcessInfo_t>> {
    let info = |process: Process| nvmlProcessInfo_t {
        pid: process.pid,
        usedGpuMemory: process.memory.unwrap_or(NOT_KNOWN),
        gpuInstanceId: NO_INSTANCE,
        computeInstanceId: NO_INSTANCE,
    };
    Ok(call.processes(device)?.into_iter().filter(|process| process.work != other).map(info).collect())
}

/// The handle of a GPU. Asked for by index, so faults of that GPU strike here, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(
    index: c_uint,
    device: *mut nvmlDevice_t,
) -> nvmlReturn_t {
    let own = Handle { gpu: index as usize, instance: None };
    let answer = Call::begin("nvmlDeviceGetHandleByIndex_v2", Some(own))
        .and_then(|_| unsafe { put(device, own.number() as nvmlDevice_t) });
    code(answer)
}

/// The handle of an instance.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMigDeviceHandleByIndex(
    device: nvmlDevice_t,
    index: c_uint,
    instance: *mut nvmlDevice_t,
) -> nvmlReturn_t {
    let answer = handle(device).and_then(|parent| {
        let call = Call::begin("nvmlDeviceGetMigDeviceHandleByIndex", Some(parent))?;
        let own = Handle { instance: Some(index as usize), ..parent };
        let instances = call.gpu(parent)?.mig.as_ref().ok_or(ErrorCode::NotSupported)?;
        if instances.len() <= index as usize {
            return Err(ErrorCode::NotFound);
        }
        unsafe { put(instance, own.number() as nvmlDevice_t) }
    });
    code(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_stand_for_what_they_were_made_from() {
        for (gpu, instance) in [(0, None), (7, None), (0, Some(0)), (3, Some(6))] {
            let handle = Handle { gpu, instance };
            assert_ne!(handle.number(), 0);
            assert!(Handle::from_number(handle.number()) == Some(handle));
        }
        assert!(Handle::from_number(0).is_none());
    }

    #[test]
    fn every_entry_point_has_a_name_of_nvml() {
        assert!(NAMES.len() > 20 && NAMES.iter().all(|name| name.starts_with("nvml")));
    }

    #[test]
    fn lists_and_texts_go_only_where_there_is_room() {
        let (mut room, mut count) = ([0u32; 2], 2);
        let list = room.as_mut_ptr();
        assert!(
            unsafe { put_list(list, &raw mut count, vec![1, 2, 3], Ok(())) }
                == Err(ErrorCode::InsufficientSize)
        );
        assert_eq!((count, room), (3, [0, 0]), "what is needed is said, and nothing written");
        count = 2;
        assert!(unsafe { put_list(list, &raw mut count, vec![8, 9], Ok(())) } == Ok(()));
        assert_eq!((count, room), (2, [8, 9]));
        let mut text = [1 as c_char; 4];
        assert!(unsafe { put_text(text.as_mut_ptr(), 4, "abcd") } == Err(ErrorCode::InsufficientSize));
        assert!(unsafe { put_text(text.as_mut_ptr(), 4, "abc") } == Ok(()));
        assert_eq!(text[3], 0);
    }
}
