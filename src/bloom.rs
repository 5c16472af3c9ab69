//! The Bloom filter: sized from capacity and error rate, portable on disk.
