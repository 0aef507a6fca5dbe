use proptest::prelude::*;

use super::*;

/// Files by folder, of which each has one: those below `""`.
#[derive(Debug, Clone, Default)]
struct Wood(BTreeMap<String, BTreeMap<String, &'static str>>);

struct Glade {
    path: String,
    files: Vec<String>,
    folders: Vec<String>,
    wood: Wood,
}

impl Folder for Glade {
    fn path(&self) -> &str {
        &self.path
    }

    fn files(&self) -> &[String] {
        &self.files
    }

    fn folders(&self) -> &[String] {
        &self.folders
    }

    fn below(&self, folder: &str) -> Vec<String> {
        let at = join(&self.path, folder);
        let inside = self.wood.0.iter().filter(|(path, _)| is_within(path, &at));
        let mut all: Vec<String> = inside
            .flat_map(|(path, files)| files.keys().map(|file| join(path, file)).collect::<Vec<_>>())
            .map(|path| path[self.path.len()..].trim_start_matches('/').to_owned())
            .collect();
        all.sort();
        all
    }

    fn head(&self, file: &str) -> Vec<u8> {
        let path = join(&self.path, file);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        self.wood
            .0
            .get(folder)
            .and_then(|files| files.get(name))
            .map_or(Vec::new(), |text| text.as_bytes().to_vec())
    }
}

impl Forest for Wood {
    fn folder(&self, path: &str) -> Option<Box<dyn Folder + '_>> {
        let files = self.0.get(path)?.keys().cloned().collect();
        let inside =
            |other: &&String| !other.is_empty() && other.rsplit_once('/').map_or("", |(up, _)| up) == path;
        let name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
        let folders = self.0.keys().filter(inside).map(name).collect();
        Some(Box::new(Glade { path: path.to_owned(), files, folders, wood: self.clone() }))
    }

    fn inside(&self, path: &str) -> Vec<String> {
        self.0.keys().filter(|other| *other != path && is_within(other, path)).cloned().collect()
    }
}

impl Wood {
    fn fresh(&self) -> Discovery {
        let mut discovery = Discovery::default();
        for path in self.0.keys() {
            let folder = self.folder(path).expect("it is there");
            discovery.visit(&*folder);
        }
        discovery
    }

    /// Adds a file with the folders that lead to it, or takes it away. Returns the folders that have changed.
    fn change(&mut self, folder: &str, file: &str, text: Option<&'static str>) -> BTreeSet<String> {
        let mut touched = BTreeSet::new();
        let Some(text) = text else {
            // A folder goes with all that is in it.
            let gone = file.is_empty();
            let paths: Vec<String> = self.0.keys().filter(|path| is_within(path, folder)).cloned().collect();
            for path in paths.into_iter().filter(|path| !path.is_empty() && gone) {
                self.0.remove(&path);
                touched.insert(path);
            }
            if let Some(files) = self.0.get_mut(folder) {
                files.remove(file);
                touched.insert(folder.to_owned());
            }
            return touched;
        };
        let mut path = String::new();
        for part in [""].into_iter().chain(folder.split('/').filter(|part| !part.is_empty())) {
            path = if part.is_empty() { path } else { join(&path, part) };
            self.0.entry(path.clone()).or_insert_with(|| {
                touched.insert(path.clone());
                BTreeMap::new()
            });
        }
        self.0.get_mut(folder).expect("made").insert(file.to_owned(), text);
        touched.insert(folder.to_owned());
        touched
    }
}

/// Names and beginnings that formats go by, some of which claim files in folders below.
const FILES: [(&str, &str); 14] = [
    ("metrics.csv", "epoch,step,loss\n0,1,2\n"),
    ("hparams.yaml", "lr: 0.1\n"),
    ("values.csv", "step,loss\n1,2\n"),
    ("log.jsonl", "{\"step\": 1, \"loss\": 2}\n"),
    ("events.out.tfevents.1.host.1.0", ""),
    ("results.csv", "epoch,train/loss\n0,1\n"),
    ("args.yaml", "lr: 0.1\n"),
    ("trainer_state.json", "{\"log_history\": []}"),
    ("config.yaml", "lr: 0.1\n"),
    ("meta.yaml", "run_uuid: a\nlifecycle_stage: active\n"),
    ("loss", "1 2 3\n"),
    ("progress.csv", "step,loss\n1,2\n"),
    ("params.json", "{}"),
    ("scalars.json", "{\"step\": 1, \"loss\": 2}\n"),
];

const FOLDERS: [&str; 12] = [
    "",
    "a",
    "a/b",
    "a/b/metrics",
    "a/metrics",
    "a/.hydra",
    "a/checkpoint-10",
    "a/checkpoint-20",
    "b",
    "b/vis_data",
    "b/files",
    "b/plots/metrics",
];

proptest! {
    /// What is asked again of a tree that changes tells the same runs as asking about all of it anew.
    #[test]
    fn only_what_may_differ_is_asked_again(
        changes in prop::collection::vec((0..FOLDERS.len(), 0..FILES.len() + 1, prop::bool::weighted(0.75)), 1..40),
    ) {
        let mut wood = Wood::default();
        wood.0.insert(String::new(), BTreeMap::new());
        let mut kept = Discovery::default();
        kept.update(BTreeSet::from([String::new()]), &wood);
        for (folder, file, add) in changes {
            let folder = FOLDERS[folder];
            let touched = match FILES.get(file) {
                Some((name, text)) => wood.change(folder, name, add.then_some(*text)),
                None => wood.change(folder, "", None),
            };
            kept.update(touched, &wood);
            let fresh = wood.fresh();
            prop_assert_eq!(kept.runs(), fresh.runs());
            prop_assert_eq!(kept.databases(), fresh.databases());
        }
    }
}
