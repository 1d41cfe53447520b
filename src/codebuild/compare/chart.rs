//! The chart of a comparison: two bars per phase, medians, with a line from the least to the most.
//!
//! An SVG alone: a picture of points would need a font library and fonts. Text is drawn by whoever shows the picture, in its
//! own sans-serif; colours follow whether that one is light or dark.

use std::time::Duration;

use plotters::prelude::{Color, IntoDrawingArea, IntoFont, PathElement, RGBColor, Rectangle, SVGBackend, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontFamily, FontStyle};

use super::{Comparison, Error, Line, Pair, Spread, Verdict, duration_text};

/// The width of the picture and the room beside the bars, in points.
const WIDTH: i32 = 860;
const LEFT: i32 = 170;
const RIGHT: i32 = 90;
/// The room above the bars.
const TOP: i32 = 96;
/// The height of a phase, of one of its bars, and of the axis below.
const ROW: i32 = 46;
const BAR: i32 = 15;
const AXIS: i32 = 46;

const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
const INK: RGBColor = RGBColor(0x1F, 0x23, 0x28);
const FAINT: RGBColor = RGBColor(0x59, 0x63, 0x6E);
const GRID: RGBColor = RGBColor(0xD1, 0xD9, 0xE0);
const SIDES: Pair<RGBColor> = [RGBColor(0x54, 0x6A, 0x8F), RGBColor(0xE0, 0x7B, 0x16)];
const WHISKER: RGBColor = RGBColor(0x2A, 0x2F, 0x36);

/// The same colours on dark paper.
const DARK: &str = "@media (prefers-color-scheme: dark) { \
    [fill=\"#FFFFFF\"] { fill: #0D1117 } [fill=\"#1F2328\"] { fill: #E6EDF3 } [fill=\"#59636E\"] { fill: #9198A1 } \
    [stroke=\"#D1D9E0\"] { stroke: #3D444D } [fill=\"#546A8F\"] { fill: #7C93BC } [fill=\"#E07B16\"] { fill: #F0983C } \
    [stroke=\"#2A2F36\"] { stroke: #E6EDF3 } }";

type Drawn = Result<(), Box<dyn std::error::Error>>;
type Area<'a> = plotters::drawing::DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws a comparison. The same comparison gives the same bytes.
///
/// # Errors
/// [`Error::NoChart`] when the library cannot.
pub fn svg(comparison: &Comparison, title: &str) -> Result<String, Error> {
    let mut text = String::new();
    draw(&mut text, comparison, title).map_err(|error| Error::NoChart { reason: error.to_string() })?;
    let (head, body) = text.split_once('\n').unwrap_or_default();
    let label = fitted(&format!("{title}: {}", Verdict::of(comparison).sentence), 400);
    let label = label.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Ok(format!("{head}\n<title>{label}</title>\n<style>{DARK}</style>\n{body}"))
}

fn draw(text: &mut String, comparison: &Comparison, title: &str) -> Drawn {
    let lines: Vec<&Line> = comparison.phases.iter().filter(|line| line.compared).chain([&comparison.total]).collect();
    let bottom = TOP + ROW * i32::try_from(lines.len())?;
    let size = (WIDTH.unsigned_abs(), (bottom + AXIS).unsigned_abs());
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    area.fill(&PAPER)?;
    let most = lines.iter().flat_map(|line| line.values).flatten().fold(1.0, |most: f64, value| most.max(value.most));
    let scale = Scale::up_to(most);
    head(&area, comparison, title)?;
    axis(&area, &scale, bottom)?;
    for (row, line) in lines.iter().enumerate() {
        bars(&area, line, &scale, TOP + ROW * i32::try_from(row)?)?;
    }
    area.present()?;
    Ok(())
}

/// Draws the title, what the comparison comes to, and which bar is which.
fn head(area: &Area<'_>, comparison: &Comparison, title: &str) -> Drawn {
    area.draw_text(&fitted(title, 72), &style(19, INK, HPos::Left, FontStyle::Bold), (20, 26))?;
    let sentence = fitted(&Verdict::of(comparison).sentence, 110);
    area.draw_text(&sentence, &style(15, FAINT, HPos::Left, FontStyle::Normal), (20, 50))?;
    let mut x = 20;
    for (side, colour) in comparison.gathered.sides.iter().zip(SIDES) {
        let count = side.builds.len();
        let name = format!("{} ({count} build{})", fitted(&side.name, 18), if count == 1 { "" } else { "s" });
        area.draw(&Rectangle::new([(x, 68), (x + 14, 80)], colour.filled()))?;
        area.draw_text(&name, &style(14, INK, HPos::Left, FontStyle::Normal), (x + 20, 75))?;
        x += 44 + 7 * i32::try_from(name.chars().count())?;
    }
    let what = "bars: medians, lines: least to most";
    area.draw_text(what, &style(14, FAINT, HPos::Right, FontStyle::Normal), (WIDTH - 20, 75))?;
    Ok(())
}

fn axis(area: &Area<'_>, scale: &Scale, bottom: i32) -> Drawn {
    for (seconds, name) in scale.marks() {
        let x = scale.x(seconds);
        area.draw(&PathElement::new(vec![(x, TOP - 4), (x, bottom + 4)], GRID.stroke_width(1)))?;
        area.draw_text(&name, &style(14, FAINT, HPos::Center, FontStyle::Normal), (x, bottom + 16))?;
    }
    let unit = if scale.minutes { "minutes" } else { "seconds" };
    let (x, y) = (LEFT + (WIDTH - LEFT - RIGHT) / 2, bottom + 35);
    area.draw_text(unit, &style(14, FAINT, HPos::Center, FontStyle::Normal), (x, y))?;
    Ok(())
}

fn bars(area: &Area<'_>, line: &Line, scale: &Scale, top: i32) -> Drawn {
    let weight = if line.name == "total" { FontStyle::Bold } else { FontStyle::Normal };
    area.draw_text(&fitted(&line.name, 18), &style(14, INK, HPos::Right, weight), (LEFT - 12, top + ROW / 2))?;
    for ((value, colour), at) in line.values.iter().zip(SIDES).zip(0..) {
        let y = top + (ROW - 2 * BAR - 2) / 2 + at * (BAR + 2);
        let Some(value) = value else {
            area.draw_text("none", &style(13, FAINT, HPos::Left, FontStyle::Normal), (LEFT + 6, y + BAR / 2))?;
            continue;
        };
        bar(area, value, scale, colour, y)?;
    }
    Ok(())
}

fn bar(area: &Area<'_>, value: &Spread, scale: &Scale, colour: RGBColor, y: i32) -> Drawn {
    let (least, median, most) = (scale.x(value.least), scale.x(value.median), scale.x(value.most));
    // A phase that took no time leaves a mark as well.
    area.draw(&Rectangle::new([(LEFT, y), (median.max(LEFT + 1), y + BAR)], colour.filled()))?;
    let middle = y + BAR / 2;
    if most > least {
        for points in [
            vec![(least, middle), (most, middle)],
            vec![(least, middle - 4), (least, middle + 4)],
            vec![(most, middle - 4), (most, middle + 4)],
        ] {
            area.draw(&PathElement::new(points, WHISKER.stroke_width(1)))?;
        }
    }
    let name = duration_text(Duration::from_secs_f64(value.median));
    area.draw_text(&name, &style(13, INK, HPos::Left, FontStyle::Normal), (most.max(median) + 7, middle))?;
    Ok(())
}

fn style(size: i32, colour: RGBColor, across: HPos, weight: FontStyle) -> TextStyle<'static> {
    let font = (FontFamily::SansSerif, size).into_font().style(weight);
    TextStyle { color: colour.to_backend_color(), pos: Pos::new(across, VPos::Center), ..TextStyle::from(font) }
}

/// Where seconds lie between the two ends of the axis.
struct Scale {
    /// The seconds at the right end.
    end: f64,
    /// The seconds between two marks.
    step: f64,
    /// Whether the marks are minutes.
    minutes: bool,
}

impl Scale {
    /// Makes an axis with four to eight marks up to some seconds.
    fn up_to(most: f64) -> Self {
        let minutes = most > 180.0;
        let unit = if minutes { 60.0 } else { 1.0 };
        let rough = most / unit / 6.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough);
        let step = step.unwrap_or(rough) * unit;
        Self { end: (most / step).ceil().max(1.0) * step, step, minutes }
    }

    #[expect(clippy::cast_possible_truncation, reason = "within the picture")]
    fn x(&self, seconds: f64) -> i32 {
        LEFT + (f64::from(WIDTH - LEFT - RIGHT) * (seconds / self.end)).round() as i32
    }

    fn marks(&self) -> Vec<(f64, String)> {
        let unit = if self.minutes { 60.0 } else { 1.0 };
        let digits = if self.step / unit < 1.0 { 1 } else { 0 };
        let mut marks = Vec::new();
        let mut at = 0.0;
        while at <= self.end + self.step / 2.0 {
            marks.push((at, format!("{:.digits$}", at / unit)));
            at += self.step;
        }
        marks
    }
}

/// Cuts a text to what there is room for. Characters that XML does not know are left out.
fn fitted(text: &str, most: usize) -> String {
    let known = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let mut text: String = text.chars().filter(known).collect();
    if text.chars().count() > most {
        text = text.chars().take(most - 1).chain(['…']).collect();
    }
    text
}

#[cfg(test)]
mod tests;
