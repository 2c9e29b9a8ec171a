use super::*;

const MOUNTS: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
    35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
    41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

#[test]
fn the_hierarchy_of_version_2_is_found_beside_those_of_version_1() {
    let at = |own: &str| place(MOUNTS, own).map(|(_, folder)| folder.to_string_lossy().into_owned());
    assert_eq!(at("4:memory:/x\n0::/\n").as_deref(), Some("/sys/fs/cgroup/unified/"));
    assert_eq!(at("0::/a.slice/b.scope\n").as_deref(), Some("/sys/fs/cgroup/unified/a.slice/b.scope"));
    assert_eq!(at("4:memory:/x\n"), None);
    // Outside of what this namespace sees.
    assert_eq!(at("0::/../../other\n"), None);
    let inner = "9 8 0:1 /a.slice /cg rw - cgroup2 cgroup2 rw\n";
    assert_eq!(place(inner, "0::/a.slice/b\n"), Some(("/cg".into(), "/cg/b".into())));
    assert_eq!(place(inner, "0::/other/b\n"), None);
}

/// Folders of a made-up hierarchy with what their groups have.
fn made_up(folders: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (folder, controllers) in folders {
        let folder = root.path().join(folder);
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::write(folder.join("cgroup.subtree_control"), format!("{controllers}\n")).unwrap();
    }
    root
}

#[test]
fn groups_are_made_in_the_nearest_folder_that_has_both_controllers_and_can_be_written() {
    let root = made_up(&[
        ("", "cpu memory pids"),
        ("user", "memory pids"),
        ("user/app", "memory pids"),
        ("user/app/half", "memory"),
        ("user/app/half/scope", ""),
    ]);
    let own = root.path().join("user/app/half/scope");
    let found = |refused: &'static str| {
        Cgroups::nearest(root.path(), &own, |groups| {
            let shut = !refused.is_empty() && groups.parent.ends_with(refused);
            if shut { Err(io::Error::other(format!("{refused} is shut"))) } else { Ok(()) }
        })
    };
    assert_eq!(found("").unwrap().parent, root.path().join("user/app"));
    assert_eq!(found("app").unwrap().parent, root.path().join("user"));
    let nowhere = Cgroups::nearest(root.path(), &own, |_| Err(io::Error::other("shut")));
    assert_eq!(nowhere.unwrap_err(), "shut");
    let bare = made_up(&[("", "cpu"), ("scope", "")]);
    let none = Cgroups::nearest(bare.path(), &bare.path().join("scope"), |_| Ok(()));
    assert!(none.unwrap_err().contains("memory and pids"));
}

#[test]
fn a_group_has_its_bounds_before_anything_enters_it() {
    let root = tempfile::tempdir().unwrap();
    let groups = Cgroups { parent: root.path().to_owned(), bounds: true };
    let limits = BoxLimits { memory_bytes: 1000, processes: 10, ..BoxLimits::default() };
    let group = groups.group(&limits, 24).unwrap();
    let has = |file: &str| fs_err::read_to_string(group.folder.join(file)).unwrap();
    assert_eq!(
        (has("memory.max"), has("memory.oom.group"), has("pids.max")),
        ("1024".into(), "1".into(), "14".into())
    );
    assert!(group.door().is_some());
    assert!(!group.was_out_of_memory());
    for (events, out) in
        [("low 0\noom 3\noom_kill 0\n", false), ("oom 1\noom_kill 2\noom_group_kill 1\n", true)]
    {
        fs_err::write(group.folder.join("memory.events"), events).unwrap();
        assert_eq!(group.was_out_of_memory(), out);
    }
    assert_eq!(groups.left().len(), 1);
    // A folder that is no kernel's keeps its files: it must be emptied by hand.
    fs_err::remove_dir_all(&group.folder).unwrap();
}

#[test]
fn groups_of_scanners_that_are_gone_are_swept_and_no_other() {
    let root = tempfile::tempdir().unwrap();
    let groups = Cgroups { parent: root.path().to_owned(), bounds: true };
    let here = tree::start_ticks(std::process::id()).unwrap();
    let kept = [own_prefix() + "0", "other.scope".to_owned(), "catalogue-and-no-number".to_owned()];
    let gone = [format!("{PREFIX}{}-{}-0", std::process::id(), here + 1), format!("{PREFIX}4194303-1-7")];
    for name in kept.iter().chain(&gone) {
        fs_err::create_dir(root.path().join(name)).unwrap();
    }
    groups.sweep();
    assert!(kept.iter().all(|name| root.path().join(name).is_dir()));
    assert!(gone.iter().all(|name| !root.path().join(name).exists()));
    assert_eq!(groups.left(), [own_prefix() + "0"]);
}

/// Where a group may be made in the real hierarchy, with or without controllers.
fn real() -> Option<Cgroups> {
    let read = |path| fs_err::read_to_string(path).unwrap_or_default();
    let (mount, own) = place(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"))?;
    own.ancestors().take_while(|folder| folder.starts_with(&mount)).find_map(|folder| {
        let groups = Cgroups { parent: folder.to_owned(), bounds: false };
        fs_err::OpenOptions::new().write(true).open(folder.join("cgroup.procs")).ok()?;
        groups.group(&BoxLimits::default(), 0).ok()?.remove().ok().map(|()| groups)
    })
}

/// The kernel's own part: everything that was started in a group is found and ended, whatever it did to get away.
#[tokio::test]
async fn the_kernel_ends_all_of_a_group_and_then_it_is_gone() {
    let Some(groups) = real() else {
        println!("skipped: cgroups of version 2: none can be made here");
        return;
    };
    let group = groups.group(&BoxLimits::default(), 0).unwrap();
    let door = group.door().unwrap();
    let folder = group.folder.clone();
    let mut command = super::super::process::command(Path::new("/bin/sh"));
    command.args(["-c", "(setsid sleep 60 &) ; setsid sleep 61 & echo ready; wait"]);
    super::super::limits::PreExec::add_pre_exec(&mut command, move || super::super::limits::enter(door));
    let mut child = command.spawn().unwrap();
    let mut line = [0; 6];
    tokio::io::AsyncReadExt::read_exact(&mut child.stdout.take().unwrap(), &mut line).await.unwrap();
    let inside = || fs_err::read_to_string(folder.join("cgroup.procs")).unwrap_or_default().lines().count();
    let until = std::time::Instant::now() + Duration::from_secs(5);
    while inside() < 3 && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(inside(), 3);
    assert_eq!(groups.left().len(), 1);
    group.end().await;
    assert!(!folder.exists() && groups.left().is_empty());
    assert_eq!(child.wait().await.unwrap().code(), None);
}
