//! What painting must give, worked out pixel by pixel in whole numbers: another way to it than the page's own.

/// A point in sixteenths of a photo's pixels.
pub(crate) type Point = (i64, i64);

/// Something that was done.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    /// A brush of a radius, in sixteenths, along points; 0 for erase.
    Stroke(i64, Vec<Point>, bool),
    /// A filled shape.
    Shape(Vec<Point>),
}

/// The mask of a photo, rows from the top.
pub(crate) fn painted((width, height): (u32, u32), done: &[Done]) -> Vec<bool> {
    let mut mask = vec![false; (width * height) as usize];
    for (at, pixel) in mask.iter_mut().enumerate() {
        let middle = ((at as i64 % i64::from(width)) * 16 + 8, (at as i64 / i64::from(width)) * 16 + 8);
        for step in done {
            match step {
                Done::Stroke(radius, points, paints) => {
                    let mut ends = points.iter().zip(points.iter().skip(1).chain(points.last()));
                    if ends.any(|(&from, &to)| near(middle, from, to, *radius)) {
                        *pixel = *paints;
                    }
                }
                Done::Shape(corners) => *pixel |= inside(middle, corners),
            }
        }
    }
    mask
}

/// Whether a point is at most `radius` away from a line.
fn near(point: Point, from: Point, to: Point, radius: i64) -> bool {
    let wide = |(x, y): Point| (i128::from(x), i128::from(y));
    let ((px, py), (ax, ay), (bx, by), r) = (wide(point), wide(from), wide(to), i128::from(radius));
    let within = |x: i128, y: i128| (px - x).pow(2) + (py - y).pow(2) <= r * r;
    if within(ax, ay) || within(bx, by) {
        return true;
    }
    let (dx, dy) = (bx - ax, by - ay);
    let along = (px - ax) * dx + (py - ay) * dy;
    let length = dx * dx + dy * dy;
    let across = dx * (py - ay) - dy * (px - ax);
    (0..=length).contains(&along) && length > 0 && across * across <= r * r * length
}

/// Whether a line from a point to the right crosses the edge of a shape an odd number of times.
fn inside((x, y): Point, corners: &[Point]) -> bool {
    let edges = corners.iter().zip(corners.iter().cycle().skip(1));
    let crossed = edges.filter(|&(&(ax, ay), &(bx, by))| {
        let ((lx, ly), (ux, uy)) = if ay < by { ((ax, ay), (bx, by)) } else { ((bx, by), (ax, ay)) };
        // The lower end belongs to it, the upper one doesn't; left of it by the sign of a product.
        ly <= y && y < uy && (ux - lx) * (y - ly) > (x - lx) * (uy - ly)
    });
    crossed.count() % 2 == 1
}
