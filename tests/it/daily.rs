//! What people meet on an ordinary day beside the main job: files that are damaged, commands that are not there, answers
//! for programs.

use crate::support::world::World;

#[test]
fn a_refusal_by_the_policy_names_the_release_that_it_refused() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.25\"\n\n[policy]\nunsupported = \"deny\"\n");
    let stderr = world.fails(2, &["lock"]);
    let first = stderr.lines().find(|line| line.starts_with("hint: ")).unwrap_or_default();
    assert!(first.starts_with("hint: 1.25.") && first.contains("end of life"), "{stderr}");
    assert!(stderr.contains("more candidates were rejected"), "{stderr}");
}
