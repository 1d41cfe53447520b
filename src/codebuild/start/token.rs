//! Tokens by which CodeBuild knows a request that is sent again
//! (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html>): good for five minutes, and refused with
//! other parameters.

use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use crate::codebuild::BuildKind;
use crate::model::hex;

/// Makes the token of a build from what people call it, which may be long and of any characters. Each project,
/// architecture and way of building has its own, since their parameters differ.
pub(super) fn of_key(key: &str, project: &str, arch: &str, kind: BuildKind) -> String {
    let mut hash = Sha256::new();
    for part in [key, project, arch, kind.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// Makes a token that nobody else has.
pub(super) fn fresh() -> String {
    let mut bytes = [0; 16];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // A system without randomness: time and thread have to do, and jobs hardly start in the same nanosecond.
        fastrand::fill(&mut bytes);
    }
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_the_same_token_today_and_tomorrow_and_another_one_for_each_build() {
        let token = of_key("pipeline 77 / ✓", "web", "arm64", BuildKind::Single);
        assert_eq!(token, "af719109131f79838b6cad3877d22c3fc610a4da61d4c2dc26f8d24231462169");
        let others = [
            of_key("pipeline 78 / ✓", "web", "arm64", BuildKind::Single),
            of_key("pipeline 77 / ✓", "api", "arm64", BuildKind::Single),
            of_key("pipeline 77 / ✓", "web", "amd64", BuildKind::Single),
            of_key("pipeline 77 / ✓", "web", "arm64", BuildKind::Batch),
            of_key("pipeline 77 / ✓web", "", "arm64", BuildKind::Single),
        ];
        assert!(others.iter().all(|other| *other != token && other.len() == 64));
        assert_ne!(fresh(), fresh());
    }
}
