//! Addresses that moved lead on, as long as there is something to lead to.

use catalogue::model::Class;
use catalogue::render::RenderError;

use super::{add_server, build_from, files, html_pages, options, rules, tool};
use crate::sample;

#[test]
fn an_old_address_leads_to_where_its_page_is_now() {
    let (folder, db, mut store) = sample::empty();
    add_server(&mut store, &rules(), "npm:all", "1.0", None, &[tool("look", "Looks.", Class::Read)]);
    drop(store);
    let out = folder.path().join("dist");
    let mut told = options(&out);
    let (page, server) = ("servers/npm/all/tools/look.html", "servers/npm/all/index.html");
    let list = format!(
        "moved = [{{ from = \"old/look.html\", to = \"older.html\" }}, {{ from = \"older.html\", to = \"{page}\" }}, \
         {{ from = \"{page}\", to = \"{server}\" }}, {{ from = \"guides.html\", to = \"guides/index.html\" }}, \
         {{ from = \"gone.html\", to = \"nowhere.html\" }}]"
    );
    told.data.insert("moved.toml".to_owned(), list.into_bytes());
    let report = build_from(&db, &told).unwrap();
    assert_eq!(report.problems, Some(vec![]));
    assert!(report.left_to_tera.is_empty(), "{:?}", report.left_to_tera);
    let pages = html_pages(&out);
    // The tool's own page stands where the list says that it moved from: it is shown, and what moved there ends there.
    assert!(pages[page].contains("<h1>") && !pages[page].contains("This page moved"));
    assert!(!pages.contains_key("gone.html"), "it would lead nowhere");
    assert!(pages["guides.html"].contains("content=\"0; url=guides/index.html\""));
    let old = &pages["old/look.html"];
    assert!(old.contains(&format!("<meta http-equiv=\"refresh\" content=\"0; url=../{page}\">")), "{old}");
    assert!(
        old.contains("rel=\"canonical\" href=\"https://cat.example/below/servers/npm/all/tools/look.html\""),
        "{old}"
    );
    let all = files(&out);
    let text = |name: &str| String::from_utf8(all[name].clone()).unwrap();
    let redirects = text("_redirects");
    assert!(redirects.contains(&format!("/below/old/look.html /below/{page} 301\n")), "{redirects}");
    assert_eq!(redirects.lines().count(), 3, "{redirects}");
    assert!(!text("sitemap.xml").contains("old/look"), "walkers find the new address there");

    // Without the list nothing of it is left.
    told.data.remove("moved.toml");
    build_from(&db, &told).unwrap();
    let all = files(&out);
    assert!(
        ["old/look.html", "older.html", "guides.html", "_redirects"].iter().all(|f| !all.contains_key(*f))
    );

    told.data
        .insert("moved.toml".to_owned(), b"moved = [{ from = \"../x.html\", to = \"y.html\" }]".to_vec());
    let refused = build_from(&db, &told).unwrap_err();
    assert!(matches!(refused, RenderError::Moved { .. }), "{refused}");
}
