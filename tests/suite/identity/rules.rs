//! The rules of joining, on made-up facts.

use catalogue::identity::identify;
use catalogue::model::identity::{
    EntryFacts, Facts, FindingKind, Identity, ManifestFacts, PackageFacts, Provenance, ProvenanceSaid,
    RepositoryClaim, RepositoryFacts, Tier, ToolsFacts, ecosystem,
};
use proptest::prelude::*;

fn package(node: &str, names: &[&str], repository: &str) -> (String, PackageFacts) {
    let repository = RepositoryClaim::read(repository, None);
    let mcp_names = names.iter().map(|name| (*name).to_owned()).collect();
    (node.to_owned(), PackageFacts { mcp_names, repository, ..PackageFacts::default() })
}

fn attested(node: &str, repository: &str) -> (String, PackageFacts) {
    let (node, facts) = package(node, &[], repository);
    (node, proven(facts, repository))
}

/// The same with a provenance from this repository.
fn proven(facts: PackageFacts, repository: &str) -> PackageFacts {
    let made = RepositoryClaim::read(repository, None).map(|repository| Provenance {
        version: "1.0.0".to_owned(),
        publisher: "GitHub".to_owned(),
        repository,
        workflow: Some("release.yml".to_owned()),
        commit: Some("c0ffee".repeat(7)),
    });
    PackageFacts { provenance: made.map(ProvenanceSaid::Of), ..facts }
}

fn entry(name: &str, packages: &[&str], remotes: &[&str]) -> EntryFacts {
    EntryFacts {
        name: name.to_owned(),
        repository: None,
        packages: packages.iter().map(|node| ((*node).to_owned(), String::new())).collect(),
        remotes: remotes.iter().map(|node| (*node).to_owned()).collect(),
    }
}

fn repository(path: &str, id: u64, manifests: &[(&str, &str)]) -> RepositoryFacts {
    let manifest =
        |(folder, node): &(&str, &str)| ManifestFacts { folder: (*folder).into(), node: (*node).into() };
    RepositoryFacts {
        forge: "github.com".to_owned(),
        path: path.to_owned(),
        id: Some(id),
        parent: None,
        manifests: manifests.iter().map(manifest).collect(),
    }
}

fn projects(identity: &Identity) -> Vec<Vec<&str>> {
    identity.projects.iter().map(|project| project.members.iter().map(String::as_str).collect()).collect()
}

fn tier(identity: &Identity, a: &str, b: &str) -> Option<Tier> {
    let is = |x: &str, y: &str| {
        identity.links.iter().find(|link| link.a == x && link.b == y).map(|link| link.tier)
    };
    is(a, b).or_else(|| is(b, a))
}

fn found(identity: &Identity, node: &str) -> Vec<FindingKind> {
    let mut kinds: Vec<_> =
        identity.findings.iter().filter(|finding| finding.node == node).map(|finding| finding.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn a_provenance_proves_the_repository_that_the_package_names_and_no_other() {
    let (node, facts) = package("npm:notes", &[], "ann/notes");
    let of = |facts: PackageFacts| {
        let said = Facts { packages: vec![(node.clone(), facts)], ..Facts::default() };
        identify(&said).links.into_iter().next().unwrap()
    };
    let same = of(proven(facts.clone(), "https://github.com/Ann/Notes"));
    assert_eq!((same.tier, same.a.as_str()), (Tier::Verified, "github:ann/notes"));
    for word in ["1.0.0", "GitHub", "release.yml", "c0ffee", "signature left to the registry"] {
        assert!(same.evidence.contains(word), "{}", same.evidence);
    }
    let other = of(proven(facts.clone(), "bob/notes"));
    assert_eq!((other.tier, other.a.as_str()), (Tier::Claimed, "github:ann/notes"));
    assert!(other.evidence.contains("names github:bob/notes instead"), "{}", other.evidence);
    let why = ProvenanceSaid::Unusable("its statement is about another file".to_owned());
    let unusable = of(PackageFacts { provenance: Some(why), ..facts.clone() });
    assert!(unusable.tier == Tier::Claimed && unusable.evidence.contains("another file"), "{unusable:?}");
    // A package that names none has the one it was made from.
    let silent = of(proven(PackageFacts { repository: None, ..facts }, "ann/notes"));
    assert_eq!((silent.tier, silent.a.as_str()), (Tier::Verified, "github:ann/notes"));
}

#[test]
fn a_name_joins_what_names_it_back_and_nothing_else() {
    let facts = Facts {
        entries: vec![entry(
            "com.example/notes",
            &["npm:notes-mcp", "pypi:notes-mcp", "npm:stranger", "oci:docker.io/a/notes"],
            &["remote:https://mcp.example.com/mcp", "remote:https://elsewhere.test/mcp"],
        )],
        packages: vec![
            package("npm:notes-mcp", &["com.example/notes"], "ann/notes"),
            package("pypi:notes-mcp", &["com.example/notes"], "ann/notes"),
            package("npm:stranger", &[], "ann/notes"),
            // It names the entry, which does not list it.
            package("npm:evil", &["com.example/notes"], "ann/notes"),
        ],
        ..Facts::default()
    };
    let identity = identify(&facts);
    let members = vec![
        "npm:notes-mcp",
        "pypi:notes-mcp",
        "registry:com.example/notes",
        "remote:https://mcp.example.com/mcp",
    ];
    assert_eq!(projects(&identity), [members]);
    assert_eq!(tier(&identity, "npm:notes-mcp", "registry:com.example/notes"), Some(Tier::Verified));
    for (a, b) in [
        ("npm:stranger", "registry:com.example/notes"),
        ("npm:evil", "registry:com.example/notes"),
        ("npm:evil", "github:ann/notes"),
        ("registry:com.example/notes", "remote:https://elsewhere.test/mcp"),
    ] {
        assert_eq!(tier(&identity, a, b), Some(Tier::Claimed), "{a} {b}");
    }
}

#[test]
fn an_address_of_a_repository_never_joins_and_a_manifest_at_the_place_does() {
    let facts = Facts {
        packages: vec![
            package("npm:@ann/a", &[], "https://github.com/ann/mono/tree/main/pkgs/a"),
            package("pypi:ann-a", &[], "https://github.com/ann/mono/tree/main/pkgs/a"),
            package("npm:@ann/b", &[], "https://github.com/ann/mono/tree/main/pkgs/b"),
            // Two forks that keep their upstream's address.
            package("npm:@bob/a", &[], "ann/mono"),
            package("pypi:cyd-a", &[], "ann/mono"),
        ],
        repositories: vec![repository(
            "ann/mono",
            1,
            &[("pkgs/a", "npm:@ann/a"), ("pkgs/a", "pypi:ann-a"), ("pkgs/b", "npm:@ann/b")],
        )],
        ..Facts::default()
    };
    let identity = identify(&facts);
    let a = vec!["github:ann/mono/pkgs/a", "npm:@ann/a", "pypi:ann-a"];
    assert_eq!(projects(&identity), [a, vec!["github:ann/mono/pkgs/b", "npm:@ann/b"]]);
    assert_eq!(tier(&identity, "npm:@bob/a", "github:ann/mono"), Some(Tier::Claimed));
}

#[test]
fn twins_of_one_name_from_one_repository_are_one_and_a_library_beside_them_is_not() {
    let facts = Facts {
        packages: vec![
            attested("npm:notes-mcp-server", "ann/notes"),
            package("pypi:notes-mcp", &[], "ann/notes"),
            attested("npm:notes-client", "ann/notes"),
            attested("pypi:notes", "ann/notes"),
        ],
        repositories: vec![repository(
            "ann/notes",
            1,
            &[("py", "pypi:notes-mcp"), ("js", "npm:notes-mcp-server")],
        )],
        ..Facts::default()
    };
    let identity = identify(&facts);
    assert_eq!(projects(&identity).len(), 1);
    assert!(
        projects(&identity)[0].contains(&"npm:notes-mcp-server")
            && projects(&identity)[0].contains(&"pypi:notes-mcp")
    );
    assert!(
        !projects(&identity)[0].contains(&"pypi:notes")
            && !projects(&identity)[0].contains(&"npm:notes-client")
    );
}

#[test]
fn two_packages_of_one_ecosystem_stay_apart_and_it_is_recorded() {
    let names = ["com.example/notes"];
    let facts = Facts {
        entries: vec![entry("com.example/notes", &["npm:a", "npm:b", "pypi:c"], &[])],
        packages: vec![
            package("npm:a", &names, ""),
            package("npm:b", &names, ""),
            package("pypi:c", &names, ""),
        ],
        ..Facts::default()
    };
    let identity = identify(&facts);
    assert_eq!(projects(&identity), [vec!["pypi:c", "registry:com.example/notes"]]);
    assert_eq!(found(&identity, "npm:a"), [FindingKind::Conflict]);
    assert_eq!(found(&identity, "npm:b"), [FindingKind::Conflict]);
}

#[test]
fn a_conflict_over_several_links_joins_none_of_them() {
    let facts = Facts {
        entries: vec![
            entry("com.example/x", &["npm:a", "pypi:p"], &[]),
            entry("com.example/y", &["pypi:p", "npm:b"], &[]),
        ],
        packages: vec![
            package("npm:a", &["com.example/x"], ""),
            package("npm:b", &["com.example/y"], ""),
            package("pypi:p", &["com.example/x", "com.example/y"], ""),
        ],
        ..Facts::default()
    };
    let identity = identify(&facts);
    for members in projects(&identity) {
        assert!(!(members.contains(&"npm:a") && members.contains(&"npm:b")), "{members:?}");
    }
    assert!(found(&identity, "npm:a").contains(&FindingKind::Conflict));
}

#[test]
fn a_renamed_repository_is_itself_and_one_that_took_over_a_name_is_another() {
    let claim = || package("npm:notes-mcp", &[], "ann/old");
    let renamed = Facts {
        packages: vec![claim()],
        repositories: vec![repository("ann/new", 7, &[("", "npm:notes-mcp")])],
        repository_ids: vec![("github.com".into(), "ann/old".into(), 7)],
        ..Facts::default()
    };
    assert_eq!(projects(&identify(&renamed)), [vec!["github:ann/new", "npm:notes-mcp"]]);
    let taken = Facts {
        packages: vec![claim()],
        repositories: vec![repository("ann/old", 8, &[("", "npm:notes-mcp")])],
        repository_ids: vec![("github.com".into(), "ann/old".into(), 7)],
        ..Facts::default()
    };
    let identity = identify(&taken);
    assert!(identity.projects.is_empty());
    assert_eq!(found(&identity, "npm:notes-mcp"), [FindingKind::Resurrected]);
}

#[test]
fn the_same_tools_look_like_a_copy_and_join_nothing() {
    let tools = |node: &str, hash: &str, count| ToolsFacts { node: node.into(), hash: hash.into(), count };
    let facts = Facts {
        tools: vec![
            tools("npm:a", "1", 5),
            tools("npm:b", "1", 5),
            tools("npm:c", "2", 1),
            tools("npm:d", "2", 1),
        ],
        known: ["npm:b".to_owned()].into(),
        ..Facts::default()
    };
    let identity = identify(&facts);
    assert!(identity.projects.is_empty());
    assert_eq!(tier(&identity, "npm:a", "npm:b"), Some(Tier::Alike));
    assert!(identity.links[0].evidence.starts_with("npm:a lists exactly the same tools as npm:b"));
    assert_eq!(tier(&identity, "npm:c", "npm:d"), None);
}

#[test]
fn bulk_is_marked_and_an_owner_with_many_packages_is_not() {
    let claims = |node: String, repository: &str| {
        let (node, facts) = package(&node, &[], repository);
        (node, PackageFacts { publishers: ["robot".to_owned()].into(), ..facts })
    };
    let mut packages: Vec<_> =
        (0..10).map(|i| claims(format!("npm:pear-{i}-mcp"), &format!("owner{i}/x{i}"))).collect();
    packages.extend((0..10).map(|i| package(&format!("npm:@ann/s{i}"), &[], &format!("ann/s{i}"))));
    // Dozens claim one repository: its owner's own, and strangers.
    packages.extend((0..10).map(|i| package(&format!("pypi:big.s{i}-mcp"), &[], "big/servers")));
    packages.extend(
        ["one", "two", "three"].map(|name| package(&format!("pypi:{name}-fetch"), &[], "big/servers")),
    );
    packages.push(package("npm:mcp-server-1735689600123", &[], ""));
    let identity = identify(&Facts { packages, ..Facts::default() });
    assert_eq!(found(&identity, "npm:pear-3-mcp"), [FindingKind::Republished]);
    assert_eq!(found(&identity, "npm:@ann/s3"), []);
    assert_eq!(found(&identity, "pypi:big.s3-mcp"), []);
    assert_eq!(found(&identity, "pypi:two-fetch"), [FindingKind::CrowdedRepository]);
    assert_eq!(found(&identity, "npm:mcp-server-1735689600123"), [FindingKind::GeneratedName]);
}

#[test]
fn a_name_like_a_better_known_one_is_flagged() {
    let names = ["npm:mcp-server-kuberentes", "npm:@ann/mcp-server-kubernetes", "npm:kubernetes-mcp"];
    let facts = Facts {
        names: names.into_iter().map(str::to_owned).collect(),
        known: ["npm:mcp-server-kubernetes".to_owned()].into(),
        ..Facts::default()
    };
    let identity = identify(&facts);
    assert_eq!(found(&identity, "npm:mcp-server-kuberentes"), [FindingKind::LookAlike]);
    assert_eq!(identity.findings.len(), 1, "{:?}", identity.findings);
}

/// Facts over few names, so that everything meets everything.
fn any_facts() -> impl Strategy<Value = Facts> {
    let package_node = prop::sample::select(vec![
        "npm:a-mcp",
        "npm:b-mcp",
        "npm:c",
        "pypi:a-mcp",
        "pypi:b-mcp",
        "oci:ghcr.io/x/a",
    ]);
    let name = prop::sample::select(vec!["com.example/x", "com.example/y", "io.github.x/a"]);
    let place = prop::sample::select(vec!["x/m", "https://github.com/x/m/tree/main/p", "x/n", ""]);
    let one =
        (package_node.clone(), prop::collection::btree_set(name.clone(), 0..3), place.clone(), any::<bool>());
    let packages = prop::collection::vec(one, 0..8).prop_map(|all| {
        let make =
            |(node, names, place, proven_too): (&str, std::collections::BTreeSet<&str>, &str, bool)| {
                let (node, facts) = package(node, &names.into_iter().collect::<Vec<_>>(), place);
                (node, if proven_too { proven(facts, place) } else { facts })
            };
        all.into_iter().map(make).collect::<Vec<_>>()
    });
    let entry_of = (name, prop::collection::btree_set(package_node.clone(), 0..4), place).prop_map(
        |(name, packages, place)| {
            let made =
                entry(name, &packages.into_iter().collect::<Vec<_>>(), &["remote:https://example.com/"]);
            EntryFacts { repository: RepositoryClaim::read(place, None), ..made }
        },
    );
    let manifest = (prop::sample::select(vec!["", "p", "q"]), package_node);
    let repository_of =
        (prop::sample::select(vec!["x/m", "x/n"]), 1_u64..4, prop::collection::vec(manifest, 0..4))
            .prop_map(|(path, id, manifests)| repository(path, id, &manifests));
    (packages, prop::collection::vec(entry_of, 0..4), prop::collection::vec(repository_of, 0..3)).prop_map(
        |(packages, entries, repositories)| Facts { packages, entries, repositories, ..Facts::default() },
    )
}

proptest! {
    #[test]
    fn order_means_nothing_and_no_project_has_two_of_an_ecosystem(facts in any_facts(), by in 1_usize..7) {
        let identity = identify(&facts);
        let mut turned = facts.clone();
        turned.packages.reverse();
        turned.entries.reverse();
        let (packages, entries, repositories) = (turned.packages.len(), turned.entries.len(), turned.repositories.len());
        turned.packages.rotate_left(by % packages.max(1));
        turned.entries.rotate_left(by % entries.max(1));
        turned.repositories.rotate_left(by % repositories.max(1));
        prop_assert_eq!(&identity, &identify(&turned));
        let mut seen = std::collections::BTreeSet::new();
        for project in &identity.projects {
            prop_assert!(project.members.len() > 1);
            let kinds: Vec<&str> = project.members.iter().filter_map(|node| ecosystem(node)).collect();
            let distinct: std::collections::BTreeSet<&&str> = kinds.iter().collect();
            prop_assert_eq!(kinds.len(), distinct.len(), "{:?}", project);
            prop_assert!(project.members.iter().all(|node| seen.insert(node.clone())), "in two projects");
        }
        for link in &identity.links {
            prop_assert!(link.apart.is_some() || link.tier <= Tier::TwoWay, "{:?}", link);
        }
    }
}
