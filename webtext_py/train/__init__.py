"""The bundled trainer: GPT-2 from token shards. The only place for torch.

`config.py` and `data.py` work without torch; everything else needs the extra `webtext[train]`.
"""
