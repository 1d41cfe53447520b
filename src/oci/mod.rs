//! Registries of container images: credentials, the protocol, layouts on disk
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md>).
