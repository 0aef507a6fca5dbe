//! Athanor's rules.
//!
//! Everything here is a pure function of what it is given: no clock, no I/O, no runtime, no SQL. It is where tests
//! are cheapest, so a rule that can live here does.

pub mod chart;
pub mod csv;
pub mod experiment;
pub mod outcome;
pub mod placement;
pub mod progress;
pub mod series;
pub mod state;
pub mod text;
