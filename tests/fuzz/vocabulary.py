"""Throws damaged vocabularies at the readers for as long as asked; any crash ends it.

Promises: a file gives a tokenizer or a `FormatError` (an `InputError` where a part is missing),
nothing else; what was read decodes what it encodes.

Usage: vocabulary.py [--seconds 60] [--seed 1]
"""

import argparse
import base64
import json
import random
import tempfile
import time
from pathlib import Path

from webtext_py import Tokenizer
from webtext_py.errors import FormatError, InputError

TEXT = "The cat, it's said, isn't here.\n\n  12345 déjà vu 中文 <|endoftext|> "
FRAGMENTS = [b'"', b"{", b"}", b"[", b"]", b":", b",", b"\n", b" ", b"\0", b"\xff", b"\\u0", b"-1"]
FRAGMENTS += [b"4294967296", b"1e99", b"null", b"==", "Ġ".encode()]


def damaged(generator: random.Random, data: bytes) -> bytes:
    """The bytes with a few changes: flipped, cut out, doubled, put in."""
    changed = bytearray(data)
    for _ in range(generator.choice([1, 1, 2, 5, 20])):
        at = generator.randrange(len(changed) + 1)
        until = min(len(changed), at + generator.choice([1, 1, 3, 40, 4000]))
        kind = generator.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << generator.randrange(8)
        elif kind == 1:
            del changed[at:until]
        elif kind == 2:
            changed[at:at] = changed[at:until]
        else:
            changed[at:at] = generator.choice(FRAGMENTS)
    return bytes(changed)


def rearranged(generator: random.Random, name: str, data: bytes) -> bytes:
    """A file that is still well-formed, with entries moved, lost or doubled."""
    if name.endswith(".json"):
        document = json.loads(data)
        vocab = document["model"]["vocab"] if "model" in document else document
        keys = list(vocab)
        for _ in range(generator.randint(1, 4)):
            key = generator.choice(keys)
            change = generator.randrange(3)
            if change == 0:
                vocab.pop(key, None)
            elif change == 1:
                vocab[key] = generator.choice([0, 1, -1, 1 << 20, 1 << 40, 1.5, None, "x"])
            else:
                vocab[key + generator.choice(keys)] = len(keys) + generator.randrange(9)
        if "model" in document and generator.randrange(2):
            generator.shuffle(document["model"]["merges"])
        return json.dumps(document).encode()
    lines = data.splitlines()
    generator.shuffle(lines)
    if name.endswith(".tiktoken"):
        token = base64.b64encode(generator.randbytes(generator.choice([0, 2, 9, 5000])))
        lines.append(token + b" %d" % generator.randrange(1 << 21))
    return b"\n".join(lines[generator.randrange(3) :])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    started = time.monotonic()
    tried = opened = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Tokenizer.train([TEXT * 9, TEXT.upper()], vocab_size=330).save(folder)
        whole = {path.name: path.read_bytes() for path in folder.iterdir()}
        while time.monotonic() - started < options.seconds:
            for file, content in whole.items():
                (folder / file).write_bytes(content)
            file = generator.choice(sorted(whole))
            change = generator.choice([damaged, lambda g, d, f=file: rearranged(g, f, d)])
            (folder / file).write_bytes(change(generator, whole[file]))
            tried += 1
            try:
                tokenizer = Tokenizer.from_file(folder / file, pattern="gpt2")
                noise = generator.randbytes(generator.choice([0, 9, 300]))
                for text in (TEXT.encode(), noise):
                    if tokenizer.decode_bytes(tokenizer.encode(text)) != text:
                        raise SystemExit(f"round {tried}: {file} does not give {text!r} back")
                opened += 1
            except (FormatError, InputError):
                continue
    print(f"{tried} vocabularies, {opened} of them opened, no promise broken")


if __name__ == "__main__":
    main()
