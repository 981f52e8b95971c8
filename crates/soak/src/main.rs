//! `npm run soak -- [--days N] [--seeds N] [--from N] [--threads N]`: many runs, and a report. Ends with 1 and a
//! short failing script when a promise is broken. `--rate N` instead compares what quiet days cost without
//! readers and with N reads a second; `--outages N` tells how soon readers are served again after N outages of each kind.

use soak::check::Violation;
use soak::recovery;
use soak::run::{run, shrink};
use soak::scenario::Scenario;
use soak::tally::Tally;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

struct Options {
    days: u64,
    seeds: u64,
    from: u64,
    threads: u64,
    rate: u64,
    outages: u64,
}

fn options() -> Result<Options, String> {
    let mut options = Options { days: 30, seeds: 200, from: 0, threads: 2, rate: 0, outages: 0 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let field = match argument.as_str() {
            "--days" => &mut options.days,
            "--seeds" => &mut options.seeds,
            "--from" => &mut options.from,
            "--threads" => &mut options.threads,
            "--rate" => &mut options.rate,
            "--outages" => &mut options.outages,
            _ => {
                return Err(format!(
                    "{argument} is no option; known are --days, --seeds, --from, --threads, --rate, --outages"
                ));
            }
        };
        *field = arguments
            .next()
            .and_then(|text| text.parse().ok())
            .filter(|number| *number > 0 || argument == "--from")
            .ok_or_else(|| format!("{argument} takes a number"))?;
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("soak: {message}");
            return ExitCode::from(2);
        }
    };
    if options.outages > 0 {
        return recoveries(options.outages);
    }
    if options.rate > 0 {
        return compare(&options);
    }
    let (next, failed) = (AtomicU64::new(options.from), AtomicBool::new(false));
    let total = Mutex::new(Tally::default());
    let failure: Mutex<Option<(Scenario, Violation)>> = Mutex::new(None);
    let (done, begun) = (AtomicU64::new(0), Instant::now());
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= options.from + options.seeds {
                break;
            }
            let scenario = Scenario::of(seed, options.days);
            match run(scenario.clone()) {
                Ok(tally) => {
                    locked(&total).add(tally);
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, options.seeds, begun);
                }
                Err(violation) => {
                    failed.store(true, Ordering::Relaxed);
                    *locked(&failure) = Some((scenario, violation));
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(work);
        }
    });
    let failure = locked(&failure).take();
    if let Some((scenario, violation)) = failure {
        println!("soak: seed {} breaks a promise {violation}", scenario.seed);
        let (scenario, violation) = shrink(scenario, &violation, 200);
        println!("made smaller, it is:\n{scenario}  {violation}");
        return ExitCode::FAILURE;
    }
    report(&locked(&total));
    ExitCode::SUCCESS
}

/// Whatever was held dies in it, and the ledger of a day does not run dry.
const OUTAGE_MINUTES: u64 = 140;

/// Seconds from the end of an outage to the first value that is served again, and the calls of a day.
fn recoveries(seeds: u64) -> ExitCode {
    println!(
        "{:<24}{:>28}{:>8}{:>8}{:>8}{:>22}",
        "seconds from the end of", "", "median", "90 %", "longest", "calls an hour, app"
    );
    for (name, _, kind) in recovery::kinds() {
        let found = match recovery::outages(&kind, OUTAGE_MINUTES, seeds) {
            Ok(found) => found,
            Err(violation) => {
                println!("soak: a promise is broken {violation}");
                return ExitCode::FAILURE;
            }
        };
        let an_hour = whole(found.calls_in_outages * 60) / whole(seeds * OUTAGE_MINUTES * 2);
        for (what, mut after) in found.back_after {
            after.sort_unstable();
            let of = |hundredths| recovery::percentile(&after, hundredths);
            println!("{name:<24}{what:>28}{:>8.1}{:>8.1}{:>8.1}{an_hour:>22.0}", of(50), of(90), of(100));
        }
    }
    println!("calls for an app in a day without an answer");
    for (name, _, kind) in recovery::kinds() {
        match recovery::outages(&kind, 24 * 60, 1) {
            Ok(found) => println!("{name:<52}{:>8}", found.calls_in_outages / 2),
            Err(violation) => {
                println!("soak: a promise is broken {violation}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// What quiet days of the two apps cost, with and without readers. Ends with 1 when it is not the same.
fn compare(options: &Options) -> ExitCode {
    let Options { days, from, rate, .. } = *options;
    let run = |rate| run(Scenario::quiet(from, days, rate));
    let (idle, busy) = match run(0).and_then(|idle| Ok((idle, run(rate)?))) {
        Ok(both) => both,
        Err(violation) => {
            println!("soak: a promise is broken {violation}");
            return ExitCode::FAILURE;
        }
    };
    println!("{days} quiet days, seed {from}{:42}idle {rate:>4} reads/s", "");
    let calls = |tally: &Tally, app| tally.calls_on_last_day.get(&app).copied().unwrap_or(0);
    for (app, name) in
        ["stable app, a token and three tickets", "plain app, a token and a ticket"].iter().enumerate()
    {
        let what = format!("calls to WeChat on the last day: {name}");
        println!("{what:<65}{:>8}{:>12}", calls(&idle, app), calls(&busy, app));
    }
    println!("{:<65}{:>8}{:>12}", "writes to the store", idle.writes, busy.writes);
    println!("{:<65}{:>8}{:>12}", "credentials handed out", idle.served, busy.served);
    println!("{:<65}{:>8}{:>12}", "of them dead", idle.dead, busy.dead);
    ExitCode::from(u8::from(idle.calls != busy.calls))
}

/// How far a long run is, at most once for each twentieth of it.
fn progress(done: u64, all: u64, begun: Instant) {
    let step = all.div_ceil(20);
    let passed = begun.elapsed();
    if done.is_multiple_of(step) && done < all && passed.as_secs() >= 10 {
        let left = passed.as_secs() * (all - done) / done;
        eprintln!("▸ {done} of {all} seeds, about {} min {} s left", left / 60, left % 60);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn report(tally: &Tally) {
    let per_day = |count: u64, days: u64| if days == 0 { 0.0 } else { whole(count) / whole(days) };
    println!("seeds                                {:>12}", tally.runs);
    println!("days of one app                      {:>12}", tally.app_days);
    println!("rotations                            {:>12}", tally.rotations);
    println!("calls to WeChat per app and day      {:>12.1}", per_day(tally.all_calls(), tally.app_days));
    println!(
        "  in quiet runs                      {:>12.1}",
        per_day(tally.quiet_calls, tally.quiet_app_days)
    );
    for (kind, count) in &tally.calls {
        println!("  {kind:<35}{:>12.1}", per_day(*count, tally.app_days));
    }
    println!("writes to the store per app and day  {:>12.1}", per_day(tally.writes, tally.app_days));
    println!(
        "  in quiet runs                      {:>12.1}",
        per_day(tally.quiet_writes, tally.quiet_app_days)
    );
    println!("revocations asked for, and done      {:>12} {:>12}", tally.revokes.0, tally.revokes.1);
    println!("credentials handed out               {:>12}", tally.served);
    println!("dead credentials handed out          {:>12}", tally.dead);
    println!("  killed outside, nobody could know  {:>12}", tally.dead_unknowable);
    println!("  tickets of yet unknown age         {:>12}", tally.dead_of_unknown_age);
    println!("faults that struck");
    for (kind, count) in &tally.faults {
        println!("  {kind:<35}{count:>12}");
    }
    println!("disturbances");
    for (kind, count) in &tally.disturbances {
        println!("  {kind:<35}{count:>12}");
    }
    println!("readers who got nothing, and why");
    for (reason, count) in &tally.outages {
        println!("  {reason:<61}{count:>12}");
    }
}

/// Counts are far below 2^53.
#[allow(clippy::cast_precision_loss)]
const fn whole(count: u64) -> f64 {
    count as f64
}
