"""The stages of a build: each takes files, gives files, and says what it drops and why.

A stage never imports another; `webtext_py.pipeline` orders them.
"""
