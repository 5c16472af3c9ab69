"""The commands, a file each, and what the group knows of them without importing any."""

# Name -> module, attribute, short help.
COMMANDS = {
    "build": (".commands.build", "build", "Dumps to links, pages, clean text and Parquet shards."),
    "extract": (".commands.extract", "extract", "Main text of web pages, with title and date."),
    "bpe": (".commands.bpe", "bpe", "Train a byte-level BPE vocabulary; encode the shards."),
    "overlap": (".commands.overlap", "overlap", "How much of a test set is in the training text."),
    "dedup": (".commands.dedup", "dedup", "Remove near-duplicates from any text data set."),
    "train": (".commands.train", "train", "Train GPT-2 on the token shards."),
    "sample": (".commands.train", "sample", "Generate text from a trained run."),
    "export": (".commands.train", "export", "Write a run as a Hugging Face GPT-2 folder."),
    "sweep": (".commands.sweep", "sweep", "Train several sizes; how loss falls with each."),
    "plot": (".commands.sweep", "plot", "Draw loss, rate, norm and noise of runs."),
    "eval": (".commands.eval", "evaluate", "GPT-2's table for your model, from local files."),
    "report": (".commands.report", "report", "A page by which to judge the data set."),
    "remove": (".commands.remove", "remove", "Take documents out of a finished build, for good."),
    "verify": (".commands.verify", "verify", "Re-check every file and count of a data directory."),
}
