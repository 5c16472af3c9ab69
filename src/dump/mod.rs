//! Compressed submission dumps to columns of fields: decompress, find the lines, scan the keys.
