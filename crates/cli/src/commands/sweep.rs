//! The part of `athanor add` that queues a sweep.

use std::process::ExitCode;

use athanor_api::command::{AddSweep, PreviewSweep};
use athanor_api::sweep::parse_axis;
use athanor_api::wire::{self, Axis, ErrorCode, SweepMode, SweepPoint, SweepRequest, SweepStyle};

use super::add::say_added;
use crate::ask;
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// The sweep that options describe: axes, and how many points to draw with which seed.
pub fn sweep(axes: &[String], random: Option<(u64, u64)>, style: SweepStyle) -> Result<wire::Sweep, Failure> {
    let axes = axes
        .iter()
        .map(|text| match text.contains('=') {
            // The key of a list in the config stands for the list.
            false => Ok(Axis { key: text.clone(), values: Vec::new() }),
            true => {
                let axis =
                    parse_axis(text).map_err(|fault| fail(ErrorCode::InvalidInput, fault.to_string()))?;
                Ok(Axis { key: axis.key, values: axis.values.into_iter().map(Into::into).collect() })
            }
        })
        .collect::<Result<_, Failure>>()?;
    let mode = random.map_or(SweepMode::Grid, |(count, seed)| SweepMode::Random { count, seed });
    Ok(wire::Sweep { axes, mode, style })
}

/// Queues a sweep, after the question that a large one needs; or only says what it would make.
pub fn run(
    backend: &mut Backend,
    mut request: SweepRequest,
    dry_run: bool,
    yes: bool,
    json: bool,
) -> Result<ExitCode, Failure> {
    let preview = backend.call::<PreviewSweep>(&request)?;
    if dry_run {
        if json {
            print::json(&preview)?;
        } else {
            say_points(&preview.points, preview.count, "would be queued")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if preview.asks {
        ask::agree(&format!("This makes {} experiments. Queue them?", preview.count), yes)?;
        request.agreed = Some(preview.count);
    }
    let added = backend.call::<AddSweep>(&request)?;
    say_added(&added, json)
}

/// Prints the first of many jobs, and how many there are.
pub fn say_points(points: &[SweepPoint], count: u64, what: &str) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> =
        points.iter().map(|point| vec![point.name.clone(), point.command_line.clone()]).collect();
    print::table(&["NAME", "COMMAND"], &rows)?;
    let more = count.saturating_sub(points.len() as u64);
    let jobs = if count == 1 { "experiment" } else { "experiments" };
    match more {
        0 => println!("{count} {jobs} {what}"),
        _ => println!("… and {more} more: {count} {jobs} {what}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_keep_their_values_as_written() {
        let sweep = sweep(&["lr=0.10,0.01".into(), "model".into()], Some((5, 7)), SweepStyle::Hydra)
            .expect("a sweep");
        assert_eq!(sweep.axes[0].values, ["0.10", "0.01"]);
        assert!(sweep.axes[1].values.is_empty(), "the config's list");
        assert_eq!(sweep.mode, SweepMode::Random { count: 5, seed: 7 });
    }
}
