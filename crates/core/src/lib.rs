//! Athanor's rules.
//!
//! Everything here is a pure function of what it is given: no clock, no I/O, no runtime, no SQL. It is where tests
//! are cheapest, so a rule that can live here does.

pub mod chart;
pub mod checkpoint;
pub mod compare;
pub mod config;
pub mod csv;
pub mod dependency;
pub mod device_breaker;
pub mod experiment;
pub mod goal;
pub mod history;
pub mod log_search;
pub mod nearest;
pub mod notification;
pub mod outcome;
pub mod panels;
pub mod placement;
pub mod progress;
pub mod quantity;
pub mod query;
pub mod report;
pub mod requirements;
pub mod retry;
pub mod runs;
pub mod schedule;
pub mod secrets;
pub mod series;
pub mod state;
pub mod stats;
pub mod sweep;
pub mod text;
pub mod tray;
