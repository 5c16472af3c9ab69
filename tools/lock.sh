#!/bin/sh
# Writes the lock files: what users install and what the tests need as well (from pyproject.toml), and
# pywb, which the tests of fetching run in an environment of its own (GPL: run, never imported or shipped).
set -eu
cd "$(dirname "$0")/.."
# The tests' is given to pip as its constraints too: without, pip takes a pin of `typepy` for none of
# `typepy[datetime]`.
options="--universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet"
# shellcheck disable=SC2086
uv pip compile pyproject.toml $options -o requirements.lock
# shellcheck disable=SC2086
uv pip compile pyproject.toml $options --all-extras -o requirements-test.lock
# shellcheck disable=SC2086
echo 'pywb==2.10.0' | uv pip compile - $options -o requirements-pywb.lock
