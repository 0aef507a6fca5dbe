//! Plays a queue forward: jobs arrive, start as the policy says, and end when they do.

use std::collections::HashMap;

use proptest::prelude::*;

use super::brute::{Standing, fault, fits};
use super::cases;
use super::worlds::{Job, decide, few_limits, jobs, limits, machine};
use crate::placement::{Holding, Limits, Machine};

/// A job under way, with the moment at which it really ends.
struct Running {
    holding: Holding,
    ends: i64,
}

struct Simulation<'a> {
    machine: &'a Machine,
    limits: &'a Limits,
    now: i64,
    /// Not arrived yet, in order, each with its moment. Who comes later stands further back.
    coming: Vec<(i64, Job)>,
    waiting: Vec<Job>,
    running: Vec<Running>,
    /// The latest start that each job was promised.
    promised: HashMap<i64, i64>,
    /// For a job that was promised a start after jobs of unknown length: when the last ended of those that ran then.
    drained: HashMap<i64, i64>,
}

impl Simulation<'_> {
    fn step(&mut self) -> Result<(), TestCaseError> {
        while self.coming.first().is_some_and(|(at, _)| *at <= self.now) {
            self.waiting.push(self.coming.remove(0).1);
        }
        self.running.retain(|job| job.ends > self.now);
        let holdings: Vec<Holding> = self.running.iter().map(|job| job.holding.clone()).collect();
        let plan = decide(self.machine, self.limits, &holdings, &self.waiting, self.now);

        // A job that a limit held up may start before one that was promised a moment, or take over the promise.
        let overtaken = |id: &i64| {
            let starts_before = plan.starts.iter().any(|(other, _)| other < id);
            let promised_before = plan.reservation.as_ref().is_some_and(|other| other.id < *id);
            starts_before || promised_before
        };
        self.promised.retain(|id, _| !overtaken(id));
        self.drained.retain(|id, _| !overtaken(id));

        for (id, assignment) in &plan.starts {
            let at = self.waiting.iter().position(|job| job.id == *id).expect("only waiting jobs start");
            let job = self.waiting.remove(at);
            if let Some(promised) = self.promised.get(id) {
                prop_assert!(
                    self.now <= *promised,
                    "job {} was promised {}, starts at {}",
                    id,
                    promised,
                    self.now
                );
            }
            if let Some(drained) = self.drained.get(id) {
                prop_assert!(
                    self.now <= *drained,
                    "job {} could start at {}, starts at {}",
                    id,
                    drained,
                    self.now
                );
            }
            let holding = Holding {
                id: *id,
                name: "job".into(),
                assignment: assignment.clone(),
                group: job.group.clone(),
                project: job.project.clone(),
                started_at: self.now,
                ends_at: job.estimate().map(|estimate| self.now + estimate),
            };
            self.running.push(Running { holding, ends: self.now + job.takes });
        }
        for (id, promised) in &self.promised {
            let waits = self.waiting.iter().any(|job| job.id == *id);
            prop_assert!(!waits || *promised > self.now, "job {} was promised {} and waits", id, promised);
        }
        if let Some(reservation) = &plan.reservation {
            if let Some(at) = reservation.at {
                let promised = self.promised.entry(reservation.id).or_insert(at);
                prop_assert!(at <= *promised, "job {} was promised {}, now {}", reservation.id, promised, at);
                *promised = at;
                self.drained.remove(&reservation.id);
            } else if !self.promised.contains_key(&reservation.id) {
                let last = self.running.iter().filter(|job| {
                    // Those that have passed it in this very step are no excuse.
                    job.holding.started_at < self.now || job.holding.id < reservation.id
                });
                let last = last.map(|job| job.ends).max().unwrap_or(self.now);
                self.drained.entry(reservation.id).or_insert(last);
            }
        }
        let standing: Vec<Standing> = self
            .running
            .iter()
            .map(|job| Standing {
                assignment: job.holding.assignment.clone(),
                group: job.holding.group.clone(),
                project: job.holding.project.clone(),
                ends_at: None,
            })
            .collect();
        prop_assert_eq!(fault(self.machine, self.limits, &standing), None);
        Ok(())
    }

    /// Runs until nothing moves any more.
    fn play(&mut self) -> Result<(), TestCaseError> {
        loop {
            self.step()?;
            let next =
                self.running.iter().map(|job| job.ends).chain(self.coming.first().map(|(at, _)| *at)).min();
            let Some(next) = next else {
                break;
            };
            prop_assert!(next > self.now, "time stands still at {}", next);
            self.now = next;
        }
        for job in &self.waiting {
            prop_assert!(!fits(self.machine, self.limits, &[], job), "job {} waits for ever", job.id);
        }
        Ok(())
    }
}

fn play(machine: &Machine, limits: &Limits, jobs: Vec<Job>, gaps: &[i64]) -> Result<(), TestCaseError> {
    let mut at = 0;
    let coming = jobs
        .into_iter()
        .zip(gaps.iter().cycle())
        .map(|(job, gap)| {
            at += gap;
            (at, job)
        })
        .collect();
    let mut simulation = Simulation {
        machine,
        limits,
        now: 0,
        coming,
        waiting: Vec::new(),
        running: Vec::new(),
        promised: HashMap::new(),
        drained: HashMap::new(),
    };
    simulation.play()
}

fn gaps() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(prop::sample::select(vec![0, 0, 0, 1, 2, 5]), 1..20)
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn promises_are_kept_whatever_arrives_later(
        machine in machine(), limits in few_limits(), jobs in jobs(40), gaps in gaps(),
    ) {
        play(&machine, &limits, jobs, &gaps)?;
    }

    #[test]
    fn promises_are_kept_under_every_limit(
        machine in machine(), limits in limits(), jobs in jobs(40), gaps in gaps(),
    ) {
        play(&machine, &limits, jobs, &gaps)?;
    }
}
