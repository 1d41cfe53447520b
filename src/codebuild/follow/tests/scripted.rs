//! A CodeBuild in memory, whose builds go as a script says, and a clock that never waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::aws::{self, Need, Refusal, classify};
use crate::codebuild::follow::{Clock, Event, FollowOptions, Follower, Note, Observer, Pace, Report};
use crate::codebuild::{
    AutoRetry, Batch, Build, Context, Environment, Group, LogEvent, LogLocation, LogPage, Page, Phase, Project,
    Service, Start, Status,
};

/// Time that passes by sleeping alone.
#[derive(Debug, Default)]
pub struct Virtual(pub Mutex<Duration>);

#[async_trait]
impl Clock for Virtual {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, time: Duration) {
        tokio::task::yield_now().await;
        *self.0.lock().unwrap() += time;
    }
}

/// A build that takes so many seconds of virtual time, with so many lines meanwhile.
#[derive(Debug, Clone)]
pub struct Course {
    pub build: Build,
    /// From when on it is there, in seconds.
    pub begins: u64,
    pub seconds: u64,
    pub end: Status,
    pub code: &'static str,
    /// What is logged, and at which second.
    pub log: Vec<(u64, String)>,
    /// The stream appears so long after the log has its place.
    pub stream_after: u64,
}

pub fn build(id: &str) -> Build {
    Build {
        environment: Environment { kind: "LINUX_CONTAINER".to_owned(), ..Environment::default() },
        ..Build::bare(id)
    }
}

impl Course {
    pub fn new(id: &str, seconds: u64) -> Self {
        let build = build(id);
        Self { build, begins: 0, seconds, end: Status::Succeeded, code: "", log: Vec::new(), stream_after: 0 }
    }

    pub fn ends(mut self, end: Status, code: &'static str) -> Self {
        (self.end, self.code) = (end, code);
        self
    }

    /// So many lines, evenly over the time of the build.
    pub fn lines(mut self, count: u64) -> Self {
        let id = self.build.id.clone();
        let at = |index: u64| 4 + index * self.seconds.saturating_sub(5) / count.max(1);
        self.log = (0..count).map(|index| (at(index), format!("{id} line {index}\n"))).collect();
        self
    }

    pub fn retry(mut self, number: i32, limit: i32, next: Option<&str>) -> Self {
        let next = next.map(|id| format!("arn:aws:codebuild:eu-west-1:1:build/{id}"));
        self.build.retry = AutoRetry { limit, number, next, previous: None };
        self
    }

    fn at(&self, now: u64) -> Option<Build> {
        let age = now.checked_sub(self.begins)?;
        let mut build = self.build.clone();
        let names = ["SUBMITTED", "QUEUED", "PROVISIONING", "BUILD"];
        let over = age >= self.seconds;
        let second = |age: u64| Timestamp::from_second(i64::try_from(self.begins + age).unwrap()).unwrap();
        for (index, name) in names.iter().enumerate() {
            let began = index as u64;
            if age < began && !over {
                break;
            }
            let last = index + 1 == names.len();
            let ended = if last { over.then_some(self.seconds) } else { (over || age > began).then_some(began + 1) };
            let status = if last { self.end.clone() } else { Status::Succeeded };
            let context = Context { code: self.code.to_owned(), message: "exit status 1".to_owned() };
            let failed = last && over && !self.code.is_empty();
            build.phases.push(Phase {
                name: (*name).to_owned(),
                status: ended.map(|_| status),
                started: Some(second(began)),
                ended: ended.map(second),
                duration: ended.map(|ended| Duration::from_secs(ended - began)),
                contexts: if failed { vec![context] } else { Vec::new() },
            });
        }
        if age >= 3 && build.s3_log_link.as_deref() != Some("only") {
            build.log = Some(LogLocation { group: "/aws/codebuild/web".to_owned(), stream: build.id.clone() });
        }
        if over {
            build.status = self.end.clone();
        } else {
            build.retry.next = None;
        }
        Some(build)
    }
}

type Trouble = Box<dyn FnMut(&str, u64) -> Option<aws::Error> + Send>;

pub struct Scripted {
    pub clock: Arc<Virtual>,
    pub courses: Mutex<BTreeMap<String, Course>>,
    pub batches: Mutex<BTreeMap<String, (Batch, u64)>>,
    pub page: usize,
    /// Every such page is empty, with a new token.
    pub hollow: Option<usize>,
    /// All pages are empty, each with a new token.
    pub endless: bool,
    /// What goes wrong: by operation and the number of its call, from 1.
    pub trouble: Mutex<Trouble>,
    /// When what was asked.
    pub requested: Mutex<Vec<(Duration, String)>>,
    /// The phases are appended again at each call, and nothing is ever over but the status.
    pub moto: bool,
    /// A build that is deleted, and when.
    pub gone: Option<(String, u64)>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    pub fn new(courses: impl IntoIterator<Item = Course>) -> Self {
        let courses = courses.into_iter().map(|course| (course.build.id.clone(), course)).collect();
        Self {
            clock: Arc::new(Virtual::default()),
            courses: Mutex::new(courses),
            batches: Mutex::default(),
            page: 50,
            hollow: None,
            endless: false,
            trouble: Mutex::new(Box::new(|_, _| None)),
            requested: Mutex::default(),
            moto: false,
            gone: None,
        }
    }

    pub fn trouble(self, trouble: impl FnMut(&str, u64) -> Option<aws::Error> + Send + 'static) -> Self {
        Self { trouble: Mutex::new(Box::new(trouble)), ..self }
    }

    pub fn gone(self, id: &str, second: u64) -> Self {
        Self { gone: Some((id.to_owned(), second)), ..self }
    }

    pub fn count(&self, operation: &str) -> usize {
        self.requested.lock().unwrap().iter().filter(|(_, requested)| requested == operation).count()
    }

    /// The most requests in any minute.
    pub fn busiest(&self, operation: impl Fn(&str) -> bool) -> usize {
        let requested = self.requested.lock().unwrap();
        let times: Vec<Duration> =
            requested.iter().filter(|(_, name)| operation(name)).map(|(time, _)| *time).collect();
        let minute = Duration::from_secs(60);
        let from = |(index, time): (usize, &Duration)| {
            times[index..].iter().take_while(|later| **later < *time + minute).count()
        };
        times.iter().enumerate().map(from).max().unwrap_or_default()
    }

    fn begin(&self, operation: &str) -> Result<u64, aws::Error> {
        let now = self.clock.now();
        let mut requested = self.requested.lock().unwrap();
        requested.push((now, operation.to_owned()));
        let number = requested.iter().filter(|(_, name)| name == operation).count() as u64;
        match (self.trouble.lock().unwrap())(operation, number) {
            Some(error) => Err(error),
            None => Ok(now.as_secs()),
        }
    }
}

pub fn refused(code: &str) -> aws::Error {
    let need = Need::new("codebuild:BatchGetBuilds", "*");
    let status = if code.is_empty() { 502 } else { 400 };
    classify(aws::Service::CODEBUILD, &need, "the build", Refusal { status, code, message: "", attempts: 1 })
}

#[async_trait]
impl Service for Scripted {
    fn region(&self) -> &str {
        "eu-west-1"
    }

    async fn start(&self, _: &Start) -> Result<Build, aws::Error> {
        unreachable!()
    }

    async fn start_batch(&self, _: &Start) -> Result<Batch, aws::Error> {
        unreachable!()
    }

    async fn builds(&self, ids: &[String]) -> Result<Vec<Build>, aws::Error> {
        assert!((1..=100).contains(&ids.len()));
        let now = self.begin("builds")?;
        tokio::task::yield_now().await;
        let mut courses = self.courses.lock().unwrap();
        let mut found: Vec<Build> = ids.iter().filter_map(|id| courses.get(id)?.at(now)).collect();
        found.retain(|build| self.gone.as_ref().is_none_or(|(id, second)| build.id != *id || now < *second));
        if self.moto {
            for build in &mut found {
                let course = courses.get_mut(&build.id).unwrap();
                course.build.phases.extend(build.phases.clone());
                build.log = None;
            }
        }
        Ok(found)
    }

    async fn batches(&self, ids: &[String]) -> Result<Vec<Batch>, aws::Error> {
        assert!((1..=100).contains(&ids.len()));
        let now = self.begin("batches")?;
        let courses = self.courses.lock().unwrap();
        let mut found: Vec<Batch> = Vec::new();
        for (batch, seconds) in ids.iter().filter_map(|id| self.batches.lock().unwrap().get(id).cloned()) {
            let mut batch = batch;
            for group in &mut batch.groups {
                let stand = |(arn, _): (String, Status)| {
                    let build = courses.get(crate::codebuild::id_of(&arn))?.at(now)?;
                    Some((arn, build.status))
                };
                let prior: Vec<_> = std::mem::take(&mut group.prior).into_iter().filter_map(stand).collect();
                let current = group.current.take().and_then(stand);
                // The next attempt begins when it begins; before that, the one before it is the current one.
                (group.prior, group.current) = match current {
                    Some(current) => (prior, Some(current)),
                    None => (Vec::new(), prior.into_iter().next_back()),
                };
            }
            if now < seconds {
                batch.status = Status::InProgress;
            }
            found.push(batch);
        }
        Ok(found)
    }

    async fn stop(&self, id: &str) -> Result<Build, aws::Error> {
        let now = self.begin("stop")?;
        let mut courses = self.courses.lock().unwrap();
        let course = courses.get_mut(id).unwrap();
        (course.seconds, course.end) = (now - course.begins + 3, Status::Stopped);
        Ok(course.at(now).unwrap())
    }

    async fn stop_batch(&self, _: &str) -> Result<Batch, aws::Error> {
        unreachable!()
    }

    async fn list(&self, _: Option<&str>, _: Option<&str>) -> Result<Page, aws::Error> {
        unreachable!()
    }

    async fn list_batches(&self, _: Option<&str>, _: Option<&str>) -> Result<Page, aws::Error> {
        unreachable!()
    }

    async fn project(&self, _: &str) -> Result<Project, aws::Error> {
        unreachable!()
    }

    async fn log(&self, place: &LogLocation, after: Option<&str>) -> Result<LogPage, aws::Error> {
        let now = self.begin("log")?;
        tokio::task::yield_now().await;
        let courses = self.courses.lock().unwrap();
        let course = &courses[&place.stream];
        if now < course.begins + 3 + course.stream_after {
            return Err(refused("ResourceNotFoundException"));
        }
        // A token is where the page begins, and how many empty pages there were at that place.
        let (start, hollow) = after.map_or((0, 0), |token| {
            let (start, hollow) = token.split_once('-').unwrap();
            (start.parse::<usize>().unwrap(), hollow.parse::<usize>().unwrap())
        });
        if self.endless {
            return Ok(LogPage { events: Vec::new(), next: format!("0-{}", hollow + 1) });
        }
        let there = &course.log[..course.log.partition_point(|(at, _)| course.begins + at <= now)];
        let end = there.len().min(start + self.page);
        let is_hollow =
            self.hollow.is_some_and(|nth| start < end && (start / self.page) % nth == nth - 1 && hollow < 2);
        if is_hollow {
            return Ok(LogPage { events: Vec::new(), next: format!("{start}-{}", hollow + 1) });
        }
        let event = |(at, message): &(u64, String)| LogEvent {
            time: Timestamp::from_second(i64::try_from(course.begins + at).unwrap()).unwrap(),
            message: message.clone(),
        };
        let next = if start == end { after.unwrap_or("0-0").to_owned() } else { format!("{end}-0") };
        Ok(LogPage { events: there[start..end].iter().map(event).collect(), next })
    }
}

/// Writes down what it sees, one short line each.
#[derive(Debug, Default)]
pub struct Diary(pub Vec<String>);

impl Observer for Diary {
    fn observe(&mut self, event: Event) {
        self.0.push(match event {
            Event::Known { build_ref, .. } => {
                format!(
                    "{} known{}",
                    build_ref.id,
                    build_ref.identifier.as_ref().map_or(String::new(), |name| format!(" as {name}"))
                )
            }
            Event::BatchKnown { build_ref, .. } => format!("{} known", build_ref.id),
            Event::Group { batch, group } => format!("{} has {}", batch.id, group.identifier),
            Event::Entered { build_ref, phase, .. } => format!("{} +{phase}", build_ref.id),
            Event::Ended { build_ref, phase } => {
                let seconds = phase.duration.unwrap_or_default().as_secs();
                format!("{} -{} {} {seconds} s", build_ref.id, phase.name, phase.status.unwrap())
            }
            Event::Line { text, .. } => text,
            Event::Over { build_ref, build } => format!("{} {}", build_ref.id, build.status),
            Event::Retried { build_ref, next, number, limit } => {
                format!("{} retried by {next}, {number} of {limit}", build_ref.id)
            }
            Event::BatchOver { build_ref, batch } => format!("{} {}", build_ref.id, batch.status),
            Event::Note(note) => noted(&note),
            Event::AllOver { succeeded } => format!("all over: {succeeded}"),
        });
    }
}

fn noted(note: &Note) -> String {
    match note {
        Note::Throttled { service } => format!("note: {service} throttles"),
        Note::Lost { service, .. } => format!("note: {service} lost"),
        Note::Back { service } => format!("note: {service} back"),
        Note::Expired { .. } => "note: expired".to_owned(),
        Note::Renewed => "note: renewed".to_owned(),
        Note::NoLog { build_ref, s3 } => {
            format!("note: {} has no log{}", build_ref.id, if s3.is_some() { " but in S3" } else { "" })
        }
        Note::MissingLog { build_ref } => format!("note: {} was not logged", build_ref.id),
        Note::UnreadLog { cause, .. } => format!("note: log: {cause}"),
        Note::EndlessLog { build_ref } => format!("note: {} has an endless log", build_ref.id),
    }
}

impl Diary {
    pub fn lines(&self, of: &str) -> Vec<&str> {
        self.0.iter().filter(|line| line.contains(" line ") && line.starts_with(of)).map(String::as_str).collect()
    }

    pub fn has(&self, line: &str) -> usize {
        self.0.iter().filter(|known| *known == line).count()
    }
}

/// Follows, and returns what was seen and how it ended.
pub fn follow(service: Scripted, ids: &[&str]) -> (Arc<Scripted>, Diary, Result<Report, super::super::Error>) {
    let service = Arc::new(service);
    let settings = settings(ids);
    let mut follower = Follower::new(service.clone(), service.clock.clone(), settings, Diary::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(follower.run());
    let diary = std::mem::take(follower.observer());
    (service, diary, result)
}

pub fn settings(ids: &[&str]) -> FollowOptions {
    let pace = Pace { jitter: |longest| longest.mul_f64(0.5), ..Pace::new(Pace::BASE) };
    FollowOptions { ids: ids.iter().map(|id| (*id).to_owned()).collect(), logs: true, fresh: false, pace }
}

/// A batch with groups of (identifier, what it waits for, whether its failure is ignored, its builds in order).
pub fn batch(id: &str, status: Status, groups: &[(&str, &[&str], bool, &[&str])]) -> Batch {
    let arn = |id: &&str| (format!("arn:aws:codebuild:eu-west-1:1:build/{id}"), Status::InProgress);
    let group = |(identifier, waits, ignored, builds): &(&str, &[&str], bool, &[&str])| {
        let mut builds: Vec<_> = builds.iter().map(arn).collect();
        Group {
            identifier: (*identifier).to_owned(),
            depends_on: waits.iter().map(|name| (*name).to_owned()).collect(),
            ignore_failure: *ignored,
            current: builds.pop(),
            prior: builds,
        }
    };
    Batch {
        id: id.to_owned(),
        arn: None,
        number: None,
        project: id.split(':').next().unwrap().to_owned(),
        status,
        current: None,
        phases: Vec::new(),
        started: None,
        ended: None,
        groups: groups.iter().map(group).collect(),
    }
}
