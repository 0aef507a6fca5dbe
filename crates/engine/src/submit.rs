//! Taking experiments in, changing them, and finding them: what is checked before the queue hears of it.

use std::collections::HashMap;
use std::sync::Arc;

use athanor_core::dependency::Condition;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::projects;
use crate::queue::{Added, Edit, NewExperiment, NewGroup, Parent, Prepared, PreparedEdit, check_group_name};
use crate::seal::{Environment, Sealer, environment_hash};
use crate::store::ExperimentRow;

/// Largest config file whose text is kept, bytes.
const CONFIG_MAX: u64 = 1 << 20;

/// Most others that one experiment may wait for.
const PARENTS_MAX: usize = 1000;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Engine {
    /// Accepts experiments, all of them or none.
    ///
    /// # Errors
    /// One of them can't be accepted, with the field at fault; or the store refuses.
    pub async fn add(&self, new: Vec<NewExperiment>) -> Result<Added> {
        self.add_all(new, Vec::new()).await
    }

    /// Accepts experiments and makes or changes groups, all of it or none.
    ///
    /// # Errors
    /// As [`Engine::add`], or a group's name or limit is out of range.
    pub async fn add_all(&self, new: Vec<NewExperiment>, groups: Vec<NewGroup>) -> Result<Added> {
        let several = new.len() > 1;
        let windows = self.queue().settings().windows;
        let mut there = Vec::with_capacity(new.len());
        let mut fresh = Vec::with_capacity(new.len());
        let mut labels = HashMap::new();
        for (place, item) in new.into_iter().enumerate() {
            // What was submitted before is the same experiment, also where it could not be accepted any more: its
            // config may be gone since.
            let known = match &item.key {
                Some(key) => self.store().experiment_with_key(key).await?,
                None => None,
            };
            let named = match &known {
                Some(row) => Named::There { id: row.id, uid: row.uid.clone() },
                None => Named::Earlier(fresh.len()),
            };
            if known.is_none() {
                if let Some(window) = &item.window {
                    check_window(window, &windows).map_err(|error| placed(error, place, several))?;
                }
                let parents = self.parents(&item.after, &labels).await;
                let parents = parents.map_err(|error| placed(error, place, several))?;
                fresh.push((place, item.clone(), parents));
            }
            there.push(known);
            if let Some(label) = item.label
                && labels.insert(label.clone(), named).is_some()
            {
                let error = Error::invalid("label", format!("the label “{label}” is given twice"));
                return Err(placed(error, place, several));
            }
        }
        let sealer = self.sealer().clone();
        let checked = tokio::task::spawn_blocking(move || {
            let mut known = Known::new(&sealer);
            let each = fresh.into_iter().map(|(place, item, after)| {
                prepare(item, after, &mut known).map_err(|error| placed(error, place, several))
            });
            each.collect::<Result<Vec<Prepared>>>()
        })
        .await??;
        let made = match checked.is_empty() && groups.is_empty() {
            true => Added::default(),
            false => self.queue().add(checked, groups).await?,
        };
        let mut all = Added { rows: Vec::with_capacity(there.len()), existing: made.existing };
        let mut made = made.rows.into_iter();
        for known in there {
            match known {
                Some(row) => {
                    all.existing.push(row.uid.clone());
                    all.rows.push(row);
                }
                None => all.rows.extend(made.next()),
            }
        }
        Ok(all)
    }

    /// Queues experiments anew as they were first queued: the same command, folder, environment (with its secrets),
    /// requirements, limits and tags; the config is read again where it lies now, unless it was edited.
    ///
    /// # Errors
    /// An environment can't be opened, or one can't be accepted any more (its folder is gone); then none is queued.
    pub async fn again(&self, rows: Vec<ExperimentRow>) -> Result<Added> {
        let mut new = Vec::with_capacity(rows.len());
        for row in rows {
            let environment = Some(Arc::new(self.environment(&row).await?));
            new.push(NewExperiment {
                environment,
                name: Some(row.name),
                project: row.project,
                priority: row.priority,
                config_text: row.config_text.filter(|_| row.config_copy),
                config_path: row.config_path,
                tags: row.tags,
                notes: row.notes,
                time_limit_ms: row.time_limit_ms,
                grace_ms: Some(row.grace_ms),
                requirements: row.requirements,
                window: row.gate.window,
                retry: row.retry,
                group: row.group,
                submitted_by: row.submitted_by,
                metadata: row.metadata,
                parent_id: Some(row.id),
                ..NewExperiment::new(row.command, row.cwd)
            });
        }
        self.add(new).await
    }

    /// Changes an experiment.
    ///
    /// # Errors
    /// A value is not acceptable, with its field; the state does not allow it; dependencies would form a circle.
    pub async fn edit(&self, row: &ExperimentRow, edit: Edit) -> Result<()> {
        let environment = match edit.set.is_empty() {
            true => None,
            false => {
                let mut environment = self.environment(row).await?;
                for (name, value) in &edit.set {
                    match value {
                        Some(value) => environment.insert(name.clone(), value.clone()),
                        None => environment.remove(name),
                    };
                }
                check_environment(&environment)?;
                let hash = environment_hash(&environment);
                Some((hash, self.sealer().seal(&environment)?))
            }
        };
        let prepared = PreparedEdit { environment, ..self.checked(edit).await? };
        self.queue().edit(vec![row.id], prepared).await?.pop().unwrap_or(Ok(()))
    }

    /// Changes several experiments alike, in one transaction. What became of each stands in the order of `ids`. The
    /// environment, which each has of its own, is left out.
    ///
    /// # Errors
    /// A value is not acceptable, with its field; then none is changed.
    pub async fn edit_many(&self, ids: Vec<i64>, edit: Edit) -> Result<Vec<Result<()>>> {
        let prepared = self.checked(edit).await?;
        self.queue().edit(ids, prepared).await
    }

    /// An edit whose values are acceptable, whatever it is applied to; its environment aside.
    async fn checked(&self, mut edit: Edit) -> Result<PreparedEdit> {
        check_words(edit.name.as_deref(), edit.notes.as_deref(), edit.tags.as_deref())?;
        if let Some(tagging) = &edit.tagging {
            check_tags(&tagging.add)?;
        }
        if let Some(command) = &edit.command {
            command.validate().map_err(|why| Error::invalid("command", why))?;
        }
        if let Some(cwd) = &mut edit.cwd {
            let folder = projects::expand(cwd);
            let checked = folder.clone();
            tokio::task::spawn_blocking(move || projects::check_folder(&checked)).await??;
            *cwd = folder.display().to_string();
        }
        if let Some(requirements) = &edit.requirements {
            requirements.validate().map_err(|fault| Error::invalid(fault.field, fault.message))?;
        }
        if let Some(Some(policy)) = &edit.retry {
            policy.validate().map_err(|fault| Error::invalid("retry", fault.message))?;
        }
        if let Some(Some(window)) = &edit.window {
            check_window(window, &self.queue().settings().windows)?;
        }
        if let Some(Some(group)) = &edit.group {
            check_group_name(group)?;
        }
        check_times(edit.time_limit_ms.flatten(), edit.grace_ms)?;
        if let Some(text) = &edit.config_text {
            check_config(text)?;
        }
        let after = match &edit.after {
            Some(after) => Some(self.parents(after, &HashMap::new()).await?),
            None => None,
        };
        Ok(PreparedEdit { edit, environment: None, after })
    }

    /// The one experiment that a uid, the beginning of one, or a name stands for.
    ///
    /// # Errors
    /// None, or several; then they are named.
    pub async fn find(&self, text: &str) -> Result<ExperimentRow> {
        let mut found = self.store().find_experiments(text).await?;
        match found.len() {
            0 => Err(Error::new(ErrorKind::NotFound, format!("there is no experiment “{text}”"))
                .hint("“athanor ls --all” lists what there is.")),
            1 => Ok(found.remove(0)),
            _ if found[0].uid == text => Ok(found.remove(0)),
            _ => {
                let names: Vec<String> =
                    found.iter().map(|row| format!("{} ({})", row.uid, row.name)).collect();
                Err(Error::new(ErrorKind::NotFound, format!("“{text}” is not unique: {}", names.join(", ")))
                    .hint("Give more of the uid."))
            }
        }
    }

    /// The environment of an experiment.
    ///
    /// # Errors
    /// It can't be opened with the present key.
    pub async fn environment(&self, row: &ExperimentRow) -> Result<Environment> {
        self.sealer().unseal(&self.store().environment(&row.environment).await?)
    }

    /// Whom the uids and labels stand for that an experiment is to wait for.
    async fn parents(
        &self,
        after: &[(String, Condition)],
        labels: &HashMap<String, Named>,
    ) -> Result<Vec<Parent>> {
        if after.len() > PARENTS_MAX {
            return Err(Error::invalid("after", "an experiment can wait for at most 1,000 others"));
        }
        let mut parents = Vec::with_capacity(after.len());
        for (name, when) in after {
            let when = *when;
            let parent = match name.strip_prefix('@') {
                Some(label) => match labels.get(label) {
                    Some(Named::Earlier(place)) => Parent::Earlier { place: *place, when },
                    Some(Named::There { id, uid }) => Parent::There { id: *id, uid: uid.clone(), when },
                    None => {
                        let text = format!("no earlier job of this call has the label “{label}”");
                        return Err(Error::invalid("after", text));
                    }
                },
                None => {
                    let row = self.find(name).await.map_err(|error| error.in_field("after"))?;
                    Parent::There { id: row.id, uid: row.uid, when }
                }
            };
            // Named twice with the same condition, it is still one dependency.
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        Ok(parents)
    }
}

/// What a label stands for.
enum Named {
    /// An experiment that was there under its key.
    There { id: i64, uid: String },
    /// An earlier one among those that are new.
    Earlier(usize),
}

/// Of many, the error says which.
fn placed(error: Error, place: usize, several: bool) -> Error {
    if several { error.prefixed(&format!("job {}: ", place + 1)) } else { error }
}

/// An environment as the store has it: its hash, and itself under seal.
type Stored = ([u8; 16], Arc<[u8]>);

/// What was sealed and looked at already for other experiments of the same call.
struct Known<'a> {
    sealer: &'a Sealer,
    own: Arc<Environment>,
    sealed: HashMap<[u8; 16], Arc<[u8]>>,
    /// The last whole environment with what became of it: ten thousand experiments may share it.
    last: Option<(Arc<Environment>, Stored)>,
    folders: HashMap<String, String>,
}

impl<'a> Known<'a> {
    fn new(sealer: &'a Sealer) -> Self {
        let own = Arc::new(std::env::vars().collect());
        Self { sealer, own, sealed: HashMap::new(), last: None, folders: HashMap::new() }
    }

    /// The hash of an environment with `set` on top of it, and what is stored of it.
    fn environment(&mut self, whole: Option<Arc<Environment>>, set: &mut Environment) -> Result<Stored> {
        let whole = whole.unwrap_or_else(|| self.own.clone());
        if !set.is_empty() {
            let mut environment = Environment::clone(&whole);
            environment.append(set);
            return self.seal(&environment);
        }
        if let Some((last, stored)) = &self.last
            && Arc::ptr_eq(last, &whole)
        {
            return Ok(stored.clone());
        }
        let stored = self.seal(&whole)?;
        self.last = Some((whole, stored.clone()));
        Ok(stored)
    }

    fn seal(&mut self, environment: &Environment) -> Result<Stored> {
        check_environment(environment)?;
        let hash = environment_hash(environment);
        if let Some(sealed) = self.sealed.get(&hash) {
            return Ok((hash, sealed.clone()));
        }
        let sealed: Arc<[u8]> = self.sealer.seal(environment)?.into();
        self.sealed.insert(hash, sealed.clone());
        Ok((hash, sealed))
    }

    fn folder(&mut self, cwd: &str) -> Result<String> {
        if let Some(known) = self.folders.get(cwd) {
            return Ok(known.clone());
        }
        let folder = projects::expand(cwd);
        projects::check_folder(&folder)?;
        let text = folder.display().to_string();
        self.folders.insert(cwd.to_owned(), text.clone());
        Ok(text)
    }
}

/// Checks an experiment and gathers what its row needs. Blocks on the disk.
fn prepare(mut new: NewExperiment, after: Vec<Parent>, known: &mut Known<'_>) -> Result<Prepared> {
    new.command.validate().map_err(|why| Error::invalid("command", why))?;
    new.cwd = known.folder(&new.cwd)?;
    let name = match new.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => new.command.default_name(),
    };
    check_words(Some(&name), Some(&new.notes), Some(&new.tags))?;
    check_facts(&new)?;
    check_times(new.time_limit_ms, new.grace_ms)?;
    new.requirements.validate().map_err(|fault| Error::invalid(fault.field, fault.message))?;
    if let Some(policy) = &new.retry {
        policy.validate().map_err(|fault| Error::invalid("retry", fault.message))?;
    }
    if let Some(group) = &new.group {
        check_group_name(group)?;
    }
    if let Some(key) = &new.key
        && (key.is_empty() || key.chars().count() > 200)
    {
        return Err(Error::invalid("key", "a key has 1 to 200 characters"));
    }
    let config_text = match (&new.config_text, &new.config_path) {
        (Some(text), _) => {
            check_config(text)?;
            Some(text.clone())
        }
        (None, Some(path)) => Some(read_config(&std::path::Path::new(&new.cwd).join(path))?),
        (None, None) => None,
    };
    if new.submitted_by.is_none() {
        let own = known.own.clone();
        let environment = new.environment.as_ref().unwrap_or(&own);
        let name = ["USER", "LOGNAME"].into_iter().find_map(|name| environment.get(name));
        new.submitted_by = name.filter(|name| name.chars().count() <= 200).cloned();
    }
    let (environment_hash, sealed) = known.environment(new.environment.take(), &mut new.set)?;
    Ok(Prepared { name, environment_hash, sealed, config_text, after, new })
}

fn check_words(name: Option<&str>, notes: Option<&str>, tags: Option<&[String]>) -> Result<()> {
    if name.is_some_and(|name| {
        name.trim().is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control)
    }) {
        let text = "a name has 1 to 200 characters, and none of them controls a terminal";
        return Err(Error::invalid("name", text));
    }
    if notes.is_some_and(|notes| notes.chars().count() > 2000) {
        return Err(Error::invalid("notes", "notes have at most 2000 characters"));
    }
    tags.map_or(Ok(()), check_tags)
}

/// Checks tags, those of an experiment or those that it is to get.
pub(crate) fn check_tags(tags: &[String]) -> Result<()> {
    let odd = |text: &str, most: usize| text.chars().count() > most || text.chars().any(char::is_control);
    if tags.len() > 100 || tags.iter().any(|tag| odd(tag, 100)) {
        let text = "at most 100 tags of at most 100 characters, none of which controls a terminal";
        return Err(Error::invalid("tags", text));
    }
    Ok(())
}

/// What is only kept and shown must not grow without bounds, nor steer a terminal.
fn check_facts(new: &NewExperiment) -> Result<()> {
    let odd = |text: &str, most: usize| text.chars().count() > most || text.chars().any(char::is_control);
    for (field, text) in [("project", &new.project), ("user", &new.submitted_by)] {
        if text.as_ref().is_some_and(|text| odd(text, 200)) {
            return Err(Error::invalid(field, "at most 200 characters, none of which controls a terminal"));
        }
    }
    let facts = &new.metadata;
    if facts.len() > 100 || facts.iter().any(|(name, value)| odd(name, 100) || value.chars().count() > 10_000)
    {
        let text =
            "at most 100 facts, each with a name of at most 100 characters and 10,000 characters of text";
        return Err(Error::invalid("metadata", text));
    }
    Ok(())
}

fn check_times(time_limit_ms: Option<u64>, grace_ms: Option<u64>) -> Result<()> {
    if time_limit_ms == Some(0) {
        return Err(Error::invalid("time_limit_ms", "a time limit must be longer than 0"));
    }
    if time_limit_ms.is_some_and(|ms| ms > 3650 * DAY_MS) {
        return Err(Error::invalid("time_limit_ms", "a time limit is at most ten years"));
    }
    if grace_ms.is_some_and(|ms| ms > DAY_MS) {
        return Err(Error::invalid("grace_ms", "a job has at most a day to end after it was asked to"));
    }
    Ok(())
}

fn check_environment(environment: &Environment) -> Result<()> {
    let bad = environment
        .iter()
        .find(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0'));
    match bad {
        None => Ok(()),
        Some((name, _)) => Err(Error::invalid(
            "set",
            format!("“{name}” can't be the name of a variable, or its value contains a NUL byte"),
        )),
    }
}

fn check_window(name: &str, windows: &[athanor_core::schedule::Window]) -> Result<()> {
    if windows.iter().any(|window| window.name == name) {
        return Ok(());
    }
    let known: Vec<&str> = windows.iter().map(|window| window.name.as_str()).collect();
    let known = if known.is_empty() { "none is defined".into() } else { known.join(", ") };
    Err(Error::invalid("window", format!("there is no window “{name}”; there is: {known}"))
        .hint("Windows are defined in the settings."))
}

fn check_config(text: &str) -> Result<()> {
    match athanor_core::config::check(text) {
        Ok(_) => Ok(()),
        Err(problem) => Err(Error::invalid(
            "config_text",
            format!(
                "the config is not YAML: line {}, column {}: {}",
                problem.line, problem.column, problem.message
            ),
        )),
    }
}

fn read_config(path: &std::path::Path) -> Result<String> {
    let fault = |why: String| {
        Error::invalid("config_path", format!("the config {} can't be used: {why}", path.display()))
    };
    let meta = std::fs::metadata(path).map_err(|cause| fault(cause.to_string()))?;
    if !meta.is_file() {
        return Err(fault("it is not a file".into()));
    }
    if meta.len() > CONFIG_MAX {
        return Err(fault("it is larger than 1 MiB".into()));
    }
    std::fs::read_to_string(path).map_err(|cause| fault(cause.to_string()))
}
