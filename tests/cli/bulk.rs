//! One change for several experiments.

use serde_json::{Value, json};

use crate::harness::Athanor;

fn named<'a>(outcomes: &'a Value, uid: &str) -> &'a Value {
    let all = outcomes.as_array().expect("outcomes");
    all.iter().find(|outcome| outcome["uid"] == uid).unwrap_or_else(|| panic!("{uid} is not in {outcomes}"))
}

#[test]
fn several_are_changed_in_one_call_and_each_is_answered_for() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let done = athanor.add(&["--priority", "urgent", "--", "true"]);
    athanor.ok(&["cancel", &done]);
    let first = athanor.add(&["-n", "first", "-t", "old", "--", "true"]);
    let second = athanor.add(&["-n", "second", "--", "true"]);
    let outcomes = athanor.run(&[
        "--json",
        "edit",
        &first,
        "nobody",
        &second,
        &done,
        "--priority",
        "high",
        "--group",
        "g",
    ]);
    assert_eq!(outcomes.status.code(), Some(3), "the first fault decides");
    let outcomes: Value = serde_json::from_slice(&outcomes.stdout).expect("JSON");
    assert_eq!(outcomes.as_array().map(Vec::len), Some(4), "{outcomes}");
    for uid in [&first, &second] {
        let now = &named(&outcomes, uid)["experiment"];
        assert!(now["priority"] == "high" && now["group"] == "g", "{now}");
    }
    assert_eq!(named(&outcomes, "nobody")["error"]["code"], "not_found");
    assert_eq!(named(&outcomes, &done)["error"]["code"], "illegal_transition");
    assert_eq!(athanor.experiment(&done)["priority"], "urgent");

    // Tags may be changed at any time, and are added to what each has.
    athanor.ok(&["edit", &first, &second, &done, "--add-tag", "new", "--remove-tag", "old"]);
    for uid in [&first, &second, &done] {
        assert_eq!(athanor.experiment(uid)["tags"], json!(["new"]));
    }
    // A whole group, schedule and hold; what has ended is not meant.
    athanor.ok(&["edit", "--members-of", "g", "--window", "nights", "--retries", "2", "--hold"]);
    for uid in [&first, &second] {
        let now = athanor.experiment(uid);
        assert!(now["held"] == true && now["window"] == "nights" && now["retry_limit"] == 2, "{now}");
        assert_eq!(now["status"], "pending");
    }
    athanor.ok(&["edit", &first, &second, "--no-window", "--no-group", "--no-tags"]);
    let now = athanor.experiment(&first);
    assert!(now["window"].is_null() && now["group"].is_null() && now["tags"] == json!([]), "{now}");

    // What has no sense, or changes nothing, is refused before anything happens.
    for (arguments, words) in [
        (vec!["--window", "never", "--priority", "low"], "there is no window"),
        (vec!["--retries", "9999", "--priority", "low"], "9999 retries"),
        (vec!["-n", "same", "--priority", "low"], "--name can be changed of one"),
        (vec![], "say what to change"),
    ] {
        let mut all = vec!["edit", first.as_str(), second.as_str()];
        all.extend(&arguments);
        let (code, message) = athanor.fails(&all);
        assert!(code == 2 && message.contains(words), "{arguments:?}: {message}");
        assert_eq!(athanor.experiment(&second)["priority"], "high", "{arguments:?}: no partial effect");
    }
    // What is so already is not told of as a change.
    let known = athanor.ok(&["events"]).lines().count();
    athanor.ok(&["edit", &first, &second, "--priority", "high"]);
    assert_eq!(athanor.ok(&["events"]).lines().count(), known);
}
