//! The TypeScript of the wire types and commands. `cargo xtask codegen` writes it; its `--check` fails when it is
//! stale, so that a stale binding fails the build and not the user.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ts_rs::{Config, TS, TypeVisitor};

use crate::{command, wire};

/// Type declarations by name, each once.
pub(crate) struct Declarations {
    config: Config,
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_some() {
            let ident = T::ident(&self.config);
            if self.found.contains_key(&ident) {
                return;
            }
            let docs = T::docs().unwrap_or_default();
            self.found.insert(ident, format!("{}export {}", docs, T::decl(&self.config)));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

impl Declarations {
    /// The name of a type, which is declared with all that it is made of.
    pub(crate) fn name<T: TS + 'static>(&mut self) -> String {
        self.visit::<T>();
        T::name(&self.config)
    }
}

/// The whole module.
#[must_use]
pub fn module() -> String {
    // Sizes, times, offsets and cursors stay below 2^53.
    let mut all = Declarations { config: Config::new().with_large_int("number"), found: BTreeMap::new() };
    let commands = command::declare(&mut all);
    all.visit::<wire::Push>();
    all.visit::<wire::ApiError>();
    let mut text = String::from(
        "// Generated from the wire types in crates/api by `cargo xtask codegen`. Do not edit.\n\n",
    );
    for declaration in all.found.values() {
        let _ = writeln!(text, "{declaration}\n");
    }
    text.push_str("/** Every command: what it takes and what it gives. */\nexport interface Commands {\n");
    for (name, doc, input, output) in commands {
        let _ =
            writeln!(text, "  /** {} */\n  \"{name}\": {{ input: {input}; output: {output} }};", doc.trim());
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_command_and_type_is_there_once() {
        let module = super::module();
        for name in crate::command::NAMES {
            assert_eq!(module.matches(&format!("\"{name}\": {{")).count(), 1, "{name}");
        }
        for name in ["Push", "Experiment", "Reading<T>", "ApiError"] {
            assert_eq!(module.matches(&format!("export type {name} =")).count(), 1, "{name}\n{module}");
        }
        assert!(!module.contains("bigint"), "64-bit integers are numbers here");
    }
}
