use std::io::Write;

use super::*;

const EVENTS: &[u8] = include_bytes!("../../../../tests/fixtures/media/events.out.tfevents.1700000000.host");

fn facts(path: &Path) -> FileFacts {
    FileFacts {
        path: path.display().to_string(),
        role: "metrics".into(),
        format: "tensorboard".into(),
        prefix: String::new(),
        size: 0,
        modified_ns: 0,
        others: "[]".into(),
        problems: "[]".into(),
        refused: None,
    }
}

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("events.out.tfevents.1");
    std::fs::write(&path, bytes).expect("written");
    (dir, path)
}

fn all() -> MediaWanted {
    MediaWanted { limit: usize::MAX, ..MediaWanted::default() }
}

fn counts(page: &MediaPage) -> Vec<(MediumKind, &str, usize)> {
    page.groups.iter().map(|((kind, key), count)| (*kind, key.as_str(), *count)).collect()
}

const WHOLE: [(MediumKind, &str, usize); 5] = [
    (MediumKind::Image, "confusion matrix", 12),
    (MediumKind::Image, "samples/pairs", 8),
    (MediumKind::Image, "samples/segmentation", 12),
    (MediumKind::Histogram, "gradients/head", 40),
    (MediumKind::Histogram, "weights/encoder.0", 40),
];

#[test]
fn what_a_file_holds_is_listed_by_name_in_pages() {
    let (_dir, path) = file(EVENTS);
    let listings = Listings::default();
    let files = [facts(&path)];
    let page_of = |wanted: MediaWanted| page(&listings, &files, &wanted);
    let whole = page_of(all());
    assert_eq!(counts(&whole), WHOLE);
    assert!(whole.done && !whole.cut && whole.problems.is_empty());
    assert_eq!((whole.read, whole.size), (EVENTS.len() as u64, EVENTS.len() as u64));
    let of = |after, limit| MediaWanted {
        kind: Some(MediumKind::Image),
        key: Some("samples/pairs".into()),
        after,
        limit,
    };
    let some = page_of(of(3, 3));
    let shown: Vec<_> = some.items.iter().map(|item| (item.step, item.index, item.size)).collect();
    let size = Some((48, 64));
    assert_eq!(shown, [(150.0, 1, size), (300.0, 0, size), (300.0, 1, size)]);
    assert_eq!(some.total, 8);
    assert_eq!(page_of(of(8, 3)).items, []);
    let mut prefixed = facts(&path);
    prefixed.prefix = "train/".into();
    assert!(page(&listings, &[prefixed], &all()).items.iter().all(|item| item.key.starts_with("train/")));
}

#[test]
fn a_file_that_grew_is_read_on_and_one_that_was_written_anew_is_listed_anew() {
    // Inside of a record.
    let half = EVENTS.len() / 2 + 7;
    let (_dir, path) = file(&EVENTS[..half]);
    let listings = Listings::default();
    let files = [facts(&path)];
    let first = page(&listings, &files, &all());
    assert!(first.done && first.total > 0);
    let mut grown = std::fs::OpenOptions::new().append(true).open(&path).expect("opens");
    grown.write_all(&EVENTS[half..]).expect("written");
    let second = page(&listings, &files, &all());
    assert_eq!(counts(&second), WHOLE);
    assert_eq!(second.items[..first.total], first.items[..], "what was listed keeps its place");
    assert_eq!(lock(&listings.of(&files)[0]).read, EVENTS.len() as u64);

    let before = std::fs::metadata(&path).expect("there").len();
    let mut other = EVENTS[half..].to_vec();
    other.resize(before as usize + 5, 0);
    std::fs::write(&path, &other).expect("written");
    let anew = page(&listings, &files, &all());
    assert!(anew.total > 0 && anew.total < second.total, "the rest of the pictures: {}", anew.total);
    assert_eq!(anew.items, page(&Listings::default(), &files, &all()).items, "nothing is left of before");
    std::fs::remove_file(&path).expect("removed");
    let gone = page(&listings, &files, &all());
    assert_eq!((gone.total, gone.problems.len()), (0, 1));
    assert!(gone.problems[0].1.contains("no longer there"), "{:?}", gone.problems);
}

#[test]
fn a_walk_ends_when_its_time_is_over_and_the_next_one_goes_on() {
    let big: Vec<u8> =
        EVENTS.iter().copied().cycle().take(EVENTS.len() * (3 * PIECE / EVENTS.len() + 1)).collect();
    let (_dir, path) = file(&big);
    let of = facts(&path);
    let mut listing = Listing::default();
    let mut calls = 0;
    while !listing.is_done() {
        let before = listing.read;
        listing.go_on(&of, Instant::now()).expect("read");
        assert!(listing.read > before && listing.read - before <= PIECE as u64);
        calls += 1;
    }
    assert!(calls > 2, "{calls}");
    assert_eq!(listing.media.len() * EVENTS.len(), 112 * big.len());
}

#[test]
fn images_and_histograms_are_read_from_their_places_or_it_is_said_why_not() {
    let (_dir, path) = file(EVENTS);
    let page = page(&Listings::default(), &[facts(&path)], &all());
    let opened = open(&path).expect("opens");
    for item in &page.items {
        let MediumPlace::Bytes(range, form) = &item.place else { panic!("{item:?}") };
        if item.kind == MediumKind::Image {
            let bytes = bytes_of(&opened, &path, range, MAX_PICTURE).expect("read");
            assert_eq!(Some(picture(&bytes).expect("a picture").size), item.size, "{item:?}");
        } else {
            let histogram = histogram_at(&opened, &path, range, *form).expect("read");
            assert_eq!(histogram.buckets.len(), 30);
            assert!(histogram.total() > 900.0, "{histogram:?}");
        }
    }
    let MediumPlace::Bytes(range, form) = page.items.last().expect("some").place.clone() else { panic!() };
    std::fs::write(&path, &EVENTS[..200]).expect("written");
    let error = bytes_of(&open(&path).expect("opens"), &path, &range, MAX_PICTURE).expect_err("cut off");
    assert!(error.to_string().contains("written anew") && error.next_step().is_some(), "{error}");
    std::fs::write(&path, [7; 1 << 20]).expect("written");
    let error = histogram_at(&open(&path).expect("opens"), &path, &range, form).expect_err("something else");
    assert!(error.to_string().contains("written anew"), "{error}");
    let error = bytes_of(&opened, &path, &(0..MAX_PICTURE + 1), MAX_PICTURE).expect_err("too much");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(open(&path).expect_err("gone").kind(), ErrorKind::NotFound);
}

#[test]
fn of_many_histograms_some_are_drawn_with_the_first_and_the_last_and_each_step_once() {
    let (_dir, path) = file(&EVENTS.repeat(2));
    let files = [facts(&path)];
    let key = || "weights/encoder.0".to_owned();
    let some = histograms(&Listings::default(), &files, key(), 7);
    let steps: Vec<f64> = some.columns.iter().map(|(medium, _)| medium.step).collect();
    assert_eq!((some.total, some.unread, steps.len()), (40, 0, 7));
    assert_eq!((steps[0], steps[6]), (0.0, 585.0));
    let later = |(medium, _): &(RunMedium, Histogram)| match &medium.place {
        MediumPlace::Bytes(range, _) => range.start > EVENTS.len() as u64,
        MediumPlace::File(_) | MediumPlace::Listed(_) => false,
    };
    assert!(some.columns.iter().all(later), "of two of one step the later one counts");
    assert_eq!(histograms(&Listings::default(), &files, key(), 1).columns.len(), 1);
    assert_eq!(histograms(&Listings::default(), &files, "none".into(), 5).columns.len(), 0);
}

#[test]
fn listings_that_take_too_much_are_forgotten_but_never_those_in_use() {
    let listings = Listings::default();
    let files: Vec<FileFacts> = ["a", "b", "c"].iter().map(|name| facts(Path::new(name))).collect();
    let names = || lock(&listings.0).iter().map(|(path, ..)| path.clone()).collect::<Vec<_>>();
    for file in &files {
        listings.of(std::slice::from_ref(file));
        listings.settle(&[(PathBuf::from(&file.path), KEPT / 2)]);
    }
    assert_eq!(names(), [PathBuf::from("b"), "c".into()]);
    listings.settle(&[("b".into(), KEPT), ("c".into(), KEPT)]);
    assert_eq!(names(), [PathBuf::from("b"), "c".into()]);
}

#[test]
fn a_histogram_that_stands_in_the_listing_is_read_from_there() {
    let (_dir, path) = file(b"of no format");
    let (listings, of) = (Listings::default(), facts(&path));
    let medium = |at| Medium {
        kind: MediumKind::Histogram,
        key: "h".into(),
        index: 0,
        step: 1.0,
        wall_ms: None,
        size: None,
        at,
    };
    let json = |text: &str| medium(At::Json(text.into()));
    lock(&listings.of(std::slice::from_ref(&of))[0]).media = vec![
        json(r#"{"_type":"histogram","values":[1,3],"bins":[0,1,2]}"#),
        json(r#"{"_type":"histogram","values":[1,3],"bins":[0]}"#),
        medium(At::File("files/a.png".into())),
    ];
    assert_eq!(listed_at(&listings, &of, 0).expect("read").total(), 4.0);
    for (at, words) in [(1, "do not fit"), (2, "something else"), (3, "holds less")] {
        let error = listed_at(&listings, &of, at).expect_err("nothing to read");
        assert!(error.to_string().contains(words), "{error}");
    }
}
