#![allow(clippy::unwrap_used)]

use super::*;
use crate::series::Point;
use proptest::prelude::*;

fn check_round_trip(points: &Points) -> usize {
    let bytes = encode_chunk(points).unwrap();
    let back = decode_chunk(&bytes).unwrap();
    assert_eq!(back.len(), points.len());
    for (a, b) in points.iter().zip(back.iter()) {
        assert_eq!(a.step.to_bits(), b.step.to_bits());
        assert_eq!(a.value.to_bits(), b.value.to_bits());
        assert_eq!(a.wall_ms, b.wall_ms);
    }
    bytes.len()
}

fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1000i32..1000).prop_map(f64::from),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::from_bits(0x7ff8_0000_dead_beef)),
    ]
}

proptest! {
    #[test]
    fn any_bits_survive(raw in prop::collection::vec((any_float(), any_float(), any::<Option<i64>>()), 0..300)) {
        let points = raw
            .into_iter()
            .map(|(step, value, wall)| Point { step, value, wall_ms: wall.filter(|&w| w != i64::MIN) })
            .collect();
        check_round_trip(&points);
    }

    #[test]
    fn damaged_bytes_are_errors(at in 0usize..400, to in any::<u8>(), cut in 0usize..400, resign in any::<bool>()) {
        let points = (0..200).map(|i| Point { step: f64::from(i), value: f64::from(i % 7), wall_ms: None }).collect();
        let good = encode_chunk(&points).unwrap();
        let mut bad = good.clone();
        let at = at % bad.len();
        let changed = bad[at] != to;
        bad[at] = to;
        if resign && bad.len() > HEADER {
            // Get past the checksum, as a hostile file would.
            let sum = checksum(&bad);
            bad[4..HEADER].copy_from_slice(&sum.to_le_bytes());
            let _ = decode_chunk(&bad);
        } else if changed {
            prop_assert!(decode_chunk(&bad).is_err());
        }
        prop_assert!(decode_chunk(&good[..cut % good.len()]).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_chunk(&bytes);
        if bytes.len() > HEADER {
            bytes[0] = VERSION;
            bytes[3] &= 0xf;
            let sum = checksum(&bytes);
            bytes[4..HEADER].copy_from_slice(&sum.to_le_bytes());
            let _ = decode_chunk(&bytes);
        }
    }
}

/// Values as training scripts write them; a small generator instead of a dependency.
fn noise(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

#[test]
fn typical_series_take_under_four_bytes_a_point() {
    let mut seed = 1;
    type Row = (&'static str, fn(f64, f64) -> f64);
    let rows: [Row; 4] = [
        ("f32 loss", |x, n| f64::from((2.0 * (-x * 3.0).exp() + 0.1 * n) as f32)),
        ("five decimals", |x, n| ((0.5 + x * 0.3 + 0.01 * n) * 1e5).round() / 1e5),
        ("learning rate", |x, _| f64::from((3e-4 * (1.0 - x)) as f32)),
        ("whole numbers", |_, n| (n * 500.0).round()),
    ];
    for (name, row) in rows {
        let points: Points = (0..CHUNK_POINTS)
            .map(|i| Point {
                step: (i * 50) as f64,
                value: row(i as f64 / CHUNK_POINTS as f64, noise(&mut seed)),
                wall_ms: None,
            })
            .collect();
        let each = check_round_trip(&points) as f64 / CHUNK_POINTS as f64;
        println!("{name}: {each:.2} bytes a point");
        assert!(each < 4.0, "{name} took {each:.2} bytes a point");
    }
}

#[test]
fn the_first_points_are_stored_raw() {
    let one = [Point { step: 0.0, value: f64::NAN, wall_ms: Some(1_700_000_000_000) }].into_iter().collect();
    assert_eq!(check_round_trip(&one), HEADER + 3 * 12);
    assert_eq!(check_round_trip(&Points::new()), HEADER + 2 * 4);
}

#[test]
fn too_many_points_are_refused() {
    let many = Points::from_columns(vec![0.0; CHUNK_POINTS + 1], vec![0.0; CHUNK_POINTS + 1]);
    assert_eq!(encode_chunk(&many), Err(ChunkError::TooManyPoints(CHUNK_POINTS + 1)));
}
