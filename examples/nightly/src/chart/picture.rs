//! Panels as SVG: a title, axes with days and units, a legend.

use super::panel::{Line, Panel};
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, ChartContext, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::combinators::{BindKeyPoints as _, WithKeyPoints};
use plotters::coord::types::{RangedCoordf64, RangedCoordi32};
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{Circle, PathElement};
use plotters::series::LineSeries;
use plotters::style::{BLACK, Color as _, RGBColor, ShapeStyle, WHITE};
use shortway::{Error, ErrorKind};

/// How a panel is laid out, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    /// How many days shall be named at the axis.
    days: i32,
    letters: u32,
    title: u32,
}

pub(super) const WIDE: Layout = Layout { width: 1100, height: 360, days: 10, letters: 17, title: 22 };
pub(super) const NARROW: Layout = Layout { width: 360, height: 300, days: 4, letters: 15, title: 17 };

/// Colours that the colour-blind can tell apart too (Okabe and Ito).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

type Area<'s> = DrawingArea<SVGBackend<'s>, Shift>;
type Chart<'a, 's> =
    ChartContext<'a, SVGBackend<'s>, Cartesian2d<WithKeyPoints<RangedCoordi32>, RangedCoordf64>>;

/// All panels, one below the other.
pub(super) fn all(panels: &[Panel]) -> Result<String, Error> {
    draw(panels, WIDE)
}

/// One panel.
pub(super) fn one(panel: &Panel, layout: Layout) -> Result<String, Error> {
    draw(std::slice::from_ref(panel), layout)
}

fn draw(panels: &[Panel], layout: Layout) -> Result<String, Error> {
    let mut svg = String::new();
    let height = layout.height * u32::try_from(panels.len()).unwrap_or(1);
    let cannot = |error: String| Error::new(ErrorKind::Other, format!("cannot draw the chart: {error}"));
    {
        let root = SVGBackend::with_string(&mut svg, (layout.width, height)).into_drawing_area();
        root.fill(&WHITE).map_err(|error| cannot(error.to_string()))?;
        for (panel, area) in panels.iter().zip(root.split_evenly((panels.len(), 1))) {
            draw_panel(panel, &area, layout).map_err(cannot)?;
        }
        root.present().map_err(|error| cannot(error.to_string()))?;
    }
    Ok(svg)
}

fn draw_panel(panel: &Panel, area: &Area<'_>, layout: Layout) -> Result<(), String> {
    let (first, last) = panel.days;
    // A single day is a point in the middle.
    let days = if first == last { number(first) - 1..number(last) + 1 } else { number(first)..number(last) };
    let named = named_days(first, last, layout.days).into_iter().map(number).collect();
    let letters = ("sans-serif", layout.letters);
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title(), ("sans-serif", layout.title))
        .margin(10)
        .margin_right(layout.letters * 2)
        .x_label_area_size(layout.letters * 7 / 2)
        .y_label_area_size(layout.letters * 5)
        .build_cartesian_2d(days.with_key_points(named), 0.0..top(panel))
        .map_err(|error| error.to_string())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_label_formatter(&|day| day_label(*day))
        .y_label_formatter(&|figure| figure_label(*figure))
        .y_labels(6)
        .bold_line_style(BLACK.mix(0.15))
        .x_desc(format!("day ({})", panel.time_zone))
        .y_desc(if panel.unit.is_empty() { "count per day" } else { &panel.unit })
        .label_style(letters)
        .axis_desc_style(letters)
        .draw()
        .map_err(|error| error.to_string())?;
    for (line, colour) in panel.lines.iter().zip(COLOURS.iter().cycle()) {
        draw_line(&mut chart, line, *colour).map_err(|error| error.to_string())?;
    }
    if panel.has_doubts() {
        explain_doubts(&mut chart).map_err(|error| error.to_string())?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .label_font(letters)
        .draw()
        .map_err(|error| error.to_string())
}

type Drawn = Result<(), plotters::drawing::DrawingAreaErrorKind<std::io::Error>>;

fn draw_line(chart: &mut Chart<'_, '_>, line: &Line, colour: RGBColor) -> Drawn {
    let style = ShapeStyle::from(&colour).stroke_width(2);
    for run in &line.runs {
        chart.draw_series(LineSeries::new(run.iter().map(|(day, figure)| (number(*day), *figure)), style))?;
    }
    let alone = line.runs.iter().filter(|run| run.len() == 1).flatten();
    chart.draw_series(alone.map(|(day, figure)| Circle::new((number(*day), *figure), 2, colour.filled())))?;
    let doubtful = line.doubtful.iter().map(|(day, figure)| Circle::new((number(*day), *figure), 4, colour));
    chart.draw_series(doubtful)?;
    let none = std::iter::empty::<(i32, f64)>();
    chart
        .draw_series(LineSeries::new(none, style))?
        .label(&line.metric)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    Ok(())
}

/// The legend's line for circles.
fn explain_doubts(chart: &mut Chart<'_, '_>) -> Drawn {
    let none = std::iter::empty::<(i32, f64)>();
    chart
        .draw_series(LineSeries::new(none, BLACK))?
        .label("not exact (sampled, …)")
        .legend(|(x, y)| Circle::new((x + 8, y), 4, BLACK));
    Ok(())
}

/// The end of the axis of figures: room for the legend above the lines.
fn top(panel: &Panel) -> f64 {
    let most = panel.most();
    if most > 0.0 { most * 1.35 } else { 1.0 }
}

/// The place of a day on the axis.
fn number(day: Date) -> i32 {
    (day - Date::constant(1970, 1, 1)).get_days()
}

/// `3 Mar`, or `2026` for the first of January.
fn day_label(number: i32) -> String {
    let day = Date::constant(1970, 1, 1).saturating_add(number.days());
    if (day.month(), day.day()) == (1, 1) {
        day.strftime("%Y").to_string()
    } else {
        day.strftime("%-d %b").to_string()
    }
}

/// About so many days between `first` and `last` that an axis should name: first days of weeks or months.
fn named_days(first: Date, last: Date, about: i32) -> Vec<Date> {
    let length = number(last) - number(first);
    let steps: [Span; 9] =
        [1.day(), 2.days(), 1.week(), 2.weeks(), 1.month(), 3.months(), 6.months(), 1.year(), 5.years()];
    let lengths = [1, 2, 7, 14, 30, 91, 182, 365, 1826];
    let place = lengths.iter().position(|days| length / days <= about).unwrap_or(lengths.len() - 1);
    let begin = match lengths[place] {
        1 | 2 => first,
        7 | 14 => {
            let days = 7 - i32::from(first.weekday().to_monday_zero_offset());
            first.saturating_add(days.rem_euclid(7).days())
        }
        30 => next_month(first, |_| true),
        91 => next_month(first, |month| month % 3 == 1),
        182 => next_month(first, |month| month % 6 == 1),
        _ => next_month(first, |month| month == 1),
    };
    begin.series(steps[place]).take_while(|day| *day <= last).collect()
}

/// The first day of a month, from `first` on, that is wanted.
fn next_month(first: Date, wanted: impl Fn(i8) -> bool) -> Date {
    let starts = first.first_of_month().series(1.month());
    starts.take(13).find(|day| *day >= first && wanted(day.month())).unwrap_or(first)
}

/// `1200` as `1.2k`.
fn figure_label(figure: f64) -> String {
    let (divisor, letter) = match figure.abs() {
        1e9.. => (1e9, "G"),
        1e6.. => (1e6, "M"),
        1e4.. => (1e3, "k"),
        _ => (1.0, ""),
    };
    let text = format!("{:.2}", figure / divisor);
    format!("{}{letter}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn an_axis_names_days_weeks_months_or_years() {
        let named = |first: Date, last, about| -> Vec<String> {
            named_days(first, last, about).into_iter().map(number).map(day_label).collect()
        };
        let start = date(2026, 2, 26); // a Thursday
        assert_eq!(
            named(start, date(2026, 3, 3), 10),
            ["26 Feb", "27 Feb", "28 Feb", "1 Mar", "2 Mar", "3 Mar"]
        );
        assert_eq!(named(start, date(2026, 3, 30), 10), ["2 Mar", "9 Mar", "16 Mar", "23 Mar", "30 Mar"]);
        assert_eq!(named(start, date(2026, 6, 1), 4), ["1 Mar", "1 Apr", "1 May", "1 Jun"]);
        assert_eq!(named(start, date(2027, 2, 1), 4), ["1 Apr", "1 Jul", "1 Oct", "2027"]);
        assert_eq!(
            named(start, date(2030, 2, 1), 10),
            ["1 Jul", "2027", "1 Jul", "2028", "1 Jul", "2029", "1 Jul", "2030"]
        );
        assert_eq!(named(start, date(2050, 2, 1), 10).len(), 5);
    }

    #[test]
    fn large_figures_are_short() {
        let labels = [0.0, 0.25, 950.0, 1200.0, 12_500.0, 3e6, 4.2e9].map(figure_label);
        assert_eq!(labels, ["0", "0.25", "950", "1200", "12.5k", "3M", "4.2G"]);
    }
}
