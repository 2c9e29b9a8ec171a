//! Compressed copies beside the files, for servers that send them as they are.

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
