"""The demo from dumps to a model: each command with what the one before it left."""

import json
from pathlib import Path

import pytest

from webtext_py.errors import InputError, StaleError
from webtext_py.runs.command import Request, find_tokens
from webtext_py.runs.settings import Settings
from webtext_py.train.metrics import read_metrics

from .conftest import Command


def test_build_bpe_train_train(tmp_path: Path, webtext: Command) -> None:
    data = tmp_path / "data"
    early = webtext("train", "--data", data)
    assert early.code == 1
    assert "hint: run `webtext bpe train`" in early.err
    assert webtext("build", "--data", data, "--quiet").code == 0
    ran = webtext("bpe", "train", "--data", data, "--quiet", "--vocab-size", 1000)
    assert ran.code == 0, ran.err
    ran = webtext("train", "--data", data, "--json", "--preset", "nano", "--device", "cpu",
                  "steps=100", "eval_every=10")  # fmt: skip
    assert ran.code == 0, ran.err
    summary = json.loads(ran.out)
    assert summary["preset"] == "nano"
    lines = read_metrics(data / "runs" / "nano" / "metrics.jsonl")
    losses = [line["val_loss"] for line in lines if "val_loss" in line]
    assert len(losses) == 10
    assert losses[0] > losses[4] > losses[-1]
    assert losses[-1] < 5.8  # ln 1,000 is 6.9
    assert webtext("sample", "nano", "--data", data, "--length", 5).code == 0
    # Another vocabulary makes the tokens stale: refused, not used.
    assert webtext("bpe", "train", "--data", data, "--quiet", "--force", "--vocab-size",
                   500).code == 0  # fmt: skip
    stale = webtext("train", "--data", data, "--run", "other")
    assert stale.code == 1
    assert "`tokens` was made from something else" in stale.err


def test_show_config_and_several_processes_make_nothing(
    tmp_path: Path, webtext: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    assert webtext("build", "--data", data, "--quiet").code == 0
    words = ("bpe", "train", "--data", data, "--quiet", "--vocab-size")
    assert webtext(*words, 600).code == 0

    def content() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}

    def shown() -> tuple[dict[str, dict[str, object]], str]:
        before = content()
        ran = webtext("train", "--data", data, "--show-config", "--json", "device=cpu", "lr=0.1")
        assert ran.code == 0, ran.err
        assert content() == before
        return json.loads(ran.out), ran.err

    table, said = shown()
    assert table["run.batch_tokens"] == {"value": 2048, "source": "preset nano"}
    assert table["model.vocab_size"] == {"value": 600, "source": "tokenizer"}
    assert "context, batch_tokens, steps, warmup_steps may become smaller: " in said

    def found() -> Path | None:
        with monkeypatch.context() as patch:
            patch.setenv("WORLD_SIZE", "2")
            before = content()
            try:
                return find_tokens(Request(data=data, settings=Settings()), None)
            finally:
                assert content() == before

    with pytest.raises(InputError, match="several processes cannot make them at once"):
        found()
    assert webtext("bpe", "encode", "--data", data, "--quiet").code == 0
    assert found() == data / "tokens"
    table, said = shown()
    assert str(table["run.batch_tokens"]["source"]).startswith("shrunk: ")
    assert "which are not encoded yet" not in said
    # A half-finished `bpe encode` has left some files, and an entry that says so.
    path = data / "manifest.json"
    manifest = path.read_text()
    document = json.loads(manifest)
    document["stages"]["tokens"] |= {"state": "running", "outputs": {}}
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="several processes cannot make them at once"):
        found()
    assert "which are not encoded yet" in shown()[1]
    path.write_text(manifest)
    assert webtext(*words, 500, "--force").code == 0
    with pytest.raises(StaleError, match="`tokens` was made from something else"):
        found()


def test_text_is_encoded_on_the_way(data: Path, webtext: Command, tmp_path: Path) -> None:
    """Anybody's Parquet of text, with a tokenizer and no build."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from .conftest import TINY, sentences

    (tmp_path / "fine").mkdir()
    table = pa.table({"id": [str(i) for i in range(150)], "text": sentences(8, 150)})
    pq.write_table(table, tmp_path / "fine" / "000.parquet")
    ran = webtext("train", "--data", tmp_path / "new", "--tokens", tmp_path / "fine",
                  "--tokenizer", data / "tokenizer", "--val-fraction", 0.1, "--json",
                  *TINY, "steps=3")  # fmt: skip
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["val_loss"] > 0
    # Which is no reason to ask a build for tokens that were made elsewhere.
    words = ("train", "--data", data, *TINY, "steps=1")
    assert webtext(*words, "--tokens", tmp_path / "fine").code == 0
    assert webtext(*words, "--run", "own").code == 0
    ids = tmp_path / "new" / "tokens-fine"
    assert [p.name for p in ids.iterdir()] == ["000.parquet"]
    pq.write_table(table.rename_columns(["id", "content"]), tmp_path / "fine" / "000.parquet")
    words = ("train", "--data", tmp_path / "other", "--tokens", tmp_path / "fine",
             "--tokenizer", data / "tokenizer", *TINY, "steps=1")  # fmt: skip
    refused = webtext(*words)
    assert refused.code == 1
    assert "hint: where it is text, name its column with `--text-field`" in refused.err
    assert webtext(*words, "--text-field", "content").code == 0
    # Text to validate on as well.
    held = pa.table({"text": sentences(9, 20)})
    pq.write_table(held, tmp_path / "held.parquet")
    ran = webtext("train", "--data", tmp_path / "third", "--tokens", data / "tokens",
                  "--tokenizer", data / "tokenizer", "--val-tokens", tmp_path / "held.parquet",
                  *TINY, "steps=1", "--json")  # fmt: skip
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["val_loss"] > 0
    assert [p.name for p in (tmp_path / "third" / "tokens-held").iterdir()] == ["held.parquet"]
