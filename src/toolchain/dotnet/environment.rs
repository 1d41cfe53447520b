//! The variables that .NET inherits: those that would redirect it to another install, and where its tools for the user are.

use std::path::PathBuf;

use crate::host::Host;
use crate::model::Redirect;

/// What redirects .NET to another install.
///
/// - The host prefers the root of an architecture to `DOTNET_ROOT`, and takes an empty value for none
///   (<https://learn.microsoft.com/dotnet/core/tools/dotnet-environment-variables#dotnet_root-dotnet_rootx86-dotnet_root_x86-dotnet_root_x64>;
///   `get_dotnet_root_from_env` in `fxr_resolver.cpp`, whose `pal::getenv` is false for an empty value). It looks for any
///   architecture in capital letters (`arch.cpp`).
/// - MSBuild and its tasks run the host of `DOTNET_HOST_PATH`
///   (<https://learn.microsoft.com/dotnet/core/tools/dotnet-environment-variables#dotnet_host_path>).
/// - `DOTNET_MSBUILD_SDK_RESOLVER_*` replace the SDK that MSBuild finds
///   (<https://learn.microsoft.com/dotnet/core/tools/dotnet-environment-variables#dotnet_msbuild_sdk_resolver_>).
/// - `dotnet` sets the variables of MSBuild for the processes that it starts, and keeps a `MSBuildSDKsPath` that is set already
///   (`MSBuildForwardingAppWithoutLogging.cs` in <https://github.com/dotnet/sdk>); `MSBUILD_EXE_PATH` comes first in MSBuild's
///   search for itself (`BuildEnvironmentHelper.cs` in <https://github.com/dotnet/msbuild>).
pub(super) const REDIRECTED_BY: &[Redirect] = &[
    root("DOTNET_ROOT_X64"),
    root("DOTNET_ROOT_X86"),
    root("DOTNET_ROOT(x86)"),
    root("DOTNET_ROOT_ARM64"),
    root("DOTNET_ROOT_ARM"),
    root("DOTNET_ROOT_ARMV6"),
    root("DOTNET_ROOT_S390X"),
    root("DOTNET_ROOT_PPC64LE"),
    root("DOTNET_ROOT_RISCV64"),
    root("DOTNET_ROOT_LOONGARCH64"),
    other("DOTNET_HOST_PATH"),
    other("DOTNET_MSBUILD_SDK_RESOLVER_CLI_DIR"),
    other("DOTNET_MSBUILD_SDK_RESOLVER_SDKS_DIR"),
    other("DOTNET_MSBUILD_SDK_RESOLVER_SDKS_VER"),
    other("MSBuildSDKsPath"),
    other("MSBuildExtensionsPath"),
    other("MSBuildExtensionsPath32"),
    other("MSBuildExtensionsPath64"),
    other("MSBUILD_EXE_PATH"),
];

const fn root(name: &'static str) -> Redirect {
    Redirect { name, empty_is_unset: true }
}

/// What an empty value means differs between versions.
const fn other(name: &'static str) -> Redirect {
    Redirect { name, empty_is_unset: false }
}

/// Returns the folder of `dotnet tool install --global`, which `DOTNET_CLI_HOME` moves
/// (<https://learn.microsoft.com/dotnet/core/tools/global-tools>).
pub(super) fn user_programs(host: &Host) -> Vec<PathBuf> {
    let home = host.var("DOTNET_CLI_HOME").map(PathBuf::from).or_else(|| host.home());
    home.map(|home| home.join(".dotnet/tools")).into_iter().collect()
}
