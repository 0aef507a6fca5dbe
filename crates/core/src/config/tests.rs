use proptest::prelude::*;

use super::*;

const CONFIG: &str = r#"# What the paper used.
lr: 0.10   # after a search
optimizer:
  name: adam
  betas: [0.9, 0.999]  # Adam's
  weight_decay:
seeds:   # of all runs
  - 1
  # not 2
  - 3  # the last
note: |  # long
  Two
  lines.
"quoted key": 'x: y'
transforms:
- name: flip
  p: 0.5
- name: crop
base: &base
  epochs: 10
long:
  <<: *base
  lr: 1
patience: &p 5
again: *p
off: no
"#;

fn words(text: &str) -> Vec<String> {
    let keys = check(text).unwrap().0.into_iter();
    keys.map(|key| {
        let value = match key.value {
            Value::Scalar { value } => format!("{} {}", value.kind().words(), value.to_yaml()),
            Value::List { len, items: Some(items) } => {
                format!("{len} items {}", items.iter().map(Scalar::to_yaml).collect::<Vec<_>>().join(" "))
            }
            Value::List { len, items: None } => format!("{len} items"),
            Value::Map { len } => format!("{len} keys"),
        };
        format!("{}:{} {value}", key.line, key.path)
    })
    .collect()
}

fn changed(text: &str, changes: &[(&str, &str)]) -> Result<Changed, String> {
    let changes: Vec<(String, Scalar)> =
        changes.iter().map(|(key, value)| ((*key).to_owned(), Scalar::source(value))).collect();
    set(text, &changes).map_err(|error| error.to_string())
}

/// The lines that differ after the changes: removed with `-`, new ones with `+`.
fn diff(changes: &[(&str, &str)]) -> String {
    let new = changed(CONFIG, changes).unwrap().text;
    let (old, new): (Vec<&str>, Vec<&str>) = (CONFIG.lines().collect(), new.lines().collect());
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("-{line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+{line}"));
    gone.chain(come).collect::<Vec<_>>().join("\n")
}

#[test]
fn keys_are_listed_with_type_text_and_length() {
    assert_eq!(
        words(CONFIG),
        [
            "2:lr a number 0.10",
            "3:optimizer 3 keys",
            "4:optimizer.name text adam",
            "5:optimizer.betas 2 items 0.9 0.999",
            "6:optimizer.weight_decay nothing ",
            "7:seeds 2 items 1 3",
            "11:note text \"Two\\nlines.\\n\"",
            "14:quoted key text 'x: y'",
            "15:transforms 2 items",
            "16:transforms.0 2 keys",
            "16:transforms.0.name text flip",
            "17:transforms.0.p a number 0.5",
            "18:transforms.1 1 keys",
            "18:transforms.1.name text crop",
            "19:base 1 keys",
            "20:base.epochs a whole number 10",
            "21:long 2 keys",
            "23:long.lr a whole number 1",
            "24:patience a whole number 5",
            "25:again a whole number 5",
            "26:off true or false no",
        ]
    );
    assert_eq!(
        words(r#"{"a": [1, {"b": null}], "c": !!str 5, "d": []}"#),
        ["1:a 2 items", "1:a.1 1 keys", "1:a.1.b nothing null", "1:c text '5'", "1:d 0 items "]
    );
    for empty in ["", "# nothing\n", "---\n", "{}"] {
        assert_eq!(check(empty), Ok(Keys::default()), "{empty:?}");
    }
}

#[test]
fn problems_name_their_place() {
    let long = "a: b\n".repeat(300_000);
    let wide = format!("a: [{}]", "1,".repeat(110_000));
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    for (text, line, column, part) in [
        ("a: [1,\n", 1, 4, "not YAML: unclosed bracket"),
        ("a: 1\nb:\n\tc: 1", 3, 2, "tabs"),
        ("a: 1\nä: 1\nä: 2", 3, 1, "“ä” stands twice"),
        ("a: *nope", 1, 4, "unknown anchor"),
        ("a: &a [*a]", 1, 8, "a part of"),
        ("- 1\n- 2", 1, 1, "a mapping of keys"),
        ("just text", 1, 1, "a mapping of keys"),
        ("a: 1\n---\nb: 1", 2, 1, "A second document"),
        (&long, 1, 1, "1048576 (1 MiB)"),
        (&wide, 1, 199_999, "more than 100000 keys and values"),
        (&bomb, 5, 55, "more than 100000 keys and values"),
    ] {
        let problem = check(text).unwrap_err();
        assert!(problem.message.contains(part), "{problem}");
        assert_eq!((problem.line, problem.column), (line, column), "{problem}");
    }
}

#[test]
fn deep_configs_with_long_keys_are_refused_and_not_spelled_out() {
    let mut text = String::new();
    for depth in 0..100 {
        text.push_str(&format!("{}{}:\n", " ".repeat(depth), "k".repeat(1000)));
    }
    for index in 0..3000 {
        text.push_str(&format!("{}i{index}: 1\n", " ".repeat(100)));
    }
    assert!(check(&text).unwrap_err().message.contains("Make it flatter"));
}

#[test]
fn a_change_touches_its_value_and_nothing_else() {
    for (changes, expected) in [
        (&[("lr", "1e-3")][..], "-lr: 0.10   # after a search\n+lr: 1e-3   # after a search"),
        (&[("optimizer.name", "'no'")], "-  name: adam\n+  name: 'no'"),
        (
            &[("optimizer.betas.1", "0.95")],
            "-  betas: [0.9, 0.999]  # Adam's\n+  betas: [0.9, 0.95]  # Adam's",
        ),
        (&[("optimizer.betas", "0.5")], "-  betas: [0.9, 0.999]  # Adam's\n+  betas: 0.5  # Adam's"),
        (&[("optimizer.betas", "[1, 2]")], "-  betas: [0.9, 0.999]  # Adam's\n+  betas: [1, 2]  # Adam's"),
        (&[("optimizer.weight_decay", "0")], "-  weight_decay:\n+  weight_decay: 0"),
        (
            &[("seeds", "3")],
            "-seeds:   # of all runs\n-  - 1\n-  # not 2\n-  - 3  # the last\n+seeds: 3   # of all runs  # the last",
        ),
        (&[("seeds.1", "4")], "-  - 3  # the last\n+  - 4  # the last"),
        (&[("note", "short")], "-note: |  # long\n-  Two\n-  lines.\n+note: short"),
        (&[("quoted key", "\"a\\nb\"")], "-\"quoted key\": 'x: y'\n+\"quoted key\": \"a\\nb\""),
        (&[("transforms.0.p", "0.1")], "-  p: 0.5\n+  p: 0.1"),
        (&[("long.lr", "2"), ("base.epochs", "20")], "-  epochs: 10\n-  lr: 1\n+  epochs: 20\n+  lr: 2"),
        (&[("patience", "6")], "-patience: &p 5\n+patience: &p 6"),
        (&[("again", "7")], "-again: *p\n+again: 7"),
        (&[("lr", "''")], "-lr: 0.10   # after a search\n+lr: ''   # after a search"),
        (&[], ""),
    ] {
        assert_eq!(diff(changes), expected, "{changes:?}");
    }
    assert_eq!(changed("a: 1\r\nb:\r\n  - 1\r\nc: 2", &[("b", "x")]).unwrap().text, "a: 1\r\nb: x\r\nc: 2");
    assert_eq!(changed("\u{feff}ä: ü # é", &[("ä", "ö")]).unwrap().text, "\u{feff}ä: ö # é");
    assert_eq!(changed("{\"a\": 1}", &[("a", "x")]).unwrap().text, "{\"a\": x}");
}

#[test]
fn what_can_not_be_changed_is_refused_with_the_way_on() {
    for (changes, part) in [
        (&[("learning_rate", "1")][..], "The config has no key “learning_rate”."),
        (&[("optimiser.name", "x")], "Near it: optimizer.name, "),
        (&[("name", "x")], "Near it: optimizer.name, transforms.0.name, transforms.1.name."),
        (&[("LR", "1")], "Near it: lr, long.lr."),
        (&[("optimizer", "1")], "it is a mapping"),
        (&[("transforms", "1")], "over several lines"),
        (&[("base", "{a: 1}")], "over several lines"),
        (&[("long.epochs", "1")], "“long” takes keys from another place"),
        (&[("lr", "1"), ("lr", "2")], "named twice"),
        (&[("seeds", "1"), ("seeds.0", "2")], "named twice"),
    ] {
        let message = changed(CONFIG, changes).unwrap_err();
        assert!(message.contains(part), "{changes:?}: {message}");
    }
    for (text, key, value, part) in [
        ("a.b: 1\na:\n  b: 2", "a.b", "1", "two keys"),
        ("a: &x\nb: *x", "a", "1", "can't be changed without"),
        ("a: [&x 1]\nb: *x", "a", "1", "can't be changed without"),
        ("a: {b}", "a.b", "1", "can't be changed without"),
        ("a: 1", "a", "[1, 2}]", "can't be changed without"),
        ("a: [", "a", "1", "The config can't be read: line 1, column 4"),
    ] {
        let message = changed(text, &[(key, value)]).unwrap_err();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn warnings_tell_what_may_not_be_meant() {
    let warnings = |changes: &[(&str, &str)]| changed(CONFIG, changes).unwrap().warnings.join("\n");
    assert_eq!(warnings(&[("lr", "1")]), "");
    assert_eq!(warnings(&[("optimizer.weight_decay", "x"), ("seeds", "7")]), "");
    assert_eq!(warnings(&[("lr", "high")]), "“lr” was a number (0.10) and becomes text (high).");
    assert_eq!(warnings(&[("lr", "'1'")]), "“lr” was a number (0.10) and becomes text ('1').");
    assert_eq!(warnings(&[("off", "1")]), "“off” was true or false (no) and becomes a whole number (1).");
    assert_eq!(warnings(&[("seeds", "a")]), "“seeds” was a whole number (1) and becomes text (a).");
    assert!(warnings(&[("lr", "1e-4")]).contains("write 1.0e-4"));
    assert!(warnings(&[("lr", "1.5e3")]).contains("write 1.5e+3"));
    assert_eq!(warnings(&[("lr", "1.0e-4")]), "");
    assert_eq!(warnings(&[("patience", "6")]), "“again” changes too: it is an alias of “patience”.");
}

/// Small configs in block and flow form, with comments.
fn config() -> impl Strategy<Value = String> {
    let key = "[a-c]{1,2}|'x y'";
    let leaf = "[a-z0-9.]{1,6}|'[a-z:# ]{0,6}'|\"[a-z]{0,3}\"|\\[1, 2\\]|\\{a: 1\\}|";
    let line = (key, leaf, "|  # [a-z ]{0,5}", 0usize..3);
    prop::collection::vec(line, 0..8).prop_map(|lines| {
        let mut text = String::new();
        for (key, leaf, comment, form) in lines {
            text.push_str(&match form {
                0 => format!("{key}: {leaf}{comment}\n"),
                1 => format!("{key}:{comment}\n  in: {leaf}\n# note\n  out: 1\n"),
                _ => format!("{key}:{comment}\n  - {leaf}\n  # note\n  - 2{comment}\n"),
            });
        }
        text
    })
}

proptest! {
    #[test]
    fn a_change_is_seen_and_everything_else_is_as_before(
        text in config(), value in "\\PC{0,8}|[ -~\\n]{0,8}|-?[0-9]{1,3}(\\.[0-9])?", at: prop::sample::Index, plain: bool,
    ) {
        let Ok(keys) = check(&text) else { return Ok(()) };
        let own: Vec<&Key> =
            keys.0.iter().filter(|key| !key.path.ends_with(|c: char| c.is_ascii_digit())).collect();
        prop_assume!(!own.is_empty());
        let key = own[at.index(own.len())];
        let value = if plain { Scalar::source(&value) } else { Scalar::text(&value) };
        if value.kind() == crate::sweep::Kind::Flow {
            return Ok(());
        }
        match set(&text, &[(key.path.clone(), value.clone())]) {
            Ok(changed) => {
                let after = check(&changed.text).unwrap();
                prop_assert_eq!(&after.get(&key.path).unwrap().value, &Value::Scalar { value });
                let inside = |path: &str| path.strip_prefix(&*key.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
                let others = |keys: &Keys| -> Vec<(String, Value)> {
                    keys.0.iter().filter(|key| !inside(&key.path)).map(|key| (key.path.clone(), key.value.clone())).collect()
                };
                prop_assert_eq!(others(&after), others(&keys));
                let comments = |text: &str| text.matches("# note").count();
                if matches!(key.value, Value::Scalar { .. }) {
                    prop_assert_eq!(comments(&changed.text), comments(&text));
                }
            }
            Err(SetError::NotSettable { .. }) => prop_assert!(
                !matches!(&key.value, Value::Scalar { .. }), "a single value of\n{text}\ncan't be set: {key:?}"
            ),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ab:\\-&*\\[\\]{},'\"|>#!?%~< \\n\\té\u{feff}]{0,40}", value in "[ab:\\[{' ]{0,5}") {
        let Ok(keys) = check(&text) else { return Ok(()) };
        for key in keys.0 {
            if let Ok(changed) = set(&text, &[(key.path, Scalar::plain(&value))]) {
                prop_assert!(check(&changed.text).is_ok());
            }
        }
    }
}
