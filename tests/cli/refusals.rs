//! Bad input: refused with what is wrong and an exit code, and nothing is changed.

use crate::harness::Athanor;

#[test]
fn absurd_numbers_are_refused() {
    let athanor = Athanor::serving(1);
    for (arguments, words) in [
        (vec!["--cpus", "0"], "0"),
        (vec!["--cpus", "-1"], "-1"),
        (vec!["--cpus", "99999999999"], "99999999999"),
        (vec!["--memory", "0"], "0"),
        (vec!["--memory", "much"], "much"),
        (vec!["--memory", "9EiB"], "PiB"),
        (vec!["--gpus", "5000"], "4096"),
        (vec!["--gpus", "0", "--gpu-mem", "1GiB"], "GPU"),
        (vec!["--gpu", "A,B", "--gpus", "3"], "3"),
        (vec!["--exclusive", "--shared"], "--shared"),
        (vec!["--estimate", "0s"], "0"),
        (vec!["--estimate", "9999999h"], "year"),
        (vec!["--time-limit", "0s"], "longer than 0"),
        (vec!["--time-limit", "99999d"], "ten years"),
        (vec!["--grace", "2d"], "a day"),
        (vec!["--time-limit", "5"], "5"),
        (vec!["--retries", "99999"], "retries"),
        (vec!["--retries", "-1"], "-1"),
        (vec!["--retries", "1", "--backoff", "9999d"], "days"),
        (vec!["--retries", "1", "--retry-on", "rain"], "rain"),
        (vec!["--backoff", "5s"], "--retries"),
        (vec!["--not-before", "yesterday"], "yesterday"),
        (vec!["--not-before", "+1h", "--delay", "1h"], "--delay"),
        (vec!["--window", "never"], "there is no window “never”"),
        (vec!["--priority", "asap"], "asap"),
        (vec!["--meta", "a"], "NAME=VALUE"),
        (vec!["--key", ""], "key"),
        (vec!["--group", ""], "group"),
        (vec!["--group", "g", "--parallel", "0"], "parallel"),
        (vec!["--set", "=1"], "NAME=VALUE"),
        (vec!["--any-end"], "--after"),
    ] {
        let mut all = vec!["add"];
        all.extend(&arguments);
        all.extend(["--", "true"]);
        let (code, message) = athanor.fails(&all);
        assert_eq!(code, 2, "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
    assert!(athanor.names(&["--all"]).is_empty(), "nothing was queued");
}

#[test]
fn what_is_not_there_can_not_be_waited_for_or_acted_on() {
    let athanor = Athanor::serving(1);
    let (code, message) = athanor.fails(&["add", "--after", "20200101_ffff", "--", "true"]);
    assert_eq!(code, 3, "{message}");
    assert!(message.contains("there is no experiment “20200101_ffff”"), "{message}");
    for action in ["cancel", "pause", "resume", "hold", "retry", "archive"] {
        assert_eq!(athanor.fails(&[action, "nobody"]).0, 3, "{action}");
        assert_eq!(athanor.fails(&[action]).0, 2, "{action} of nothing");
    }
    assert_eq!(athanor.fails(&["delete", "--yes", "nobody"]).0, 3);
    assert_eq!(athanor.fails(&["edit", "nobody", "-n", "x"]).0, 3);
    assert!(athanor.names(&["--all"]).is_empty());
}

#[test]
fn a_circle_of_dependencies_is_refused_and_named() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let first = athanor.add(&["-n", "first", "--", "true"]);
    let second = athanor.add(&["-n", "second", "--after", &first, "--", "true"]);
    let third = athanor.add(&["-n", "third", "--after", &second, "--", "true"]);
    let (code, message) = athanor.fails(&["edit", &first, "--after", &third]);
    assert_eq!(code, 2, "{message}");
    assert!(["first", "second", "third"].iter().all(|name| message.contains(name)), "{message}");
    let (code, message) = athanor.fails(&["edit", &first, "--after", &first]);
    assert_eq!(code, 2, "{message}");
    assert_eq!(athanor.json(&["show", &first])["after"], serde_json::json!([]), "nothing was changed");
}

#[test]
fn a_state_that_does_not_allow_it_is_named() {
    let athanor = Athanor::serving(1);
    let done = athanor.add(&["--", "true"]);
    athanor.until_status(&done, "completed");
    for (action, words) in [
        ("cancel", "completed"),
        ("pause", "completed"),
        ("resume", "completed"),
        ("hold", "completed"),
        ("retry", "completed"),
    ] {
        let (code, message) = athanor.fails(&[action, &done]);
        assert_eq!(code, 4, "{action}: {message}");
        assert!(message.contains(words), "{action}: {message}");
    }
    let (code, message) = athanor.fails(&["move", &done, "--top"]);
    assert_eq!(code, 4, "{message}");
    assert_eq!(athanor.status(&done), "completed");
}

#[test]
fn a_config_that_is_no_yaml_is_refused_with_its_place() {
    let athanor = Athanor::serving(1);
    athanor.file("broken.yaml", "lr: 0.1\nlayers: [1, 2\n");
    let (code, message) = athanor.fails(&["add", "--config", "broken.yaml", "--set", "lr=1", "--", "true"]);
    assert_eq!(code, 2, "{message}");
    assert!(message.contains("line"), "{message}");
    athanor.file("good.yaml", "model:\n  depth: 18\n");
    let (code, message) = athanor.fails(&["add", "--config", "good.yaml", "--set", "model=1", "--", "true"]);
    assert_eq!(code, 2, "{message}");
    assert!(message.contains("model"), "{message}");
    assert!(athanor.names(&["--all"]).is_empty());
}
