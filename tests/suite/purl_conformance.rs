//! Package URLs against the rules of the specification (ECMA-427) and of the types that servers have. Every case is made up
//! here from the rule it stands for.

use catalogue::model::{Purl, Release, ServerKey, Target};
use proptest::prelude::*;

/// What is read, and what is written: the canonical form.
const CANONICAL: &[(&str, &str)] = &[
    // The scheme, slashes behind it, the case of the type.
    ("pkg:generic/bell@1", "pkg:generic/bell@1"),
    ("PKG:generic/bell@1", "pkg:generic/bell@1"),
    ("pkg://generic/bell@1", "pkg:generic/bell@1"),
    ("pkg:///generic//bell@1", "pkg:generic/bell@1"),
    ("pkg:GENERIC/Bell@1", "pkg:generic/Bell@1"),
    ("pkg:a.b-c9/bell", "pkg:a.b-c9/bell"),
    // Namespace and name: slashes at the ends do not count, segments are encoded one by one.
    ("pkg:generic/bell/", "pkg:generic/bell"),
    ("pkg:generic//a//b///bell//@2", "pkg:generic/a/b/bell@2"),
    ("pkg:generic/a%20b/c%26d", "pkg:generic/a%20b/c%26d"),
    ("pkg:generic/a b/bell", "pkg:generic/a%20b/bell"),
    ("pkg:generic/gl%C3%B6ckchen", "pkg:generic/gl%C3%B6ckchen"),
    ("pkg:generic/glöckchen", "pkg:generic/gl%C3%B6ckchen"),
    ("pkg:generic/%62ell", "pkg:generic/bell"),
    ("pkg:generic/a%2fb", "pkg:generic/a%2Fb"),
    ("pkg:generic/a~b_c.d-e", "pkg:generic/a~b_c.d-e"),
    ("pkg:generic/a:b", "pkg:generic/a:b"),
    ("pkg:generic/a%3Ab", "pkg:generic/a:b"),
    ("pkg:generic/a%40b@1", "pkg:generic/a%40b@1"),
    // The version is what stands behind the last @, opaque and encoded.
    ("pkg:generic/bell@1.0+local", "pkg:generic/bell@1.0%2Blocal"),
    ("pkg:generic/bell@1%2B2", "pkg:generic/bell@1%2B2"),
    ("pkg:generic/bell@v1:2", "pkg:generic/bell@v1:2"),
    ("pkg:generic/bell@a/b", "pkg:generic/bell@a%2Fb"),
    ("pkg:generic/bell@1%401", "pkg:generic/bell@1%401"),
    ("pkg:generic/bell@%E2%98%83", "pkg:generic/bell@%E2%98%83"),
    ("pkg:generic/bell@1%231%3F2", "pkg:generic/bell@1%231%3F2"),
    // Qualifiers: sorted, keys lowered, empty ones left out, values encoded but for the colon.
    ("pkg:generic/bell?b=2&a=1", "pkg:generic/bell?a=1&b=2"),
    ("pkg:generic/bell?Arch=X86", "pkg:generic/bell?arch=X86"),
    ("pkg:generic/bell?a=&b=1&c", "pkg:generic/bell?b=1"),
    ("pkg:generic/bell?a=", "pkg:generic/bell"),
    ("pkg:generic/bell?", "pkg:generic/bell"),
    ("pkg:generic/bell?a=1=2", "pkg:generic/bell?a=1%3D2"),
    ("pkg:generic/bell?u=https://h.example/x%3Fy", "pkg:generic/bell?u=https:%2F%2Fh.example%2Fx%3Fy"),
    ("pkg:generic/bell?checksum=sha1:ab,sha256:cd", "pkg:generic/bell?checksum=sha1:ab%2Csha256:cd"),
    ("pkg:generic/bell?a_b.c-d=e f", "pkg:generic/bell?a_b.c-d=e%20f"),
    ("pkg:generic/bell?a=x@y", "pkg:generic/bell?a=x%40y"),
    ("pkg:generic/bell@1?a=%26", "pkg:generic/bell@1?a=%26"),
    // The path within: no empty segment, no dots, encoded one by one.
    ("pkg:generic/bell#/a//b/", "pkg:generic/bell#a/b"),
    ("pkg:generic/bell#a/./b/../c", "pkg:generic/bell#a/b/c"),
    ("pkg:generic/bell#%2e%2e/a/%2E", "pkg:generic/bell#a"),
    ("pkg:generic/bell#..", "pkg:generic/bell"),
    ("pkg:generic/bell@1?a=1#x y/%C3%B6", "pkg:generic/bell@1?a=1#x%20y/%C3%B6"),
    ("pkg:generic/bell#a:b", "pkg:generic/bell#a:b"),
    // npm: the scope is the namespace; its @ is encoded, also if it was not.
    ("pkg:npm/bell@1.2.3", "pkg:npm/bell@1.2.3"),
    ("pkg:npm/%40tower/bell@1.2.3", "pkg:npm/%40tower/bell@1.2.3"),
    ("pkg:npm/@tower/bell@1.2.3", "pkg:npm/%40tower/bell@1.2.3"),
    ("pkg:npm/@tower/bell", "pkg:npm/%40tower/bell"),
    ("pkg:npm/%40tower%2Fbell", "pkg:npm/%40tower/bell"),
    ("pkg:npm/@tower/bell#/lib/", "pkg:npm/%40tower/bell#lib"),
    ("pkg:npm/bell@1.0.0-rc.1+build.5", "pkg:npm/bell@1.0.0-rc.1%2Bbuild.5"),
    ("pkg:NPM/bell.js", "pkg:npm/bell.js"),
    // Old npm names differ by case alone.
    ("pkg:npm/BellTower@1", "pkg:npm/BellTower@1"),
    // pypi: runs of - _ . are one dash, all in lower case.
    ("pkg:pypi/Bell_Tower.x@1.0", "pkg:pypi/bell-tower-x@1.0"),
    ("pkg:pypi/bell--tower__x..y", "pkg:pypi/bell-tower-x-y"),
    ("pkg:pypi/BELL@1.0RC1", "pkg:pypi/bell@1.0rc1"),
    (
        "pkg:pypi/bell@1.0%2Bcu12?file_name=Bell-1.0.tar.gz",
        "pkg:pypi/bell@1.0%2Bcu12?file_name=Bell-1.0.tar.gz",
    ),
    // github: owner and name in lower case, the version and the path as they are.
    ("pkg:github/Tower/Bell@Main#Src/A", "pkg:github/tower/bell@Main#Src/A"),
    ("pkg:github/tower/bell@0a1b2c3", "pkg:github/tower/bell@0a1b2c3"),
    // oci: no namespace; the digest is the version, where it lies is a qualifier.
    ("pkg:oci/Bell@sha256%3A0AB1", "pkg:oci/bell@sha256:0ab1"),
    (
        "pkg:oci/bell@sha256:0ab1?tag=v1&repository_url=r.example/tower/bell",
        "pkg:oci/bell@sha256:0ab1?repository_url=r.example%2Ftower%2Fbell&tag=v1",
    ),
    // docker: the namespace is an owner or nothing; a tag or a digest is the version.
    ("pkg:docker/bell@latest", "pkg:docker/bell@latest"),
    (
        "pkg:docker/tower/bell@sha256%3A0ab1?repository_url=r.example",
        "pkg:docker/tower/bell@sha256:0ab1?repository_url=r.example",
    ),
    // bitbucket: as github.
    ("pkg:bitbucket/Tower/Bells@0A1b", "pkg:bitbucket/tower/bells@0A1b"),
    // cargo: no namespace, the case counts. nuget: the same, and versions of four numbers.
    ("pkg:cargo/Bell_Tower@1.0.0-rc.1", "pkg:cargo/Bell_Tower@1.0.0-rc.1"),
    ("pkg:Cargo/bell?features=a%2Cb", "pkg:cargo/bell?features=a%2Cb"),
    ("pkg:nuget/Tower.Bell@1.0.0.4", "pkg:nuget/Tower.Bell@1.0.0.4"),
    // golang: a path of any length in lower case; the path within the module is its subpath.
    (
        "pkg:golang/Git.Example/Tower/Bell@v1.2.3#/cmd/Ring/",
        "pkg:golang/git.example/tower/bell@v1.2.3#cmd/Ring",
    ),
    (
        "pkg:golang/git.example/bell@v0.0.0-20260102030405-0a1b2c3d4e5f",
        "pkg:golang/git.example/bell@v0.0.0-20260102030405-0a1b2c3d4e5f",
    ),
    (
        "pkg:golang/git.example/tower%2Fv2@v2.0.0%2Bincompatible",
        "pkg:golang/git.example/tower%2Fv2@v2.0.0%2Bincompatible",
    ),
    // oci: a tag is no version; where it lies and its architecture are qualifiers.
    ("pkg:oci/Bell@SHA256:0AB1?Arch=amd64&tag=Latest", "pkg:oci/bell@sha256:0ab1?arch=amd64&tag=Latest"),
    // pypi: a version in any case is one version, an epoch is encoded.
    ("pkg:PyPI/Bell-Tower@1!2.0.POST1", "pkg:pypi/bell-tower@1%212.0.post1"),
    // npm: a tag, a version with an @ in front of it, qualifiers.
    (
        "pkg:npm/%40Tower/Bell@1.0.0?vcs_url=git%2Bhttps://git.example/b.git",
        "pkg:npm/%40Tower/Bell@1.0.0?vcs_url=git%2Bhttps:%2F%2Fgit.example%2Fb.git",
    ),
    // generic: anything, a bundle with its checksum among it.
    (
        "pkg:generic/bell@1.0?download_url=https://h.example/b.mcpb&checksum=sha256:0a",
        "pkg:generic/bell@1.0?checksum=sha256:0a&download_url=https:%2F%2Fh.example%2Fb.mcpb",
    ),
];

const REFUSED: &[&str] = &[
    // No scheme, another one, an encoded colon.
    "",
    "bell",
    "generic/bell",
    "pkg",
    "pkg%3Ageneric/bell",
    "npm:bell",
    "http://h.example/pkg:npm/bell",
    "apkg:npm/bell",
    // No type, no name, or a type that cannot be one.
    "pkg:",
    "pkg:/",
    "pkg:generic",
    "pkg:generic/",
    "pkg:generic/@1",
    "pkg:generic//",
    "pkg:9bell/x",
    "pkg:-bell/x",
    "pkg:be+ll/x",
    "pkg:be_ll/x",
    "pkg:be:ll/x",
    "pkg:b%65ll/x",
    "pkg:bé/x",
    // A version that was forgotten; encodings that are none; a segment with a slash in it.
    "pkg:generic/bell@",
    "pkg:generic/bell%",
    "pkg:generic/bell%4",
    "pkg:generic/bell%zz",
    "pkg:generic/bell@%zz",
    "pkg:generic/%FF",
    "pkg:generic/a%2Fb/bell",
    "pkg:generic/bell#a%2Fb",
    // Qualifiers: keys that cannot be ones, and one that comes twice.
    "pkg:generic/bell?in%20use=1",
    "pkg:generic/bell?9a=1",
    "pkg:generic/bell?_a=1",
    "pkg:generic/bell?=1",
    "pkg:generic/bell?a=1&a=2",
    "pkg:generic/bell?a=1&A=2",
    "pkg:generic/bell?a=%zz",
    "pkg:generic/bell?é=1",
    // What the types refuse.
    "pkg:npm/tower/bell@1",
    "pkg:npm/%40tower@1",
    "pkg:npm/%40a/%40b/bell",
    "pkg:npm/.bell",
    "pkg:npm/_bell",
    "pkg:npm/be%20ll",
    "pkg:npm/b%C3%A9ll",
    "pkg:npm/@1",
    "pkg:pypi/tower/bell@1",
    "pkg:pypi/-bell",
    "pkg:pypi/be%20ll",
    "pkg:github/bell",
    "pkg:github/a/b/bell",
    "pkg:oci/tower/bell",
    "pkg:bitbucket/bell",
    "pkg:bitbucket/a/b/bell",
    "pkg:cargo/tower/bell@1",
    "pkg:nuget/tower/bell@1",
];

#[test]
fn every_form_is_written_in_its_one_canonical_way() {
    assert!(CANONICAL.len() >= 60, "{}", CANONICAL.len());
    for (text, canonical) in CANONICAL {
        let purl: Purl = text.parse().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(purl.to_string(), *canonical, "{text}");
        assert_eq!(
            canonical.parse::<Purl>().unwrap(),
            purl,
            "{text}: the canonical form reads back as the same"
        );
        let pairs: Vec<(&str, &str)> = purl.qualifiers().collect();
        let version = purl.version().unwrap_or_default();
        let built =
            Purl::new(purl.kind(), &purl.namespace(), purl.name(), version, &pairs, &purl.subpath()).unwrap();
        assert_eq!(built, purl, "{text}: built from its parts");
    }
}

#[test]
fn what_is_no_package_url_says_why() {
    for text in REFUSED {
        let refused = text.parse::<Purl>();
        assert!(refused.is_err(), "{text}: {refused:?}");
    }
    let long = format!("pkg:generic/{}", "x".repeat(5000));
    assert!(long.parse::<Purl>().unwrap_err().to_string().len() < 300);
    assert!(
        Purl::new("npm", "", "", "1", &[], "").is_err() && Purl::new("", "", "bell", "", &[], "").is_err()
    );
    assert!(Purl::new("generic", "", "bell", "", &[("in use", "1")], "").is_err());
}

#[test]
fn parts_are_what_they_were_before_they_were_encoded() {
    let purl: Purl =
        "pkg:npm/%40tower/bell@1.0%2B2?vcs_url=git://h.example/r.git%401a#src/%C3%B6".parse().unwrap();
    assert_eq!((purl.kind(), purl.namespace().as_str(), purl.name()), ("npm", "@tower", "bell"));
    assert_eq!((purl.version(), purl.subpath().as_str()), (Some("1.0+2"), "src/ö"));
    assert_eq!((purl.qualifier("vcs_url"), purl.qualifier("arch")), (Some("git://h.example/r.git@1a"), None));
}

#[test]
fn a_server_has_a_package_url_and_a_package_url_its_server() {
    for (key, version, purl) in [
        ("npm:bell", "1.0.0", "pkg:npm/bell@1.0.0"),
        ("npm:@tower/bell", "1.0.0+a", "pkg:npm/%40tower/bell@1.0.0%2Ba"),
        ("npm:BellTower", "", "pkg:npm/BellTower"),
        ("pypi:bell-tower", "1!2.0", "pkg:pypi/bell-tower@1%212.0"),
        ("github:tower/bell", "0a1b", "pkg:github/tower/bell@0a1b"),
        ("github:tower/bell/servers/one", "", "pkg:github/tower/bell#servers/one"),
    ] {
        let server: ServerKey = key.parse().unwrap();
        let release = Release { server: server.clone(), version: version.to_owned() };
        assert_eq!(release.purl().as_deref(), Some(purl));
        assert_eq!(purl.parse::<Purl>().unwrap().server(), Some(server), "{purl}");
    }
    for key in ["local:bell", "remote:https://h.example/mcp"] {
        assert_eq!(Release { server: key.parse().unwrap(), version: String::new() }.purl(), None);
    }
    for purl in ["pkg:oci/bell", "pkg:generic/bell", "pkg:npm/bell?repository_url=https://r.example/"] {
        assert_eq!(purl.parse::<Purl>().unwrap().server(), None, "{purl}");
    }
}

#[test]
fn a_package_url_is_a_target_if_it_names_a_package_of_the_users_registry() {
    for (text, target) in [
        ("pkg:npm/%40tower/bell@1.0.0", "npm:@tower/bell@1.0.0"),
        ("PKG:PyPI/Bell_Tower", "pypi:bell-tower"),
        ("pkg:pypi/bell@1.0%2Bcu12", "pypi:bell==1.0+cu12"),
    ] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), target);
    }
    for (text, why) in [
        ("pkg:npm/bell@%5E1", "no exact version"),
        ("pkg:npm/bell?repository_url=https://r.example/", "registry of its own"),
        ("pkg:oci/bell", "is no target"),
        ("pkg:npm/be%zzll", "a % without two digits"),
    ] {
        let refused = text.parse::<Target>().unwrap_err().to_string();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

proptest! {
    #[test]
    fn any_text_reads_without_a_panic_and_what_reads_reads_back(text in "(pkg:)?(npm|pypi|generic|oci|x)?/?\\PC{0,40}") {
        if let Ok(purl) = text.parse::<Purl>() {
            let written = purl.to_string();
            prop_assert!(written.is_ascii());
            prop_assert_eq!(written.parse::<Purl>().unwrap(), purl);
        }
    }

    #[test]
    fn any_parts_survive(namespace in "\\PC{0,10}", name in "[^/]{1,10}", version in "\\PC{0,10}", value in "\\PC{0,10}", path in "\\PC{0,10}") {
        let purl = Purl::new("generic", &namespace, &name, &version, &[("a", &value)], &path).unwrap();
        prop_assert_eq!(purl.to_string().parse::<Purl>().unwrap(), purl);
    }
}
