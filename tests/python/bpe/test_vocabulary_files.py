"""The files of a vocabulary open elsewhere, agree, and appear whole or not at all."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
import tiktoken
from tiktoken.load import load_tiktoken_bpe
from tokenizers import Tokenizer

from webtext_py import _core
from webtext_py.bpe import vocabulary as module
from webtext_py.bpe.train import BpeConfig, train_texts
from webtext_py.bpe.vocabulary import FILES, PATTERNS, write_vocabulary
from webtext_py.errors import FormatError

TEXT = "The quick brown fox, it's said, jumps; «déjà vu» 中文 1234\n\n  and again. "


def make(pattern: str = "gpt2", special: tuple[str, ...] = ("<|endoftext|>",)) -> _core.BpeEncoder:
    texts = pa.array([TEXT * 20, TEXT.upper() * 5])
    return train_texts([texts], BpeConfig(400, pattern=pattern, special=special))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("special", [(), ("<|endoftext|>", '<"q\\">', "<|é|>")])
def test_tokenizers_writes_the_same_file(
    tmp_path: Path, pattern: str, special: tuple[str, ...]
) -> None:
    write_vocabulary(make(pattern, special), tmp_path)
    written = (tmp_path / "tokenizer.json").read_text(encoding="utf-8")
    assert Tokenizer.from_str(written).to_str(pretty=True) == written


def test_tokenizers_saves_the_same_vocab_and_merges(tmp_path: Path) -> None:
    write_vocabulary(make(), tmp_path)
    (tmp_path / "theirs").mkdir()
    Tokenizer.from_file(str(tmp_path / "tokenizer.json")).model.save(str(tmp_path / "theirs"))
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / "theirs" / name).read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_file_gives_the_same_ids_elsewhere(tmp_path: Path, pattern: str) -> None:
    vocabulary = make(pattern)
    write_vocabulary(vocabulary, tmp_path)
    expected = Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode(TEXT).ids
    regex = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
    if pattern != "gpt2":
        written = json.loads((tmp_path / "tokenizer.json").read_bytes())
        regex = written["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    encoding = tiktoken.Encoding(
        "ours",
        pat_str=regex,
        mergeable_ranks=load_tiktoken_bpe(str(tmp_path / "vocab.tiktoken")),
        special_tokens={"<|endoftext|>": vocabulary.id_limit - 1},
    )
    assert encoding.encode_ordinary(TEXT) == expected
    assert len(expected) < len(TEXT.encode())


def test_transformers_opens_the_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    vocabulary = make()
    write_vocabulary(vocabulary, tmp_path)
    theirs = transformers.GPT2TokenizerFast.from_pretrained(str(tmp_path))
    ids = Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode(TEXT).ids
    assert theirs(TEXT)["input_ids"] == ids
    assert theirs.eos_token_id == vocabulary.id_limit - 1


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tokenizer.json", '"merges": [', '"merges": [["a", "b"],'),
        ("tokenizer.json", '"content": "<|endoftext|>"', '"content": "<|other|>"'),
        ("vocab.json", '"!":0,"\\"":1', '"!":1,"\\"":0'),
        ("vocab.json", "{", '{"zz":5000,'),
        ("merges.txt", "\n", "\na b\n"),
        ("vocab.tiktoken", "IQ== 0\nIg== 1\n", "IQ== 1\nIg== 0\n"),
        ("vocab.tiktoken", "IQ== 0\n", ""),
    ],
)
def test_nothing_appears_where_a_file_disagrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str
) -> None:
    """What was damaged between writing and reading back is seen, whichever file it is."""

    def damage(path: Path) -> None:
        if path.name.endswith(name):
            text = path.read_text(encoding="utf-8")
            assert old in text
            path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")

    monkeypatch.setattr(module, "flush", damage)
    with pytest.raises(FormatError, match=f"`{name}`.* was written but does not read back"):
        write_vocabulary(make(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_vocab_json_is_in_the_order_of_ids(tmp_path: Path) -> None:
    write_vocabulary(make(), tmp_path)
    ids = json.loads((tmp_path / "vocab.json").read_bytes())
    assert list(ids.values()) == list(range(len(ids)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
