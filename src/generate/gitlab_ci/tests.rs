//! What follows from the model, by the texts that it gives and the errors that it must.

use std::path::Path;

use super::*;
use crate::generate::ToolSpec;
use crate::project::Manifest;

const BOTH: &str = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n";

fn made(model: &str) -> Result<String, Error> {
    let path = Path::new("toolkit.toml");
    let manifest = Manifest::parse(path, model).unwrap();
    let project = Project::new(&manifest, None, Vec::new(), Path::new("/example/app"))?;
    GitLabCi.generate(&project).map(|mut outputs| outputs.remove(0).body)
}

fn text(model: &str) -> String {
    made(&format!("{BOTH}{model}")).unwrap()
}

/// Returns a part of a file: the lines of one key at the root.
fn job(text: &str, name: &str) -> String {
    let start = text.find(&format!("\n{name}:\n")).unwrap_or_else(|| panic!("no {name} in\n{text}")) + 1;
    let body = text[start..].split_once('\n').unwrap().1;
    body.lines().take_while(|line| line.starts_with(' ') || line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shortest_model_gives_a_whole_pipeline() {
    let text = text("[pipeline.container]\n");
    assert!(text.starts_with("stages: [image, manifest]\n"), "{text}");
    assert!(job(&text, ".native").contains("tags: [$BUILD_ARCH]"), "{text}");
    assert!(job(&text, "build-image").contains("osscontainertools/kaniko:v"), "{text}");
    assert!(job(&text, "manifest").contains("buildah manifest push --all index"), "{text}");
}

#[test]
fn the_builders_image_is_the_one_that_the_lock_pins_where_a_job_can_run_in_it() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let image = |tag: &str| format!("ghcr.io/osscontainertools/kaniko:{tag}@{digest}");
    let entry = |name: &str, tag: &str| {
        format!("\n[[tool]]\nname = \"{name}\"\nrequest = \"1\"\nversion = \"1.28.3\"\nimage = \"{}\"\n", image(tag))
    };
    let (plain, debug) = (entry("kaniko", "v1.28.3"), entry("kaniko-debug", "v1.28.3-debug"));
    let own = "images.kaniko = \"registry.example/kaniko:1\"\n";
    for (wanted, lock, own, expected, told) in [
        (&["kaniko", "kaniko-debug"][..], format!("{plain}{debug}"), "", image("v1.28.3-debug"), false),
        (&["kaniko-debug"], debug.clone(), "", image("v1.28.3-debug"), false),
        (&["kaniko"], plain.clone(), "", "ghcr.io/osscontainertools/kaniko:v1.28.5-debug".to_owned(), true),
        (&["kaniko"], plain, own, "registry.example/kaniko:1".to_owned(), false),
        (&["kaniko-debug"], debug, own, "registry.example/kaniko:1".to_owned(), false),
    ] {
        let path = Path::new("toolkit.toml");
        let model = format!("{BOTH}[pipeline]\n{own}[pipeline.container]\n");
        let manifest = Manifest::parse(path, &model).unwrap();
        let lock = crate::project::Lock::parse(path, &format!("version = 1\n{lock}")).unwrap();
        let spec = |name: &&str| ToolSpec::of(crate::toolchain::find(name).unwrap(), lock.entries(name).next());
        let wanted = wanted.iter().map(spec).collect();
        let project = Project::new(&manifest, Some(&lock), wanted, Path::new("/example/app")).unwrap();
        let text = GitLabCi.generate(&project).unwrap().remove(0).body;
        let native = job(&text, "build-image");
        assert!(native.contains(&expected), "{expected} in\n{text}");
        assert_eq!(native.contains("lock kaniko-debug to pin this"), told, "{text}");
        assert!(!text.contains("fetch ") && !text.contains("toolkit install"), "an image is installed in\n{text}");
    }
}

#[test]
fn each_family_of_runners_has_its_tags() {
    let image = "[pipeline.container]\n[pipeline.gitlab]\n";
    let hosted = text(&format!("{image}runners = \"gitlab\"\nsize = \"large\""));
    assert!(job(&hosted, ".native").contains("tags: [saas-linux-large-$BUILD_ARCH]"), "{hosted}");
    assert!(job(&hosted, "manifest").contains("tags: [saas-linux-large-arm64]"), "{hosted}");

    let codebuild =
        text(&format!("{image}runners = \"codebuild\"\nproject = \"runners\"\ntags.arm64 = [\"fleet:mine\"]"));
    let arm = job(&codebuild, ".arm64");
    let label = "- codebuild-runners-$CI_PROJECT_ID-$CI_PIPELINE_IID-$CI_JOB_NAME\n    - image:arm-3.0\n    - instance-size:small\n    - fleet:mine";
    assert!(arm.contains(label), "{arm}");
    for never in ["parallel", "\n  image:", "\n  services:", "kaniko"] {
        assert!(!codebuild.contains(never), "{never} in\n{codebuild}");
    }

    let own = text(&format!("{image}tags.amd64 = [\"x86\", \"spot\"]\ntags.arm64 = [\"graviton\", \"spot\"]"));
    assert!(job(&own, ".amd64").contains("tags: [x86, spot]"), "{own}");
    assert!(job(&own, "build-image-arm64").contains("extends: [.build-image, .arm64]"), "{own}");

    let pattern =
        text(&format!("{image}tags.amd64 = [\"eks-amd64\", \"spot\"]\ntags.arm64 = [\"eks-arm64\", \"spot\"]"));
    assert!(job(&pattern, ".native").contains("tags: [eks-$BUILD_ARCH, spot]"), "{pattern}");
    // `$BUILD_ARCH_x` would be another variable.
    let longer = text(&format!("{image}tags.amd64 = [\"amd64_x\"]\ntags.arm64 = [\"arm64_x\"]"));
    assert!(job(&longer, ".amd64").contains("tags: [amd64_x]"), "{longer}");
}

#[test]
fn codebuilds_images_go_by_their_labels_and_others_by_their_names() {
    let base = "[pipeline.container]\n[pipeline.gitlab]\nrunners = \"codebuild\"\nproject = \"runners\"\n[pipeline.codebuild.image]\n";
    let text = text(&format!(
        "{base}amd64 = \"aws/codebuild/amazonlinux-x86_64-standard:6.0\"\narm64 = \"aws/codebuild/amazonlinux-aarch64-standard:2.0\""
    ));
    assert!(
        job(&text, ".amd64").contains("image:custom-linux-public.ecr.aws/codebuild/amazonlinux-x86_64-standard:6.0")
    );
    assert!(job(&text, ".arm64").contains("image:arm-2.0"));
}

#[test]
fn only_pipelines_that_push_have_jobs_that_push() {
    let usual = text(
        "[pipeline.container]\ntest = [\"make\"]\n[pipeline.steps]\nbuild = [\"make\"]\npublish = [\"make publish\"]",
    );
    for name in ["build-image", "test-image", "manifest", "publish"] {
        let rules = "rules:\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n    - if: $CI_COMMIT_TAG\n";
        assert!(job(&usual, name).contains(rules), "{name} in\n{usual}");
    }
    let check = job(&usual, "check-image");
    assert!(check.contains("$CI_COMMIT_TAG\n      when: never\n    - when: on_success"), "{check}");
    assert!(check.contains("--no-push \\\n") && check.contains("--no-push-cache"), "{check}");
    assert!(!job(&usual, "build").contains("rules:"), "{usual}");
    assert!(job(&usual, "manifest").contains("interruptible: false"), "{usual}");

    let never = text("[pipeline.container]\ntest = [\"make\"]\n[pipeline.push]\nbranches = []\ntags = false");
    assert!(never.starts_with("stages: [image]\n") && !never.contains("--destination"), "{never}");
    assert!(!job(&never, "check-image").contains("rules:"), "{never}");
}

#[test]
fn what_a_service_cannot_do_is_said_with_a_way_out() {
    let codebuild = "[pipeline.gitlab]\nrunners = \"codebuild\"\nproject = \"runners\"\n";
    let ecr = "[pipeline.container]\nrepository = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app\"\n";
    for (model, said) in [
        ("[pipeline]\n".to_owned(), "needs `pipeline.steps`: the pipeline has nothing to do"),
        (
            format!("[pipeline.container]\nbuilder = \"kaniko\"\n{codebuild}"),
            "CodeBuild's runner ignores the images of jobs",
        ),
        (
            format!("[pipeline.container]\nmanifest = \"buildah\"\n{codebuild}"),
            "`pipeline.container.manifest = \"buildah\"`",
        ),
        (format!("[pipeline.container]\n{codebuild}jobs = \"matrix\""), "a matrix puts spaces and brackets"),
        (format!("[pipeline.container]\n{codebuild}size = \"huge\""), "expected one of: small"),
        (
            "[pipeline.container]\n[pipeline.gitlab]\nrunners = \"codebuild\"".to_owned(),
            "needs `pipeline.gitlab.project`",
        ),
        (
            "[pipeline.container]\n[pipeline.gitlab]\nrunners = \"codebuild\"\nproject = \"a b\"".to_owned(),
            "CodeBuild's project names",
        ),
        ("[pipeline.container]\n[pipeline.gitlab]\nsize = \"large\"".to_owned(), "selected by `tags`"),
        (
            "[pipeline.container]\n[pipeline.gitlab]\njobs = \"matrix\"\ntags.amd64 = [\"x\"]\ntags.arm64 = [\"y\"]"
                .to_owned(),
            "use \"plain\"",
        ),
        ("[pipeline.container]\nmanifest = \"toolkit\"".to_owned(), "`images.toolkit = \"…\"`"),
        (format!("{ecr}builder = \"buildkit\""), "docker-credential-ecr-login"),
        ("[pipeline.container]\n[pipeline.images]\nkanico = \"x\"".to_owned(), "no job has this purpose"),
        ("[pipeline.container]\n[pipeline.environment]\nBUILD_ARCH = \"x\"".to_owned(), "choose another name"),
        (
            "[pipeline.steps]\ntest = [\"make\"]\n[pipeline.secrets]\nA = { parameter-store = \"/a\" }".to_owned(),
            "keep `A` in Secrets Manager",
        ),
        (
            "[pipeline.steps]\npublish = [\"make\"]\n[pipeline.push]\nbranches = []\ntags = false".to_owned(),
            "would never run",
        ),
        (
            "[pipeline.steps]\ntest = [\"make\"]\n[pipeline.cache]\npaths = [\"x\"]\nfiles = [\"a\", \"b\", \"c\"]"
                .to_owned(),
            "at most two files",
        ),
        (
            "[pipeline.steps]\ntest = [\"make\"]\n[pipeline.install]\nmethod = \"image\"".to_owned(),
            "needs `pipeline.gitlab.image`",
        ),
    ] {
        let error = made(&format!("{BOTH}{model}")).unwrap_err().to_string();
        assert!(error.contains(said), "{model}: {error}");
    }
}

#[test]
fn a_secret_of_parameter_store_is_fetched_where_the_machine_is_on_aws() {
    let text = text(
        "[pipeline.steps]\ntest = [\"make\"]\n[pipeline.secrets]\nA = { parameter-store = \"/a b\" }\n\
         B = { secrets-manager = \"app/b:k\" }\n[pipeline.gitlab]\nrunners = \"codebuild\"\nproject = \"runners\"",
    );
    assert!(
        text.contains("A=$(aws ssm get-parameter --with-decryption --name='/a b' --query Parameter.Value"),
        "{text}"
    );
    assert!(text.contains("--arg field k '.[$field]')\n      export B"), "{text}");
    assert!(!text.contains("aws_secrets_manager"), "{text}");
}

#[test]
fn a_role_comes_with_the_token_of_the_job_and_no_stored_key() {
    let text = text(
        "[pipeline.container]\nrepository = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app\"\n\
         [pipeline.aws]\nrole = \"arn:aws:iam::123456789012:role/ci\"\n",
    );
    assert!(text.contains("AWS_REGION: eu-west-1") && text.contains("AWS_ROLE_ARN: arn:aws:iam::123456789012:role/ci"));
    for name in ["build-image", "manifest"] {
        assert!(
            job(&text, name).contains("id_tokens:\n    AWS_ID_TOKEN:\n      aud: $CI_SERVER_URL"),
            "{name} in\n{text}"
        );
    }
    // Nobody's merge request becomes that role.
    assert!(!job(&text, "check-image").contains("AWS_"), "{text}");
    assert!(!text.contains("AWS_SECRET_ACCESS_KEY"), "{text}");
}

#[test]
fn reports_that_gitlab_does_not_show_are_kept_as_files() {
    let text = text(
        "[pipeline.steps]\ntest = [\"make\"]\n[[pipeline.reports]]\nformat = \"junit\"\nfiles = [\"a.xml\"]\ndirectory = \"out\"\n\
         [[pipeline.reports]]\nformat = \"trx\"\nfiles = [\"*.trx\"]\n[[pipeline.reports]]\nformat = \"jacoco\"\nfiles = [\"j.xml\"]\n",
    );
    let build = job(&text, "build");
    assert!(build.contains("name: app-$BUILD_ARCH\n    when: always"), "{build}");
    assert!(build.contains("junit:\n        - out/a.xml"), "{build}");
    assert!(build.contains("coverage_format: jacoco\n        path: j.xml"), "{build}");
    assert!(
        build.contains("# GitLab does not display reports of this kind; they are kept as files.\n      - \"*.trx\""),
        "{build}"
    );
}
