//! Archives: any `Read` in, files out.
