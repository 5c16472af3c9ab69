"""Between links and pages: what the links name is fetched into `pages/*.warc.gz`.

Only with `--pages live`, `wayback` or `commoncrawl`. The network is no input that a digest could
stand for, so this is no list of pure tasks: what it leaves depends on the day. The line is drawn
behind it: the WARC files are inputs of the pages stage by digest, and from there on everything is
a function of them; `webtext build --pages THOSE` gives the same shards without network.

Resuming goes by the journals (`pages/fetch-journal-NN.jsonl`, one for each group of hosts), not by
task markers: a URL that has its line is done. The archive is never deleted by a rerun, not even by
`--force`: nobody should have to fetch a page twice. `--retry REASON` asks again for the links that
ended so.
"""
