//! Hugging Face's Trainer: `trainer_state.json`, in the run's folder when it has ended, and in each `checkpoint-N`.
//!
//! `log_history` holds all entries from the start, so that the newest checkpoint has what the older ones have. Entries
//! of training and of evaluation stand mixed; numbers may be a bare `NaN`.

use super::json::{Cursor, Fault, Leaf, Next};
use super::json_lines::{self, Dialect};
use super::lines::Keys;
use super::settings::document;
use super::{
    Batch, Checkpoint, Contents, Document, End, Fact, Folder, Format, Found, Issue, Member, Place, Reader,
    Role,
};

const STATE: &str = "trainer_state.json";
const LOG: &str = "trainer_log.jsonl";

/// See the [module](self).
pub struct HuggingFace;

impl Format for HuggingFace {
    fn id(&self) -> &'static str {
        "huggingface"
    }

    fn label(&self) -> &'static str {
        "Hugging Face Trainer"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        let mut states: Vec<(u64, String)> = Vec::new();
        for name in folder.folders() {
            let Some(step) = name.strip_prefix("checkpoint-").and_then(|step| step.parse().ok()) else {
                continue;
            };
            let path = format!("{name}/{STATE}");
            if folder.below(name).contains(&path) {
                states.push((step, path));
            }
        }
        if has(STATE) {
            states.push((u64::MAX, STATE.into()));
        }
        states.sort();
        let mut members = Vec::new();
        if let Some((_, newest)) = states.pop() {
            members.push(Member::new(newest, Role::Metrics));
        }
        members.extend(states.into_iter().map(|(_, path)| Member::new(path, Role::Copy)));
        // LLaMA-Factory writes its own log of the same numbers as they come.
        if has(LOG) {
            let role = if members.is_empty() { Role::Metrics } else { Role::Copy };
            members.push(Member::new(LOG, role));
        }
        if members.is_empty() { Vec::new() } else { vec![Found::run(members)] }
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match (member.role, member.name()) {
            (Role::Metrics, LOG) => json_lines::reader(Dialect::TrainerLog, &member.prefix, from),
            (Role::Metrics, _) => Reader::Document(Box::new(State { prefix: member.prefix.clone() })),
            _ => Reader::Nothing,
        }
    }
}

struct State {
    prefix: String,
}

impl Document for State {
    fn limit(&self) -> u64 {
        256 << 20
    }

    fn read(&self, bytes: &[u8]) -> Contents {
        let (mut keys, mut batch) = (Keys::default(), Batch::default());
        let (mut step, mut most) = (None, None);
        let mut seen = false;
        let read = Cursor::new(bytes).map(|cursor, key| match key.as_str() {
            "log_history" if cursor.next()? == Next::List => {
                seen = true;
                cursor.list(|cursor, index| self.entry(cursor, index, &mut keys, &mut batch))
            }
            "global_step" | "max_steps" if cursor.next()? == Next::Leaf => {
                let number = cursor.leaf()?.number();
                *(if key == "global_step" { &mut step } else { &mut most }) = number;
                Ok(())
            }
            _ => cursor.skip(),
        });
        let read = match read {
            Ok(()) if !seen => Err(Fault::Broken { at: 0, what: "log_history is missing" }),
            read => read,
        };
        if let Some(most) = most.filter(|&most| most > 0.0) {
            batch.facts.push(Fact::Total(most));
            if step.is_some_and(|step| step >= most) {
                batch.facts.push(Fact::End(End::Completed));
            }
        }
        document(read, keys.names().to_vec(), batch)
    }
}

impl State {
    fn entry(
        &self,
        cursor: &mut Cursor<'_>,
        index: usize,
        keys: &mut Keys,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let (mut step, mut epoch) = (None, None);
        let mut numbers = Vec::new();
        let mut each = |path: &str, leaf: Leaf<'_>| {
            let Some(number) = leaf.number() else { return };
            match path {
                "step" => step = Some(number),
                "epoch" => epoch = Some(number),
                _ => numbers.push((path.to_owned(), number)),
            }
        };
        cursor.leaves(&mut String::new(), '/', false, &mut each)?;
        numbers.extend(epoch.map(|epoch| (String::from("epoch"), epoch)));
        let Some(step) = step.or(epoch).filter(|step| step.is_finite()) else {
            let message = format!("entry {index} of log_history has no step");
            batch.issues.push(Issue { place: Place::File, message });
            return Ok(());
        };
        for (key, number) in numbers {
            if let Some(key) = keys.index(&format!("{}{key}", self.prefix)) {
                batch.point(key, step, number, None);
            }
        }
        Ok(())
    }
}
