//! Panels as an HTML page: each panel once for wide screens and once for narrow ones.

use super::panel::Panel;
use super::picture::{self, NARROW, WIDE};
use shortway::Error;

/// The head: nothing may be loaded, and one of the two pictures of a panel is shown.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Nightly reports</title>
<style>
body { font-family: sans-serif; margin: 0 auto; max-width: 1140px; padding: 0 10px 20px; color: #222; }
h1 { font-size: 1.5rem; margin: 20px 0 0; }
h2 { font-size: 1.2rem; margin: 24px 0 4px; }
p { color: #555; margin: 4px 0; }
svg { max-width: 100%; height: auto; }
.narrow { display: none; }
@media (max-width: 800px) { .wide { display: none; } .narrow { display: block; } }
</style>
</head>
<body>
<h1>Nightly reports</h1>
"#;

pub(super) fn page(panels: &[Panel]) -> Result<String, Error> {
    let mut page = HEAD.to_owned();
    let first = panels.iter().map(|panel| panel.days.0).min().unwrap_or_default();
    let last = panels.iter().map(|panel| panel.days.1).max().unwrap_or_default();
    page.push_str(&format!("<p>{first} to {last}, days of each property's time zone</p>\n"));
    for of_site in panels.chunk_by(|a, b| a.site == b.site) {
        let Some(site) = of_site.first().map(|panel| &panel.site) else { continue };
        page.push_str(&format!("<h2>{}</h2>\n", escaped(site)));
        for panel in of_site {
            let label = escaped(&panel.title());
            for (class, layout) in [("wide", WIDE), ("narrow", NARROW)] {
                let svg = picture::one(panel, layout)?;
                page.push_str(&format!(
                    "<div class=\"{class}\" role=\"img\" aria-label=\"{label}\">{svg}</div>\n"
                ));
            }
        }
    }
    page.push_str("</body>\n</html>\n");
    Ok(page)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
