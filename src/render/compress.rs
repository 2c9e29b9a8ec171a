//! Compressed copies beside the files, for servers that send them as they are, and what packs hold.

use std::io::Write;

use super::RenderError;

/// Which copies are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compression {
    /// `x.html.gz`.
    pub gzip: bool,
    /// `x.html.br`.
    pub brotli: bool,
}

/// Files that shrink.
const TEXT: [&str; 9] = [".html", ".json", ".xml", ".txt", ".css", ".js", ".svg", ".md", ".csv"];
/// As good as zlib's best in half the time (research/perf.md section 3).
const GZIP_LEVEL: u32 = 6;
/// The best that does not cost a multiple of rendering.
const BROTLI_LEVEL: u32 = 5;

impl Compression {
    /// The copies of one file.
    pub(super) fn copies(self, path: &str) -> Vec<String> {
        let endings = [(self.gzip, "gz"), (self.brotli, "br")];
        if endings.iter().all(|(wanted, _)| !wanted) || !TEXT.iter().any(|end| path.ends_with(end)) {
            return Vec::new();
        }
        endings.iter().filter(|(wanted, _)| *wanted).map(|(_, end)| format!("{path}.{end}")).collect()
    }

    /// One copy, by its name.
    ///
    /// # Errors
    /// None in memory; the writers' signatures have one.
    pub(super) fn packed(self, copy: &str, content: &[u8]) -> Result<Vec<u8>, RenderError> {
        if copy.ends_with(".gz") {
            // No name and no time inside: the same content gives the same bytes.
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
            writer.write_all(content)?;
            return Ok(writer.finish()?);
        }
        let mut packed = Vec::new();
        let params = brotli::enc::BrotliEncoderParams { quality: BROTLI_LEVEL as i32, ..Default::default() };
        brotli::BrotliCompress(&mut &*content, &mut packed, &params)?;
        Ok(packed)
    }
}

/// Content as packs hold it, with its CRC-32. The server of a tree compresses by this, too, so that both send the same bytes.
pub(super) fn deflated(content: &[u8]) -> (Vec<u8>, u32) {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let mut state = flate2::Compress::new(flate2::Compression::new(GZIP_LEVEL), false);
    let mut packed = Vec::with_capacity(content.len() / 4 + 64);
    loop {
        let taken = usize::try_from(state.total_in()).unwrap_or(content.len());
        let rest = content.get(taken..).unwrap_or_default();
        match state.compress_vec(rest, &mut packed, flate2::FlushCompress::Finish) {
            Ok(flate2::Status::StreamEnd) => return (packed, crc.sum()),
            _ => packed.reserve(packed.capacity().max(1024)),
        }
    }
}

/// Deflated content with what makes it gzip, which browsers take: no name and no time in front, checksum and size behind.
pub(super) fn gzip_of(deflated: &[u8], crc: u32, size: u32) -> Vec<u8> {
    let head: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    [&head[..], deflated, &crc.to_le_bytes(), &size.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_packs_hold_is_gzip_between_a_head_and_a_checksum() {
        let words =
            |n: u64| (0..n).map(|i| format!("{} ", i.wrapping_mul(0x9e37_79b9) >> 7)).collect::<String>();
        for text in [String::new(), "x".to_owned(), "pear ".repeat(40_000), words(9), words(60_000)] {
            let (packed, crc) = deflated(text.as_bytes());
            let whole = gzip_of(&packed, crc, text.len() as u32);
            let mut read = String::new();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(whole.as_slice()), &mut read)
                .unwrap();
            assert!(read == text);
        }
    }
}
