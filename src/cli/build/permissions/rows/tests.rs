use super::*;

fn scope() -> Scope {
    Scope {
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        project: Some("web".to_owned()),
        log_group: None,
        batch: false,
        store: Some("s3://builds/tools".parse().unwrap()),
        images: Vec::new(),
    }
}

fn actions(asker: Asker, scope: &Scope) -> Vec<String> {
    asker.rows(scope).into_iter().map(|row| row.need.action).collect()
}

#[test]
fn every_command_lists_what_it_asks() {
    let batch = Scope { batch: true, ..scope() };
    let all = Scope { project: None, batch: true, ..scope() };
    for (asker, scope, expected) in [
        (Asker::Start, scope(), &["codebuild:StartBuild", "codebuild:BatchGetProjects"][..]),
        (
            Asker::Start,
            batch.clone(),
            &["codebuild:StartBuild", "codebuild:BatchGetProjects", "codebuild:StartBuildBatch"],
        ),
        (Asker::Follow, scope(), &["codebuild:BatchGetBuilds", "logs:GetLogEvents"]),
        (
            Asker::Follow,
            batch.clone(),
            &["codebuild:BatchGetBuilds", "logs:GetLogEvents", "codebuild:BatchGetBuildBatches"],
        ),
        (Asker::Stop, scope(), &["codebuild:StopBuild", "codebuild:BatchGetBuilds"]),
        (
            Asker::Stop,
            batch,
            &[
                "codebuild:StopBuild",
                "codebuild:BatchGetBuilds",
                "codebuild:StopBuildBatch",
                "codebuild:BatchGetBuildBatches",
            ],
        ),
        (Asker::List, scope(), &["codebuild:ListBuildsForProject", "codebuild:BatchGetBuilds"]),
        (
            Asker::List,
            all,
            &[
                "codebuild:ListBuildsForProject",
                "codebuild:ListBuilds",
                "codebuild:BatchGetBuilds",
                "codebuild:ListBuildBatchesForProject",
                "codebuild:ListBuildBatches",
                "codebuild:BatchGetBuildBatches",
            ],
        ),
        (Asker::Compare, scope(), &["codebuild:ListBuildsForProject", "codebuild:BatchGetBuilds"]),
        (Asker::Local, scope(), &["ssm:GetParameters", "secretsmanager:GetSecretValue"]),
        (Asker::Mirror, scope(), &["s3:GetObject", "s3:ListBucket"]),
        (
            Asker::Sync,
            scope(),
            &["s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
        ),
        (Asker::Mirror, Scope { store: Some("s3://builds?anonymous=true".parse().unwrap()), ..scope() }, &[]),
        (Asker::Mirror, Scope { store: None, ..scope() }, &[]),
        (
            Asker::Image,
            scope(),
            &[
                "ecr:GetAuthorizationToken",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
                "ecr:BatchCheckLayerAvailability",
                "ecr:CompleteLayerUpload",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
        ),
        (
            Asker::Image,
            Scope { images: vec!["public.ecr.aws/a/b:1".to_owned(), "ghcr.io/a/b".to_owned()], ..scope() },
            &["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"],
        ),
    ] {
        assert_eq!(actions(asker, &scope), expected, "{asker:?}");
    }
}

#[test]
fn resources_are_as_narrow_as_what_is_known() {
    let resource = |asker: Asker, scope: &Scope, at: usize| asker.rows(scope)[at].need.resource.clone();
    let narrow =
        Scope { images: vec!["444455556666.dkr.ecr.us-east-1.amazonaws.com/team/app:1.0".to_owned()], ..scope() };
    let wide = Scope { project: None, account: "*".to_owned(), region: "*".to_owned(), ..scope() };
    let other = Scope { log_group: Some("/ci".to_owned()), ..scope() };
    for (asker, scope, at, expected) in [
        (Asker::Start, &narrow, 0, "arn:aws:codebuild:eu-west-1:111122223333:project/web"),
        (Asker::Start, &wide, 0, "arn:aws:codebuild:*:*:project/*"),
        (Asker::Follow, &narrow, 1, "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/web:log-stream:*"),
        (Asker::Follow, &other, 1, "arn:aws:logs:eu-west-1:111122223333:log-group:/ci:log-stream:*"),
        (Asker::Mirror, &narrow, 0, "arn:aws:s3:::builds/tools/*"),
        (Asker::Mirror, &narrow, 1, "arn:aws:s3:::builds"),
        (Asker::Image, &narrow, 0, "*"),
        (Asker::Image, &narrow, 1, "arn:aws:ecr:us-east-1:444455556666:repository/team/app"),
        (Asker::Image, &wide, 1, "arn:aws:ecr:*:*:repository/*"),
    ] {
        assert_eq!(resource(asker, scope, at), expected, "{asker:?}");
    }
}

#[test]
fn a_row_stands_once_for_a_command() {
    let images = ["a:1", "a:2"].map(|tag| format!("444455556666.dkr.ecr.us-east-1.amazonaws.com/{tag}")).to_vec();
    let scope = Scope { images, ..scope() };
    assert_eq!(rows(&[Asker::Image], &scope).len(), 8);
    // What several commands need stands with each of them.
    let both = rows(&[Asker::List, Asker::Compare], &scope);
    assert_eq!(both.iter().filter(|row| row.need.action == "codebuild:BatchGetBuilds").count(), 2);
}
