//! Each state at each size, compared with what was looked at, and with the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

fn gpus(loads: &[(u8, u8)]) -> Vec<Load> {
    loads.iter().map(|(work, memory)| Load { utilisation: Some(*work), memory: Some(*memory) }).collect()
}

const EIGHT: [(u8, u8); 8] = [(98, 90), (100, 95), (60, 40), (0, 0), (75, 62), (12, 70), (45, 20), (90, 100)];

/// What people look at, by name.
fn pictures() -> Vec<(&'static str, Picture)> {
    let idle = |count: usize| gpus(&[(0, 2)].repeat(count));
    let one = gpus(&[(82, 55)]);
    let two = gpus(&[(97, 80), (35, 20)]);
    let four = gpus(&EIGHT[..4]);
    let eight = gpus(&EIGHT);
    let mut lost = two.clone();
    lost[1] = Load::default();
    vec![
        ("1-idle", Picture::new(&idle(1), 0, false, false)),
        ("1-busy", Picture::new(&one, 1, false, false)),
        ("2-busy", Picture::new(&two, 2, false, false)),
        ("2-unknown", Picture::new(&lost, 2, false, false)),
        ("4-idle", Picture::new(&idle(4), 0, false, false)),
        ("4-busy", Picture::new(&four, 3, false, false)),
        ("4-paused", Picture::new(&four, 3, true, false)),
        ("4-failed", Picture::new(&four, 3, false, true)),
        ("8-idle", Picture::new(&idle(8), 0, false, false)),
        ("8-busy", Picture::new(&eight, 7, false, false)),
        ("8-paused", Picture::new(&eight, 7, true, false)),
        ("8-failed", Picture::new(&eight, 7, false, true)),
        ("none-idle", Picture::new(&[], 0, false, false)),
        ("none-busy", Picture::new(&[], 1, false, false)),
        ("none-several", Picture::new(&[], 12, false, false)),
        ("none-paused", Picture::new(&[], 0, true, false)),
        ("none-failed", Picture::new(&[], 0, false, true)),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tray/pictures")
}

/// Pictures beside each other on a light and on a dark panel, as they are and three times as large; a row a size.
fn sheet(picture: &Picture) -> (u32, u32, Vec<u8>) {
    const PANELS: [[u8; 3]; 2] = [[240, 240, 239], [30, 30, 32]];
    let cell = 4 + 48 + 4 + 48 * 3 + 4;
    let height: u32 = SIZES.iter().map(|size| size * 3 + 8).sum();
    let width = cell * 2;
    let mut pixels = vec![0; (width * height * 3) as usize];
    for (index, pixel) in pixels.chunks_exact_mut(3).enumerate() {
        let x = u32::try_from(index).expect("small") % width;
        pixel.copy_from_slice(&PANELS[usize::from(x >= cell)]);
    }
    let mut top = 4;
    for size in SIZES {
        let drawn = draw(picture, size);
        for (panel, left) in [(0, 4), (1, cell + 4)] {
            for (scale, left) in [(1, left), (3, left + 52)] {
                for y in 0..size * scale {
                    for x in 0..size * scale {
                        let from = ((y / scale * size + x / scale) * 4) as usize;
                        let to = (((top + y) * width + left + x) * 3) as usize;
                        blend(&mut pixels[to..to + 3], &drawn[from..from + 4], PANELS[panel]);
                    }
                }
            }
        }
        top += size * 3 + 8;
    }
    (width, height, pixels)
}

fn blend(to: &mut [u8], ink: &[u8], panel: [u8; 3]) {
    let alpha = u32::from(ink[3]);
    for part in 0..3 {
        let mixed = u32::from(ink[part]) * alpha + u32::from(panel[part]) * (255 - alpha);
        to[part] = u8::try_from(mixed / 255).unwrap_or(255);
    }
}

fn read(path: &Path) -> Option<(u32, u32, Vec<u8>)> {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).ok()?));
    let mut reader = decoder.read_info().expect("a picture");
    let mut pixels = vec![0; reader.output_buffer_size().expect("its size")];
    let info = reader.next_frame(&mut pixels).expect("its pixels");
    pixels.truncate(info.buffer_size());
    Some((info.width, info.height, pixels))
}

fn write(path: &Path, (width, height, pixels): &(u32, u32, Vec<u8>)) {
    let file = std::io::BufWriter::new(std::fs::File::create(path).expect("writable"));
    let mut encoder = png::Encoder::new(file, *width, *height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder.write_header().expect("written").write_image_data(pixels).expect("written");
}

/// The pictures in `pictures/` were looked at. One that differs is written beside it as `NAME.new.png`: look at it, and
/// if it is better, put it in its place. `INSTA_UPDATE=always` does so for all.
#[test]
fn every_state_looks_as_it_did() {
    let accept = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    let mut different = Vec::new();
    for (name, picture) in pictures() {
        let drawn = sheet(&picture);
        let (known, new) = (folder().join(format!("{name}.png")), folder().join(format!("{name}.new.png")));
        if accept {
            write(&known, &drawn);
        } else if read(&known).is_none_or(|known| !alike(&known, &drawn)) {
            write(&new, &drawn);
            different.push(name);
        }
    }
    assert!(different.is_empty(), "these look different now, see src/tray/pictures/*.new.png: {different:?}");
}

/// Sines and roots may differ in their last digit from one machine to another.
fn alike(a: &(u32, u32, Vec<u8>), b: &(u32, u32, Vec<u8>)) -> bool {
    (a.0, a.1) == (b.0, b.1) && a.2.iter().zip(&b.2).all(|(a, b)| a.abs_diff(*b) <= 2)
}

/// How different two pictures are on a panel: mean difference of brightness alone, so that colours do not help.
fn difference(a: &Picture, b: &Picture, size: u32, panel: f32) -> f32 {
    let on_panel = |picture: &Picture| {
        let bright = |pixel: &[u8]| {
            let alpha = f32::from(pixel[3]) / 255.0;
            let bright = (f32::from(pixel[0]) + f32::from(pixel[1]) + f32::from(pixel[2])) / 765.0;
            bright * alpha + panel * (1.0 - alpha)
        };
        draw(picture, size).chunks_exact(4).map(bright).collect::<Vec<_>>()
    };
    let differences = on_panel(a).into_iter().zip(on_panel(b)).map(|(a, b)| (a - b).abs());
    differences.sum::<f32>() / to_float(size * size)
}

#[test]
fn states_look_different_at_every_size_without_colour() {
    for loads in [&EIGHT[..], &EIGHT[..4], &EIGHT[..1], &[]] {
        let loads = gpus(loads);
        let states = [
            Picture::new(&loads, 0, false, false),
            Picture::new(&loads, 1, false, false),
            Picture::new(&loads, 1, true, false),
            Picture::new(&loads, 1, false, true),
        ];
        for (number, a) in states.iter().enumerate() {
            for b in &states[number + 1..] {
                for (size, panel) in [(16, 0.1), (16, 0.95), (22, 0.1), (22, 0.95), (32, 0.1), (32, 0.95)] {
                    let seen = difference(a, b, size, panel);
                    assert!(seen > 0.01, "{a:?} and {b:?} at {size} on {panel}: {seen}");
                }
            }
        }
    }
}

#[test]
fn more_load_is_a_longer_bar_at_every_size() {
    for size in SIZES {
        for count in 1..=COLUMNS_MAX {
            let bright = |work, memory| -> u32 {
                let loads = gpus(&[(work, memory)].repeat(count));
                let drawn = draw(&Picture::new(&loads, 0, false, false), size);
                drawn.chunks_exact(4).map(|pixel| u32::from(pixel[0]) + u32::from(pixel[2])).sum()
            };
            let levels: Vec<u32> = [0, 25, 50, 75, 100].map(|load| bright(load, 0)).into();
            assert!(levels.is_sorted() && levels[0] < levels[1] && levels[3] < levels[4], "{size} {count}");
            let levels: Vec<u32> = [0, 25, 50, 75, 100].map(|load| bright(0, load)).into();
            assert!(levels.is_sorted() && levels[0] < levels[1] && levels[3] < levels[4], "{size} {count}");
        }
    }
}

#[test]
fn a_little_is_not_nothing() {
    let none = Picture::new(&gpus(&[(0, 0)]), 0, false, false);
    assert_ne!(Picture::new(&gpus(&[(1, 0)]), 0, false, false), none);
    assert_ne!(Picture::new(&[Load::default()], 0, false, false), none, "unknown is not nothing");
}

#[test]
fn more_gpus_than_columns_are_summed_up() {
    let sixteen = gpus(&[(100, 0), (0, 100)].repeat(8));
    let picture = Picture::new(&sixteen, 0, false, false);
    assert_eq!(picture, Picture::new(&gpus(&[(50, 50); 8]), 0, false, false));
    let nine = Picture::new(&gpus(&[(100, 100); 9]), 0, false, false);
    assert_eq!(nine.columns.len(), COLUMNS_MAX);
}

#[test]
fn the_plate_leaves_its_corners_free() {
    let corners: BTreeMap<u32, u8> =
        SIZES.iter().map(|size| (*size, draw(&pictures()[9].1, *size)[3])).collect();
    assert!(corners.values().all(|alpha| *alpha < 60), "{corners:?}");
}

proptest! {
    #[test]
    fn any_machine_can_be_drawn(
        loads in prop::collection::vec((prop::option::of(0_u8..=255), prop::option::of(0_u8..=255)), 0..40),
        running in 0_u64..1000, paused: bool, failed: bool, size in prop::sample::select(SIZES.to_vec()),
    ) {
        let loads: Vec<Load> =
            loads.into_iter().map(|(utilisation, memory)| Load { utilisation, memory }).collect();
        let picture = Picture::new(&loads, running, paused, failed);
        prop_assert_eq!(draw(&picture, size).len(), (size * size * 4) as usize);
        prop_assert!(picture.columns.len() <= COLUMNS_MAX);
    }

    #[test]
    fn what_looks_the_same_is_the_same(a in 0_u8..=100, b in 0_u8..=100) {
        let picture = |load| Picture::new(&gpus(&[(load, 0)]), 0, false, false);
        if picture(a) != picture(b) {
            prop_assert!(draw(&picture(a), 48) != draw(&picture(b), 48), "drawn anew for nothing");
        }
    }
}
