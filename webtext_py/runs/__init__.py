"""Runs of the trainer in a data directory: settings, inputs, folders, and the commands' functions.

`webtext_py.train` knows models, tokens and steps; this package knows what a user asked for.
"""
