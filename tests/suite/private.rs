//! Private servers: in no site made for others; in one made for its owner, which tells search engines to keep out.

use catalogue::store::Store;

use crate::sample;
use crate::sources_fake::Place;

#[test]
fn a_site_for_its_owner_has_private_servers_and_says_so_on_every_page() {
    let place = Place::new("[site]\nbase_url = \"https://cat.example/\"\n");
    std::fs::create_dir_all(place.path("var")).unwrap();
    let mut store = Store::open(&place.path("var/catalogue.db")).unwrap();
    sample::seed(&mut store);
    crate::declared::seed(&mut store, &["local:house-tools"], &["declared_private"]);
    drop(store);
    let build = |more: &[&str]| {
        let output = place.run(&[&["build", "--out", "dist"], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let pages = || {
        let mut all = Vec::new();
        walk(&place.path("dist"), &mut all);
        all
    };
    let names = ["house-tools", "light_on", "declared_private"];
    build(&["--include-private"]);
    let own = pages();
    assert!(place.path("dist/servers/local/house-tools/index.html").exists());
    assert!(place.path("dist/servers/local/house-tools/tools/light_on.html").exists());
    let html: Vec<_> = own.iter().filter(|(path, _)| path.ends_with(".html")).collect();
    assert!(html.len() > 20);
    for (path, text) in &html {
        assert!(text.contains("<meta name=\"robots\" content=\"noindex, nofollow\">"), "{path}");
        assert!(
            text.contains("made with private servers in it") && !text.contains("rel=\"canonical\""),
            "{path}"
        );
    }
    let robots = std::fs::read_to_string(place.path("dist/robots.txt")).unwrap();
    assert!(robots.contains("Disallow: /\n") && !robots.contains("Sitemap"), "{robots}");
    assert!(!std::fs::read_to_string(place.path("dist/sitemap.xml")).unwrap().contains("<loc>"));
    assert_eq!(catalogue::render::check(&place.path("dist")), []);

    // The next build, for everyone, leaves nothing of it behind.
    build(&[]);
    for (path, text) in pages() {
        assert!(!names.iter().any(|name| path.contains(name) || text.contains(name)), "{path}");
        assert!(!text.contains("noindex"), "{path}");
    }
    assert!(std::fs::read_to_string(place.path("dist/robots.txt")).unwrap().contains("Allow: /\n"));
}

#[test]
fn a_database_of_private_servers_alone_gives_others_an_empty_site() {
    let place = Place::new("");
    std::fs::create_dir_all(place.path("var")).unwrap();
    let mut store = Store::open(&place.path("var/catalogue.db")).unwrap();
    let release = sample::release("local:mine", "");
    let found = sample::probe(
        &release,
        catalogue::model::Outcome::Ok,
        std::slice::from_ref(sample::tool("local:house-tools", "light_on")),
        sample::start(),
    );
    sample::store_probe(&mut store, &release, &Default::default(), &found);
    drop(store);
    let said = |more: &[&str]| {
        let output = place.run(&[&["build", "--out", "dist"], more].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(said(&[]).contains("0 servers and 0 tools"));
    assert!(said(&["--include-private"]).contains("1 server and 1 tool"));
}

fn walk(folder: &std::path::Path, all: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, all);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            all.push((path.to_string_lossy().into_owned(), text));
        }
    }
}
