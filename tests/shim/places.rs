//! Full disks, and folders that vanish.

use std::fs;

use athanor_shim::attempt::{Attempt, look, read_exit, read_started};
use athanor_shim::claim::{claim_void, read_claim};
use athanor_shim::log::base_of;
use athanor_shim::record::{Cause, Claim, Outcome};
use athanor_shim::{CODE_DISPLACED, CODE_REFUSED};

use crate::support::{Bench, SmallDisk, wait_for, wait_until};

/// All notices in the log, and the number of bytes that they speak of.
fn notices(log: &str) -> (usize, u64) {
    let counts = log.lines().filter_map(|line| {
        let count = line.strip_prefix("[athanor: ")?.split(' ').next()?;
        count.replace(',', "").parse::<u64>().ok()
    });
    counts.fold((0, 0), |(lines, bytes), count| (lines + 1, bytes + count))
}

#[test]
fn a_file_size_limit_drops_output_but_neither_job_nor_record() {
    let bench = Bench::new();
    // 16 blocks of 512 bytes, which the log soon reaches while its own limit is far.
    let script = "head -c 3000000 /dev/zero; exit 6";
    let running = bench.start_command(&mut bench.through("ulimit -f 16; exec \"$@\"", &[], script));
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (Outcome::Exited { code: 6 }, Cause::None));
    assert!(exit.log.dropped > 2_000_000, "{exit:?}");
    let log = bench.output();
    assert_eq!(log.len() as u64, exit.log.bytes);
    assert_eq!(exit.log.bytes + exit.log.dropped, 3_000_000, "every byte is accounted for");
    assert!(log.iter().all(|&b| b == 0));
}

#[test]
fn a_full_disk_costs_output_and_nothing_else() {
    let mut bench = Bench::new();
    let Some(disk) = SmallDisk::mount(&bench.path("disk"), "1m") else {
        // The file size limit above takes the same way through the program where mounting is not allowed.
        return a_file_size_limit_drops_output_but_neither_job_nor_record();
    };
    bench.dir = bench.path("disk/attempt");
    let script = "
        echo start; until [ -e $T/full ]; do sleep 0.01; done
        head -c 3000000 /dev/zero; touch $T/written
        until [ -e $T/room ]; do sleep 0.01; done
        i=0; until grep -q 'were dropped here' $DIR/output.*.log; do echo tick; i=$((i+1)); sleep 0.02; done
        echo $i > $T/ticks; echo end; exit 8";
    let running = bench.start(&[], script);
    wait_until("the first line is there", || bench.dir.exists() && bench.output() == b"start\n");
    let ballast = disk.fill();
    bench.touch("full");
    // More than the pipe holds, so by then most of it has been read, and had nowhere to go.
    bench.wait_file("written");
    fs::remove_file(ballast).expect("make room");
    bench.touch("room");
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (Outcome::Exited { code: 8 }, Cause::None));
    let log = String::from_utf8(bench.output()).expect("zeros and text");
    assert!(log.ends_with("end\n"), "the log goes on after the gap");
    assert!(log.contains(" bytes of output were dropped here: No space left on device]\n"), "{log}");
    let (lines, bytes) = notices(&log);
    assert_eq!(bytes, exit.log.dropped, "the notices tell of every dropped byte");
    assert!(bytes > 1_000_000, "{exit:?}");
    let ticks: u64 = bench.text("ticks").trim().parse().expect("a number");
    let written = 6 + 3_000_000 + 5 * ticks + 4;
    let notice_bytes: u64 =
        log.split_inclusive('\n').filter(|l| l.starts_with("[athanor: ")).map(|l| l.len() as u64 + 1).sum();
    assert!(lines >= 1);
    assert_eq!(exit.log.bytes - notice_bytes + exit.log.dropped, written, "every byte is accounted for");
    assert_eq!(log.len() as u64, exit.log.bytes);
}

#[test]
fn the_end_is_recorded_on_a_disk_that_stays_full() {
    let mut bench = Bench::new();
    let Some(disk) = SmallDisk::mount(&bench.path("disk"), "1m") else {
        return a_file_size_limit_drops_output_but_neither_job_nor_record();
    };
    bench.dir = bench.path("disk/attempt");
    let running =
        bench.start(&[], "until [ -e $T/full ]; do sleep 0.01; done; head -c 3000000 /dev/zero; exit 8");
    running.started();
    disk.fill();
    bench.touch("full");
    let exit = running.finish();
    assert_eq!(exit.outcome, Outcome::Exited { code: 8 });
    assert_eq!(exit.log.bytes + exit.log.dropped, 3_000_000);
    assert!(exit.log.dropped > 0);
}

#[test]
fn a_disk_that_is_full_from_the_start_refuses_the_attempt() {
    let mut bench = Bench::new();
    let Some(disk) = SmallDisk::mount(&bench.path("disk"), "1m") else {
        return an_attempt_that_cannot_be_claimed_is_not_started();
    };
    bench.dir = bench.path("disk/attempt");
    fs::create_dir(&bench.dir).expect("folder");
    let ballast = disk.fill();
    assert_eq!(bench.start(&[], "touch $T/ran").code(), CODE_REFUSED);
    assert!(!bench.path("ran").exists());
    assert_eq!(look(&bench.dir).expect("readable"), Attempt::Unclaimed);
    assert!(bench.names().is_empty(), "nothing is left behind: {:?}", bench.names());
    // With room again the same attempt can be made.
    fs::remove_file(ballast).expect("make room");
    assert_eq!(bench.run(&[], "true").outcome, Outcome::Exited { code: 0 });
}

#[test]
fn an_attempt_that_cannot_be_claimed_is_not_started() {
    let mut bench = Bench::new();
    bench.touch("file");
    bench.dir = bench.path("file");
    assert_eq!(bench.start(&[], "touch $T/ran").code(), CODE_REFUSED);
    assert!(!bench.path("ran").exists());
}

#[test]
fn a_removed_folder_comes_back_and_the_log_goes_on() {
    let bench = Bench::new();
    // Output goes on until the folder is seen again, then a last line is written.
    let script = "
        echo first; until [ -e $T/removed ]; do sleep 0.01; done
        until [ -e $DIR/record ]; do echo more; sleep 0.02; done
        echo last; exit 3";
    let running = bench.start(&[], script);
    wait_until("the first line is there", || bench.dir.exists() && bench.output() == b"first\n");
    let started = running.started();
    fs::remove_dir_all(&bench.dir).expect("remove");
    bench.touch("removed");
    let exit = running.finish();
    assert_eq!(exit.outcome, Outcome::Exited { code: 3 });
    assert!(exit.log.lost >= 6, "the first line is lost, and the record says so: {exit:?}");
    assert_eq!(exit.log.dropped, 0);
    let log = bench.log();
    assert_eq!(log.start().expect("start"), exit.log.lost, "offsets go on where they were");
    assert_eq!(log.end().expect("end"), exit.log.bytes);
    assert!(bench.output().ends_with(b"last\n"));
    assert_eq!(read_started(&bench.dir).expect("readable"), Some(started.clone()));
    assert_eq!(read_claim(&bench.dir).expect("readable"), Some(Claim::Shim(started.shim)));
}

#[test]
fn a_folder_removed_from_a_quiet_job_still_gets_the_record() {
    let bench = Bench::new();
    let running = bench.start(&[], "echo line; until [ -e $T/go ]; do sleep 0.01; done; exit 2");
    wait_until("the line is there", || bench.dir.exists() && bench.output() == b"line\n");
    fs::remove_dir_all(&bench.dir).expect("remove");
    bench.touch("go");
    let exit = running.finish();
    assert_eq!(exit.outcome, Outcome::Exited { code: 2 });
    assert_eq!((exit.log.bytes, exit.log.lost), (5, 5));
    assert_eq!(bench.log().end().expect("end"), 5);
}

#[test]
fn a_folder_that_was_moved_away_is_not_followed() {
    let bench = Bench::new();
    let running = bench.start(&[], "echo line; until [ -e $T/go ]; do sleep 0.01; done; echo two");
    wait_until("the line is there", || bench.dir.exists() && bench.output() == b"line\n");
    fs::rename(&bench.dir, bench.path("moved")).expect("move");
    bench.touch("go");
    let exit = running.finish();
    assert_eq!(exit.outcome, Outcome::Exited { code: 0 });
    assert_eq!(read_exit(&bench.path("moved")).expect("readable"), None);
    assert_eq!((exit.log.bytes, bench.log().end().expect("end")), (9, 9));
}

#[test]
fn emptied_is_as_good_as_removed() {
    let bench = Bench::new();
    let script = "echo first; until [ -e $T/emptied ]; do sleep 0.01; done; until [ -e $DIR/record ]; do echo more; sleep 0.02; done; echo last";
    let running = bench.start(&[], script);
    wait_until("the first line is there", || bench.dir.exists() && bench.output() == b"first\n");
    let started = running.started();
    for name in bench.names() {
        fs::remove_file(bench.dir.join(name)).expect("remove");
    }
    bench.touch("emptied");
    let exit = running.finish();
    assert_eq!(exit.outcome, Outcome::Exited { code: 0 });
    assert_eq!(bench.log().start().expect("start"), exit.log.lost);
    assert!(bench.output().ends_with(b"last\n"));
    assert_eq!(read_started(&bench.dir).expect("readable"), Some(started));
}

#[test]
fn a_segment_removed_alone_is_replaced() {
    let bench = Bench::new();
    let script = "echo first; until [ -e $T/removed ]; do sleep 0.01; done; until ls $DIR/output.*.log >/dev/null 2>&1; do echo more; sleep 0.02; done; echo last";
    let running = bench.start(&[], script);
    wait_until("the first line is there", || bench.dir.exists() && bench.output() == b"first\n");
    for name in bench.names().iter().filter(|name| base_of(name).is_some()) {
        fs::remove_file(bench.dir.join(name)).expect("remove");
    }
    bench.touch("removed");
    let exit = running.finish();
    assert!(exit.log.lost >= 6, "{exit:?}");
    assert_eq!(bench.log().start().expect("start"), exit.log.lost);
    assert!(bench.output().ends_with(b"last\n"));
}

#[test]
fn the_record_waits_for_a_folder_that_cannot_be_made() {
    let bench = Bench::new();
    let running = bench.start(&[], "until [ -e $T/go ]; do sleep 0.01; done; exit 5");
    running.started();
    let shim = running.started().shim;
    fs::remove_dir_all(&bench.dir).expect("remove");
    // A file stands where the folder was.
    fs::write(&bench.dir, "in the way").expect("write");
    bench.touch("go");
    wait_until("the job is gone and the shim alone", || {
        athanor_shim::tree::descendants(shim.pid).expect("processes").is_empty()
    });
    assert!(shim.is_alive().expect("readable"), "it does not give up");
    fs::remove_file(&bench.dir).expect("clear the way");
    assert_eq!(running.finish().outcome, Outcome::Exited { code: 5 });
}

#[test]
fn a_place_that_was_given_to_another_is_not_overwritten() {
    let bench = Bench::new();
    let running = bench.start(&[], "until [ -e $T/go ]; do sleep 0.01; done; exit 5");
    running.started();
    fs::remove_dir_all(&bench.dir).expect("remove");
    let void = claim_void(&bench.dir).expect("void");
    bench.touch("go");
    assert_eq!(running.code(), CODE_DISPLACED);
    assert_eq!(wait_for("the claim", || read_claim(&bench.dir).expect("readable")), void);
    assert_eq!(look(&bench.dir).expect("readable"), Attempt::Void);
}
