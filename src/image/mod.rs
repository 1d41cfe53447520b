//! What is done with images of several platforms: assembling an index of them, looking at one, finding what lacks one.
