# Written by `toolkit gen dockerfile` from toolkit.toml and toolkit.lock. To change it, edit toolkit.toml and run
# that command again; `toolkit gen --check` in CI reports when this file is stale.
# toolkit-digest: sha256:dad89b3efdfbe41c17855f5579efb6a788ccc4809de952be2761f772cb67d05a

# Downloads, verifies and unpacks. Only the trees of this stage are kept.
FROM public.ecr.aws/docker/library/debian:trixie-slim AS toolchains
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates curl && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/aux-cache /var/log/apt /var/log/dpkg.log
# amd64 or arm64: the architecture to build for. Builders set it; if it is empty, the machine's own is used.
ARG TARGETARCH
# dotnet 10.0.302
RUN set -eu; \
    case "${TARGETARCH:-$(uname -m)}" in \
      amd64|x86_64) \
        curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --retry 3 --output /tmp/download \
          https://builds.dotnet.microsoft.com/dotnet/Sdk/10.0.302/dotnet-sdk-10.0.302-linux-x64.tar.gz; \
        echo 10069bec8783596484a610332f090d562802a41b9b40e3327a5a5688b572e10c296ae300f940d40461f23c157ed1b0843c2f8e6b3f20d8d8d9d83432d8143bac'  /tmp/download' | sha512sum -c -; \
        mkdir -p /opt/toolchains/dotnet; \
        tar -xzf /tmp/download -C /opt/toolchains/dotnet --no-same-owner ;; \
      arm64|aarch64) \
        curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --retry 3 --output /tmp/download \
          https://builds.dotnet.microsoft.com/dotnet/Sdk/10.0.302/dotnet-sdk-10.0.302-linux-arm64.tar.gz; \
        echo 9e409c14e00686d661c78fa4dd9ad0e4dcf695c328bd5ff777d05b4a9c34b42cf89b12573b92e9fb2f565dbe12016b4835f77c7d9a42b55a7494df21634cd5d6'  /tmp/download' | sha512sum -c -; \
        mkdir -p /opt/toolchains/dotnet; \
        tar -xzf /tmp/download -C /opt/toolchains/dotnet --no-same-owner ;; \
      *) echo "this image can be built for amd64 and arm64, not for ${TARGETARCH:-$(uname -m)}" >&2; exit 1 ;; \
    esac; \
    rm -f /tmp/download

FROM public.ecr.aws/docker/library/debian:trixie-slim
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates git libicu76 libssl3t64 libstdc++6 && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/aux-cache /var/log/apt /var/log/dpkg.log
COPY --from=toolchains /opt/toolchains /opt/toolchains
ENV DOTNET_CLI_TELEMETRY_OPTOUT="1" \
    DOTNET_NOLOGO="1" \
    DOTNET_ROOT="/opt/toolchains/dotnet" \
    DOTNET_ROOT_ARM64="" \
    DOTNET_ROOT_ARM="" \
    DOTNET_ROOT_ARMV6="" \
    DOTNET_ROOT_LOONGARCH64="" \
    DOTNET_ROOT_PPC64LE="" \
    DOTNET_ROOT_RISCV64="" \
    DOTNET_ROOT_S390X="" \
    DOTNET_ROOT_X64="" \
    DOTNET_ROOT_X86="" \
    PATH="/opt/toolchains/dotnet:$PATH"
RUN id -u ci >/dev/null 2>&1 || useradd --create-home --shell /bin/sh ci
USER ci
WORKDIR /home/ci
# The build fails here when a toolchain does not run.
RUN dotnet --list-sdks
