//! Decompression of what strangers made: as a stream, with bounded memory, and no further than the bounds.
//!
//! The kind is told by the bytes' own beginning, never by a name. Several members one after another (as `pigz`, `xz` and
//! `zstd` write them) are one stream; anything else behind the last member is an error. Blocking.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use liblzma::stream::{CONCATENATED, Stream};

/// How much is handed on at once.
const PIECE: usize = 128 * 1024;
/// What the tables of `xz` may take, in bytes; its strongest preset needs 65 MiB.
const XZ_MEMORY: u64 = 128 << 20;
/// The base-two logarithm of the window that `zstd` may ask for: 128 MiB, what its own tool accepts.
const ZSTD_WINDOW: u32 = 27;
/// How much may come out before the ratio counts, in bytes: small files of zeroes are harmless.
const FREE: u64 = 64 << 20;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// The `.xz` format.
    Xz,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// How many of the first bytes [`Compression::of`] looks at.
    pub const MAGIC_BYTES: usize = 6;

    /// How what begins with `head` is compressed, if it is.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its usual name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }
}

/// How far something may unfold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most that may come out, in bytes.
    pub max_bytes: u64,
    /// The most that may come out for each byte that went in.
    pub max_ratio: u64,
}

/// Why something was not decompressed.
#[derive(Debug, thiserror::Error)]
pub enum DecompressError {
    /// Too much comes out.
    #[error("decompressed, it is larger than the {limit} bytes that are allowed")]
    TooLarge {
        /// The most, in bytes.
        limit: u64,
    },
    /// Too much comes out for what goes in.
    #[error("it unfolds to more than {ratio} times its size: a decompression bomb")]
    Bomb {
        /// The most that each byte may become.
        ratio: u64,
    },
    /// It is not what its beginning says, or is cut off.
    #[error("its {kind} data are damaged or cut off", kind = .compression.as_str())]
    Damaged {
        /// What it begins like.
        compression: Compression,
        /// What the decoder said.
        source: io::Error,
    },
    /// Reading it failed.
    #[error("reading compressed data")]
    Read(#[source] io::Error),
    /// Whoever takes what comes out failed.
    #[error("writing decompressed data")]
    Write(#[source] io::Error),
}

/// Decompresses `source`, hands what comes out to `sink` piece by piece, and says how much it was.
///
/// # Errors
/// When it is damaged or unfolds beyond `bounds`; what reading it and `sink` fail with.
pub fn decompress(
    source: impl Read,
    compression: Compression,
    bounds: Bounds,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<u64, DecompressError> {
    let taken = Arc::new(AtomicU64::new(0));
    let source = BufReader::with_capacity(PIECE, Counted { source, taken: taken.clone() });
    let mut decoder =
        decoder(source, compression).map_err(|source| DecompressError::Damaged { compression, source })?;
    let mut buffer = vec![0; PIECE];
    let mut total = 0u64;
    loop {
        let count = match decoder.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.raw_os_error().is_some() => return Err(DecompressError::Read(error)),
            Err(source) => return Err(DecompressError::Damaged { compression, source }),
        };
        total = total.saturating_add(count as u64);
        if total > bounds.max_bytes {
            return Err(DecompressError::TooLarge { limit: bounds.max_bytes });
        }
        if total > FREE && total > taken.load(Ordering::Relaxed).saturating_mul(bounds.max_ratio) {
            return Err(DecompressError::Bomb { ratio: bounds.max_ratio });
        }
        sink(buffer.get(..count).unwrap_or_default()).map_err(DecompressError::Write)?;
    }
}

fn decoder<'a>(source: impl BufRead + 'a, compression: Compression) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match compression {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        Compression::Xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(source, stream))
        }
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(source)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
    })
}

/// Counts what is read.
struct Counted<R> {
    source: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    const ALL: [Compression; 3] = [Compression::Gzip, Compression::Xz, Compression::Zstd];
    const BOUNDS: Bounds = Bounds { max_bytes: 1 << 30, max_ratio: 1000 };

    fn compress(compression: Compression, mut bytes: impl Read) -> Vec<u8> {
        let mut out = Vec::new();
        match compression {
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
                io::copy(&mut bytes, &mut encoder).unwrap();
                encoder.finish().unwrap();
            }
            Compression::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(&mut out, 0);
                io::copy(&mut bytes, &mut encoder).unwrap();
                encoder.finish().unwrap();
            }
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(&mut out, 1).unwrap();
                io::copy(&mut bytes, &mut encoder).unwrap();
                encoder.finish().unwrap();
            }
        }
        out
    }

    fn unpack(bytes: &[u8], bounds: Bounds) -> Result<Vec<u8>, DecompressError> {
        let mut out = Vec::new();
        let compression = Compression::of(bytes).expect("compressed");
        let total = decompress(bytes, compression, bounds, |piece| out.write_all(piece))?;
        assert_eq!(total, out.len() as u64);
        Ok(out)
    }

    #[test]
    fn what_was_compressed_comes_back_in_one_member_or_several() {
        let text: Vec<u8> = (0..300_000u32).map(|number| (number % 251) as u8).collect();
        for compression in ALL {
            let one = compress(compression, text.as_slice());
            assert_eq!(Compression::of(&one), Some(compression));
            assert!(unpack(&one, BOUNDS).unwrap() == text, "{compression:?}");
            let two = [one.clone(), one].concat();
            assert_eq!(unpack(&two, BOUNDS).unwrap().len(), 2 * text.len());
        }
        assert_eq!(Compression::of(b"QFI\xfb"), None);
        assert_eq!(Compression::of(b""), None);
    }

    #[test]
    fn bombs_are_stopped_by_size_and_by_ratio() {
        for compression in ALL {
            let bomb = compress(compression, io::repeat(0).take(96 << 20));
            let mut seen = 0;
            let small = Bounds { max_bytes: 1 << 20, ..BOUNDS };
            let stopped = decompress(bomb.as_slice(), compression, small, |piece| {
                seen += piece.len();
                Ok(())
            });
            assert!(matches!(stopped, Err(DecompressError::TooLarge { limit: 1_048_576 })), "{compression:?}");
            assert!(seen <= 1 << 20);
            let narrow = Bounds { max_ratio: 10, ..BOUNDS };
            let stopped = decompress(bomb.as_slice(), compression, narrow, |_| Ok(()));
            assert!(matches!(stopped, Err(DecompressError::Bomb { ratio: 10 })), "{compression:?}");
        }
    }

    #[test]
    fn what_is_cut_off_damaged_or_followed_by_something_else_is_an_error() {
        let text: Vec<u8> = (0..100_000u32).map(|number| (number / 7) as u8).collect();
        for compression in ALL {
            let whole = compress(compression, text.as_slice());
            let cut = unpack(&whole[..whole.len() - 5], BOUNDS);
            assert!(matches!(cut, Err(DecompressError::Damaged { .. })), "{compression:?}");
            let tail = [whole.as_slice(), b"something else"].concat();
            assert!(matches!(unpack(&tail, BOUNDS), Err(DecompressError::Damaged { .. })), "{compression:?}");
        }
        let full =
            decompress(compress(Compression::Gzip, text.as_slice()).as_slice(), Compression::Gzip, BOUNDS, |_| {
                Err(io::ErrorKind::StorageFull.into())
            });
        assert!(matches!(full, Err(DecompressError::Write(error)) if error.kind() == io::ErrorKind::StorageFull));
    }

    #[test]
    fn a_window_or_dictionary_that_asks_for_too_much_memory_is_refused() {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0b0000_0000, 31 << 3];
        frame.extend([1, 0, 0]);
        assert!(unpack(&frame, BOUNDS).is_err());
        let options = liblzma::stream::LzmaOptions::new_preset(9).map(|mut options| {
            options.dict_size(512 << 20);
            options
        });
        let mut filters = liblzma::stream::Filters::new();
        filters.lzma2(&options.unwrap());
        let header = Stream::new_stream_encoder(&filters, liblzma::stream::Check::Crc32);
        // Where there is no memory to make one, there is nothing to refuse either.
        if let Ok(stream) = header {
            let mut out = Vec::new();
            let mut encoder = liblzma::write::XzEncoder::new_stream(&mut out, stream);
            encoder.write_all(b"x").unwrap();
            encoder.finish().unwrap();
            assert!(matches!(unpack(&out, BOUNDS), Err(DecompressError::Damaged { .. })));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail_otherwise(kind in 0usize..3, bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in any::<prop::sample::Index>()) {
            let mut damaged = compress(ALL[kind], bytes.as_slice());
            let at = cut.index(damaged.len());
            damaged[at] ^= 0x55;
            let mut out = 0u64;
            let done = decompress(damaged.as_slice(), ALL[kind], BOUNDS, |piece| { out += piece.len() as u64; Ok(()) });
            prop_assert!(done.is_err() || done.is_ok_and(|total| total == out));
        }
    }
}
