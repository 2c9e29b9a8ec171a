//! The plain write that a build is measured against: files of the same names and sizes, from buffers that are ready.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;

/// Every file below a folder: its path in it and its size.
pub(crate) fn tree(root: &Path) -> Vec<(PathBuf, usize)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let facts = entry.metadata().expect("a file's size");
            if facts.is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(root).expect("below the root").to_owned();
                found.push((path, usize::try_from(facts.len()).expect("a size")));
            }
        }
    }
    found.sort();
    found
}

/// Writes such files to a new folder; returns how many seconds it took.
pub(crate) fn plain_write(root: &Path, files: &[(PathBuf, usize)], threads: usize) -> f64 {
    let longest = files.iter().map(|(_, size)| *size).max().unwrap_or_default();
    // Not all zeros, and not one buffer that stays in the nearest cache.
    let mut seed = 1_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    let small: Vec<Vec<u8>> = (0..256).map(|_| (0..65_536).map(|_| next()).collect()).collect();
    let large: Vec<u8> = (0..longest).map(|_| next()).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let begun = Instant::now();
    pool.install(|| {
        files.par_iter().enumerate().for_each(|(i, (path, size))| {
            let target = root.join(path);
            let bytes =
                small.get(i % small.len()).and_then(|b| b.get(..*size)).unwrap_or_else(|| &large[..*size]);
            if std::fs::write(&target, bytes).is_err() {
                std::fs::create_dir_all(target.parent().expect("a folder")).expect("made");
                std::fs::write(&target, bytes).expect("written");
            }
        });
    });
    begun.elapsed().as_secs_f64()
}

/// What else is running keeps this much free memory.
const LEFT_FREE: u64 = 3 << 30;

/// Writes as many bytes below a folder, or as there is room for, and removes them, so that what is measured next finds memory that the
/// machine really has.
pub(crate) fn touch(folder: &Path, bytes: u64) {
    // Source: proc(5), /proc/meminfo, in KiB.
    let facts = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = facts.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let available = available.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let bytes = available.map_or(bytes, |kib| bytes.min((kib << 10).saturating_sub(LEFT_FREE)));
    let target = folder.join("touched");
    let mut file = std::fs::File::create(&target).expect("a file");
    let block = vec![1_u8; 1 << 20];
    for _ in 0..bytes.div_ceil(1 << 20) {
        file.write_all(&block).expect("room for as much as is measured");
    }
    drop(file);
    std::fs::remove_file(&target).expect("removed");
}
