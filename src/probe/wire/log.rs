//! Standard error: its last bytes, and an end to a flood of it.

use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio_util::sync::CancellationToken;

/// What is kept of standard error.
const LOG_RING: usize = 64 * 1024;
/// More than this is a flood; the most that a server of the recorded ones wrote was some hundred KiB.
const MOST_BYTES: usize = 32 << 20;

/// The last bytes of standard error, filled by a task of its own so that the server never blocks on it.
#[derive(Debug, Clone, Default)]
pub struct LogRing(Arc<Ring>);

#[derive(Debug, Default)]
struct Ring {
    kept: Mutex<Vec<u8>>,
    flooded: CancellationToken,
}

impl LogRing {
    /// Reads `stderr` to its end in the background.
    pub fn follow(mut stderr: ChildStderr) -> (Self, tokio::task::JoinHandle<()>) {
        let ring = Self::default();
        let filled = ring.clone();
        let task = tokio::spawn(async move {
            let mut chunk = vec![0; 8 * 1024];
            let mut all = 0;
            while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
                filled.push(chunk.get(..read).unwrap_or_default());
                all += read;
                if all > MOST_BYTES {
                    // Said before the pipe is closed: a server that ends because of that ended for the flood.
                    filled.0.flooded.cancel();
                    return;
                }
            }
        });
        (ring, task)
    }

    /// Comes back once there was more than anybody logs.
    pub(in crate::probe) async fn flooded(&self) {
        self.0.flooded.cancelled().await;
    }

    /// True if there was more than anybody logs.
    pub(in crate::probe) fn was_flooded(&self) -> bool {
        self.0.flooded.is_cancelled()
    }

    fn push(&self, bytes: &[u8]) {
        if let Ok(mut kept) = self.0.kept.lock() {
            kept.extend_from_slice(bytes);
            let over = kept.len().saturating_sub(LOG_RING);
            kept.drain(..over);
        }
    }

    /// The last `max_bytes`, lossily decoded.
    pub fn tail(&self, max_bytes: usize) -> String {
        let kept = self.0.kept.lock().map(|k| k.clone()).unwrap_or_default();
        let start = kept.len().saturating_sub(max_bytes);
        String::from_utf8_lossy(kept.get(start..).unwrap_or_default()).into_owned()
    }
}
