//! One thread that watches every box of this process: the memory of its tree, and whether it is full of processes.
//!
//! The limit on a process's memory does not bound a tree (64 times 1 GiB: research/live.md section 5); this does. And a
//! fork bomb at its limit cannot answer any more, but takes every other's turn: with 512 processes that forked without
//! end, neighbours that need 50 ms took 24 s. So it is ended, by a thread of its own, which is no worker's and reads the
//! list of processes once for all boxes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::limits;
use super::spec::BoxLimits;
use super::tree::{self, Processes};

/// How often boxes are looked at.
const EVERY: Duration = Duration::from_millis(100);
/// A box that is full of processes for so long is ended.
const FULL_FOR: Duration = Duration::from_millis(500);

/// A bound of the whole box that was met, for which it was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Its tree used more memory than allowed.
    Memory,
    /// Its tree was full of processes and stayed so.
    Processes,
}

const MEMORY: u8 = 1;
const PROCESSES: u8 = 2;

#[derive(Debug)]
struct Watched {
    memory_bytes: u64,
    processes: usize,
    full_since: Option<Instant>,
    exceeded: Arc<AtomicU8>,
}

type Boxes = Mutex<BTreeMap<u32, Watched>>;

/// The boxes by the id of their first process. The thread is started with the first of them and stays.
static BOXES: LazyLock<&'static Boxes> = LazyLock::new(|| {
    let boxes: &'static Boxes = Box::leak(Box::default());
    let started = std::thread::Builder::new().name("watch".to_owned()).spawn(|| {
        // Ahead of what it watches, where that may be asked for.
        limits::come_first();
        loop {
            std::thread::sleep(EVERY);
            look(boxes);
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "no thread watches the boxes: their memory is not bounded");
    }
    boxes
});

/// A watch over one box.
#[derive(Debug)]
pub(super) struct Watch {
    root: u32,
    exceeded: Arc<AtomicU8>,
}

impl Watch {
    pub(super) fn over(root: u32, limits: &BoxLimits) -> Self {
        let exceeded = Arc::new(AtomicU8::new(0));
        let watched = Watched {
            memory_bytes: limits.memory_bytes,
            processes: usize::try_from(limits.processes).unwrap_or(usize::MAX),
            full_since: None,
            exceeded: Arc::clone(&exceeded),
        };
        BOXES.lock().unwrap_or_else(PoisonError::into_inner).insert(root, watched);
        Self { root, exceeded }
    }

    /// The bound for which the box was ended.
    pub(super) fn exceeded(&self) -> Option<Exceeded> {
        match self.exceeded.load(Ordering::Relaxed) {
            MEMORY => Some(Exceeded::Memory),
            PROCESSES => Some(Exceeded::Processes),
            _ => None,
        }
    }

    /// Looks at the box no more.
    pub(super) fn stop(&self) {
        let mut boxes = BOXES.lock().unwrap_or_else(PoisonError::into_inner);
        // The id may be another box's by now.
        if boxes.get(&self.root).is_some_and(|w| Arc::ptr_eq(&w.exceeded, &self.exceeded)) {
            boxes.remove(&self.root);
        }
    }
}

fn look(boxes: &Boxes) {
    let mut boxes = boxes.lock().unwrap_or_else(PoisonError::into_inner);
    if boxes.is_empty() {
        return;
    }
    let mut over = Vec::new();
    let processes = Processes::now();
    for (root, watched) in boxes.iter_mut() {
        let mut all = processes.below(*root);
        let full = all.len() + 1 >= watched.processes / 10 * 9;
        let since = full.then(|| watched.full_since.unwrap_or_else(Instant::now));
        watched.full_since = since;
        all.push(*root);
        // The cheap figure counts shared pages for each process: it only says when to ask for the true one.
        let bound = watched.memory_bytes;
        let memory = tree::resident_bytes(&all) > bound && tree::proportional_bytes(&all) > bound;
        if memory || since.is_some_and(|since| since.elapsed() > FULL_FOR) {
            watched.exceeded.store(if memory { MEMORY } else { PROCESSES }, Ordering::Relaxed);
            over.push(*root);
        }
    }
    // Not under the lock: other boxes are started meanwhile.
    drop(boxes);
    over.into_iter().for_each(tree::kill_below);
}
