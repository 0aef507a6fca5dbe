//! The machine: its GPUs, through their vendors' drivers, and what the kernel tells of the rest.
//!
//! One thread samples, everyone else reads what it found. Drivers can hang, so no sample is ever taken on the async
//! runtime. Every field is a value, unsupported or failed; none of the others is 0.

mod amd;
mod attention;
mod host;
mod nvml;
mod places;
mod probe;
mod processes;
mod roster;
mod sample;
mod sampler;

pub use attention::{Attention, Listening};
pub use nvml::LIBRARY_VARIABLE;
pub(crate) use places::unescape;
pub use places::{DATA_FOLDER, Place};
pub use sample::{
    Disk, Driver, DriverFault, DriverFaultKind, Gpu, GpuFault, GpuFaultKind, GpuProcess, GpuWork, Gpus,
    HostFacts, Interface, Load, Mig, ProcessAbout, Reading, Sample, Temperature, Vendor,
};
pub use sampler::{Places, Sampler, SamplerParts, Sources};
