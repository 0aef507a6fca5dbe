//! While no engine runs.

use crate::harness::Athanor;

#[test]
fn a_job_is_accepted_and_starts_with_the_next_engine() {
    let mut athanor = Athanor::new();
    let output = athanor.run(&["add", "--", "sh", "-c", "exit 0"]);
    let (out, err) = crate::harness::texts(&output);
    assert!(output.status.success(), "{err}");
    assert!(err.contains("starts with the next one"), "{err}");
    let uid = out.trim();
    assert_eq!(athanor.experiment(uid)["wait_reason"], "Starts with the next engine");
    assert_eq!(athanor.run(&["status"]).status.code(), Some(5));
    let (code, message) = athanor.fails(&["wait", uid]);
    assert_eq!(code, 5, "{message}");
    athanor.serve(&[]);
    athanor.until_status(uid, "completed");
}

#[test]
fn what_ended_meanwhile_is_known_without_an_engine() {
    let mut athanor = Athanor::serving(1);
    let uid = athanor.add_shell("echo done; exit 7");
    athanor.job_pid(&uid);
    athanor.kill_engine();
    crate::wait::wait_until("it has ended", || {
        athanor_shim::attempt::read_exit(&athanor.attempt(&uid, 1)).ok().flatten()
    });
    let detail = athanor.json(&["show", &uid]);
    assert_eq!(detail["experiment"]["status"], "failed");
    assert_eq!(detail["attempts"][0]["exit_code"], 7);
    assert_eq!(athanor.ok(&["log", &uid]), "done\n");
}

#[test]
fn many_clients_at_once_all_get_in() {
    let athanor = Athanor::new();
    let uids: Vec<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..6).map(|_| scope.spawn(|| athanor.add_shell("true"))).collect();
        clients.into_iter().map(|client| client.join().expect("added")).collect()
    });
    let unique: std::collections::BTreeSet<&String> = uids.iter().collect();
    assert_eq!(unique.len(), 6);
    assert_eq!(athanor.json(&["ls"]).as_array().map(Vec::len), Some(6));
}
