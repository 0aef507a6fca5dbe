//! From jobs to text.

use athanor_core::quantity::{print_bytes, print_duration, print_moment};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::fields::{CONDITIONS, dependency};
use crate::wire::{ApiError, Command, Condition, Dependency, ErrorCode, NewExperiment, TransferFormat};

/// Writes jobs so that [`read`](super::read) gives them back. Whole environments are left out.
///
/// # Errors
/// None that a job could cause; what the writer of the format says.
pub fn write(jobs: &[NewExperiment], format: TransferFormat) -> Result<String, ApiError> {
    let failed = |cause: String| {
        ApiError::new(ErrorCode::Internal, format!("a job could not be written as text: {cause}"))
    };
    let lines = || {
        jobs.iter().map(|job| serde_json::to_string(&Written(fields(job))).map_err(|e| failed(e.to_string())))
    };
    let mut text = String::new();
    match format {
        TransferFormat::JsonLines => {
            for line in lines() {
                text.push_str(&line?);
                text.push('\n');
            }
        }
        TransferFormat::Json => {
            let lines: Vec<String> = lines().collect::<Result<_, _>>()?;
            text = format!("[\n{}\n]\n", lines.join(",\n"));
        }
        TransferFormat::Toml => {
            for (number, job) in jobs.iter().enumerate() {
                text.push_str(if number == 0 { "[[job]]\n" } else { "\n[[job]]\n" });
                for (name, value) in fields(job) {
                    let value = toml::Value::try_from(value).map_err(|cause| failed(cause.to_string()))?;
                    text.push_str(&format!("{name} = {value}\n"));
                }
            }
        }
    }
    Ok(text)
}

/// The fields of a job in the order in which they are written.
struct Written(Vec<(&'static str, Value)>);

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What is said of a job; what it leaves to the rule is left out.
fn fields(job: &NewExperiment) -> Vec<(&'static str, Value)> {
    let mut fields: Vec<(&'static str, Value)> = Vec::with_capacity(12);
    let mut put = |name, value: Option<Value>| fields.extend(value.map(|value| (name, value)));
    let text = |text: &Option<String>| text.clone().map(Value::String);
    let size = |bytes: Option<u64>| bytes.map(|bytes| Value::String(print_bytes(bytes)));
    let time = |ms: Option<u64>| ms.map(|ms| Value::String(print_duration(ms)));
    let moment = |ms: Option<i64>| ms.map(|ms| Value::String(print_moment(ms)));
    let truth = |truth: bool| truth.then_some(Value::Bool(true));
    let needs = &job.requirements;
    put("name", text(&job.name));
    put(
        "command",
        Some(match &job.command {
            Command::Argv(words) => json!(words),
            Command::Shell(line) => json!(line),
        }),
    );
    put("cwd", Some(job.cwd.clone().into()));
    put("project", text(&job.project));
    put("group", text(&job.group));
    put("priority", (job.priority != crate::wire::Priority::Normal).then(|| json!(job.priority)));
    put("cpu_cores", needs.cpu_cores.map(Value::from));
    put("memory", size(needs.memory));
    put("disk", size(needs.disk));
    // Without a number it would be told by the rest.
    put(
        "gpu_count",
        (needs.gpus != super::fields::implied_gpus(needs) || needs.gpus > 0).then(|| needs.gpus.into()),
    );
    put("gpu_memory", size(needs.gpu_memory));
    put("gpu_model", text(&needs.gpu_model));
    put("gpu_uuids", (!needs.gpu_uuids.is_empty()).then(|| json!(needs.gpu_uuids)));
    put("gpu_exclusive", needs.gpu_exclusive.map(Value::Bool));
    put("estimate", time(needs.estimated_ms));
    put("label", text(&job.label));
    let after: Vec<String> = job.after.iter().map(dependency_word).collect();
    put("after", (!after.is_empty()).then(|| json!(after)));
    put("wait_for_failed", truth(job.wait_for_failed));
    put("hold", truth(job.hold));
    put("not_before", moment(job.not_before));
    put("window", text(&job.window));
    put("start_by", moment(job.start_by));
    if let Some(retry) = &job.retry {
        put("retries", Some(retry.limit.into()));
        put("backoff", time(retry.delay_ms));
        put("retry_on", retry.reasons.as_ref().map(|reasons| json!(reasons)));
    }
    put("time_limit", time(job.time_limit_ms));
    put("grace", time(job.grace_ms));
    put("key", text(&job.key));
    put("user", text(&job.user));
    put("tags", (!job.tags.is_empty()).then(|| json!(job.tags)));
    put("notes", (!job.notes.is_empty()).then(|| json!(job.notes)));
    put("metadata", (!job.metadata.is_empty()).then(|| json!(job.metadata)));
    put("env", (!job.set.is_empty()).then(|| json!(job.set)));
    put("config", text(&job.config_path));
    put("config_text", text(&job.config_text));
    fields
}

/// A dependency as one word. Success is not said unless the word could be taken for another condition.
fn dependency_word(of: &Dependency) -> String {
    let word = CONDITIONS.iter().find(|(condition, _)| *condition == of.when).map_or("", |(_, word)| *word);
    match of.when == Condition::Success && dependency(&of.uid) == *of {
        true => of.uid.clone(),
        false => format!("{word}:{}", of.uid),
    }
}
