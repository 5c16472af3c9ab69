"""Lines of every shape give what the slow twin gives, on every set of instructions."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webtext_py import _core
from webtext_py.dump import SCHEMA, SubmissionReader

from . import twin

GOOD = b'{"id":"good","url":"http://a.example/","title":"t"}'

LEVELS = ["portable", "avx2", "avx512"]


def rows_of(path: Path, text: bytes, level: str) -> list[twin.Row]:
    """The rows of a plain dump, read on one set of instructions."""
    path.write_bytes(text)
    try:
        core = _core.DumpReader(path, allow_damaged=False, batch_lines=1000, level=level)
    except ValueError as error:
        if level == "portable" or "this machine lacks" not in str(error):
            raise
        pytest.skip(str(error))
    reader = SubmissionReader.__new__(SubmissionReader)
    reader._reader = core
    rows = [row for batch in reader for row in batch.to_pylist()]
    assert all(set(row) == set(SCHEMA.names) for row in rows)
    return rows


def shape(line: str) -> bytes:
    return line.encode("utf-8", "surrogatepass")


# Each a line of its own; the twin says what it is.
SHAPES = [
    b"{}",
    b"[]",
    b"3",
    b'"text"',
    b"null",
    b"{",
    b"}",
    b"{}}",
    b"{} {}",
    b'{"id":"a"',
    b'{"id":"a",}',
    b'{,"id":"a"}',
    b'{"id" "a"}',
    b'{"id":}',
    b'{"id"}',
    b'{"id":"a" "b"}',
    b"{'id':'a'}",
    b'{id:"a"}',
    b'{"id":"a"}x',
    b'x{"id":"a"}',
    b' \t{ "id" :\t"a" , "url":"u"\r} \r',
    b'{"id":"t3_abc","url":"http:\\/\\/x.example\\/a?b=1&amp;c=2"}',
    b'{"id":"t3_"}',
    b'{"id":12,"url":null,"author":true,"domain":[],"subreddit":{}}',
    # Nested keys of the same names.
    b'{"media":{"url":"no","score":9,"id":"no"},"url":"yes","preview":[{"url":"no"}],"score":1}',
    b'{"url":"yes","crosspost_parent_list":[{"url":"no","is_self":true,"over_18":true}]}',
    b'{"x":{"kind":"t3","data":{"id":"no"}},"id":"yes"}',
    # Duplicates: the last counts, be it null.
    b'{"url":"first","url":"last"}',
    b'{"url":"first","url":null}',
    b'{"score":1,"score":2,"score":[1]}',
    # Keys spelt with escapes.
    b'{"\\u0075rl":"u"}',
    b'{"url":"a","u\\u0072l":"b","\\u0069s_self":true,"over\\u005f18":false}',
    b'{"\\u0063reated_ut\\u0063":5}',
    b'{"url\\u0000":"no","ur":"no","urll":"no"}',
    # Escapes.
    b'{"url":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u4e2d\\ud83d\\ude00\\u0000"}',
    b'{"url":"\\ud83d"}',
    b'{"url":"\\ude00\\ud83d"}',
    b'{"url":"\\ud83d\\ud83d\\ude00"}',
    b'{"url":"\\ud83dx\\ude00"}',
    b'{"url":"\\ud83d\\n"}',
    b'{"url":"\\x41"}',
    b'{"url":"\\u12g4"}',
    b'{"url":"\\u123"}',
    b'{"url":"\\u+123"}',
    b'{"title":"\\q"}',
    b'{"title":"\\"}',
    b'{"title":"a\tb"}',
    b'{"title":"a\x00b"}',
    b'{"title":"a\x1fb"}',
    b'{"title":"a\x7fb"}',
    b'{\x0b"id":"a"}',
    b'{"id":"a"\x0c}',
    # UTF-8.
    shape('{"url":"\u00e9\u4e2d\U0001f600"}'),
    b'{"url":"\xff"}',
    b'{"title":"\xc3"}',
    b'{"title":"\xc0\x80"}',
    shape('{"title":"\ud800"}'),
    b'{"id":"a"}\xe9',
    shape('\ufeff{"id":"a"}'),
    # Numbers.
    b'{"score":0,"created_utc":"1388534400"}',
    b'{"score":-0,"created_utc":1706745600.0}',
    b'{"score":"-5","created_utc":"1706745600.9"}',
    b'{"score":-1.5,"created_utc":1e9}',
    b'{"score":1E+2,"created_utc":15e-1}',
    b'{"score":9223372036854775807,"created_utc":-9223372036854775808}',
    b'{"score":9223372036854775808,"created_utc":-9223372036854775809}',
    b'{"score":9.3e18,"created_utc":-9.3e18}',
    b'{"score":9223372036854775807.0,"created_utc":-9223372036854775808.0}',
    b'{"score":1e400,"created_utc":-1e400}',
    b'{"score":" 5","created_utc":"0x5"}',
    b'{"score":"","created_utc":"+5"}',
    b'{"score":"\\u0035","created_utc":"05"}',
    b'{"score":NaN,"created_utc":Infinity}',
    b'{"score":-Infinity,"created_utc":true}',
    b'{"score":-NaN}',
    b'{"score":01}',
    b'{"score":1.}',
    b'{"score":.5}',
    b'{"score":1e}',
    b'{"score":1e+}',
    b'{"score":+1}',
    b'{"score":-}',
    b'{"score":--1}',
    b'{"score":1 2}',
    b'{"score":0x1}',
    b'{"score":tru}',
    b'{"score":truee}',
    b'{"score":nul}',
    b'{"x":True}',
    b'{"score":\\"}',
    b'{"is_self":true,"over_18":false,"promoted":null}',
    b'{"is_self":"true","over_18":1,"promoted":0}',
    # Listing form and comments.
    b'{"kind":"t3","data":{"id":"a","url":"u","title":"t","score":5.0}}',
    b'{"data":{"id":"a"},"kind":"t3","id":"outer"}',
    b'{"kind":"t1","data":{"id":"a","body":"b","link_id":"t3_x"}}',
    b'{"kind":"t5","data":{"id":"a"}}',
    b'{"kind":"t3","data":[]}',
    b'{"kind":"t3","data":{"id":"a"},"data":null}',
    b'{"kind":"t3","data":{"id":"a"},"data":{"id":"b"}}',
    b'{"kind":"\\u0074\\u0033","data":{"id":"a"},"id":"outer"}',
    b'{"body":"b","link_id":"t3_x"}',
    b'{"body":"b","link_id":"t3_x","title":"t"}',
    b'{"body":"b","link_id":"t3_x","url":null}',
    b'{"body":"b"}',
    # Nesting.
    b'{"x":[[[{"y":[{}]}],[]]],"id":"a"}',
    b'{"x":[}],"id":"a"}',
    b'{"x":[[],"id":"a"}',
    b'{"x":{"a":1,"b"},"id":"a"}',
    b'{"x":{"a":1 "b":2}}',
    b'{"x":{1:2}}',
    b'{"x":[1,]}',
    b'{"x":[,1]}',
    b'{"x":[1 2]}',
    b'{"x":[:]}',
    b'{"x":{"a"}}',
    b'{"x":{,}}',
]


def lines_and_twin(path: Path, text: bytes, level: str) -> None:
    """Compares; a line that is surely good comes first, so that the file is a dump at all."""
    text = (GOOD + b"\n") * 101 + text
    assert rows_of(path, text, level) == twin.read(text)


@pytest.mark.parametrize("level", LEVELS)
def test_shapes(tmp_path: Path, level: str) -> None:
    lines_and_twin(tmp_path / "dump", b"\n".join(SHAPES), level)


@pytest.mark.parametrize("level", LEVELS)
def test_every_distance_from_the_start_of_64_bytes(tmp_path: Path, level: str) -> None:
    """What a step carries to the next: escapes, strings and words across every border."""
    for line in [
        b'{"title":"\\\\\\\\\\"","url":"u\\u00e9\\"\\\\","score":12345,"is_self":true}',
        b'{"title":"\\\\\\","url":"u"}',
        b'{"score":nulltrue,"url":"u"}',
    ]:
        for filler in (b" ", b"\\\\", b"\\n", b"xy"):
            lines = [b'{"x":"' + filler * count + b'",' + line[1:] for count in range(140)] + [
                b" " * count + line for count in range(140)
            ]
            lines_and_twin(tmp_path / "dump", b"\n".join(lines), level)


@pytest.mark.parametrize("level", LEVELS)
def test_depth_limit(tmp_path: Path, level: str) -> None:
    """1,024 levels are read, one more is damaged: neither recursion nor a crash."""
    for levels, status in ((1023, 0), (1024, 0), (1025, 1), (200_000, 1)):
        inner = levels - 1
        line = b'{"id":"a","x":' + b"[" * inner + b"]" * inner + b"}"
        rows = rows_of(tmp_path / "dump", GOOD + b"\n" + line, level)
        assert [row["status"] for row in rows] == [0, status], levels


class Pairs(list):  # type: ignore[type-arg]
    """The members of an object in order, keys repeated or not."""


OTHER_KEYS = ["title", "body", "link_id", "kind", "data", "x", "", "urls", "ur", 'u"rl', "é"]
KEYS = st.sampled_from([*twin.STRINGS, *twin.NUMBERS, *twin.BOOLEANS, *OTHER_KEYS])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 65), 1 << 65)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["t3", "t1", "t3_abc", "5", "-7.5", "1e3", "http://x.example/?a=1&amp;b=2"])
    | st.integers(-(10**10), 10**10).map(str),
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(st.tuples(KEYS, inner), max_size=5).map(Pairs)
    ),
    max_leaves=12,
)


def spelt(value: object, draw: st.DrawFn) -> str:
    """JSON of a value with random spacing and escaping."""
    space = draw(st.sampled_from(["", "", " ", "\t", " \r "]))
    if isinstance(value, Pairs):
        members = [f"{spelt(key, draw)}{space}:{spelt(item, draw)}" for key, item in value]
        return "{" + space + f"{space},".join(members) + "}" + space
    if isinstance(value, list):
        return "[" + ",".join(spelt(item, draw) for item in value) + "]" + space
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if isinstance(value, str) and value and draw(st.integers(0, 9)) == 0:
        text = '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in value) + '"'
    return space + text


@st.composite
def json_lines(draw: st.DrawFn) -> bytes:
    """A line of JSON, mostly an object, sometimes with a few bytes changed."""
    value = draw(st.lists(st.tuples(KEYS, VALUES), max_size=12).map(Pairs) | VALUES)
    line = bytearray(spelt(value, draw).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 5]))):
        at = draw(st.integers(0, len(line)))
        kind = draw(st.integers(0, 2))
        byte = draw(st.sampled_from(list(b'"\\{}[]:,ute0-. \x00\x01\x80\xff\r')))
        if kind == 0:
            line.insert(at, byte)
        elif kind == 1:
            del line[at : at + draw(st.integers(1, 4))]
        elif at < len(line):
            line[at] = byte
    return bytes(line).replace(b"\n", b"")


@pytest.mark.parametrize("level", LEVELS)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(json_lines(), min_size=1, max_size=20))
def test_generated_and_mutated_lines(tmp_path: Path, level: str, lines: list[bytes]) -> None:
    lines_and_twin(tmp_path / "dump", b"\n".join(lines), level)


def test_real_lines_cut_and_overwritten(shared_data: Path, tmp_path: Path) -> None:
    """Real lines with a byte changed, dropped or doubled at places spread over them."""
    lines = (shared_data / "reddit" / "mixed_eras_submissions.ndjson").read_bytes().splitlines()
    mutated = []
    for number, line in enumerate(lines):
        for step in range(0, len(line), 97):
            at = (step * 31 + number) % len(line)
            byte = b'"\\{}[],:0 x\xff'[(step + number) % 12]
            mutated += [
                line[:at],
                line[:at] + bytes([byte]) + line[at + 1 :],
                line[:at] + line[at + 1 :],
                line[:at] + line[at : at + 1] * 2 + line[at + 1 :],
            ]
    for level in LEVELS:
        lines_and_twin(tmp_path / "dump", b"\n".join(mutated), level)
