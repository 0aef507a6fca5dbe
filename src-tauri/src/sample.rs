//! Experiments for the tests of the shell.

use athanor_api::wire::Experiment;

/// One that has all fields and nothing remarkable in them.
pub(crate) fn experiment(uid: &str, name: &str, status: &str) -> Experiment {
    serde_json::from_value(serde_json::json!({
        "uid": uid, "name": name, "project": null, "command": "true", "command_line": "true", "cwd": "/",
        "priority": "normal", "status": status, "cancelling": false, "failure": null, "wait_reason": null,
        "attempt": 1, "created_at": 0, "started_at": null, "completed_at": null, "progress": null, "metrics": [],
        "tags": [], "group": null, "requirements": {}, "gpus": [], "held": false, "not_before": null,
        "window": null, "start_by": null, "waits_for": 0, "retries_used": 0, "retry_limit": 3, "retry_at": null,
        "estimated_start": null, "estimated_end": null, "time_limit_ms": null, "archived": false
    }))
    .expect("an experiment")
}
