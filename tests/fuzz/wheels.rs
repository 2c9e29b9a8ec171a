//! Wheels read in pieces, as a host answers requests for ranges: whatever comes, no more than its bound is read, each further request is
//! for something new, and what was read without a gap is what the whole wheel says.

use std::io::{Cursor, Write};

use catalogue::sources::pypi::wheel::{FILE_BYTES, Pieces};

use crate::random::Random;
use crate::runner::number_of;

pub(crate) const WORDS: &[&str] = &[
    "PK\u{3}\u{4}",
    "PK\u{1}\u{2}",
    "PK\u{5}\u{6}",
    "PK\u{6}\u{6}",
    "PK\u{6}\u{7}",
    "p-1.dist-info/METADATA",
    "p-1.dist-info/entry_points.txt",
    "bytes ",
    "bytes */",
    "/18446744073709551615\n",
];

const NAMES: &[&str] = &[
    "p-1.dist-info/METADATA",
    "p-1.dist-info/METADATA",
    "p-1.dist-info/entry_points.txt",
    "q-1.dist-info/METADATA",
    "p/q-1.dist-info/METADATA",
    "../p-1.dist-info/METADATA",
    "p-1.dist-info/",
    ".dist-info/METADATA",
    "p/data.bin",
    "p/__init__.py",
    "",
];

/// How much of the end is there at first, in sixteenths; a line that says which range that is, mostly empty: then it is the truth; a wheel.
pub(crate) fn generate(random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(random.below(16)).unwrap()];
    if random.once_in(8) {
        let number = |random: &mut Random| random.next() >> random.below(64);
        let (from, to, total) = (number(random), number(random), number(random));
        bytes.extend(format!("bytes {from}-{to}/{total}").into_bytes());
    }
    bytes.push(b'\n');
    bytes.extend(wheel(random));
    bytes
}

fn wheel(random: &mut Random) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for _ in 0..1 + random.below(6) {
        let method = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated][random.below(2)];
        let options =
            zip::write::SimpleFileOptions::default().large_file(random.once_in(6)).compression_method(method);
        let most = if method == zip::CompressionMethod::Deflated { 24 } else { 16 };
        let content = match random.below(5) {
            0 => vec![b'M'; 1 << random.below(most)],
            1 => (0..random.below(9_000)).map(|_| random.next().to_le_bytes()[0]).collect(),
            2 => b"Metadata-Version: 2.4\nName: p\nRequires-Dist: mcp>=1\n\nText\n".to_vec(),
            3 => b"[console_scripts]\np = p:main\n".to_vec(),
            _ => random.text().into_bytes(),
        };
        if writer.start_file(random.pick(NAMES), options).is_ok() {
            let _ = writer.write_all(&content);
        }
    }
    if random.once_in(4) {
        let _ = writer.set_comment(random.text());
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}

pub(crate) fn run(input: &[u8]) -> u64 {
    let Some((sixteenths, rest)) = input.split_first() else { return 0 };
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return 1 };
    let (range, wheel) = (&rest[..end], &rest[end + 1..]);
    let tail = (wheel.len() * (1 + usize::from(sixteenths % 16))).div_ceil(16).max(1).min(wheel.len());
    let from = wheel.len() - tail;
    let truth = |from: usize, to: usize| format!("bytes {from}-{}/{}", to.max(1) - 1, wheel.len());
    let said = String::from_utf8_lossy(range);
    let lies = !said.is_empty();
    let said = if lies { said.into_owned() } else { truth(from, wheel.len()) };
    let Some(mut pieces) = Pieces::of(Some(&said), wheel[from..].to_vec()) else { return 2 };
    let (mut inside, mut missing) = pieces.read();
    let mut asked = Vec::new();
    while let Some(next) = missing {
        // The same thing asked for twice would be asked for as long as requests last.
        assert!(lies || !asked.contains(&next), "byte {next} is asked for again: {asked:?}");
        asked.push(next);
        let Ok(at) = usize::try_from(next) else { break };
        if at >= wheel.len() || asked.len() > 64 {
            assert!(lies || at < wheel.len(), "byte {at} of {} is asked for", wheel.len());
            break;
        }
        let to = (at + 1 + wheel.len() / 8).min(wheel.len());
        let more = Pieces::of(Some(&truth(at, to)), wheel[at..to].to_vec()).expect("a range that is true");
        if !pieces.join(more) {
            break;
        }
        (inside, missing) = pieces.read();
    }
    for text in [&inside.metadata, &inside.entry_points].into_iter().flatten() {
        // A byte that is no text becomes a sign of three bytes.
        assert!(text.len() as u64 <= 3 * FILE_BYTES, "{} bytes of text", text.len());
    }
    if !lies {
        assert!(missing.is_none(), "byte {missing:?} is never there");
        let whole = Pieces::of(None, wheel.to_vec()).expect("a whole wheel fits itself").read().0;
        assert!(inside == whole, "read in pieces it is another wheel\n{inside:?}\n{whole:?}");
    }
    let length = |text: &Option<String>| text.as_ref().map(|text| text.len().min(40));
    number_of((length(&inside.metadata), length(&inside.entry_points), asked.len(), missing.is_some(), lies))
}
