//! Shapes as distances to their edges (negative inside), so that edges are smooth at any size.

/// A place in the square of 24 units that shapes are described in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point(pub(super) f32, pub(super) f32);

pub(super) fn distance(a: Point, b: Point) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// Distance to the line between two points.
pub(super) fn segment(at: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let along = ((at.0 - from.0) * dx + (at.1 - from.1) * dy) / (dx * dx + dy * dy);
    let along = along.clamp(0.0, 1.0);
    distance(at, Point(from.0 + along * dx, from.1 + along * dy))
}

/// Two upright bars, `apart` from the centre's line, `half` as high on either side.
pub(super) fn bars(at: Point, centre: Point, apart: f32, half: f32, width: f32) -> f32 {
    [-apart, apart]
        .map(|dx| segment(at, Point(centre.0 + dx, centre.1 - half), Point(centre.0 + dx, centre.1 + half)))
        .into_iter()
        .fold(f32::MAX, f32::min)
        - width / 2.0
}

/// Distance to a digit's strokes, drawn as on a display of seven segments.
pub(super) fn digit(at: Point, digit: u8, corner: Point, extent: Point) -> f32 {
    // Top, upper right, lower right, bottom, lower left, upper left, middle.
    const LIT: [[u8; 7]; 10] = [
        [1, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 0, 0, 0, 0],
        [1, 1, 0, 1, 1, 0, 1],
        [1, 1, 1, 1, 0, 0, 1],
        [0, 1, 1, 0, 0, 1, 1],
        [1, 0, 1, 1, 0, 1, 1],
        [1, 0, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 0, 1, 1],
    ];
    let corners = |x: f32, y: f32| Point(corner.0 + x * extent.0, corner.1 + y * extent.1);
    let strokes = [
        (corners(0.0, 0.0), corners(1.0, 0.0)),
        (corners(1.0, 0.0), corners(1.0, 0.5)),
        (corners(1.0, 0.5), corners(1.0, 1.0)),
        (corners(0.0, 1.0), corners(1.0, 1.0)),
        (corners(0.0, 0.5), corners(0.0, 1.0)),
        (corners(0.0, 0.0), corners(0.0, 0.5)),
        (corners(0.0, 0.5), corners(1.0, 0.5)),
    ];
    LIT[usize::from(digit % 10)]
        .into_iter()
        .zip(strokes)
        .filter(|(lit, _)| *lit == 1)
        .map(|(_, (from, to))| segment(at, from, to))
        .fold(f32::MAX, f32::min)
}

/// The flame of the program's icon as a polygon.
pub(super) fn flame() -> Vec<Point> {
    let curves = [
        [(254.0, 372.0), (206.0, 372.0), (182.0, 341.0), (182.0, 305.0)],
        [(182.0, 305.0), (182.0, 252.0), (256.0, 237.0), (246.0, 164.0)],
        [(246.0, 164.0), (304.0, 195.0), (330.0, 248.0), (334.0, 297.0)],
        [(334.0, 297.0), (334.0, 343.0), (303.0, 372.0), (254.0, 372.0)],
    ];
    let place = |x: f32, y: f32| Point(12.0 + (x - 258.0) * 0.066, 18.6 + (y - 372.0) * 0.06);
    curves
        .iter()
        .flat_map(|curve| {
            (0_u8..10).map(move |step| {
                let t = f32::from(step) / 10.0;
                let weights =
                    [(1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3)];
                let x = weights.iter().zip(curve).map(|(weight, point)| weight * point.0).sum();
                let y = weights.iter().zip(curve).map(|(weight, point)| weight * point.1).sum();
                place(x, y)
            })
        })
        .collect()
}

/// Distance to a polygon's edge, negative inside.
pub(super) fn polygon(at: Point, corners: &[Point]) -> f32 {
    let mut nearest = f32::MAX;
    let mut within = false;
    for (number, to) in corners.iter().enumerate() {
        let from = corners[(number + corners.len() - 1) % corners.len()];
        nearest = nearest.min(segment(at, from, *to));
        let crosses = (from.1 > at.1) != (to.1 > at.1);
        if crosses && at.0 < (to.0 - from.0) * (at.1 - from.1) / (to.1 - from.1) + from.0 {
            within = !within;
        }
    }
    if within { -nearest } else { nearest }
}
