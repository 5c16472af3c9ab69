"""The core's language against py3langid, and both against the language that is known."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import twin_language as language

from webtext_py import _core

# Languages of which the corpora have at least 700 samples.
CORPORA = ("de", "en", "es", "ja", "ko", "la", "mul", "pt", "ru", "zh")
SAMPLES = 700


@pytest.mark.shared_data
def test_gold_texts(labelled_pages: list) -> None:
    texts = [(page.lang, page.gold) for page in labelled_pages if page.gold]
    theirs = [language.detect(text) for _, text in texts]
    ours = [_core.detect_language(text) for _, text in texts]
    agree = sum(a == b for a, b in zip(ours, theirs, strict=True))
    assert len(texts) == 3158
    assert agree / len(texts) >= 0.997  # 3,151
    known = [(lang, a, b) for (lang, _), a, b in zip(texts, ours, theirs, strict=True) if lang]
    assert sum(lang == a for lang, a, _ in known) >= sum(lang == b for lang, _, b in known)


@pytest.mark.shared_data
def test_samples_of_the_corpora(shared_data: Path) -> None:
    """Many of these are documentation with more code than prose; py3langid then says the language
    of the code's words, or of the few words beside it."""
    agree = total = right = theirs_right = known = 0
    for name in CORPORA:
        table = pq.read_table(shared_data / "corpus" / f"{name}.parquet", columns=["lang", "text"])
        for row in range(0, len(table), max(1, len(table) // SAMPLES)):
            text = table["text"][row].as_py()
            sample, lang = text[len(text) // 3 :][:2000], table["lang"][row].as_py()
            ours, theirs = _core.detect_language(sample), language.detect(sample)
            total += 1
            agree += ours == theirs
            if lang != "mul":
                known += 1
                right += ours == lang
                theirs_right += theirs == lang
    print(f"agree {agree}/{total}, right {right}/{known}, theirs {theirs_right}")
    assert agree / total >= 0.94
    assert right > theirs_right


def test_codes() -> None:
    codes = _core.language_codes()
    assert "en" in codes
    assert language.UNSURE not in codes
    assert codes == sorted(set(codes))
