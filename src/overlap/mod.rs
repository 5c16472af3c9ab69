//! N-gram sets, the segmented index and the scan of a test set against it.
