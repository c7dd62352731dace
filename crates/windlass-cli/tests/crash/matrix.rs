//! The cells of the matrix: what is broken where, and what is found after the next run.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::content::{Content, Difference};
use crate::proxy::{Break, Cut, Proxy, Side};
use crate::scenario::{Disposition, Host, Kind, Place, Turn};

/// A run that takes longer than this hangs.
const LONGEST_RUN: Duration = Duration::from_secs(120);

/// How a run is broken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// At a point that is passed for the `pass`th time.
    Point { point: String, pass: u32, action: &'static str },
    /// At a message to the server.
    Message { number: usize, label: String, side: Side },
}

/// What happens to one run of one pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) kind: Kind,
    pub(crate) disposition: Disposition,
    pub(crate) turn: Turn,
    pub(crate) fault: Fault,
    /// A point at which the next run is killed too.
    pub(crate) again: Option<&'static str>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) cell: Cell,
    /// How the broken run ended.
    pub(crate) code: i32,
    /// What is wrong after the next run.
    pub(crate) difference: Difference,
    pub(crate) problems: Vec<String>,
}

/// A pipeline of one disposition to one destination, set up so that its loads can be broken.
pub(crate) struct Bench {
    pub(crate) kind: Kind,
    pub(crate) disposition: Disposition,
    turns: BTreeMap<Turn, Before>,
}

/// A place just before a load, and what that load is to do.
struct Before {
    place: Place,
    before: Content,
    /// After one run.
    once: Content,
    /// After another one, which finds nothing new.
    after: Content,
    /// How often each point is passed.
    passes: BTreeMap<String, u32>,
    messages: Vec<String>,
}

impl Fault {
    /// The column of the table of results.
    pub(crate) fn column(&self) -> &'static str {
        match self {
            Self::Point { action, .. } => action,
            Self::Message { side: Side::Unsent, .. } => "cut before",
            Self::Message { side: Side::Unanswered, .. } => "cut at once",
            Self::Message { side: Side::Answered, .. } => "cut after",
        }
    }
}

/// Connections end and are reset by turns.
fn cut_at(message: usize) -> Cut {
    if message.is_multiple_of(2) { Cut::Fin } else { Cut::Reset }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {:?} load: ", self.kind.name(), self.disposition.name(), self.turn)?;
        match &self.fault {
            Fault::Point { point, pass, action } => write!(f, "{action} at {point}, time {pass}")?,
            Fault::Message { number, label, side } => {
                write!(f, "{side:?} message {number} ({label}), {:?}", cut_at(*number))?;
            }
        }
        self.again.map_or(Ok(()), |again| write!(f, ", then kill at {again}"))
    }
}

impl Outcome {
    pub(crate) fn is_right(&self) -> bool {
        self.problems.is_empty() && self.difference.lost.is_empty() && self.difference.doubled.is_empty()
    }
}

/// Ends a run that takes too long; gives how it ended and what it said.
fn finish(mut command: Command) -> (i32, String) {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child: Child = command.spawn().unwrap();
    let mut pipe = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        drop(std::io::Read::read_to_string(&mut pipe, &mut text));
        text
    });
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LONGEST_RUN {
            child.kill().unwrap();
            child.wait().unwrap();
            return (-1, format!("it hangs; {}", reader.join().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    (code, reader.join().unwrap())
}

fn run(place: &Place) {
    let (code, said) = finish(place.command(None));
    assert_eq!(code, 0, "{said}");
}

impl Before {
    /// Runs a copy of a place once, and once more, as after a crash; notes what it passes and sends.
    fn new(place: Place) -> Self {
        let before = place.content();
        let copy = place.copy();
        let trace = copy.project.path("trace.txt");
        let proxy = copy.url_for_cuts().map(|url| Proxy::start(&url, Break::Never, Cut::Fin));
        let mut command = copy.command(proxy.as_ref().map(|proxy| proxy.url.as_str()));
        command.env("WINDLASS_FAILPOINT_TRACE", &trace);
        let (code, said) = finish(command);
        assert_eq!(code, 0, "{said}");
        let once = copy.content();
        run(&copy);
        let after = copy.content();
        let mut passes = BTreeMap::new();
        for point in std::fs::read_to_string(trace).unwrap().lines() {
            *passes.entry(point.to_owned()).or_default() += 1;
        }
        let messages = proxy.map(|proxy| proxy.messages()).unwrap_or_default();
        assert!(!after.rows.is_empty() && after.problems.is_empty(), "{after:?}");
        assert!(
            once.rows == after.rows || place.adds_up(),
            "a second run changes {:?}",
            once.against(&after)
        );
        Self { place, before, once, after, passes, messages }
    }
}

impl Bench {
    /// Loads once and twice without a crash.
    pub(crate) fn new(kind: Kind, disposition: Disposition, host: Option<&Host>) -> Self {
        let first = Place::new(kind, disposition, host);
        let second = first.copy();
        run(&second);
        second.advance();
        let turns = [(Turn::First, Before::new(first)), (Turn::Second, Before::new(second))];
        Self { kind, disposition, turns: turns.into() }
    }

    /// Loads a place once and again without a crash.
    pub(crate) fn of(place: Place, kind: Kind, disposition: Disposition) -> Self {
        Self { kind, disposition, turns: [(Turn::First, Before::new(place))].into() }
    }

    /// How often a load passes each point.
    pub(crate) fn passes(&self, turn: Turn) -> &BTreeMap<String, u32> {
        &self.turns[&turn].passes
    }

    /// What a load sends to its server.
    pub(crate) fn messages(&self, turn: Turn) -> &[String] {
        &self.turns[&turn].messages
    }

    /// A cell in which a load is broken at a point.
    pub(crate) fn at(&self, turn: Turn, point: &str, pass: u32, action: &'static str) -> Cell {
        self.cell(turn, Fault::Point { point: point.to_owned(), pass, action })
    }

    /// All cells in which a load's connection is cut.
    pub(crate) fn cuts(&self, turn: Turn) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (number, label) in self.messages(turn).iter().enumerate() {
            // To other messages the server says nothing before the next.
            let is_answered = label.starts_with('Q') || label == "S";
            let is_settled = label == "Q COMMIT" || label == "c";
            let sides = [(Side::Unsent, true), (Side::Unanswered, is_settled), (Side::Answered, is_answered)];
            for (side, _) in sides.into_iter().filter(|(_, is_sensible)| *is_sensible) {
                cells.push(self.cell(turn, Fault::Message { number, label: label.clone(), side }));
            }
        }
        cells
    }

    fn cell(&self, turn: Turn, fault: Fault) -> Cell {
        Cell { kind: self.kind, disposition: self.disposition, turn, fault, again: None }
    }

    /// Breaks a load off, runs again and looks.
    pub(crate) fn try_out(&self, cell: &Cell) -> Outcome {
        let before = &self.turns[&cell.turn];
        let place = &before.place;
        let place = place.copy();
        let mut problems = Vec::new();
        let proxy = match &cell.fault {
            Fault::Message { number, side, .. } => {
                Some(Proxy::start(&place.url().unwrap(), Break::Message(*number, *side), cut_at(*number)))
            }
            Fault::Point { .. } => None,
        };
        let mut command = place.command(proxy.as_ref().map(|proxy| proxy.url.as_str()));
        if let Fault::Point { point, pass, action } = &cell.fault {
            command.env("WINDLASS_FAILPOINT", format!("{point}={action}:{pass}"));
        }
        let (code, said) = finish(command);
        let is_expected = match &cell.fault {
            Fault::Point { action, point, .. } => match *action {
                "kill" => code == 137,
                // Giving the lease back comes after the load; what goes wrong there is no failure of the run.
                "panic" if point.contains(".lease.") => [0, 1, 101].contains(&code),
                "panic" => code == 1 || code == 101,
                "int" => code == 130 || code == 0,
                "term" => code == 143 || code == 0,
                // An error that changes nothing for the user need not be one.
                _ => code == 1 || code == 0,
            },
            Fault::Message { .. } => (code == 1 || code == 0) && proxy.as_ref().is_some_and(Proxy::is_spent),
        };
        if !is_expected {
            problems.push(format!("the broken run ended with {code}: {said}"));
        }
        if cell.kind.is_transactional() {
            let seen = place.content();
            let rows = |content: &Content| content.rows_without_nulls(cell.kind.adds_columns_first());
            let is_whole = [&before.before, &before.once].iter().any(|whole| rows(whole) == rows(&seen));
            if !is_whole || !seen.problems.is_empty() {
                problems.push(format!("half a load is seen: {:?}", seen.against(&before.once)));
            }
        }
        if let Some(again) = &cell.again {
            let mut command = place.command(None);
            command.env("WINDLASS_FAILPOINT", format!("{again}=kill"));
            let (code, said) = finish(command);
            if code != 137 {
                problems.push(format!("the second broken run ended with {code}: {said}"));
            }
        }
        let (next_code, said) = finish(place.command(None));
        if next_code != 0 {
            problems.push(format!("the next run ended with {next_code}: {said}"));
        }
        let found = place.content();
        problems.extend(found.problems.iter().cloned());
        // Where each run adds what it reads, a package that was left and the next run are two loads.
        let is_one_load = place.adds_up() && found.loads == before.once.loads;
        let difference = found.against(if is_one_load { &before.once } else { &before.after });
        Outcome { cell: cell.clone(), code, difference, problems }
    }
}

/// Tries all cells out, several at a time.
pub(crate) fn try_all(benches: &[Bench], cells: &[Cell]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    // A run waits as much as it works.
    let threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let bench = benches
                        .iter()
                        .find(|bench| (bench.kind, bench.disposition) == (cell.kind, cell.disposition));
                    let outcome = bench.unwrap().try_out(cell);
                    if !outcome.is_right() {
                        eprintln!("WRONG {cell}: {:?} {:?}", outcome.difference, outcome.problems);
                    }
                    let mut outcomes = outcomes.lock().unwrap();
                    outcomes.push(outcome);
                    if outcomes.len() % 200 == 0 {
                        eprintln!("{} of {} after {:.0?}", outcomes.len(), cells.len(), start.elapsed());
                    }
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}
