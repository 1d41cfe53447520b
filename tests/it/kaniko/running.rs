//! `toolkit exec kaniko`: whatever the program does to the files that it sees, the machine's stay as they are.
