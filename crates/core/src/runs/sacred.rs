//! Sacred's FileStorageObserver: `run.json`, `config.json`, `metrics.json`, `cout.txt`, all written anew at each
//! heartbeat.
//!
//! `metrics.json` has three lists for each metric: `steps`, `values` and `timestamps` (UTC, without a zone). A value may
//! be a wrapped number of numpy, `{"py/object": …, "value": 0.5}`.

use super::json::{Cursor, Fault, Leaf, Next};
use super::settings::{self, document};
use super::{
    Batch, Checkpoint, Contents, Document, End, Fact, Folder, Format, Found, Issue, Member, Place, Reader,
    Role,
};

/// See the [module](self).
pub struct Sacred;

impl Format for Sacred {
    fn id(&self) -> &'static str {
        "sacred"
    }

    fn label(&self) -> &'static str {
        "Sacred"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        if !(has("run.json") && (has("cout.txt") || has("config.json"))) {
            return Vec::new();
        }
        let files = [
            ("metrics.json", Role::Metrics),
            ("config.json", Role::Config),
            ("run.json", Role::Meta),
            ("info.json", Role::Copy),
            ("cout.txt", Role::Log),
        ];
        let members = files.into_iter().filter(|(name, _)| has(name));
        vec![Found::run(members.map(|(name, role)| Member::new(name, role)).collect())]
    }

    fn reader(&self, member: &Member, _from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => Reader::Document(Box::new(Metrics { prefix: member.prefix.clone() })),
            Role::Config => settings::json(),
            Role::Meta => Reader::Document(Box::new(About)),
            _ => Reader::Nothing,
        }
    }
}

/// Bytes of a document at most: 256 MiB.
const LARGEST: u64 = 256 << 20;

struct Metrics {
    prefix: String,
}

impl Document for Metrics {
    fn limit(&self) -> u64 {
        LARGEST
    }

    fn read(&self, bytes: &[u8]) -> Contents {
        let (mut keys, mut batch) = (Vec::new(), Batch::default());
        let read = Cursor::new(bytes).map(|cursor, name| {
            let (mut steps, mut values, mut times) = (Vec::new(), Vec::new(), Vec::new());
            cursor.map(|cursor, list| match list.as_str() {
                "steps" => cursor.list(|cursor, _| {
                    steps.push(number(cursor)?);
                    Ok(())
                }),
                "values" => cursor.list(|cursor, _| {
                    values.push(number(cursor)?);
                    Ok(())
                }),
                "timestamps" => cursor.list(|cursor, _| {
                    times.push(cursor.leaf()?.text().and_then(|text| moment(&text)));
                    Ok(())
                }),
                _ => cursor.skip(),
            })?;
            if steps.len() != values.len() {
                let message = format!("{name} has {} steps and {} values", steps.len(), values.len());
                batch.issues.push(Issue { place: Place::File, message });
            }
            let key = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            keys.push(format!("{}{name}", self.prefix));
            for (index, (step, value)) in steps.into_iter().zip(values).enumerate() {
                if let (Some(step), Some(value)) = (step, value) {
                    batch.point(key, step, value, times.get(index).copied().flatten());
                }
            }
            Ok(())
        });
        document(read, keys, batch)
    }
}

/// A number, perhaps a wrapped one.
fn number(cursor: &mut Cursor<'_>) -> Result<Option<f64>, Fault> {
    match cursor.next()? {
        Next::Leaf => Ok(cursor.leaf()?.number()),
        Next::List => cursor.skip().map(|()| None),
        Next::Map => {
            let mut inner = None;
            cursor.map(|cursor, key| {
                if key == "value" && cursor.next()? == Next::Leaf {
                    inner = cursor.leaf()?.number();
                    return Ok(());
                }
                cursor.skip()
            })?;
            Ok(inner)
        }
    }
}

/// Milliseconds since the Unix epoch.
fn moment(text: &str) -> Option<i64> {
    let time: jiff::civil::DateTime = text.parse().ok()?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(time.timestamp().as_millisecond())
}

struct About;

impl Document for About {
    fn limit(&self) -> u64 {
        LARGEST
    }

    fn read(&self, bytes: &[u8]) -> Contents {
        let mut batch = Batch::default();
        let mut each = |path: &str, leaf: Leaf<'_>| {
            let Leaf::Text(text) = leaf else { return };
            batch.facts.extend(match path {
                "start_time" => moment(&text).map(Fact::Started),
                "stop_time" => moment(&text).map(Fact::Ended),
                "experiment.name" => Some(Fact::Project(text)),
                "experiment.repositories.0.commit" => Some(Fact::Commit(text)),
                "meta.options.--comment" => Some(Fact::Notes(text)),
                "status" => match text.as_str() {
                    "COMPLETED" => Some(Fact::End(End::Completed)),
                    "FAILED" | "TIMEOUT" => Some(Fact::End(End::Failed)),
                    "INTERRUPTED" => Some(Fact::End(End::Cancelled)),
                    _ => None,
                },
                _ => None,
            });
        };
        let read = Cursor::new(bytes).leaves(&mut String::new(), '.', true, &mut each);
        document(read, Vec::new(), batch)
    }
}
