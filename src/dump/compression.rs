//! The five compressions, told apart by their first bytes, and one streaming decoder for each.

use flate2::{Decompress as Inflate, FlushDecompress};
use liblzma::stream::{Action, Status as XzStatus, Stream as Xz};
use zstd::stream::raw::{DParameter, Decoder as Zstd, Operation};

/// Largest zstd window, as a power of two: 2 GiB, what the dumps of Pushshift use.
const ZSTD_WINDOW_LOG_MAX: u32 = 31;

/// Most memory an xz stream may ask for: a 1.5 GiB dictionary, the largest xz makes, and its tables.
const XZ_MEMORY_BYTES: u64 = (1536 << 20) + (64 << 20);

/// Bytes that decide whether a stream of a compression starts here.
pub(super) const MAGIC_BYTES: usize = 10;

/// How a dump is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard frames, skippable ones among them.
    Zstd,
    /// xz streams.
    Xz,
    /// bzip2 streams.
    Bzip2,
    /// gzip members.
    Gzip,
    /// Lines as they are.
    Plain,
}

impl Compression {
    /// The compression whose first stream starts with `bytes`; `Plain` for anything else.
    pub(super) fn detect(bytes: &[u8]) -> Self {
        [Compression::Zstd, Compression::Xz, Compression::Bzip2, Compression::Gzip]
            .into_iter()
            .find(|compression| compression.starts_stream(bytes))
            .unwrap_or(Compression::Plain)
    }

    /// Whether a stream (frame, member) of this compression can start with `bytes`.
    pub(super) fn starts_stream(self, bytes: &[u8]) -> bool {
        match self {
            Compression::Zstd => {
                bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD])
                    || (bytes.len() >= 4
                        && bytes[0] & 0xF0 == 0x50
                        && bytes[1..4] == [0x2A, 0x4D, 0x18])
            }
            Compression::Xz => bytes.starts_with(b"\xFD7zXZ\0"),
            Compression::Bzip2 => {
                bytes.len() >= 10
                    && bytes.starts_with(b"BZh")
                    && matches!(bytes[3], b'1'..=b'9')
                    // a block, or the end of a stream without blocks
                    && (bytes[4..10] == [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]
                        || bytes[4..10] == [0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
            }
            // method deflate, no reserved flag
            Compression::Gzip => {
                bytes.len() >= 4 && bytes.starts_with(&[0x1F, 0x8B, 8]) && bytes[3] & 0xE0 == 0
            }
            Compression::Plain => true,
        }
    }

    /// The byte that every stream starts with, where there is just one: makes the search fast.
    pub(super) fn may_start(self, byte: u8) -> bool {
        match self {
            Compression::Zstd => byte == 0x28 || byte & 0xF0 == 0x50,
            Compression::Xz => byte == 0xFD,
            Compression::Bzip2 => byte == b'B',
            Compression::Gzip => byte == 0x1F,
            Compression::Plain => false,
        }
    }

    /// The usual word for the compression.
    pub fn name(self) -> &'static str {
        match self {
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
            Compression::Bzip2 => "bzip2",
            Compression::Gzip => "gzip",
            Compression::Plain => "plain",
        }
    }

    /// The usual word for one of its streams.
    pub(super) fn stream_name(self) -> &'static str {
        match self {
            Compression::Zstd => "zstd frame",
            Compression::Xz => "xz stream",
            Compression::Bzip2 => "bzip2 stream",
            Compression::Gzip => "gzip member",
            Compression::Plain => "text",
        }
    }
}

/// What one step of a decoder did.
pub(super) struct Step {
    /// Bytes taken from the input.
    pub(super) consumed: usize,
    /// Bytes put out.
    pub(super) produced: usize,
    /// Whether the stream is complete, its checksum right.
    pub(super) ended: bool,
}

/// A decoder of one stream; made anew for the next one. For bzip2 see `super::bzip2`.
pub(super) enum Decoder {
    Zstd(Zstd<'static>),
    Xz(Xz),
    Gzip(Inflate),
    Plain,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub(super) fn new(compression: Compression) -> Result<Self, String> {
        Ok(match compression {
            Compression::Zstd => {
                let mut decoder = Zstd::new().map_err(|error| error.to_string())?;
                decoder
                    .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
                    .map_err(|error| error.to_string())?;
                Decoder::Zstd(decoder)
            }
            Compression::Xz => Decoder::Xz(
                Xz::new_stream_decoder(XZ_MEMORY_BYTES, 0).map_err(|error| error.to_string())?,
            ),
            Compression::Gzip => Decoder::Gzip(Inflate::new_gzip(15)),
            Compression::Bzip2 => return Err("bzip2 is read by blocks, not by streams".to_owned()),
            Compression::Plain => Decoder::Plain,
        })
    }

    /// Decodes some of `input` into `output`; neither progress nor an end means: more input.
    ///
    /// # Errors
    /// The decoder's words for what is wrong with the stream.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
        match self {
            Decoder::Zstd(decoder) => {
                let status =
                    decoder.run_on_buffers(input, output).map_err(|error| error.to_string())?;
                Ok(Step {
                    consumed: status.bytes_read,
                    produced: status.bytes_written,
                    // 0 without progress is the fresh decoder asking for input
                    ended: status.remaining == 0 && status.bytes_read > 0,
                })
            }
            Decoder::Xz(stream) => {
                let (before_in, before_out) = (stream.total_in(), stream.total_out());
                let status = stream
                    .process(input, output, Action::Run)
                    .map_err(|error| error.to_string())?;
                Ok(Step {
                    consumed: (stream.total_in() - before_in) as usize,
                    produced: (stream.total_out() - before_out) as usize,
                    ended: matches!(status, XzStatus::StreamEnd),
                })
            }
            Decoder::Gzip(stream) => {
                let (before_in, before_out) = (stream.total_in(), stream.total_out());
                let status = stream
                    .decompress(input, output, FlushDecompress::None)
                    .map_err(|error| error.to_string())?;
                Ok(Step {
                    consumed: (stream.total_in() - before_in) as usize,
                    produced: (stream.total_out() - before_out) as usize,
                    ended: matches!(status, flate2::Status::StreamEnd),
                })
            }
            Decoder::Plain => {
                let count = input.len().min(output.len());
                output[..count].copy_from_slice(&input[..count]);
                Ok(Step { consumed: count, produced: count, ended: false })
            }
        }
    }
}
