"""One file per command; `main.py` loads a file when its command runs."""
