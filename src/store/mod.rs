//! Installs on disk.
