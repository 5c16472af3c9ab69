"""URLs: their canonical key, the rules that drop them, and the lists both read.

`escape` undoes Reddit's escaping, `key` makes the join key, `rules` gives reasons to drop. Nothing
here opens a socket: registrable domains come from tldextract's bundled list.
"""
