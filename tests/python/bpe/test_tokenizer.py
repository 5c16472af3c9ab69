"""The Tokenizer against tiktoken, tokenizers and published ids."""

import base64
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from tokenizers import Tokenizer as Reference

from webtext_py import Tokenizer
from webtext_py.errors import FormatError, InputError

R50K = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


@pytest.fixture(scope="session")
def gpt2(shared_data: Path) -> Tokenizer:
    return Tokenizer.from_file(shared_data / "gpt2" / "encoder.json")


@pytest.fixture(scope="session")
def tiktoken_gpt2(shared_data: Path) -> tiktoken.Encoding:
    folder = shared_data / "gpt2"
    return tiktoken.Encoding(
        "gpt2",
        pat_str=R50K,
        mergeable_ranks=data_gym_to_mergeable_bpe_ranks(
            str(folder / "vocab.bpe"), str(folder / "encoder.json")
        ),
        special_tokens={"<|endoftext|>": 50256},
    )


@pytest.fixture(scope="module")
def small() -> Tokenizer:
    draw = random.Random(1)
    words = ["".join(draw.choice("abcdé中") for _ in range(draw.randint(1, 7))) for _ in range(99)]
    return Tokenizer.train([" ".join(draw.choices(words, k=4000))], vocab_size=700)


@pytest.mark.shared_data
def test_published_ids(gpt2: Tokenizer) -> None:
    assert gpt2.encode("hello world").tolist() == [31373, 995]
    assert gpt2.encode("<|endoftext|>", allow_special=True).tolist() == [50256]
    assert gpt2.encode("<|endoftext|>").tolist() == [27, 91, 437, 1659, 5239, 91, 29]
    assert gpt2.vocab_size == 50257
    assert gpt2.dtype == np.uint16


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["en", "zh", "ko", "mul", "code"])
def test_ids_equal_tiktoken_on_real_text(
    gpt2: Tokenizer, tiktoken_gpt2: tiktoken.Encoding, shared_data: Path, name: str
) -> None:
    column = pq.read_table(shared_data / "corpus" / f"{name}.parquet", columns=["text"])["text"]
    texts = column.to_pylist()[:200]
    rows = gpt2.encode_batch(texts, threads=3)
    for row, text in zip(rows, texts, strict=True):
        assert row.values.to_pylist() == tiktoken_gpt2.encode_ordinary(text[:300_000]) or (
            len(text) > 300_000
        )
        if len(text) > 300_000:
            assert row.values.to_pylist() == tiktoken_gpt2.encode_ordinary(text)


@pytest.mark.shared_data
@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=200))
def test_ids_equal_tiktoken_on_any_text(
    gpt2: Tokenizer, tiktoken_gpt2: tiktoken.Encoding, text: str
) -> None:
    assert gpt2.encode(text).tolist() == tiktoken_gpt2.encode_ordinary(text)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300))
def test_decoding_gives_any_bytes_back(small: Tokenizer, data: bytes) -> None:
    assert small.decode_bytes(small.encode(data)) == data


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.text(max_size=60), max_size=9), threads=st.integers(1, 4))
def test_a_batch_equals_its_texts(small: Tokenizer, texts: list[str], threads: int) -> None:
    rows = small.encode_batch(texts, threads=threads, prefix=699)
    assert [row.values.to_pylist() for row in rows] == [
        [699, *small.encode(text).tolist()] for text in texts
    ]


@pytest.mark.parametrize("pattern", ["gpt2", "cl100k", "o200k"])
def test_every_written_file_gives_the_ids_of_tokenizers(tmp_path: Path, pattern: str) -> None:
    text = "It's 12345 o'clock,\r\n\n  WeIrD déjà-vu ‘ſ’ 中文 'LL done  \n"
    made = Tokenizer.train([text * 30], vocab_size=420, pattern=pattern)
    made.save(tmp_path)
    expected = Reference.from_file(str(tmp_path / "tokenizer.json")).encode(text).ids
    opened = [
        made,
        Tokenizer.from_file(tmp_path),
        Tokenizer.from_file(tmp_path / "merges.txt", pattern=pattern),
        Tokenizer.from_file(tmp_path / "vocab.tiktoken", pattern=pattern),
    ]
    for tokenizer in opened:
        assert tokenizer.encode(text).tolist() == expected
        assert tokenizer.decode(expected) == text
        assert tokenizer.special == {"<|endoftext|>": made.vocab_size - 1}
    assert opened[0].digest == opened[1].digest == opened[2].digest


def test_wide_vocabularies_give_wide_ids(tmp_path: Path) -> None:
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [b"abc", *(number.to_bytes(3, "little") for number in range(70_000))]
    path = tmp_path / "wide.tiktoken"
    path.write_text(
        "".join(f"{base64.b64encode(t).decode()} {rank}\n" for rank, t in enumerate(tokens))
    )
    tokenizer = Tokenizer.from_file(path, pattern="o200k")
    assert tokenizer.dtype == np.uint32
    assert tokenizer.encode_batch(["ab"]).type == pa.large_list(pa.uint32())
    # Not reached by merging, so only a whole piece is that token, as in tiktoken.
    whole = tokens.index(b"abc")
    assert tokenizer.encode("abc").tolist() == [whole]
    assert tokenizer.encode("abcd").tolist() == [97, 98, 99, 100]


def test_what_is_no_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no vocabulary"):
        Tokenizer.from_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        Tokenizer.from_file(tmp_path / "none.json")
    path = tmp_path / "tokenizer.json"
    Tokenizer.train(["aa bb " * 9], vocab_size=260).save(tmp_path)
    good = json.loads(path.read_text())
    for change, message in [
        ({"normalizer": {"type": "NFC"}}, 'the normalizer is "NFC"; none was expected'),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "the pre-tokenizer is Whitespace"),
        ({"model": {**good["model"], "type": "Unigram"}}, 'the model is "Unigram"'),
        ({"model": {**good["model"], "merges": [["a", "zz"]]}}, "merge 0 needs `zz`"),
        ({"added_tokens": [], "model": {**good["model"], "vocab": {"a": 0}}}, "byte 0x00 has no"),
        ({"added_tokens": [{"content": "x"}]}, "lacks content or id"),
    ]:
        path.write_text(json.dumps({**good, **change}))
        with pytest.raises(FormatError, match=message):
            Tokenizer.from_file(path)
    path.write_text('{"model": ')
    with pytest.raises(FormatError, match=r"not a tokenizer\.json"):
        Tokenizer.from_file(path)
    (tmp_path / "v.tiktoken").write_text((tmp_path / "vocab.tiktoken").read_text())
    with pytest.raises(InputError, match="names no pattern"):
        Tokenizer.from_file(tmp_path / "v.tiktoken")


def test_ids_that_stand_for_nothing_are_named(small: Tokenizer) -> None:
    for ids in ([700], [-1], [1 << 40]):
        with pytest.raises(ValueError, match=r"id"):
            small.decode(ids)
