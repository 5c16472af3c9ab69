"""After training: text from a run, and a folder that transformers opens with no code of ours."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from webtext_py.runs.folder import open_model
from webtext_py.train.metrics import read_metrics

from .conftest import TINY, WORDS, Command


@pytest.fixture(scope="module")
def trained(made_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a run `nano` that has learnt the words."""
    from webtext_py.cli.main import run

    torch.set_num_threads(1)
    data = tmp_path_factory.mktemp("trained") / "data"
    shutil.copytree(made_data, data)
    words = ("train", "--data", str(data), "--quiet", "device=cpu", "steps=80", "warmup_steps=5")
    assert run([*words, "context=32", "batch_tokens=512"]) == 0
    return data


def test_samples_are_of_the_language(trained: Path, webtext: Command) -> None:
    ran = webtext("sample", "nano", "--data", trained, "--json", "--samples", 3, "--length", 25,
                  "--seed", 5, "--temperature", 0.7)  # fmt: skip
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert document["step"] == 80
    assert len(document["samples"]) == 3
    # All but a last word cut by the length are words of the language, which no accident gives.
    made = [word for text in document["samples"] for word in text.replace(".", " ").split()[:-1]]
    assert len(made) > 15
    assert sum(word in WORDS for word in made) / len(made) > 0.8
    again = webtext("sample", "nano", "--data", trained, "--json", "--samples", 3, "--length", 25,
                    "--seed", 5, "--temperature", 0.7)  # fmt: skip
    assert again.out == ran.out


def test_samples_go_on_from_a_prompt(trained: Path, webtext: Command) -> None:
    prompt = "bread river"
    ran = webtext("sample", trained / "runs" / "nano", "--prompt", prompt, "--length", 5,
                  "--temperature", 0)  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.out.startswith(prompt)
    assert len(ran.out) > len(prompt) + 1
    assert "there is no run in" in webtext("sample", "other", "--data", trained).err
    assert (
        "`top_p` is 2.0, out of range"
        in webtext("sample", "nano", "--data", trained, "--top-p", 2).err
    )


def test_validation_loss_and_bits_per_byte_by_hand(trained: Path) -> None:
    """The last line of the log, from the checkpoint, the files and the tokenizer alone."""
    import pyarrow.parquet as pq
    from tokenizers import Tokenizer

    model, vocabulary, step = open_model(trained / "runs" / "nano")
    rows = pq.read_table(trained / "tokens" / "validation-00000-of-00001.parquet")["tokens"]
    tokens = [token for row in rows.to_pylist() for token in row]
    count = (len(tokens) - 1) // 32
    nats = 0.0
    with torch.no_grad():
        for i in range(count):
            window = torch.tensor([tokens[32 * i : 32 * i + 33]])
            logits = model.logits(model(window[:, :-1]))[0]
            nats += torch.nn.functional.cross_entropy(logits, window[0, 1:]).item() * 32
    tokenizer = Tokenizer.from_file(str(trained / "tokenizer" / "tokenizer.json"))
    text = tokenizer.decode(tokens[1 : 32 * count + 1], skip_special_tokens=True)
    line = read_metrics(trained / "runs" / "nano" / "metrics.jsonl")[-1]
    assert line["step"] == step
    assert line["val_loss"] == pytest.approx(nats / (32 * count), rel=1e-5)
    bits = nats / math.log(2) / len(text.encode())
    assert line["val_bits_per_byte"] == pytest.approx(bits, rel=1e-5)
    assert vocabulary.vocab_size == 291


def test_export_opens_in_transformers(trained: Path, webtext: Command, tmp_path: Path) -> None:
    ran = webtext("export", "nano", tmp_path / "hf", "--data", trained, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["step"] == 80
    assert "exists" in webtext("export", "nano", tmp_path / "hf", "--data", trained).err
    assert webtext("export", "nano", tmp_path / "hf", "--data", trained, "--force").code == 0
    # In a process that cannot import this package.
    code = """
import json, sys, torch
sys.modules["webtext_py"] = None
from transformers import AutoTokenizer, GPT2LMHeadModel, pipeline
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = GPT2LMHeadModel.from_pretrained(sys.argv[1]).eval()
ids = tokenizer("bread river stone", return_tensors="pt").input_ids
made = pipeline("text-generation", model=sys.argv[1])(
    "bread river", max_new_tokens=8, do_sample=False)[0]["generated_text"]
with torch.no_grad():
    logits = model(ids).logits[0, -1].tolist()
print(json.dumps([ids[0].tolist(), logits, made]))
"""
    ran_alone = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "hf")],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert ran_alone.returncode == 0, ran_alone.stderr
    ids, logits, made = json.loads(ran_alone.stdout.splitlines()[-1])
    model, _, _ = open_model(trained / "runs" / "nano")
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(str(trained / "runs" / "nano" / "tokenizer" / "tokenizer.json"))
    assert ids == own.encode("bread river stone").ids
    with torch.no_grad():
        ours = model.logits(model(torch.tensor([ids])))[0, -1]
    assert torch.allclose(ours, torch.tensor(logits), atol=1e-5)
    assert made.startswith("bread river")
    assert len(made) > len("bread river")


def test_export_replaces_a_model_and_nothing_else(
    trained: Path, webtext: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    monkeypatch.chdir(tmp_path / "home")
    for folder in (".", tmp_path / "home", "letter.txt"):
        refused = webtext("export", "nano", folder, "--data", trained, "--force")
        assert refused.code == 1
        assert "is no earlier export: it lacks config.json" in refused.err
    assert [path.name for path in Path().iterdir()] == ["letter.txt"]
    assert "exists" in webtext("export", "nano", ".", "--data", trained).err
    # An earlier export stays until the new one is written.
    assert webtext("export", "nano", "hf", "--data", trained).code == 0
    marked = tmp_path / "home" / "hf" / "merges.txt"
    marked.write_text("earlier")
    from safetensors import SafetensorError

    from webtext_py.train import export

    def full(*_: object, **__: object) -> None:
        raise SafetensorError("No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(export, "save_file", full)
        assert webtext("export", "nano", "hf", "--data", trained, "--force").code == 1
    assert marked.read_text() == "earlier"
    Path("link").symlink_to("hf")
    assert webtext("export", "nano", "link", "--data", trained, "--force").code == 0
    assert marked.read_text() != "earlier"
    assert sorted(path.name for path in Path().iterdir()) == ["hf", "letter.txt", "link"]


def test_init_from_an_export(trained: Path, webtext: Command, tmp_path: Path) -> None:
    assert webtext("export", "nano", tmp_path / "hf", "--data", trained).code == 0
    ran = webtext("train", "--data", trained, "--run", "tuned", "--init-from", tmp_path / "hf",
                  "device=cpu", "batch_tokens=512", "steps=1", "lr=0", "--json")  # fmt: skip
    assert ran.code == 0, ran.err
    before, _, _ = open_model(trained / "runs" / "nano")
    after, _, _ = open_model(trained / "runs" / "tuned")
    assert after.config == before.config
    for (name, one), two in zip(
        before.named_parameters(), after.parameters(), strict=True
    ):  # a rate of zero moves nothing
        assert torch.equal(one, two), name
    (line,) = read_metrics(trained / "runs" / "tuned" / "metrics.jsonl")
    known = read_metrics(trained / "runs" / "nano" / "metrics.jsonl")[-1]
    assert line["val_loss"] == pytest.approx(known["val_loss"], rel=1e-6)


def test_muon_and_tiny_settings_run_through_the_same_doors(data: Path, webtext: Command) -> None:
    ran = webtext("train", "--data", data, *TINY, "--optimizer", "muon", "steps=30", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["val_loss"] < 5
    assert webtext("export", "nano", data / "hf", "--data", data).code == 0


def test_the_model_of_init_from_has_the_last_word_on_its_shape(
    trained: Path, webtext: Command, tmp_path: Path
) -> None:
    """A folder that transformers wrote; another shape asked for by name is refused, not ignored."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    shape = {"n_layer": 2, "n_head": 2, "n_embd": 32, "n_positions": 32, "vocab_size": 291}
    made = GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=290, eos_token_id=290))
    made.save_pretrained(tmp_path / "hf")
    words = ("train", "--data", trained, "--init-from", tmp_path / "hf", "device=cpu", "steps=1")
    ran = webtext(*words, "--run", "theirs", "lr=0")
    assert ran.code == 0, ran.err
    ours, _, _ = open_model(trained / "runs" / "theirs")
    ids = torch.randint(291, (2, 32), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(ours.logits(ours(ids)), made.eval()(ids).logits, atol=1e-5)
    refused = webtext(*words, "--run", "other", "layers=3")
    assert refused.code == 2
    assert "`layers` is 3 (command line), but 2 in the model of" in refused.err
    empty = webtext("train", "--data", trained, "--init-from", tmp_path, "--run", "none")
    assert empty.code == 1
    assert "config.json" in empty.err


def test_sampling_on_a_device_that_is_not_there(trained: Path, webtext: Command) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    ran = webtext("sample", "nano", "--data", trained, "--device", "cuda")
    assert ran.code == 2
    assert "torch finds no GPU" in ran.err
    assert webtext("sample", "nano", "--data", trained, "--device", "xx").code == 2
