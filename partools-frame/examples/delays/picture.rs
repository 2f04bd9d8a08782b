//! The fits as a picture: a circle for each route, its slope over the number of its flights.

use crate::table::rows;
use partools_frame::{Frame, FrameError};
use std::fmt::Write;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 520.0;
const MARGIN: f64 = 60.0;
/// The slopes at the bottom and at the top.
const SLOPES: (f64, f64) = (0.6, 1.4);
/// The numbers of flights at the left and at the right, as powers of ten.
const FLIGHTS: (f64, f64) = (1.0, 4.2);

fn x(flights: u64) -> f64 {
    let share = ((flights as f64).log10() - FLIGHTS.0) / (FLIGHTS.1 - FLIGHTS.0);
    MARGIN + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN)
}

fn y(slope: f64) -> f64 {
    let share = (slope - SLOPES.0) / (SLOPES.1 - SLOPES.0);
    HEIGHT - MARGIN - share.clamp(0.0, 1.0) * (HEIGHT - 2.0 * MARGIN)
}

/// The picture as SVG.
pub(crate) fn svg(fits: &Frame) -> Result<String, FrameError> {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="{MARGIN}" y="28" font-size="16">Minutes late on arrival for each minute late at departure, by route</text>
"##
    );
    let mut line = |text: String| {
        svg.push_str(&text);
        svg.push('\n');
    };
    let right = WIDTH - MARGIN;
    for tenths in [6, 8, 10, 12, 14] {
        let slope = f64::from(tenths) / 10.0;
        let (at, color) = (y(slope), if tenths == 10 { "#888" } else { "#ddd" });
        line(format!(
            r#"<path d="M{MARGIN} {at:.1}H{right}" stroke="{color}"/><text x="20" y="{at:.1}">{slope:.1}</text>"#
        ));
    }
    for flights in [10, 100, 1_000, 10_000] {
        let (at, below) = (x(flights), HEIGHT - MARGIN + 20.0);
        line(format!(
            r#"<text x="{at:.1}" y="{below}" text-anchor="middle">{flights} flights</text>"#
        ));
    }
    for (at, (origin, color)) in COLORS.iter().enumerate() {
        let top = 28.0 + 18.0 * at as f64;
        line(format!(
            r#"<circle cx="{right}" cy="{}" r="5" fill="{color}"/><text x="{}" y="{top}">{origin}</text>"#,
            top - 4.0,
            right + 10.0
        ));
    }
    for row in rows(fits)? {
        let color = COLORS.iter().find(|(origin, _)| *origin == row.origin);
        let mut title = String::new();
        let _ = write!(title, "{}-{}: {:.3}", row.origin, row.dest, row.slope);
        line(format!(
            r#"<circle cx="{:.1}" cy="{:.1}" r="4" fill="{}" fill-opacity="0.6"><title>{title}</title></circle>"#,
            x(row.flights),
            y(row.slope),
            color.map_or("#000", |(_, color)| color)
        ));
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

const COLORS: [(&str, &str); 3] = [("EWR", "#1b6ca8"), ("JFK", "#d1495b"), ("LGA", "#2e933c")];
