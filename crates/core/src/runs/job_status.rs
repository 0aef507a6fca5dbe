//! Job status folders: `status/PROJECT/GROUP/NAME/RUN/` with `metadata.json` and `output.log`.

use super::json::{Cursor, Leaf};
use super::settings::document;
use super::{Batch, Checkpoint, Contents, Document, End, Fact, Folder, Format, Found, Member, Reader, Role};

/// See the [module](self).
pub struct JobStatus;

impl Format for JobStatus {
    fn id(&self) -> &'static str {
        "job-status"
    }

    fn label(&self) -> &'static str {
        "Job status"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        if !has("metadata.json") {
            return Vec::new();
        }
        let head = folder.head("metadata.json");
        let head = String::from_utf8_lossy(&head);
        let names = ["\"project\"", "\"group\"", "\"run_id\"", "\"status\""];
        if !has("output.log") && !names.iter().all(|name| head.contains(name)) {
            return Vec::new();
        }
        let mut members = vec![Member::new("metadata.json", Role::Meta)];
        if has("output.log") {
            members.push(Member::new("output.log", Role::Log));
        }
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, _from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Meta => Reader::Document(Box::new(Metadata)),
            _ => Reader::Nothing,
        }
    }
}

struct Metadata;

impl Document for Metadata {
    fn limit(&self) -> u64 {
        16 << 20
    }

    fn read(&self, bytes: &[u8]) -> Contents {
        let mut batch = Batch::default();
        let mut each = |path: &str, leaf: Leaf<'_>| {
            let value = leaf.scalar();
            if let Some(key) = path.strip_prefix("config.") {
                batch.facts.push(Fact::Config { key: key.to_owned(), value });
                return;
            }
            let text = value.as_str();
            batch.facts.extend(match path {
                "project" => Some(Fact::Project(text.to_owned())),
                "group" => Some(Fact::Group(text.to_owned())),
                "name" | "job_name" => Some(Fact::Name(text.to_owned())),
                "start_time" | "started_at" => moment(text).map(Fact::Started),
                "end_time" | "ended_at" => moment(text).map(Fact::Ended),
                "git_hash" | "git_commit" => Some(Fact::Commit(text.to_owned())),
                "status" => match text.to_ascii_lowercase().as_str() {
                    "completed" => Some(Fact::End(End::Completed)),
                    "failed" => Some(Fact::End(End::Failed)),
                    "cancelled" => Some(Fact::End(End::Cancelled)),
                    _ => None,
                },
                _ => None,
            });
        };
        let read = Cursor::new(bytes).leaves(&mut String::new(), '.', true, &mut each);
        document(read, Vec::new(), batch)
    }
}

/// Milliseconds since the Unix epoch; a time without a zone is in UTC.
fn moment(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond());
    }
    let time: jiff::civil::DateTime = text.parse().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}
