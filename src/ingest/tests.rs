//! Bodies made in memory, whole and broken.
