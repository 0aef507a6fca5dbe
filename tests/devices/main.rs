//! The machine as the engine sees it: its own way to the driver, on a library that answers from a script.

mod machine;
mod mig;
mod pace;
mod processes;
mod real;
mod states;
mod vendors;
