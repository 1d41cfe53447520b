//! Shapes, guards and choices of generated buildspecs.
