//! Badges: small SVG pictures that a README can show. Made of our own closed words and of numbers; no foreign text comes into one.

use super::words::{ClassCount, ClassWord, RiskWord};

/// Colours by place on the scale, dark enough for white text (4.5 to 1 at least).
const COLOURS: [&str; 4] = ["#1a5f8c", "#755600", "#a03f06", "#a10d2c"];

/// A tool's class and risk.
pub(super) fn tool(class: ClassWord, risk: RiskWord) -> String {
    badge("MCP tool", &format!("{}, {} risk", class.word, risk.word.to_lowercase()), class.step)
}

/// A server's tools by class, the gravest first, in the colour of the gravest.
pub(super) fn server(classes: &[ClassCount]) -> String {
    let mut present: Vec<&ClassCount> = classes.iter().filter(|c| c.count > 0).collect();
    present.sort_by_key(|c| std::cmp::Reverse(c.class.step));
    let words: Vec<String> =
        present.iter().map(|c| format!("{} {}", c.count, c.class.word.to_lowercase())).collect();
    let message = if words.is_empty() { "no tools".to_owned() } else { words.join(", ") };
    badge("MCP server", &message, present.first().map_or(0, |c| c.class.step))
}

/// A server whose tools are not known.
pub(super) fn not_judged() -> String {
    badge("MCP server", "not judged", 0)
}

/// Two fields side by side. Widths are estimated and the text is fitted into them, so that it looks the same in every face.
fn badge(label: &str, message: &str, step: usize) -> String {
    let width = |text: &str| text.chars().count() * 7 + 12;
    let (left, right) = (width(label), width(message));
    let all = left + right;
    let colour = step.checked_sub(1).and_then(|at| COLOURS.get(at)).unwrap_or(&"#4b555f");
    let text = |x: usize, width: usize, text: &str| {
        format!(
            "<text x=\"{x}\" y=\"14\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{text}</text>",
            width - 12
        )
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" aria-label=\"{label}: {message}\">\
         <title>{label}: {message}</title>\
         <rect width=\"{left}\" height=\"20\" fill=\"#333b43\"/><rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">{}{}</g></svg>\n",
        text(6, left, label),
        text(left + 6, right, message),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, Risk};
    use crate::render::words::{class_counts, class_word, risk_word};

    #[test]
    fn a_badge_says_class_and_risk_or_the_tools_by_class() {
        let one = tool(class_word(Class::Execute), risk_word(Risk::High));
        assert!(
            one.contains("<title>MCP tool: Execute, high risk</title>") && one.contains("#a03f06"),
            "{one}"
        );
        let some = server(&class_counts([12, 0, 0, 1]));
        assert!(some.contains("MCP server: 1 destructive, 12 read") && some.contains("#a10d2c"), "{some}");
        assert!(server(&class_counts([0; 4])).contains("no tools"));
        assert!(not_judged().contains("not judged"));
    }
}
