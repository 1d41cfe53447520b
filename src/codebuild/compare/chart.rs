//! The chart of a comparison: two bars per phase, medians, with a line from the least to the most.
//!
//! An SVG only: a bitmap would need a font library and fonts. The viewer draws the text in its own sans-serif font; the
//! colours follow its light or dark theme.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::{Comparison, Line, Pair, Spread, Verdict, duration_text};

/// The width of the picture and the margins of the bars, in pixels.
const WIDTH: i32 = 860;
const LEFT: i32 = 170;
const RIGHT: i32 = 90;
/// The height of the header above the bars.
const TOP: i32 = 96;
/// The height of a phase, of one of its bars, and of the axis below.
const ROW: i32 = 46;
const BAR: i32 = 15;
const AXIS: i32 = 46;

const PAPER: &str = "#FFFFFF";
const INK: &str = "#1F2328";
const FAINT: &str = "#59636E";
const GRID: &str = "#D1D9E0";
const SIDES: Pair<&str> = ["#546A8F", "#E07B16"];
const WHISKER: &str = "#2A2F36";

/// The same colours for dark themes.
const DARK: &str = "@media (prefers-color-scheme: dark) { \
    [fill=\"#FFFFFF\"] { fill: #0D1117 } [fill=\"#1F2328\"] { fill: #E6EDF3 } [fill=\"#59636E\"] { fill: #9198A1 } \
    [stroke=\"#D1D9E0\"] { stroke: #3D444D } [fill=\"#546A8F\"] { fill: #7C93BC } [fill=\"#E07B16\"] { fill: #F0983C } \
    [stroke=\"#2A2F36\"] { stroke: #E6EDF3 } }";

/// Draws a comparison. The same comparison gives the same bytes.
#[must_use]
pub fn svg(comparison: &Comparison, title: &str) -> String {
    let lines: Vec<&Line> = comparison.phases.iter().filter(|line| line.compared).chain([&comparison.total]).collect();
    let bottom = lines.iter().fold(TOP, |bottom, _| bottom + ROW);
    let most = lines.iter().flat_map(|line| line.values).flatten().fold(1.0, |most: f64, value| most.max(value.most));
    let scale = Scale::up_to(most);
    let label = fitted(&format!("{title}: {}", Verdict::of(comparison).sentence), 400);
    let mut picture = Picture::new(WIDTH, bottom + AXIS, &label);
    draw_head(&mut picture, comparison, title);
    draw_axis(&mut picture, &scale, bottom);
    let mut top = TOP;
    for line in lines {
        draw_bars(&mut picture, line, &scale, top);
        top += ROW;
    }
    picture.finish()
}

/// Draws the title, the result, and the legend.
fn draw_head(picture: &mut Picture, comparison: &Comparison, title: &str) {
    picture.text(&fitted(title, 72), (20, 26), &Style { size: 16, bold: true, ..Style::LABEL });
    let sentence = fitted(&Verdict::of(comparison).sentence, 110);
    picture.text(&sentence, (20, 50), &Style { size: 13, colour: FAINT, ..Style::LABEL });
    let mut x = 20;
    for (side, colour) in comparison.gathered.sides.iter().zip(SIDES) {
        let count = side.builds.len();
        let name = format!("{} ({count} build{})", fitted(&side.name, 18), if count == 1 { "" } else { "s" });
        picture.rectangle((x, 68), (14, 14), colour);
        picture.text(&name, (x + 20, 75), &Style::LABEL);
        x += name.chars().fold(44, |width, _| width + 7);
    }
    let legend = "bars: medians, lines: least to most";
    picture.text(legend, (WIDTH - 20, 75), &Style { colour: FAINT, anchor: "end", ..Style::LABEL });
}

fn draw_axis(picture: &mut Picture, scale: &Scale, bottom: i32) {
    let style = Style { colour: FAINT, anchor: "middle", ..Style::LABEL };
    for (seconds, name) in scale.marks() {
        let x = scale.x(seconds);
        picture.line((x, TOP - 4), (x, bottom + 4), GRID);
        picture.text(&name, (x, bottom + 16), &style);
    }
    let unit = if scale.minutes { "minutes" } else { "seconds" };
    picture.text(unit, (LEFT + (WIDTH - LEFT - RIGHT) / 2, bottom + 35), &style);
}

fn draw_bars(picture: &mut Picture, line: &Line, scale: &Scale, top: i32) {
    let style = Style { anchor: "end", bold: line.name == "total", ..Style::LABEL };
    picture.text(&fitted(&line.name, 18), (LEFT - 12, top + ROW / 2), &style);
    let mut y = top + (ROW - 2 * BAR - 2) / 2;
    for (value, colour) in line.values.iter().zip(SIDES) {
        match value {
            Some(value) => draw_bar(picture, value, scale, colour, y),
            None => picture.text("none", (LEFT + 6, y + BAR / 2), &Style { size: 11, colour: FAINT, ..Style::LABEL }),
        }
        y += BAR + 2;
    }
}

fn draw_bar(picture: &mut Picture, value: &Spread, scale: &Scale, colour: &str, y: i32) {
    let (least, median, most) = (scale.x(value.least), scale.x(value.median), scale.x(value.most));
    // A phase that took no time is visible, too.
    picture.rectangle((LEFT, y), ((median - LEFT).max(1), BAR), colour);
    let middle = y + BAR / 2;
    if most > least {
        picture.line((least, middle), (most, middle), WHISKER);
        for end in [least, most] {
            picture.line((end, middle - 4), (end, middle + 4), WHISKER);
        }
    }
    let name = duration_text(Duration::from_secs_f64(value.median));
    picture.text(&name, (most.max(median) + 7, middle), &Style { size: 11, ..Style::LABEL });
}

/// The text of an SVG under construction. Positions are pixels from the upper left corner.
struct Picture(String);

/// The look of a text. `anchor` names the end of the text that lies at its position: `start`, `middle`, `end`.
struct Style {
    size: i32,
    colour: &'static str,
    anchor: &'static str,
    bold: bool,
}

impl Style {
    const LABEL: Self = Self { size: 12, colour: INK, anchor: "start", bold: false };
}

impl Picture {
    fn new(width: i32, height: i32, title: &str) -> Self {
        let mut picture = Self(String::new());
        picture.add(format_args!(
            "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\">\n<title>{}</title>\n<style>{DARK}</style>",
            escaped(title)
        ));
        picture.rectangle((0, 0), (width, height), PAPER);
        picture
    }

    fn rectangle(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), colour: &str) {
        self.add(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"/>"));
    }

    /// Draws a horizontal or vertical line, sharp on screens: it runs through the middle of its pixels.
    fn line(&mut self, (x1, y1): (i32, i32), (x2, y2): (i32, i32), colour: &str) {
        self.add(format_args!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" transform=\"translate(0.5 0.5)\" stroke=\"{colour}\"/>"
        ));
    }

    /// Writes a text whose middle is at the height of `y`.
    fn text(&mut self, text: &str, (x, y): (i32, i32), style: &Style) {
        let Style { size, colour, anchor, bold } = style;
        let weight = if *bold { " font-weight=\"bold\"" } else { "" };
        self.add(format_args!(
            "<text x=\"{x}\" y=\"{y}\" dy=\"0.35em\" text-anchor=\"{anchor}\" font-size=\"{size}\"{weight} \
             fill=\"{colour}\">{}</text>",
            escaped(text)
        ));
    }

    fn finish(mut self) -> String {
        self.add("</svg>");
        self.0
    }

    fn add(&mut self, element: impl Display) {
        writeln!(self.0, "{element}").expect("writing to a string cannot fail");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The axis: converts seconds to positions.
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

/// Shortens a text to at most `most` characters. Characters that XML does not allow are left out.
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
