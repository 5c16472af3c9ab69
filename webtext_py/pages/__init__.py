"""Captures of web pages: archives read robustly, whatever their age, form and damage.

`archive` is the way in: which files are containers, what captures lie in each, the payload of
chosen ones. Below it `kinds` tells what a file is, `runs` decompresses, `framing` finds records,
`warc` and `arc` read their headers, `http` the response's, `coding` undoes its codings; `table`
and `folder` read captures that are no archives. Choosing among captures, following redirects and
resolving revisits is the stage's work, not done here.
"""
