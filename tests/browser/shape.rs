//! The shape of a page, by an HTML5 parser: its tags with the names of their attributes.

use std::collections::BTreeSet;

use html5ever::ParseOpts;
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// Tags with the sorted names of their attributes, without the lines of lists of tools, and the shapes of those lines: which tools are like a tool, and in which order
/// tools come, follows from their names.
pub(crate) fn outline(page: &str) -> (String, BTreeSet<String>) {
    let (mut out, mut lines) = (String::new(), Some(BTreeSet::new()));
    walk(&parsed(page).document, &mut out, &mut lines);
    (out, lines.unwrap_or_default())
}

/// A page as an HTML5 parser has it that runs no scripts, as the browser's own parser of texts.
pub(crate) fn parsed(page: &str) -> RcDom {
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    html5ever::parse_document(RcDom::default(), options).one(page)
}

/// Writes the tags of a node. With `lines`, those of lists of tools go there.
pub(crate) fn walk(node: &Handle, out: &mut String, lines: &mut Option<BTreeSet<String>>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes = attrs.borrow();
        let mut names: Vec<&str> = attributes.iter().map(|a| &*a.name.local).collect();
        names.sort_unstable();
        out.push_str(&format!("<{} {}>", name.local, names.join(" ")));
        let is_list = attributes.iter().any(|a| &*a.name.local == "class" && &*a.value == "tools");
        if let Some(known) = lines.as_mut().filter(|_| is_list && &*name.local == "ul") {
            for line in node.children.borrow().iter() {
                let mut shape = String::new();
                walk(line, &mut shape, &mut None);
                known.insert(shape);
            }
            return;
        }
    }
    node.children.borrow().iter().for_each(|child| walk(child, out, lines));
}

/// What stands around the first tag that differs.
pub(crate) fn difference(a: &str, b: &str) -> [String; 2] {
    let same = a.split('<').zip(b.split('<')).take_while(|(a, b)| a == b).count();
    [a, b].map(|of| of.split('<').skip(same.saturating_sub(12)).take(30).collect::<Vec<_>>().join("<"))
}
