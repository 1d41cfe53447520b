//! Dockerfiles as people write them, and the images that their builds need.

use std::collections::BTreeMap;

use super::*;
use crate::format::Source;

/// Lists what a build for linux/arm64 needs: `line role name`, then where it runs unless on the target, and `?` with
/// the reason for what is unknown.
fn needed(text: &str, given: &[(&str, &str)], contexts: &[(&str, &str)]) -> Vec<String> {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let (given, contexts) = (map(given), map(contexts));
    let source = Source::new("Dockerfile", text);
    let target = "linux/arm64".parse().unwrap();
    let build = Build { given: &given, contexts: &contexts, target: &target };
    let images = Dockerfile::read(&source.text).images(&build);
    let line = |image: &Image| {
        assert_eq!(source.text[image.span.clone()].replace("\\\n", "").replace("`\n", ""), image.written);
        let role = match image.role {
            Role::From => "from",
            Role::Copy => "copy",
            Role::Mount => "mount",
        };
        let name = image.name.as_ref().map_or_else(|reason| format!("? {reason}"), Clone::clone);
        let on = match &image.on {
            On::Target => String::new(),
            On::Builder => " on builder".to_owned(),
            On::Fixed(platform) => format!(" on {platform}"),
            On::Unknown(reason) => format!(" on ? {reason}"),
        };
        let reached = if image.reached { "" } else { " unreached" };
        format!("{} {role} {name}{on}{reached}", source.line_of(image.span.start))
    };
    images.iter().map(line).collect()
}

#[test]
fn the_images_of_a_build_are_found() {
    for (text, expected) in [
        ("FROM debian", &["1 from debian"][..]),
        ("from debian:12 as base\n", &["1 from debian:12"]),
        ("FROM  ghcr.io/a/b@sha256:0 ", &["1 from ghcr.io/a/b@sha256:0"]),
        ("FROM scratch\nCOPY a /", &[]),
        ("# c\n\n  # d\n  FROM a\r\nRUN x\r\n", &["4 from a"]),
        // Stages.
        ("FROM a AS one\nFROM one\n", &["1 from a"]),
        ("FROM a AS One\nFROM ONE AS two\nFROM b\nCOPY --from=tWo / /\n", &["1 from a", "3 from b"]),
        ("FROM golang AS golang\nFROM golang\n", &["1 from golang"]),
        ("FROM later\nFROM a AS later\n", &["1 from later unreached", "2 from a"]),
        ("FROM a\nFROM b\nFROM c\nCOPY --from=0 x y\nCOPY --from=1 x y", &["1 from a", "2 from b", "3 from c"]),
        ("FROM a\nCOPY --from=7 x y", &["1 from a", "2 copy 7"]),
        ("FROM 0\nFROM 0", &["1 from 0 unreached", "2 from 0"]),
        ("FROM a AS dev\nFROM b AS prod\n", &["1 from a unreached", "2 from b"]),
        ("FROM a AS x\nFROM b AS x\nFROM x\n", &["1 from a unreached", "2 from b"]),
        // What is copied and mounted.
        ("FROM a\nCOPY --from=b:1 /x /y", &["1 from a", "2 copy b:1"]),
        ("FROM a\ncopy --link --chown=1:1 --from=b --chmod=755 /x /y", &["1 from a", "2 copy b"]),
        ("FROM a\nCOPY --from=scratch /x /y", &["1 from a"]),
        ("FROM a\nCOPY x --from=b /y", &["1 from a"]),
        ("FROM a\nADD --from=b /x /y", &["1 from a"]),
        ("FROM a\nRUN --mount=type=bind,from=b:2,target=/t make", &["1 from a", "2 mount b:2"]),
        (
            "FROM a AS s\nFROM c\nRUN --network=none --mount=from=b,target=/t --mount=type=cache,from=s,target=/u make",
            &["1 from a", "2 from c", "3 mount b"],
        ),
        ("FROM a\nRUN --mount=type=bind,\"from=b\",target=/t make", &["1 from a", "2 mount b"]),
        ("FROM a\nRUN --mount=type=secret,id=from x --mount=from=b", &["1 from a"]),
        ("FROM a\nRUN echo --from=b FROM c", &["1 from a"]),
        ("FROM a\nONBUILD COPY --from=b /x /y", &["1 from a"]),
        // Lines that go on.
        ("FROM \\\n  a \\\n  AS \\\n  b\nFROM b", &["2 from a"]),
        ("FROM a\nRUN x && \\\n# FROM b\n\n  FROM c\nCOPY --from=d x y", &["1 from a", "6 copy d"]),
        ("FROM a\nRUN x \\\\\nCOPY --from=d x y", &["1 from a", "3 copy d"]),
        ("FROM a\nRUN x \\  \nCOPY --from=d x y", &["1 from a"]),
        ("FROM a:\\\n1.2", &["1 from a:1.2"]),
        ("FROM a\\", &["1 from a"]),
        // Directives.
        ("# escape=`\nFROM a\nRUN dir c:\\\nCOPY --from=b x y", &["2 from a", "4 copy b"]),
        ("# syntax=docker/dockerfile:1\n#Escape = `\nFROM `\n a", &["4 from a"]),
        ("# a comment\n# escape=`\nFROM \\\n a", &["4 from a"]),
        ("\n# escape=`\nFROM \\\n a", &["4 from a"]),
        // Here-documents.
        ("FROM a\nRUN <<EOF\nFROM b\nCOPY --from=c x y\nEOF\nCOPY --from=d x y", &["1 from a", "6 copy d"]),
        ("FROM a\nRUN <<-'X' cat > f && 3<<Y cat\nFROM b\n\tX\nFROM c\nY\nFROM d", &["1 from a unreached", "7 from d"]),
        ("FROM a\nCOPY <<\"E F\" /x\nFROM b\nE F\n", &["1 from a"]),
        ("FROM a\nRUN x=$((1<<2)) && cat <<<y\nCOPY --from=b x y", &["1 from a", "3 copy b"]),
        ("FROM a\nRUN [\"cat\", \"<<EOF\"]\nCOPY --from=b x y", &["1 from a", "3 copy b"]),
        ("FROM a\nLABEL x=<<EOF\nCOPY --from=b x y", &["1 from a", "3 copy b"]),
    ] {
        assert_eq!(needed(text, &[], &[]), expected, "{text}");
    }
}

#[test]
fn arguments_are_resolved() {
    for (text, expected) in [
        ("ARG V=12\nFROM debian:$V", &["2 from debian:12"][..]),
        ("ARG V=12\nFROM debian:${V}-slim", &["2 from debian:12-slim"]),
        ("ARG I=a\nARG V=1 W=\"2\"\nFROM $I:${V}.${W}", &["3 from a:1.2"]),
        ("ARG A=1\nARG B=${A}.2\nFROM x:$B", &["3 from x:1.2"]),
        ("ARG A=1\nARG A=2\nFROM x:$A", &["3 from x:2"]),
        ("arg A='$B'\nFROM x:${A:-1}", &["2 from x:$B"]),
        ("FROM x:${V:-1}", &["1 from x:1"]),
        ("ARG V=\nFROM x:${V:-1}", &["2 from x:1"]),
        ("ARG V\nFROM x:${V:-1}${V:+.2}", &["2 from x:1"]),
        ("ARG V=7\nFROM x:${V:+1.$V}", &["2 from x:1.7"]),
        ("ARG V\nFROM x:$V", &["2 from ? the argument `V` has no default"]),
        ("ARG A\nARG B=$A\nFROM x:$B", &["3 from ? the argument `A` has no default"]),
        ("FROM x:$V", &["1 from ? no ARG before the first FROM declares `V`"]),
        ("FROM a\nARG V=1\nFROM x:$V", &["1 from a unreached", "3 from ? no ARG before the first FROM declares `V`"]),
        ("ARG V\nFROM x:${V:?set-it}", &["2 from ? `V` has no value (set-it)"]),
        ("ARG V=1\nFROM x:${V%.*}", &["2 from ? `${V…}` with an unknown operator"]),
        ("ARG S=a\nFROM b AS a\nFROM $S", &["2 from b"]),
        ("ARG B=scratch\nFROM ${B}", &[]),
        ("ARG B=\nFROM $B", &["2 from ? it is empty"]),
        // In a stage: what is declared above all is known there when it is named again; leniently, also when not.
        ("ARG V=1\nFROM a\nARG V\nCOPY --from=b:$V x y", &["2 from a", "4 copy b:1"]),
        (
            "ARG V=1\nFROM a\nARG V=2\nCOPY --from=b:$V x y\nFROM c:$V",
            &["2 from a unreached", "4 copy b:2 unreached", "5 from c:1"],
        ),
        ("FROM a\nCOPY --from=b:$V x y", &["1 from a", "2 copy ? `V` has no value"]),
        (
            "FROM a\nARG V\nRUN --mount=from=b:$V,target=/x y",
            &["1 from a", "3 mount ? the argument `V` has no default"],
        ),
        // Given values need a declaration, and go before defaults.
        ("ARG G=default\nFROM x:$G", &["2 from x:given"]),
        ("ARG G\nFROM x:$G", &["2 from x:given"]),
        ("FROM x:$G", &["1 from ? no ARG before the first FROM declares `G`"]),
        ("FROM a\nARG G\nCOPY --from=b:$G x y", &["1 from a", "3 copy b:given"]),
        // An escape character of its own.
        ("# escape=`\nARG V=1\nFROM x:`$V", &["3 from x:$V"]),
    ] {
        assert_eq!(needed(text, &[("G", "given")], &[]), expected, "{text}");
    }
}

#[test]
fn platforms_are_distinguished() {
    for (text, expected) in [
        ("FROM --platform=linux/amd64 a", &["1 from a on linux/amd64"][..]),
        ("FROM --platform=\"linux/amd64\" a", &["1 from a on linux/amd64"]),
        ("FROM --platform=amd64 a AS b\nFROM b", &["1 from a on linux/amd64"]),
        ("FROM --platform=linux/arm64 a", &["1 from a on linux/arm64"]),
        ("FROM --platform=$TARGETPLATFORM a", &["1 from a"]),
        ("FROM --platform=${TARGETOS}/$TARGETARCH a", &["1 from a"]),
        ("FROM --platform=linux/$TARGETARCH a", &["1 from a"]),
        ("FROM --platform=$BUILDPLATFORM a AS b\nFROM c\nCOPY --from=b x y", &["1 from a on builder", "2 from c"]),
        ("FROM --platform=linux/${BUILDARCH} a", &["1 from a on builder"]),
        ("ARG P=linux/amd64\nFROM --platform=$P a", &["2 from a on linux/amd64"]),
        ("ARG P=$BUILDPLATFORM\nFROM --platform=$P a", &["2 from a on builder"]),
        ("ARG P\nFROM --platform=$P a", &["2 from a on ? the argument `P` has no default"]),
        ("FROM --platform=beer/ a", &["1 from a on ? `beer/` is not a platform"]),
        ("FROM a:$TARGETARCH", &["1 from a:arm64"]),
        ("FROM a:${TARGETARCH}${TARGETVARIANT}", &["1 from a:arm64"]),
        ("FROM a-$BUILDARCH", &["1 from a-arm64 on builder"]),
        ("FROM x AS base-amd64\nFROM y AS base-arm64\nFROM base-${TARGETARCH}", &["1 from x unreached", "2 from y"]),
    ] {
        assert_eq!(needed(text, &[], &[]), expected, "{text}");
    }
}

#[test]
fn contexts_replace_names() {
    let text = "FROM a AS s\nCOPY --from=assets x y\nCOPY --from=b x y\nFROM s";
    let contexts = [("assets", "./files"), ("b", "docker-image://c:1"), ("s", "docker-image://d")];
    assert_eq!(needed(text, &[], &contexts), ["1 from a unreached", "3 copy c:1 unreached", "4 from d"]);
}

#[test]
fn what_the_builder_would_reject_is_reported_with_its_position() {
    for (text, line, said) in [
        ("", 1, "no FROM"),
        ("# only a comment\n", 1, "no FROM"),
        ("ARG A=1\n", 1, "no FROM"),
        ("RUN x\nFROM a", 1, "`RUN` comes before the first FROM"),
        ("hello: world\n", 1, "`HELLO:` comes before the first FROM"),
        ("FROM a\nFROM", 2, "names no image"),
        ("FROM a b", 1, "expected `FROM image`"),
        ("FROM a AS", 1, "expected `FROM image`"),
        ("FROM a AS b c", 1, "expected `FROM image`"),
        ("FROM a\nFROM b AS 1x", 2, "is not a stage name"),
        ("# escape=x\nFROM a", 1, "escape character"),
        ("FROM a\nRUN <<EOF\nx", 2, "is not closed by a line"),
    ] {
        let source = Source::new("Dockerfile", text);
        let problems = Dockerfile::read(text).problems;
        let problem = problems.first().unwrap_or_else(|| panic!("{text}: no problem was reported"));
        assert!(problem.message.contains(said), "{text}: {problem:?}");
        assert_eq!(source.line_of(problem.span.start), line, "{text}");
    }
}

#[test]
fn no_text_makes_the_parser_panic() {
    let whole =
        "# escape=`\nARG V=\"ñ\nFROM --platform=$X ñ${V:-`\n AS b\nRUN --mount=\"from=ñ\",x <<ñ 'y\nñ\nCOPY --from=\\";
    for end in (0..=whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        for start in (0..end).step_by(7).filter(|start| whole.is_char_boundary(*start)) {
            let file = Dockerfile::read(&whole[start..end]);
            let (none, target) = (BTreeMap::new(), "linux/arm64".parse().unwrap());
            let _ = file.images(&Build { given: &none, contexts: &none, target: &target });
        }
    }
}
