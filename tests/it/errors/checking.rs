//! What `toolkit image check` says about what it is given.

use std::io;

use toolkit::format::{Source, yaml};
use toolkit::fs::FileError;
use toolkit::image_audit::CheckError;
use toolkit::model::Reference;

use super::examples::{Section, section, text};

pub fn sections() -> Vec<Section> {
    let read = |kind| CheckError::from(FileError::new("read", "/srv/shop/Dockerfile", io::Error::from(kind)));
    let no_text = Source::decode("Dockerfile", b"FROM debian\0".to_vec()).unwrap_err();
    let no_yaml = yaml::parse("services: [a").unwrap_err();
    let name = "docker/Missing.Dockerfile";
    let no_input = CheckError::NoInput { text: text(name), source: name.parse::<Reference>().unwrap_err() };
    let broken = CheckError::Broken { path: "docker/Dockerfile".into(), line: 1, reason: text("the file has no FROM") };
    vec![
        section("image_audit::CheckError::NoInput", [no_input.into()]),
        section(
            "image_audit::CheckError::Read",
            [read(io::ErrorKind::PermissionDenied).into(), read(io::ErrorKind::NotFound).into()],
        ),
        section(
            "image_audit::CheckError::NoText",
            [CheckError::NoText { path: "docker/Dockerfile".into(), source: no_text }.into()],
        ),
        section("image_audit::CheckError::Broken", [broken.into()]),
        section(
            "image_audit::CheckError::NoYaml",
            [CheckError::NoYaml { path: "compose.yaml".into(), line: 1, source: no_yaml }.into()],
        ),
        section("image_audit::CheckError::UnknownKind", [CheckError::UnknownKind { path: "notes.txt".into() }.into()]),
        section(
            "image_audit::CheckError::NothingNamed",
            [CheckError::NothingNamed { what: text("/home/me/shop") }.into()],
        ),
    ]
}
