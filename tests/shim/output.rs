//! The log: exact bytes, exact offsets, bounded size.

use std::fs;

use athanor_shim::log::{Span, Stream, base_of};
use athanor_shim::record::Outcome;

use crate::support::{Bench, wait_until};

#[test]
fn bytes_are_kept_as_they_came() {
    let check = |script: &str, expected: &[u8]| {
        let bench = Bench::new();
        let exit = bench.run(&[], script);
        assert_eq!(bench.output(), expected, "{script}");
        assert_eq!(exit.log.bytes, expected.len() as u64, "{script}");
    };
    check(r"printf 'a\n\nb'", b"a\n\nb");
    check(r"printf '\377\376\000\303\050 \r10%%\r20%%'", b"\xff\xfe\x00\xc3\x28 \r10%\r20%");
    check("printf x >&2", b"x");
    check("exec >&- 2>&-; exit 0", b"");
    check("i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done", &numbers(2000));
}

fn numbers(count: u32) -> Vec<u8> {
    (0..count).flat_map(|n| format!("{n}\n").into_bytes()).collect()
}

#[test]
fn the_order_of_the_streams_is_kept() {
    let bench = Bench::new();
    // Each part is on disk before the next is written, so that the order is certain.
    let script = "
        seen() { until grep -q $1 $DIR/output.*.log 2>/dev/null; do sleep 0.005; done; }
        printf one; seen one; printf TWO >&2; seen TWO; printf three; printf four; seen four; printf FIVE >&2";
    bench.run(&[], script);
    assert_eq!(bench.output(), b"oneTWOthreefourFIVE");
    let span = |range, stream| Span { range, stream };
    assert_eq!(
        bench.log().streams(0..u64::MAX).expect("streams"),
        [
            span(0..3, Stream::Stdout),
            span(3..6, Stream::Stderr),
            span(6..15, Stream::Stdout),
            span(15..19, Stream::Stderr),
        ]
    );
    let (stderr, next) = bench.log().read_stream(Stream::Stderr, 0, 100).expect("read");
    assert_eq!((stderr.bytes.as_slice(), next), (&b"TWOFIVE"[..], 19));
}

#[test]
fn rotation_keeps_one_generation_and_all_offsets() {
    let bench = Bench::new();
    let exit =
        bench.run(&["--log-limit", "4096"], "i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done");
    let whole = numbers(5000);
    let log = bench.log();
    let (start, end) = (log.start().expect("start"), log.end().expect("end"));
    assert_eq!((end, exit.log.bytes), (whole.len() as u64, whole.len() as u64));
    assert!(start > 0 && end - start <= 2 * 4096, "{start}..{end}");
    let at = usize::try_from(start).expect("small");
    assert_eq!(bench.output(), whole[at..], "what is left is the end, to the byte");
    let bases: Vec<u64> = bench.names().iter().filter_map(|name| base_of(name)).collect();
    assert_eq!(bases.len(), 2, "the current segment and one older");
    assert_eq!(bases[0], start);
    for name in bench.names().iter().filter(|name| base_of(name).is_some()) {
        let len = fs::metadata(bench.dir.join(name)).expect("segment").len();
        assert!(len <= 4096, "{name} has {len} bytes");
    }
    assert_eq!(bench.names().iter().filter(|name| name.ends_with(".streams")).count(), 2);
    assert_eq!(log.tail_lines(2, 1000).expect("tail").bytes, b"4998\n4999\n");
    let one = log.streams(0..u64::MAX).expect("streams");
    assert_eq!(one, [Span { range: start..end, stream: Stream::Stdout }]);
}

#[test]
fn a_job_that_switches_streams_all_the_time_is_bounded_as_well() {
    let bench = Bench::new();
    let script = "i=0; while [ $i -lt 4000 ]; do printf o; printf e >&2; i=$((i+1)); done";
    let exit = bench.run(&["--log-limit", "2048"], script);
    assert_eq!(exit.log.bytes, 8000);
    let stored: u64 = bench
        .names()
        .iter()
        .filter(|name| name.starts_with("output."))
        .map(|name| fs::metadata(bench.dir.join(name)).expect("file").len())
        .sum();
    assert!(stored <= 2 * 2048, "{stored} bytes on disk");
    let start = bench.log().start().expect("start");
    let (stdout, _) = bench.log().read_stream(Stream::Stdout, start, 10_000).expect("read");
    let (stderr, _) = bench.log().read_stream(Stream::Stderr, start, 10_000).expect("read");
    assert!(stdout.bytes.iter().all(|&b| b == b'o') && stderr.bytes.iter().all(|&b| b == b'e'));
    assert_eq!(stdout.bytes.len() + stderr.bytes.len(), bench.output().len());
}

#[test]
fn a_hundred_megabytes_pass_through() {
    let bench = Bench::new();
    let exit = bench.run(&["--log-limit", "33554432"], "head -c 100000000 /dev/zero; printf end");
    assert_eq!(exit.outcome, Outcome::Exited { code: 0 });
    assert_eq!((exit.log.bytes, exit.log.dropped), (100_000_003, 0));
    let log = bench.log();
    // The third segment is current. The eight bytes are the first one's stream mark, which counts.
    assert_eq!(log.start().expect("start"), (32 << 20) - 8);
    assert_eq!(log.read(99_999_999, 100).expect("read").bytes, b"\0end");
}

#[test]
fn both_streams_at_full_speed_lose_nothing() {
    let bench = Bench::new();
    let script = "head -c 20000000 /dev/zero & head -c 20000000 /dev/zero | tr '\\0' e >&2 & wait";
    let exit = bench.run(&[], script);
    assert_eq!((exit.log.bytes, exit.log.dropped), (40_000_000, 0));
    let (stderr, _) = bench.log().read_stream(Stream::Stderr, 0, 100_000_000).expect("read");
    assert_eq!(stderr.bytes.len(), 20_000_000);
    assert!(stderr.bytes.iter().all(|&b| b == b'e'));
}

#[test]
fn the_log_can_be_followed_while_it_grows() {
    let bench = Bench::new();
    let script = "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done";
    // Large enough that nothing is rotated away before it is read.
    let running = bench.start(&["--log-limit", "65536"], script);
    running.started();
    let whole = numbers(3000);
    let mut read = Vec::new();
    wait_until("all has been read", || {
        let chunk = bench.log().read(read.len() as u64, 1000).expect("read");
        assert_eq!(chunk.start, read.len() as u64);
        read.extend(chunk.bytes);
        read.len() == whole.len()
    });
    assert_eq!(read, whole);
    running.finish();
}
