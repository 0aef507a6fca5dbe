//! Sweeps: what they would make, and making it.

use std::sync::Arc;

use athanor_core::experiment::JobCommand;
use athanor_core::sweep::{Axis, Mode, Names, Point, Scalar, Sweep, fingerprint};
use athanor_engine::Engine;
use athanor_engine::queue::{NewExperiment as Queued, NewGroup};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::config::{blocking, read_file};
use super::{Result, added};
use crate::transfer::Overrides;
use crate::wire::{self, ApiError, ErrorCode, NewExperiment};

/// More experiments than this have to be agreed to.
const ASK_ABOVE: u64 = 1_000;
/// Points that a preview shows.
const SHOWN: usize = 50;
/// Characters of a group's name at most; the engine takes no more.
const GROUP_NAME: usize = 100;

pub(crate) async fn preview(_: &Engine, input: wire::SweepRequest) -> Result<wire::SweepPreview> {
    blocking(move || {
        let plan = Plan::new(input.experiment, &input.sweep)?;
        let points = plan.sweep.points().take(SHOWN).map(|point| plan.shown(&point));
        let points = points.collect::<Result<_>>()?;
        Ok(wire::SweepPreview { count: plan.count, points, asks: plan.count > ASK_ABOVE })
    })
    .await
}

pub(crate) async fn add(engine: &Engine, input: wire::SweepRequest) -> Result<wire::AddedExperiments> {
    let wire::SweepRequest { mut experiment, sweep, group, parallel, agreed } = input;
    // Held once, not once for each point.
    let environment = experiment.environment.take().map(Arc::new);
    let plan = blocking(move || Plan::new(experiment, &sweep)).await?;
    if plan.count > ASK_ABOVE && agreed != Some(plan.count) {
        let text = format!("this makes {} experiments; so many have to be agreed to", plan.count);
        return Err(ApiError::new(ErrorCode::NeedsAgreement, text)
            .hint("Give fewer values, or draw some points at random.")
            .field("agreed"));
    }
    let known = engine.store().groups().await?;
    let group = match group {
        Some(group) => group,
        None => free_name(&plan.name, |name| known.iter().any(|group| group.name == name)),
    };
    // A limit that the group has already stays, unless another one is asked for.
    let parallel = parallel.or_else(|| known.iter().find(|known| known.name == group)?.parallel);
    let sweep = serde_json::to_string(&plan.described()).map_err(|cause| {
        ApiError::new(ErrorCode::Internal, format!("the sweep can't be written down: {cause}"))
    })?;
    let member_of = group.clone();
    let experiments = blocking(move || {
        let queued = |point: Point| {
            let new = plan.experiment(&point, Some(&member_of))?;
            Ok(Queued { environment: environment.clone(), ..new.into() })
        };
        plan.sweep.points().map(queued).collect()
    })
    .await?;
    let group = NewGroup { name: group, parallel, sweep: Some(sweep) };
    let all = engine.add_all(experiments, vec![group]).await?;
    Ok(added(engine, all))
}

/// A name for the group of a sweep: what is swept, and when.
fn free_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let now = Timestamp::now().to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string();
    let name: String = name.chars().take(GROUP_NAME - now.len() - 8).collect();
    let first = format!("{name} {now}");
    match taken(&first) {
        false => first,
        true => (2..).map(|n| format!("{first} ({n})")).find(|name| !taken(name)).unwrap_or(first),
    }
}

/// A sweep that can be made.
struct Plan {
    /// What all points share.
    base: NewExperiment,
    /// How they are named before their values.
    name: String,
    sweep: Sweep,
    names: Names,
    /// How the values reach a command, to be kept with the group.
    style: wire::SweepStyle,
    overrides: Overrides,
    count: u64,
}

impl Plan {
    /// Reads the config and the axes. Blocks on the disk.
    fn new(base: NewExperiment, asked: &wire::Sweep) -> Result<Self> {
        let fault = |message: String| ApiError::new(ErrorCode::InvalidInput, message).field("sweep");
        let config = match (&base.config_text, &base.config_path) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(path)) => Some(read_file(&base.cwd, path)?.text),
            (None, None) => None,
        };
        let overrides = Overrides::new(config, asked.style)?;
        let axes = asked.axes.iter().map(|axis| {
            let values = match axis.values.is_empty() {
                false => axis.values.iter().cloned().map(Scalar::from).collect(),
                true => overrides.list(&axis.key).ok_or_else(|| fault(no_list(&axis.key, &overrides)))?,
            };
            Ok(Axis { key: axis.key.clone(), values })
        });
        let mode = match asked.mode {
            wire::SweepMode::Grid => Mode::Grid,
            wire::SweepMode::Random { count, seed } => Mode::Random { count, seed },
        };
        let sweep = Sweep { axes: axes.collect::<Result<_>>()?, mode };
        sweep.validate().map_err(|why| fault(why.to_string()))?;
        let count = u64::try_from(sweep.count()).unwrap_or(u64::MAX);
        let command = JobCommand::from(base.command.clone());
        command.validate().map_err(|why| ApiError::new(ErrorCode::InvalidInput, why).field("command"))?;
        let name = base.name.clone().unwrap_or_else(|| command.default_name());
        let plan = Self { base, name, names: sweep.names(), sweep, style: asked.style, overrides, count };
        // What one point can't be put into, no other can.
        if let Some(point) = plan.sweep.points().next() {
            plan.experiment(&point, None)?;
        }
        Ok(plan)
    }

    /// The experiment of a point.
    fn experiment(&self, point: &Point, group: Option<&str>) -> Result<NewExperiment> {
        let mut new = self.base.clone();
        let name = self.names.name(point);
        self.overrides.put(&mut new, point)?;
        // A key stands for one experiment, and so does a key with a point.
        new.key = new.key.map(|key| format!("{key} {}", fingerprint(point)));
        // The engine takes 200 characters; a point's name has at most 80.
        let whole: String = self.name.chars().take(199 - Names::LONGEST).collect();
        new.name = Some(format!("{whole} {name}"));
        new.group = group.map(str::to_owned);
        new.label = None;
        Ok(new)
    }

    fn shown(&self, point: &Point) -> Result<wire::SweepPoint> {
        let new = self.experiment(point, None)?;
        Ok(wire::SweepPoint {
            name: new.name.unwrap_or_default(),
            command_line: JobCommand::from(new.command).display(),
            values: point
                .iter()
                .map(|(key, value)| wire::AxisValue { key: key.clone(), value: value.to_yaml() })
                .collect(),
        })
    }

    /// The sweep with the values that lists of the config stood for.
    fn described(&self) -> wire::Sweep {
        let axes = self.sweep.axes.iter().map(|axis| wire::Axis {
            key: axis.key.clone(),
            values: axis.values.iter().map(Scalar::to_yaml).collect(),
        });
        let mode = match self.sweep.mode {
            Mode::Random { count, seed } => wire::SweepMode::Random { count, seed },
            Mode::Grid | Mode::Listed { .. } => wire::SweepMode::Grid,
        };
        wire::Sweep { axes: axes.collect(), mode, style: self.style }
    }
}

/// Why a key without values is no axis.
fn no_list(key: &str, overrides: &Overrides) -> String {
    let lists = overrides.lists();
    match lists.is_empty() {
        true => format!("“{key}” has no values; write them as in {key}=0.1,0.01"),
        false => format!(
            "“{key}” has no values, and is no list of the config; lists are {}. Or write values as in {key}=0.1,0.01",
            lists.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::blank;

    fn axis(key: &str, values: &[&str]) -> wire::Axis {
        wire::Axis { key: key.into(), values: values.iter().map(ToString::to_string).collect() }
    }

    fn plan(config: Option<&str>, axes: Vec<wire::Axis>) -> Result<Plan> {
        let words = ["python3", "train.py", "--depth", "{depth}"];
        let command = wire::Command::Argv(words.map(str::to_owned).to_vec());
        let mut base = blank(command, "/home/user".into());
        base.config_text = config.map(str::to_owned);
        base.key = Some("k".into());
        let sweep = wire::Sweep { axes, mode: wire::SweepMode::Grid, style: wire::SweepStyle::Flags };
        Plan::new(base, &sweep)
    }

    #[test]
    fn values_go_where_they_belong() {
        let config = "# ours\nmodel:\n  lr: 0.1  # small\nseeds: [1, 2, 3]\n";
        let axes = vec![axis("depth", &["18"]), axis("model.lr", &["0.10", "0.01"]), axis("batch", &["32"])];
        let plan = plan(Some(config), axes).expect("a sweep");
        assert_eq!(plan.count, 2);
        let points: Vec<Point> = plan.sweep.points().collect();
        let new = plan.experiment(&points[0], Some("g")).expect("an experiment");
        assert_eq!(new.name.as_deref(), Some("train depth=18 lr=0.10 batch=32"));
        let key = new.key.expect("a key of its own");
        assert!(key.starts_with("k ") && key.len() == 34, "{key}");
        assert_eq!(new.group.as_deref(), Some("g"));
        let text = new.config_text.clone().expect("a changed config");
        assert_eq!(text, config.replace("lr: 0.1 ", "lr: 0.10 "), "nothing else changed");
        assert_eq!(JobCommand::from(new.command).display(), "python3 train.py --depth 18 --batch=32");
    }

    #[test]
    fn a_list_of_the_config_is_an_axis() {
        let plan = plan(Some("seeds: [1, 2, 3]\nlr: 1\n"), vec![axis("seeds", &[])]).expect("a sweep");
        assert_eq!(plan.count, 3);
        assert_eq!(plan.described().axes[0].values, ["1", "2", "3"]);
        let last = plan.sweep.points().last().expect("a point");
        let text = plan.experiment(&last, None).expect("an experiment").config_text;
        assert_eq!(text.as_deref(), Some("seeds: 3\nlr: 1\n"));
    }

    #[test]
    fn what_can_not_be_a_sweep_is_said() {
        let said = |config: Option<&str>, axes| plan(config, axes).err().expect("a fault").message;
        assert!(said(None, vec![axis("lr", &[])]).contains("write them as in lr=0.1,0.01"));
        let lists = said(Some("seeds: [1, 2]\nlr: 0.1\n"), vec![axis("lr", &[])]);
        assert!(lists.contains("lists are seeds"), "{lists}");
        assert!(said(Some("a: [1"), vec![axis("lr", &["1"])]).contains("the config can't be read"));
        assert!(said(None, vec![axis("lr", &["1", "1"])]).contains("twice"));
        assert!(said(None, Vec::new()).contains("no key"));
        let many: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let million = vec![axis("a", &many), axis("b", &many)];
        assert!(said(None, million).contains("1,000,000 are the most"));
    }

    #[test]
    fn groups_have_names_of_their_own() {
        let first = free_name("train", |_| false);
        assert!(first.starts_with("train 20"), "{first}");
        assert_eq!(free_name("train", |name| name == first), format!("{first} (2)"));
        assert!(free_name(&"x".repeat(300), |_| false).chars().count() <= GROUP_NAME);
    }
}
