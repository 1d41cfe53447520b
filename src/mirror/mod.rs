//! Mirrors: filled from a lock, checked, listed.
