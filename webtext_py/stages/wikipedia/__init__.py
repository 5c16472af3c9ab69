"""Stage 5, wikipedia: no text of Wikipedia stays, under whatever host it was reached.

Takes `documents/` less what dedup removed. Gives ledger rows of what it drops: documents whose
final URL, after redirects, is Wikipedia's (`hosts`; the link's own URL was judged before anything
was fetched), and, with `--wikipedia`, documents most of whose 8-grams stand in the articles given
(`content`), each with its share and the article that it has most of in `wikipedia/`. WebText holds
no Wikipedia because most test sets are made from it (GPT-2 report, section 2.1).
"""
