//! The README of the folder: how to apply the files.

use std::fmt::Write as _;

use super::super::{Comments, Output};
use super::setup::Setup;
use super::{release, secret};
use crate::text::all_of;

/// Makes the README of the folder.
pub(super) fn output(setup: &Setup) -> Output {
    let mut body = format!(
        "# GitLab Runner on `{}`\n\nJobs of each architecture run on their own machines, which Karpenter starts when a job waits and stops five minutes\nafter the last one. You need the cluster with Karpenter 1.0 or newer, `kubectl` and `helm`; subnets and security groups\ntagged `karpenter.sh/discovery: {}`; and the role `{}`, with which nodes may join.\n",
        setup.cluster, setup.cluster, setup.node_role
    );
    if setup.spot {
        body.push_str(
            "Spot machines can be reclaimed at two minutes' notice: give Karpenter its interruption queue, and let jobs retry.\n",
        );
    }
    if let Some(bucket) = &setup.cache {
        let _ = write!(
            body,
            "\nThe cache is the bucket `{}`. The service accounts {} need a role that can read and write it\n(EKS Pod Identity, or IAM roles for service accounts).\n",
            bucket.name,
            all_of(setup.architectures.iter().map(|one| format!("`{}`", release(*one))))
        );
    }
    body.push_str("\n## Apply\n\n");
    commands(setup, &mut body);
    let _ = write!(
        body,
        "\nTo change something, run `toolkit gen runner` and repeat the last step, or step 3 for the machines. To replace a token,\ndelete its Secret, repeat step 2 and run `kubectl --namespace {} rollout restart deployment`.\n",
        setup.namespace
    );
    Output { path: format!("{}/README.md", setup.folder).into(), body, comments: Comments::Markup }
}

fn commands(setup: &Setup, body: &mut String) {
    let Setup { folder, namespace, chart, architectures, .. } = setup;
    let _ =
        write!(body, "1. Create the namespace, once:\n\n   ```sh\n   kubectl create namespace {namespace}\n   ```\n\n");
    body.push_str(
        "2. For each architecture, create a runner in GitLab (Settings, CI/CD, Runners, New runner) with the architecture as its tag,\n   and store the token that it shows in a Secret. It is kept nowhere else, neither in a file nor in the shell's history.\n\n   ```sh\n",
    );
    for architecture in architectures {
        let _ = write!(
            body,
            "   # {}: paste the token, press Enter, then Ctrl-D\n   tr -d '\\n' | kubectl --namespace {namespace} create secret generic {} \\\n     --from-file=runner-token=/dev/stdin --from-literal=runner-registration-token=\n",
            architecture.as_str(),
            secret(*architecture)
        );
    }
    body.push_str("   ```\n\n3. Create the machines:\n\n   ```sh\n");
    let _ = write!(body, "   kubectl apply --filename {folder}/nodeclass.yaml");
    for architecture in architectures {
        let _ = write!(body, " --filename {folder}/nodepool-{}.yaml", architecture.as_str());
    }
    body.push_str("\n   ```\n\n4. Install the runners, one release per architecture:\n\n   ```sh\n");
    for architecture in architectures {
        let _ = write!(
            body,
            "   helm upgrade --install {} gitlab-runner --repo https://charts.gitlab.io --version {chart} \\\n     --namespace {namespace} --values {folder}/values-{}.yaml\n",
            release(*architecture),
            architecture.as_str()
        );
    }
    body.push_str("   ```\n");
}
