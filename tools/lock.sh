#!/bin/sh
# Writes the two lock files from pyproject.toml: what users install, and what the tests need as well.
set -eu
cd "$(dirname "$0")/.."
options="--universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet"
# shellcheck disable=SC2086
uv pip compile pyproject.toml $options --extra live -o requirements.lock
# shellcheck disable=SC2086
uv pip compile pyproject.toml $options --all-extras -o requirements-test.lock
