//! `toolkit mirror sync`: everything that the lock names, in a folder or a bucket.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::Global;
use super::super::network::is_typed;
use super::super::render::{self, Failure, done};
use super::super::settings::Settings;
use super::{address, store};
use crate::host::Host;
use crate::mirror::{Address, Gone, Kept, Outcome, Plan, Planned, Reason, Sync};
use crate::net::{Client, Memory};
use crate::project::{LOCK, Lock, Root};
use crate::provision::{self, Context, ToolRequest};

/// Fill a mirror with all files of toolkit.lock, for every platform
///
/// Archives are verified before they are uploaded, the documents that `resolve` and `lock` read come after them, and
/// toolkit-mirror.json, which lists all files, comes last. Existing files are left alone. It reads from the upstreams, or from
/// another mirror than DEST if --mirror, TOOLKIT_MIRROR or the project sets one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The target: a folder, file://… or s3://bucket/prefix [default: that of --mirror or TOOLKIT_MIRROR]
    #[arg(value_name = "DEST")]
    dest: Option<String>,
    /// Remove files of toolkit-mirror.json that this lock does not need, after listing them
    #[arg(long)]
    prune: bool,
    /// With --prune, also keep the files of the toolkit.lock in this folder; may be repeated
    #[arg(long, value_name = "DIR", requires = "prune")]
    keep: Vec<PathBuf>,
    /// Read the upstreams' own files, whatever mirror is set. Without it, DEST alone is never read for what goes into it
    #[arg(long)]
    upstream: bool,
    /// Print what would be uploaded and removed; change nothing
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit mirror sync /srv/mirror
  toolkit mirror sync s3://builds/toolchains --dry-run
  toolkit mirror sync /srv/mirror --prune --keep ../other-project
  toolkit mirror sync s3://builds/toolchains --mirror /mnt/usb/mirror";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::new(host, global)?;
        self.check_target(&settings, global)?;
        let address = address(self.dest.as_deref(), &settings, global)?;
        let store = store(&address, &settings)?;
        let (requests, lock) = locked(&settings)?;
        if !self.dry_run {
            // The store may belong to another machine's jobs; the mirror does not need it.
            let _ = settings.store.remember(settings.root.folder(), &provision::named_installs(&lock));
        }
        let prune = self.prune.then(|| self.kept(host)).transpose()?;
        let client = if self.upstream { settings.client.direct() } else { source(&address, &settings, global) };
        let documents = Memory::of(client.clone());
        let context = Context { metadata: &documents, net: &client, ..settings.context() };
        let outcome = settings.runtime.block_on(async {
            let sync = Sync::new(&lock, &requests, prune, store.as_ref(), &context).await?;
            let plan = sync.plan(context.jobs()).await?;
            for gone in &plan.prune {
                say_gone(gone, self.dry_run, global);
            }
            if self.dry_run {
                return foreseen(&plan, &address, global);
            }
            let outcome = sync.execute(plan, &context).await?;
            told(&outcome, &address, global)
        });
        if outcome.is_err() {
            settings.runtime.block_on(async {
                store.clean_up().await;
                Ok(())
            })?;
        }
        outcome.map(|_| ExitCode::SUCCESS)
    }

    /// Refuses to write where only the project says: a file that somebody else wrote must not choose what is overwritten.
    fn check_target(&self, settings: &Settings, global: &Global) -> Result<(), Failure> {
        match settings.named_mirror(global) {
            Some((text, _)) if self.dest.is_none() && !is_typed(&settings.host, global) => {
                Err(Failure::usage_with_hint(
                    format!(
                        "only toolkit.toml names the mirror `{text}`, and a sync writes where the command line says"
                    ),
                    format!("nothing was written; name it: `toolkit mirror sync {text}`"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Reads what other projects need.
    fn kept(&self, host: &Host) -> Result<Kept, Failure> {
        let mut kept = Kept::default();
        for folder in &self.keep {
            let folder = host.cwd.join(folder);
            let Some(lock) = Lock::read(&Root::at(&folder))? else {
                return Err(Failure::usage(format!("there is no {LOCK} in {}; nothing was removed", folder.display())));
            };
            kept.add(&lock)?;
        }
        Ok(kept)
    }
}

/// Reads the lock, which must be up to date: a mirror of an old lock is useless.
fn locked(settings: &Settings) -> Result<(Vec<ToolRequest>, Lock), Failure> {
    let context = settings.context();
    let requests = provision::requests(&[], &context)?.list;
    let lock = Lock::read(&settings.root)?
        .ok_or_else(|| provision::Error::NoLock { folder: settings.root.folder().to_owned() })?;
    provision::trust(&requests, &lock)?;
    let reasons = provision::check(&requests, &context.platforms(), &lock, &settings.policy).0;
    if reasons.is_empty() { Ok((requests, lock)) } else { Err(provision::Error::StaleLock { reasons }.into()) }
}

/// Returns what reads the files: never the mirror that is to be filled with them.
fn source(dest: &Address, settings: &Settings, global: &Global) -> Client {
    let named = settings.named_mirror(global).and_then(|(text, base)| Address::parse(text, base).ok());
    if named.is_some_and(|named| named.is(dest)) { settings.client.direct() } else { settings.client.clone() }
}

fn say_gone(gone: &Gone, dry: bool, global: &Global) {
    let verb = if dry { "would remove" } else { "removing" };
    done(global, format!("{verb} {} ({})", gone.path, render::size(gone.size)));
}

/// Prints what a sync would do.
fn foreseen(plan: &Plan, address: &Address, global: &Global) -> Result<(), Failure> {
    if global.json {
        let put: Vec<Value> = plan.put.iter().map(planned).collect();
        return render::json(&json!({
            "mirror": address.to_string(), "dry_run": true, "uploaded": put, "in_place": plan.in_place,
            "removed": removed(&plan.prune),
        }));
    }
    for planned in &plan.put {
        let size = planned.size.map_or(String::new(), |size| format!("{}, ", render::size(size)));
        done(global, format!("would upload {} ({size}{})", planned.path, because(planned.reason)));
    }
    let (count, bytes) = (plan.put.len(), render::size(plan.bytes()));
    done(global, format!("{address}: {} would be uploaded ({bytes}), {} in place", files(count), files(plan.in_place)));
    sum_of_gone(&plan.prune, "would be removed", global);
    Ok(())
}

/// Prints what a sync did.
fn told(outcome: &Outcome, address: &Address, global: &Global) -> Result<(), Failure> {
    if global.json {
        let put = outcome.put.iter().map(|(path, entry)| {
            json!({ "path": path, "size": entry.size, "kind": entry.kind, "sha256": entry.sha256, "digest": entry.digest })
        });
        return render::json(&json!({
            "mirror": address.to_string(), "dry_run": false, "uploaded": put.collect::<Vec<_>>(),
            "in_place": outcome.in_place, "removed": removed(&outcome.pruned), "index_written": outcome.index_written,
        }));
    }
    let bytes = render::size(outcome.put.iter().map(|(_, entry)| entry.size).sum());
    if outcome.put.is_empty() && !outcome.index_written {
        done(global, format!("{address} is up to date: {} in place, nothing was written", files(outcome.in_place)));
        return Ok(());
    }
    let count = files(outcome.put.len());
    done(global, format!("{address}: {count} uploaded ({bytes}), {} in place before", files(outcome.in_place)));
    sum_of_gone(&outcome.pruned, "removed", global);
    Ok(())
}

fn sum_of_gone(gone: &[Gone], verb: &str, global: &Global) {
    if !gone.is_empty() {
        let bytes = gone.iter().map(|gone| gone.size).sum();
        done(global, format!("{} {verb} ({})", files(gone.len()), render::size(bytes)));
    }
}

fn planned(planned: &Planned) -> Value {
    json!({
        "path": planned.path, "size": planned.size, "kind": planned.kind, "reason": because(planned.reason),
    })
}

fn removed(gone: &[Gone]) -> Vec<Value> {
    gone.iter().map(|gone| json!({ "path": gone.path, "size": gone.size })).collect()
}

fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::Missing => "missing",
        Reason::Different => "different",
    }
}

fn files(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}
