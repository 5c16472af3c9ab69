"""Fetching pages from other people's servers: politely, safely, and into an archive.

`address` and `connector` are the one place where sockets open; `client` makes one bounded exchange;
`robots`, `optout` and `schedule` are the manners; `archive` keeps what came in; `live`, `wayback`
and `commoncrawl` are the sources.
"""
