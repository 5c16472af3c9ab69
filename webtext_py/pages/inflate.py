"""zlib inflation that keeps what was decoded before an error, and knows where it stopped."""

import zlib

# Values of `wbits`: which wrapper zlib expects (zlib manual, inflateInit2).
GZIP, ZLIB, RAW = 31, 15, -15

# Input bytes between two saved states while the place of an error is searched, coarse to fine: our
# choice, so that a piece of 64 KiB costs 32 copies of 40 KiB and 256 calls at most.
_STEPS = (4096, 256)


class InflateError(Exception):
    """Data that cannot be inflated: `out` came before the error, `consumed` input bytes made it."""

    def __init__(self, message: str, out: bytes, consumed: int) -> None:
        super().__init__(message)
        self.out = out
        self.consumed = consumed


class Inflater:
    """One zlib, gzip or raw deflate stream; output is bounded on each call."""

    def __init__(self, wbits: int = GZIP) -> None:
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits)
        self._fresh = True

    @property
    def eof(self) -> bool:
        """Whether the stream's end mark (and checksum) was seen."""
        return self._stream.eof

    def decompress(self, piece: bytes | memoryview, max_out: int) -> tuple[bytes, int]:
        """At most `max_out` bytes of output, and how many bytes of `piece` were used for it.

        Raises `InflateError` with the output that precedes the error: zlib itself throws that away.
        """
        # A copy costs 40 KiB; the first piece needs none, because a new stream will do.
        saved = None if self._fresh else self._stream.copy()
        self._fresh = False
        try:
            out = self._stream.decompress(piece, max_out)
        except zlib.error as error:
            stream = zlib.decompressobj(self._wbits) if saved is None else saved
            out, consumed = _until_error(stream, piece, max_out)
            raise InflateError(_reason(error), out, consumed) from None
        # At the end the tail may hold what is unused too, where the call before met `max_out`.
        stream = self._stream
        return out, len(piece) - len(stream.unused_data if stream.eof else stream.unconsumed_tail)


def _reason(error: zlib.error) -> str:
    """zlib's own words, without its error number and function."""
    return str(error).rpartition(": ")[2]


def _until_error(
    stream: "zlib._Decompress", piece: bytes | memoryview, max_out: int
) -> tuple[bytes, int]:
    """What `piece` gives before the byte that fails, and that byte's place in `piece`."""
    out: list[bytes] = []
    place = 0
    for step in _STEPS:
        while place < len(piece):
            saved = stream.copy()
            try:
                out.append(stream.decompress(piece[place : place + step], max_out))
            except zlib.error:
                stream = saved
                break
            place += step
    while place < len(piece):
        try:
            out.append(stream.decompress(piece[place : place + 1], max_out))
        except zlib.error:
            break
        place += 1
    return b"".join(out), min(place, len(piece))
