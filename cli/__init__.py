"""The `webtext` command: parses, calls one library function, prints."""
