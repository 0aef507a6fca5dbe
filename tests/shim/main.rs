//! The shim as a program: real jobs, real signals, real full disks.

mod ending;
mod group;
mod nursery;
mod output;
mod places;
mod start;
mod support;
