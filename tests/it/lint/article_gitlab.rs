//! The pipeline of the article "Unlock the power of EC2 Graviton with GitLab CI/CD and EKS Runners", as it is printed on the
//! web page, and with its indentation, list dashes and quotes restored.

use std::path::{Path, PathBuf};

use toolkit::lint::Target;

use super::found;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn what_the_web_page_did_to_the_printed_pipeline_is_found_line_by_line() {
    let found = found(&repository("fixtures/lint/articles/graviton-printed.gitlab-ci.yml"), Target::GitLab);
    let mut expected: Vec<String> = [9, 10, 11, 16, 17, 23, 26, 29, 39, 40, 46, 53, 54, 55, 56, 57, 61, 63]
        .map(|line| format!("TK005:{line}"))
        .into();
    expected.extend([31, 32, 33, 54].map(|line| format!("TK006:{line}")));
    expected.extend(["TK007:44".to_owned(), "TK001:30".to_owned()]);
    let (mut found, mut expected) = (found, expected);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn every_defect_of_the_restored_pipeline_is_found_at_its_line() {
    let found = found(&repository("fixtures/lint/articles/graviton-restored.gitlab-ci.yml"), Target::GitLab);
    let expected = [
        "TK561:20", // an archived kaniko
        "TK562:20", // whose tag moves
        "TK582:24", // JSON that loses its quotes
        "TK581:24", // credentials that lose every letter n
        "TK006:27", // options that begin with an en dash
        "TK006:28", "TK006:29", "TK003:31", // the second `build-job`, which replaces the first
        "TK563:47", // Fedora 36, which ended in 2023
        "TK587:49", // podman installed anew in each job
        "TK006:50",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_generated_instead_has_none_of_them() {
    for file in ["gitlab-graviton-kaniko", "gitlab-graviton-buildah", "gitlab-codebuild-runners"] {
        let path = repository(&format!("buildspecs/{file}/.gitlab-ci.yml"));
        assert_eq!(found(&path, Target::GitLab), Vec::<String>::new(), "{file}");
    }
    for file in ["dotnet-10", "dotnet-portable"] {
        let path = repository(&format!("buildspecs/{file}/buildspec.yml"));
        assert_eq!(found(&path, Target::Buildspec), Vec::<String>::new(), "{file}");
    }
}
