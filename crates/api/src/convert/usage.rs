//! What jobs use of GPUs.

use athanor_core::history::{Basis, Unit, Usage, Used};
use athanor_engine::Engine;

use crate::wire;

same_words!(Unit => wire::HistoryUnit: Percent Bytes BytesPerSecond Watt Celsius Megahertz);
same_words!(Basis => wire::EnergyBasis: Whole Utilisation Memory Equal);

/// What an attempt used of its GPUs; `None` where nothing was seen.
pub(crate) fn gpu_use(usage: Usage, now: Option<Used>) -> Option<wire::GpuUse> {
    if usage == Usage::default() && now.is_none() {
        return None;
    }
    Some(wire::GpuUse {
        now: now.map(|used| wire::GpuUseNow {
            at: used.at,
            memory: used.memory,
            utilisation: used.utilisation,
            power: used.power,
        }),
        utilisation: usage.utilisation,
        sampled_ms: usage.sampled_ms,
        energy_wh: usage.energy_wh,
        energy_basis: usage.basis.map(Into::into),
    })
}

/// The newest sample, with the jobs of the processes on its GPUs, and with what lies idle there.
pub(crate) fn attributed(engine: &Engine, mut sample: wire::DeviceSample) -> wire::DeviceSample {
    let (jobs, hoards) = (engine.queue().gpu_processes(), engine.queue().hoards());
    for gpu in &mut sample.gpus.list {
        if let Some(wire::Reading::Value { value }) = &mut gpu.processes {
            for process in value {
                process.experiment = jobs.get(&process.pid).map(ToString::to_string);
            }
        }
        let hoard = hoards.iter().find(|hoard| hoard.uuid == gpu.uuid);
        gpu.idle_memory = hoard.map(|hoard| wire::IdleMemory {
            memory: hoard.memory,
            idle_ms: hoard.idle_ms,
            pids: hoard.pids.clone(),
        });
    }
    sample
}
