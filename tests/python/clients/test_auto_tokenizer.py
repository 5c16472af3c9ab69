"""`AutoTokenizer` opens `tokenizer/` and knows where a text ends and how much GPT-2 reads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from webtext_py.bpe.vocabulary import tokenizer_config
from webtext_py.tokenizer import Tokenizer

TEXT = "The lamp on the quay wasn't lit, 1 of 12.  \n\n Ünder früher Morgensonne 日本"

# In a process of its own: what transformers imports warns, and ours makes warnings errors.
ASK = """
import json, sys
from transformers import AutoTokenizer
t = AutoTokenizer.from_pretrained(sys.argv[1])
print(json.dumps({"class": type(t).__name__, "eos": t.eos_token, "eos_id": t.eos_token_id,
                  "length": t.model_max_length, "ids": t(sys.argv[2])["input_ids"],
                  "back": t.decode(t(sys.argv[2])["input_ids"])}))
"""


def test_auto_tokenizer_knows_end_and_length(made: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK, str(made / "tokenizer"), TEXT],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "HF_HUB_OFFLINE": "1", "HOME": str(made)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    ours = Tokenizer.from_file(made / "tokenizer")
    assert found["eos"] == "<|endoftext|>"
    assert found["eos_id"] == ours.special["<|endoftext|>"]
    assert found["length"] == 1024
    assert found["class"].startswith("GPT2Tokenizer")
    assert found["ids"] == ours.encode(TEXT).tolist()
    assert found["back"] == TEXT


@pytest.mark.parametrize("pattern", ["gpt2", "cl100k", "o200k"])
def test_other_patterns_and_vocabularies_without_an_end_claim_none(pattern: str) -> None:
    table = tokenizer_config(pattern, ["<|other|>"], 256)
    assert table == {
        "tokenizer_class": "GPT2TokenizerFast" if pattern == "gpt2" else "PreTrainedTokenizerFast",
        "model_max_length": 256,
        "add_prefix_space": False,
    }
