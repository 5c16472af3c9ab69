"""Defaults that a command and the library share, each with its source. Light to import."""

from typing import Literal

# GPT-2 report, section 2.1: "at least 3 karma", no links created after December 2017.
MIN_KARMA = 3
BEFORE = "2018"
# Our choice: a URL that one submission carried over the bar was voted for.
KARMA_RULE: Literal["max"] = "max"
# Rules and block model of the core: better than trafilatura on labelled pages, at eight times its
# speed (benches/record/extract_model.json).
EXTRACTOR = "webtext"
# OpenWebText, the first reproduction of WebText, left out documents under 128 tokens, which is
# about 100 English words. Half of that keeps short news items, of which our labelled pages have
# a few (our choice).
MIN_WORDS = 50
# Jaccard similarity of the sets of word n-grams from which on a document is a near-duplicate. 0.8
# and 5 words are the usual choice (docs/dedup.md).
NEAR_DUP = 0.8
SHINGLE = 5
# Share of a document's 8-grams in `--wikipedia` from which on it is dropped; our choice on the
# curves of docs/dedup.md: above what quotes reach, below copies with every 20th word changed.
WIKIPEDIA_SHARE = 0.5
WIKIPEDIA_MEMORY = 1 << 30  # our choice: half of what the other steps may take
VALIDATION = 0.005  # our choice: about one document in 200
SHARD_BYTES = 256 << 20  # our choice: the size that `datasets` and cloud stores handle best
# Files that a shuffle is cut into; memory of a task falls with it. Where nothing else is said, one
# for so many bytes of input (WebText's 4 TB of archives give 233), but so many at least, to share
# the work, or of a small input, whose tasks cost more than their work, one for fewer bytes, and
# never under four: our choice.
PARTITION_BYTES = 16 << 30
PARTITIONS = 16
SMALL_PARTITION_BYTES = 256 << 20
FEWEST_PARTITIONS = 4
MOST_PARTITIONS = 4096  # our choice: 64 TiB, beyond which a task's memory grows

# The Internet Archive's CDX server, and where Common Crawl's archives lie.
CDX = "https://web.archive.org/cdx/search/cdx"
CC_DATA = "https://data.commoncrawl.org/"
CAPTURE_WINDOW_DAYS = 180.0  # our choice
# The Internet Archive blocks clients that ask more often; our choice is well below.
ARCHIVE_PER_MINUTE = 24.0
DELAY_S = 1.0  # our choice, and that of many crawlers
CONNECTIONS = 64  # our choice

VOCAB_SIZE = 50257  # GPT-2 report, section 2.2; includes bytes and specials
MIN_FREQUENCY = 2  # our choice, and that of tokenizers' ByteLevelBPETokenizer
PATTERN = "gpt2"
ENDOFTEXT = "<|endoftext|>"

NGRAM = 8  # words; GPT-2 report, section 4; GPT-3 has 13
RATE = 1e-8  # GPT-2 report, section 4
INDEX_MEMORY = 2 << 30  # our choice: every machine that trains has it to spare
CHECK_PROBES = 4_000_000_000  # our choice: 40 false positives at the bound, so it can be told
CHECK_SEED = 20190214  # our choice, stated: the day of the report

TEXT_FIELD = "text"
