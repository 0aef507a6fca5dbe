//! Cutting lines at the edges of the data area.
//!
//! Plotters moves a point outside to the nearest edge, which bends the line that leads there; so the line is cut
//! before, where it crosses.

use super::Pieces;
use super::axis::AxisMap;

/// The parts of `piece` inside both axes, in data coordinates. Points without a place on an axis break the line.
pub(super) fn clip(piece: &[(f64, f64)], x: &AxisMap, y: &AxisMap) -> Pieces {
    let mut done = Pieces::new();
    let mut open: Vec<(f64, f64)> = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for &point in piece {
        let here = (x.unit(point.0), y.unit(point.1));
        if !(here.0.is_finite() && here.1.is_finite()) {
            end(&mut done, &mut open);
            before = None;
            continue;
        }
        match before {
            _ if inside(here) && before.is_none_or(inside) => open.push(point),
            None => {}
            Some(from) => {
                if let Some((enter, leave)) = crossing(from, here) {
                    let at = |part: f64| {
                        let unit = (from.0 + (here.0 - from.0) * part, from.1 + (here.1 - from.1) * part);
                        (x.value(unit.0.clamp(0.0, 1.0)), y.value(unit.1.clamp(0.0, 1.0)))
                    };
                    if enter > 0.0 {
                        end(&mut done, &mut open);
                        open.push(at(enter));
                    }
                    if leave < 1.0 {
                        open.push(at(leave));
                        end(&mut done, &mut open);
                    } else {
                        open.push(point);
                    }
                } else {
                    end(&mut done, &mut open);
                }
            }
        }
        before = Some(here);
    }
    end(&mut done, &mut open);
    done
}

fn end(done: &mut Pieces, open: &mut Vec<(f64, f64)>) {
    if !open.is_empty() {
        done.push(std::mem::take(open));
    }
}

/// Rounding must not cut off the point that set the range.
const SLACK: f64 = 1e-9;

pub(super) fn inside((u, v): (f64, f64)) -> bool {
    (-SLACK..=1.0 + SLACK).contains(&u) && (-SLACK..=1.0 + SLACK).contains(&v)
}

/// The part of the way from `a` to `b` that lies in the unit square (Liang and Barsky 1984).
fn crossing(a: (f64, f64), b: (f64, f64)) -> Option<(f64, f64)> {
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (from, to) in [(a.0, b.0), (a.1, b.1)] {
        let way = to - from;
        if way == 0.0 {
            if !(-SLACK..=1.0 + SLACK).contains(&from) {
                return None;
            }
            continue;
        }
        let (low, high) = ((-SLACK - from) / way, (1.0 + SLACK - from) / way);
        enter = enter.max(low.min(high));
        leave = leave.min(low.max(high));
    }
    (enter < leave).then_some((enter, leave))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Scale;

    fn check(piece: &[(f64, f64)], expected: &[&[(f64, f64)]]) {
        let axis = AxisMap::new((0.0, 10.0), Scale::Linear);
        let got = clip(piece, &axis, &axis);
        assert_eq!(got.len(), expected.len(), "{got:?}");
        for (a, b) in got.iter().flatten().zip(expected.iter().copied().flatten()) {
            assert!((a.0 - b.0).abs() < 1e-6 && (a.1 - b.1).abs() < 1e-6, "{got:?}");
        }
    }

    #[test]
    fn lines_are_cut_where_they_cross() {
        check(&[(1.0, 1.0), (9.0, 9.0)], &[&[(1.0, 1.0), (9.0, 9.0)]]);
        check(
            &[(5.0, 5.0), (5.0, 15.0), (6.0, 5.0)],
            &[&[(5.0, 5.0), (5.0, 10.0)], &[(5.5, 10.0), (6.0, 5.0)]],
        );
        check(&[(-1000.0, -1000.0), (1000.0, 1000.0)], &[&[(0.0, 0.0), (10.0, 10.0)]]);
        check(&[(-5.0, 5.0), (-1.0, 5.0)], &[]);
        check(&[(-5.0, 8.0), (5.0, 18.0)], &[]);
        check(&[(3.0, 3.0)], &[&[(3.0, 3.0)]]);
        check(&[], &[]);
    }
}
