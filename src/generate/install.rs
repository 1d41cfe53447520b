//! Temporary.
use super::{Architecture, Error, Project};
pub enum Place {
    CodeBuild { images: Vec<(Architecture, String)> },
    Job,
}
pub struct Installation {
    pub runtimes: Vec<(String, String)>,
    pub commands: Vec<Step>,
}
pub struct Step {
    pub comment: Option<String>,
    pub command: String,
}
pub fn plan(_: &Project<'_>, _: &Place, _: &'static str) -> Result<Installation, Error> {
    Ok(Installation { runtimes: vec![], commands: vec![] })
}
