//! The rules that look at one file at a time, and the one that looks at the page as a whole.

use crate::source::{File, Violation, has_word};

pub type Rule = fn(&File) -> Vec<Violation>;

pub const PER_FILE: &[Rule] = &[
    core_touches_nothing,
    core_depends_on_nothing_that_blocks,
    one_module_talks_to_the_driver,
    the_scripted_driver_is_for_tests,
    engine_knows_no_wire_types,
    shell_knows_no_database,
    queries_stand_in_the_store,
    nothing_is_left_undone,
    files_stay_readable,
    tests_wait_for_conditions,
    crates_take_the_lints,
    no_path_of_one_machine,
];

const SOURCES: &[&str] = &[".rs", ".ts", ".svelte", ".js", ".py", ".sql", ".css", ".sh"];

/// Violations for the lines of code that `broken` picks.
fn in_code(
    file: &File,
    broken: impl Fn(&str) -> bool,
    rule: &'static str,
    why: &'static str,
) -> Vec<Violation> {
    file.code()
        .filter(|(_, line)| broken(line))
        .map(|(number, _)| file.violation(number, rule, why))
        .collect()
}

/// Whether `line` names the module `module` of the standard library, alone or in a group.
fn uses_std(line: &str, module: &str) -> bool {
    has_word(line, &format!("std::{module}"))
        || line.split_once("std::{").is_some_and(|(_, group)| has_word(group, module))
}

fn core_touches_nothing(file: &File) -> Vec<Violation> {
    if !(file.is_below("crates/core/src") && file.path.ends_with(".rs")) {
        return Vec::new();
    }
    let broken = |line: &str| {
        ["fs", "net", "process", "env", "thread"].iter().any(|module| uses_std(line, module))
            || ["SystemTime", "tokio", "sqlx"].iter().any(|word| has_word(line, word))
            || line.contains("Instant::now")
    };
    // Its tests read their input files.
    let tests = file.first_test_line();
    file.code()
        .filter(|(number, line)| *number < tests && broken(line))
        .map(|(number, _)| {
            file.violation(
                number,
                "crates/core has no clock, no files, no network, no processes and no runtime",
                "rules that are handed all they need can be tested with plain values; let the engine read and pass it in",
            )
        })
        .collect()
}

fn core_depends_on_nothing_that_blocks(file: &File) -> Vec<Violation> {
    if file.path != "crates/core/Cargo.toml" {
        return Vec::new();
    }
    let forbidden = ["tokio", "sqlx", "rustix", "notify", "nvml-wrapper", "sysinfo", "axum", "tracing"];
    let mut section = "";
    let mut violations = Vec::new();
    for (number, line) in file.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or("");
        if section == "[dependencies]" && forbidden.contains(&name) {
            violations.push(file.violation(
                number,
                "crates/core depends on nothing that touches the world",
                "what core may call, core will call; such a dependency belongs to crates/engine",
            ));
        }
    }
    violations
}

fn one_module_talks_to_the_driver(file: &File) -> Vec<Violation> {
    if !file.path.ends_with(".rs") || file.path == "crates/engine/src/devices/nvml.rs" || is_tidy(file) {
        return Vec::new();
    }
    in_code(
        file,
        |line| has_word(line, "nvml_wrapper"),
        "only crates/engine/src/devices/nvml.rs mentions nvml_wrapper",
        "the driver's faults are told apart (absent, unsupported, failed) in that one place",
    )
}

fn the_scripted_driver_is_for_tests(file: &File) -> Vec<Violation> {
    if !file.path.ends_with("Cargo.toml") {
        return Vec::new();
    }
    let mut section = "";
    let mut violations = Vec::new();
    for (number, line) in file.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let is_used = line.starts_with("athanor-nvml-test");
        if is_used && !["[dev-dependencies]", "[workspace.dependencies]"].contains(&section) {
            violations.push(file.violation(
                number,
                "only tests depend on athanor-nvml-test",
                "what is shipped talks to the driver; the scripted one is loaded by a switch of the environment",
            ));
        }
    }
    violations
}

fn engine_knows_no_wire_types(file: &File) -> Vec<Violation> {
    if !file.is_below("crates/engine") || !file.ends_with_any(&[".rs", ".toml"]) {
        return Vec::new();
    }
    in_code(
        file,
        |line| ["ts_rs", "ts-rs", "athanor_api", "athanor-api"].iter().any(|word| has_word(line, word)),
        "crates/engine knows neither the wire types nor the crate that declares them",
        "the domain may change without the window noticing; crates/api converts between the two",
    )
}

fn shell_knows_no_database(file: &File) -> Vec<Violation> {
    let shell = file.is_below("src-tauri") && file.path.ends_with(".rs");
    if !shell && file.path != "Cargo.toml" {
        return Vec::new();
    }
    let sql = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE "];
    // The root manifest names sqlx for the whole workspace; only the shell's own dependencies count.
    let own = if shell { 0 } else { file.text.lines().take_while(|line| *line != "[package]").count() };
    file.code()
        .skip(own)
        .filter(|(_, line)| {
            has_word(line, "sqlx") || (shell && sql.iter().any(|words| line.contains(words)))
        })
        .map(|(number, _)| {
            file.violation(
                number,
                "src-tauri holds neither sqlx nor SQL",
                "the shell is thin: whatever the window can do, the command line does through the same commands",
            )
        })
        .collect()
}

fn queries_stand_in_the_store(file: &File) -> Vec<Violation> {
    let store = file.is_below("crates/engine/src/store") || file.path == "crates/engine/src/store.rs";
    if !file.path.ends_with(".rs") || is_tidy(file) {
        return Vec::new();
    }
    if store {
        return in_code(
            file,
            |line| line.contains("AssertSqlSafe(format!") || line.contains("query(&format!"),
            "SQL is a literal",
            "a statement that is put together at run time is neither checked by the tests nor safe from its input; bind values",
        );
    }
    in_code(
        file,
        |line| line.contains("sqlx::query") || line.contains("sqlx::raw_sql"),
        "queries stand in crates/engine/src/store/",
        "a table's statements, types and tests stand together, where one writer and the event table are kept to",
    )
}

/// The page imports the shell's packages in one file, behind the interface that the bridge implements too.
pub fn one_module_talks_to_the_shell(files: &[File]) -> Vec<Violation> {
    let imports: Vec<(&File, usize)> = files
        .iter()
        .filter(|file| file.is_below("ui/src") && file.ends_with_any(&[".ts", ".js", ".svelte"]))
        .filter_map(|file| {
            let (number, _) = file.code().find(|(_, line)| line.contains(concat!("@tauri", "-apps")))?;
            Some((file, number))
        })
        .collect();
    if imports.len() <= 1 {
        return Vec::new();
    }
    imports
        .into_iter()
        .map(|(file, number)| {
            file.violation(
                number,
                "one file below ui/src mentions @tauri-apps, and this is one of several",
                "the same page runs in a browser over the bridge, where those packages do not work",
            )
        })
        .collect()
}

fn nothing_is_left_undone(file: &File) -> Vec<Violation> {
    // Put together here, so that this file keeps its own rule.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let code = [concat!("#[ig", "nore"), concat!("to", "do!("), concat!("unim", "plemented!(")];
    if !file.ends_with_any(SOURCES) {
        return Vec::new();
    }
    file.lines()
        .filter(|(_, line)| {
            marks.iter().any(|mark| has_word(line, mark)) || code.iter().any(|code| line.contains(code))
        })
        .map(|(number, _)| {
            file.violation(
                number,
                "no test is ignored and no work is left as a note in the sources",
                "finish it, take it out, or open an issue; a note in a file is found by nobody",
            )
        })
        .collect()
}

/// Files longer than this hold more than one thing.
const LONGEST: usize = 700;

fn files_stay_readable(file: &File) -> Vec<Violation> {
    let generated = file.path == "ui/src/lib/bindings.ts";
    let lines = file.text.lines().count();
    if generated || !file.ends_with_any(&[".rs", ".ts", ".svelte"]) || lines <= LONGEST {
        return Vec::new();
    }
    vec![file.violation(
        lines,
        "no Rust, TypeScript or Svelte file has more than 700 lines",
        "what is too long to be read at once is too long to be changed with care; divide it by what it does",
    )]
}

fn tests_wait_for_conditions(file: &File) -> Vec<Violation> {
    if !file.path.ends_with(".rs") {
        return Vec::new();
    }
    let tests = file.first_test_line();
    let mut function = "";
    let mut violations = Vec::new();
    for (number, line) in file.code() {
        if let Some((_, rest)) = line.split_once("fn ")
            && rest.contains('(')
        {
            function = rest.split(['(', '<']).next().unwrap_or("").trim();
        }
        let sleeps = ["thread::sleep(", "time::sleep("].iter().any(|call| line.contains(call));
        if number >= tests && sleeps && !function.starts_with("wait") && !is_tidy(file) {
            violations.push(file.violation(
                number,
                "tests wait for conditions, not for time; only a helper named wait… sleeps between two looks",
                "a pause is too short on a busy machine and wasted on an idle one",
            ));
        }
    }
    violations
}

fn crates_take_the_lints(file: &File) -> Vec<Violation> {
    let manifest = file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml");
    if !manifest || !file.text.contains("[package]") {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    if lines.windows(2).any(|pair| pair == ["[lints]", "workspace = true"]) {
        return Vec::new();
    }
    vec![file.violation(
        1,
        "every crate has `[lints]` with `workspace = true`",
        "the lints are stated once, with their reasons, in the root manifest",
    )]
}

fn no_path_of_one_machine(file: &File) -> Vec<Violation> {
    // The names that stand for anybody in examples and tests.
    let anybody = ["user", "you", "me"];
    let homes = [concat!("/ho", "me/"), concat!("/Us", "ers/")];
    let others = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];
    let starts_a_path = |line: &str, at: usize| {
        !line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "._-)}>*~$".contains(c))
    };
    let broken = |line: &str| {
        others.iter().any(|path| line.match_indices(path).any(|(at, _)| starts_a_path(line, at)))
            || homes.iter().any(|home| {
                line.match_indices(home).any(|(at, _)| {
                    let name: String =
                        line[at + home.len()..].chars().take_while(|c| c.is_alphanumeric()).collect();
                    starts_a_path(line, at) && !anybody.contains(&name.as_str())
                })
            })
    };
    file.lines()
        .filter(|(_, line)| broken(line))
        .map(|(number, _)| {
            file.violation(
                number,
                "no file names a folder of one machine",
                "it is somewhere else for everybody else; use a temporary folder, or /home/user in an example",
            )
        })
        .collect()
}

/// This test itself, which has to name what it forbids.
fn is_tidy(file: &File) -> bool {
    file.is_below("tests/tidy")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `text`, as the content of `path`, that break `rule`.
    fn broken(rule: Rule, path: &str, text: &str) -> Vec<usize> {
        let violations = rule(&File::new(path, text));
        violations.iter().filter_map(|found| found.place.rsplit_once(':')?.1.parse().ok()).collect()
    }

    fn catches(rule: Rule, path: &str, text: &str) {
        assert_eq!(broken(rule, path, text), [1], "{text:?} in {path} breaks the rule");
    }

    fn allows(rule: Rule, path: &str, text: &str) {
        assert_eq!(broken(rule, path, text), [0; 0], "{text:?} in {path} keeps the rule");
    }

    #[test]
    fn core_is_pure() {
        let path = "crates/core/src/state.rs";
        for text in [
            "use std::fs;",
            "let x = std::fs::read(p);",
            "use std::{collections::HashMap, fs};",
            "use std::net::TcpStream;",
            "use std::time::{Duration, SystemTime};",
            "let now = Instant::now();",
            "std::process::exit(1)",
            "std::env::var(\"A\")",
            "std::thread::spawn(f)",
            "use tokio::sync::mpsc;",
            "sqlx::Row",
        ] {
            catches(core_touches_nothing, path, text);
            allows(core_touches_nothing, "crates/engine/src/lib.rs", text);
        }
        for text in
            ["use std::time::Duration;", "// std::fs is for the engine", "fn environment() {}", "a.process()"]
        {
            allows(core_touches_nothing, path, text);
        }
    }

    #[test]
    fn core_has_few_dependencies() {
        let rule = core_depends_on_nothing_that_blocks;
        let path = "crates/core/Cargo.toml";
        assert_eq!(broken(rule, path, "[dependencies]\nserde.workspace = true\ntokio = \"1\""), [3]);
        assert_eq!(broken(rule, path, "[dependencies]\nsqlx.workspace = true"), [2]);
        allows(rule, path, "[dependencies]\ntokio-like = \"1\"\n[dev-dependencies]\ntokio = \"1\"");
        allows(rule, "crates/engine/Cargo.toml", "[dependencies]\ntokio = \"1\"");
    }

    #[test]
    fn the_driver_has_one_door() {
        let rule = one_module_talks_to_the_driver;
        catches(rule, "crates/engine/src/devices/mod.rs", "use nvml_wrapper::Nvml;");
        catches(rule, "src-tauri/src/lib.rs", "nvml_wrapper::Nvml::init()");
        allows(rule, "crates/engine/src/devices/nvml.rs", "use nvml_wrapper::Nvml;");
        allows(rule, "crates/api/src/lib.rs", "// not nvml_wrapper");
    }

    #[test]
    fn the_scripted_driver_does_not_ship() {
        let rule = the_scripted_driver_is_for_tests;
        let line = "athanor-nvml-test.workspace = true";
        assert_eq!(broken(rule, "crates/engine/Cargo.toml", &format!("[dependencies]\n{line}")), [2]);
        allows(rule, "crates/engine/Cargo.toml", &format!("[dev-dependencies]\n{line}"));
        allows(rule, "Cargo.toml", &format!("[workspace.dependencies]\n{line}"));
    }

    #[test]
    fn the_engine_is_below_the_wire() {
        let rule = engine_knows_no_wire_types;
        catches(rule, "crates/engine/src/lib.rs", "use ts_rs::TS;");
        catches(rule, "crates/engine/src/lib.rs", "athanor_api::Job");
        catches(rule, "crates/engine/Cargo.toml", "athanor-api.workspace = true");
        allows(rule, "crates/api/src/lib.rs", "use ts_rs::TS;");
    }

    #[test]
    fn the_shell_is_thin() {
        let rule = shell_knows_no_database;
        catches(rule, "src-tauri/src/lib.rs", "use sqlx::Pool;");
        catches(rule, "src-tauri/src/lib.rs", "let q = \"SELECT 1\";");
        assert_eq!(
            broken(rule, "Cargo.toml", "[workspace.dependencies]\nsqlx = \"0\"\n[package]\nsqlx = \"0\""),
            [4]
        );
        allows(rule, "src-tauri/src/lib.rs", "// no sqlx here");
        allows(rule, "crates/engine/src/store/mod.rs", "use sqlx::Pool;");
    }

    #[test]
    fn queries_are_literals_in_the_store() {
        let rule = queries_stand_in_the_store;
        catches(rule, "crates/engine/src/runner/mod.rs", "sqlx::query(\"SELECT 1\")");
        catches(rule, "crates/api/src/lib.rs", "use sqlx::query_as;");
        catches(rule, "crates/engine/src/store/jobs.rs", "sqlx::query(AssertSqlSafe(format!(\"{x}\")))");
        allows(rule, "crates/engine/src/store/jobs.rs", "sqlx::query(\"SELECT 1\")");
        allows(rule, "crates/engine/src/error.rs", "Store(sqlx::Error)");
    }

    #[test]
    fn the_page_has_one_door_to_the_shell() {
        let import = concat!("import { invoke } from '@tauri", "-apps/api/core'");
        let one = File::new("ui/src/lib/host/tauri.ts", import);
        let two = File::new("ui/src/views/Queue.svelte", import);
        let outside = File::new("ui/vite.config.ts", import);
        assert!(one_module_talks_to_the_shell(&[one, outside]).is_empty());
        let one = File::new("ui/src/lib/host/tauri.ts", import);
        assert_eq!(one_module_talks_to_the_shell(&[one, two]).len(), 2);
    }

    #[test]
    fn notes_and_ignored_tests_are_found() {
        let rule = nothing_is_left_undone;
        catches(rule, "crates/core/src/lib.rs", concat!("// TO", "DO: later"));
        catches(rule, "ui/src/app.ts", concat!("/* FIX", "ME */"));
        catches(rule, "crates/core/src/lib.rs", concat!("#[ig", "nore = \"slow\"]"));
        catches(rule, "crates/core/src/lib.rs", concat!("to", "do!()"));
        allows(rule, "docs/board.md", concat!("the TO", "DO column"));
        allows(rule, "crates/core/src/board.rs", "Column::Todo => \"todo\"");
    }

    #[test]
    fn long_files_are_found() {
        let long = "x\n".repeat(LONGEST + 1);
        assert_eq!(broken(files_stay_readable, "ui/src/a.svelte", &long), [LONGEST + 1]);
        allows(files_stay_readable, "ui/src/lib/bindings.ts", &long);
        allows(files_stay_readable, "ui/src/a.css", &long);
        allows(files_stay_readable, "crates/a.rs", &"x\n".repeat(LONGEST));
    }

    #[test]
    fn sleeping_tests_are_found() {
        let rule = tests_wait_for_conditions;
        let sleep = "std::thread::sleep(PAUSE);";
        let file = |function: &str| format!("fn {function}() {{\n    {sleep}\n}}");
        assert_eq!(broken(rule, "tests/engine/main.rs", &file("a_job_ends")), [2]);
        allows(rule, "tests/engine/main.rs", &file("wait_until"));
        allows(rule, "crates/engine/src/runner.rs", &file("poll"));
        let unit = format!("fn run() {{}}\n#[cfg(test)]\nmod tests {{\n{}\n}}", file("a_job_ends"));
        assert_eq!(broken(rule, "crates/engine/src/runner.rs", &unit), [5]);
        assert_eq!(broken(rule, "tests/a/main.rs", "async fn x() {\ntokio::time::sleep(d).await;"), [2]);
    }

    #[test]
    fn crates_without_the_lints_are_found() {
        let rule = crates_take_the_lints;
        catches(rule, "crates/new/Cargo.toml", "[package]\nname = \"new\"");
        allows(rule, "crates/new/Cargo.toml", "[package]\nname = \"new\"\n\n[lints]\nworkspace = true");
    }

    #[test]
    fn folders_of_one_machine_are_found() {
        let rule = no_path_of_one_machine;
        catches(rule, "README.md", concat!("cd /ho", "me/jane/athanor"));
        catches(rule, "docs/a.md", concat!("see /ro", "ot/x"));
        catches(rule, ".ci/run", concat!("cd /wo", "rk/main"));
        allows(rule, "crates/a.rs", concat!("\"/ho", "me/user/digits\""));
        allows(rule, "ui/a.ts", concat!("import x from './wo", "rk/y'; net", "/wo", "rk/z"));
    }
}
