//! The seeded, versioned hashes that files on disk depend on.
