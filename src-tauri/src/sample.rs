//! Experiments, notifications and machines for the tests of the shell.

use athanor_api::wire::{DeviceSample, Experiment, Notification};

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

/// A notification of these jobs.
pub(crate) fn notification(uids: &[&str]) -> Notification {
    let jobs: Vec<_> = uids
        .iter()
        .map(|uid| {
            serde_json::json!({
                "uid": uid, "name": uid, "project": null, "attempt": 1, "what": "failed", "last_line": null
            })
        })
        .collect();
    serde_json::from_value(serde_json::json!({
        "id": 1, "at": 0, "updated_at": 0, "what": "failed", "urgency": "normal", "title": "it failed", "body": "",
        "count": uids.len(), "jobs": jobs, "actions": ["open", "log", "retry"], "quiet": false, "read": false,
        "hook_error": null
    }))
    .expect("a notification")
}

/// A machine with GPUs of these utilisations (percent) and so much memory in use (bytes).
pub(crate) fn device(gpus: &[(u32, u64)]) -> DeviceSample {
    let value = |value: serde_json::Value| serde_json::json!({ "state": "value", "value": value });
    let unsupported = serde_json::json!({ "state": "unsupported" });
    let list: Vec<_> = gpus
        .iter()
        .enumerate()
        .map(|(index, (work, memory))| {
            serde_json::json!({
                "index": index, "uuid": format!("GPU-{index}"), "name": "NVIDIA A100", "vendor": "nvidia",
                "pci": null, "fault": null, "mig": { "state": "off" }, "utilisation": value((*work).into()),
                "memory_utilisation": unsupported, "memory_used": value((*memory).into()),
                "memory_total": value((80_u64 << 30).into()), "temperature": unsupported, "fan": unsupported,
                "clock": unsupported, "memory_clock": unsupported, "power": unsupported,
                "power_limit": unsupported, "energy": unsupported, "processes": null
            })
        })
        .collect();
    serde_json::from_value(serde_json::json!({
        "at": 0, "pace_ms": 1000, "host": "box", "cpu": unsupported, "per_core": unsupported, "cores": 8,
        "load": unsupported, "memory_used": unsupported, "memory_total": unsupported, "swap_used": unsupported,
        "swap_total": unsupported, "disks": [], "network": [], "temperatures": [],
        "gpus": { "list": list, "drivers": [] }
    }))
    .expect("a sample")
}
