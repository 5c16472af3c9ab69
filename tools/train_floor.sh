#!/bin/sh
# Runs the trainer's tests with the oldest torch that pyproject.toml allows, in a venv of its own.
# Usage: tools/train_floor.sh VENV   (a webtext installed for testing must be in the current one)
set -eu
cd "$(dirname "$0")/.."
floor=2.9.0
venv=$1
packages=$(python -P -c "import sysconfig; print(sysconfig.get_path('purelib'))")
python -m venv "$venv"
"$venv/bin/pip" install -q "torch==$floor"
# Everything but torch comes from the environment that this is called from.
"$venv/bin/python" -c "
import pathlib, sysconfig
pathlib.Path(sysconfig.get_path('purelib'), 'rest.pth').write_text('$packages\n' + \"import site; site.addsitedir('$packages')\n\")"
"$venv/bin/python" -P -c "import torch; assert torch.__version__.startswith('$floor'), torch.__version__"
"$venv/bin/python" -P -m pytest -q tests/python/train
