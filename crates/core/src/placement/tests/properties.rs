//! What holds for every plan.

use proptest::prelude::*;

use super::brute::{Standing, assignments, fault, fits, ways};
use super::cases;
use super::worlds::{Job, NOW, World, few_limits, limits, world};
use crate::placement::{Assignment, Holding, Limits, Plan, WaitReason, forecast, plan_from};

fn standing(holding: &Holding) -> Standing {
    Standing {
        assignment: holding.assignment.clone(),
        group: holding.group.clone(),
        project: holding.project.clone(),
        ends_at: holding.ends_at.map(|end| end.max(NOW)),
    }
}

fn started(world: &World, id: i64, assignment: &Assignment) -> Standing {
    let job = of(world, id);
    Standing {
        assignment: assignment.clone(),
        group: job.group.clone(),
        project: job.project.clone(),
        ends_at: job.estimate().map(|estimate| NOW + estimate),
    }
}

fn of(world: &World, id: i64) -> &Job {
    world.waiting.iter().find(|job| job.id == id).expect("only waiting jobs start")
}

/// What stands once the plan is carried out.
fn after(world: &World, plan: &Plan) -> Vec<Standing> {
    let new = plan.starts.iter().map(|(id, assignment)| started(world, *id, assignment));
    world.holdings.iter().map(standing).chain(new).collect()
}

fn left(world: &World, plan: &Plan) -> Vec<Job> {
    let starts = |id| plan.starts.iter().any(|(started, _)| *started == id);
    world.waiting.iter().filter(|job| !starts(job.id)).cloned().collect()
}

/// What still stands when the promised job starts, and what of it would stand then of a job that starts now.
struct Then {
    standing: Vec<Standing>,
    at: Option<i64>,
}

impl Then {
    /// Follows the rule by itself: jobs known when the promise was made end in order until the promised one fits.
    fn find(world: &World, plan: &Plan) -> Option<Self> {
        let promised = plan.reservation.as_ref()?;
        let before = |id: &i64| *id < promised.id;
        let mut known: Vec<(i64, i64, Standing)> =
            world.holdings.iter().map(|held| (held.started_at, held.id, standing(held))).collect();
        let (early, late): (Vec<_>, Vec<_>) = plan.starts.iter().partition(|(id, _)| before(id));
        known.extend(early.iter().map(|(id, given)| (NOW, *id, started(world, *id, given))));
        known.sort_by_key(|(since, id, one)| (one.ends_at.unwrap_or(i64::MAX), *since, *id));
        let mut rest: Vec<Standing> = known.into_iter().map(|(_, _, one)| one).collect();
        let at = loop {
            assert!(!rest.is_empty(), "what is promised must fit once everything has ended");
            let end = rest[0].ends_at;
            if end.is_some() {
                rest.retain(|one| one.ends_at != end);
            } else {
                rest.remove(0);
            }
            if fits(&world.machine, &world.limits, &rest, of(world, promised.id)) {
                break end;
            }
        };
        let gone = |one: &Standing| matches!((at, one.ends_at), (Some(at), Some(end)) if end <= at);
        rest.extend(late.iter().map(|(id, given)| started(world, *id, given)).filter(|one| !gone(one)));
        Some(Self { standing: rest, at })
    }

    /// Whether the promised job could not start then if this one started now.
    fn is_delayed_by(&self, world: &World, promised: &Job, now: &[Standing], one: &Standing) -> bool {
        // With the last place of its group or project gone, the promised job would no longer be the one to wait for.
        let own = |other: &&Standing| {
            let (group, project) = (&promised.group, &promised.project);
            (group.is_some() && other.group == *group, project.is_some() && other.project == *project)
        };
        let all = || now.iter().chain([one]);
        let limits = &world.limits;
        let group = promised.group.as_ref().and_then(|group| limits.groups.get(group));
        let project =
            promised.project.as_ref().and_then(|it| limits.projects.get(it).or(limits.per_project.as_ref()));
        if (own(&one).0 && group.is_some_and(|limit| all().filter(|it| own(it).0).count() as u32 >= *limit))
            || (own(&one).1
                && project.is_some_and(|limit| all().filter(|it| own(it).1).count() as u32 >= *limit))
        {
            return true;
        }
        if matches!((self.at, one.ends_at), (Some(at), Some(end)) if end <= at) {
            return false;
        }
        let mut all = self.standing.clone();
        all.push(one.clone());
        !fits(&world.machine, &world.limits, &all, promised)
    }
}

fn ids(plan: &Plan) -> Vec<i64> {
    plan.starts.iter().map(|(id, _)| *id).collect()
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn nothing_is_given_twice_and_no_limit_is_passed(world in world(limits())) {
        let plan = world.plan();
        prop_assert_eq!(fault(&world.machine, &world.limits, &after(&world, &plan)), None);
        for (id, given) in &plan.starts {
            let wanted = assignments(&world.machine, of(&world, *id));
            prop_assert!(wanted.contains(given), "job {} is given {:?}, which is not what it asked for", id, given);
        }
    }

    #[test]
    fn jobs_without_needs_need_not_be_named_once_no_slot_is_left(world in world(limits())) {
        let mut waiting = world.waiting.iter().map(Job::candidate);
        let next = |slots: bool| waiting.find(|job| slots || job.requirements.declared());
        let plan = plan_from(&world.machine, &world.limits, &world.holdings, next, NOW);
        prop_assert_eq!(plan, world.plan());
    }

    #[test]
    fn whatever_could_start_does_unless_it_delays_the_promised_job(world in world(limits())) {
        let plan = world.plan();
        let standing = after(&world, &plan);
        let then = Then::find(&world, &plan);
        for job in left(&world, &plan) {
            let ways = ways(&world.machine, &world.limits, &standing, &job, NOW);
            let harmless = ways.iter().find(|way| match (&then, &plan.reservation) {
                (Some(then), Some(promised)) => !then.is_delayed_by(&world, of(&world, promised.id), &standing, way),
                _ => true,
            });
            prop_assert!(harmless.is_none(), "job {} could start as {:?}", job.id, harmless);
        }
    }

    #[test]
    fn the_promise_is_the_earliest_moment_and_is_kept_free(world in world(limits())) {
        let plan = world.plan();
        let Some(promised) = &plan.reservation else {
            return Ok(());
        };
        let then = Then::find(&world, &plan).expect("there is a reservation");
        prop_assert_eq!(then.at, promised.at);
        let mut all = then.standing;
        all.push(started(&world, promised.id, &promised.assignment));
        prop_assert_eq!(fault(&world.machine, &world.limits, &all), None, "the reserved GPUs are not free then");
        let first = left(&world, &plan).into_iter().take_while(|job| job.id < promised.id).find(|job| {
            let alone = fits(&world.machine, &world.limits, &[], job);
            let by_limit = {
                let wide = Limits { slots: world.limits.slots, per_gpu: world.limits.per_gpu, ..Limits::default() };
                !fits(&world.machine, &world.limits, &after(&world, &plan), job)
                    && fits(&world.machine, &wide, &after(&world, &plan), job)
            };
            let counted = |one: &Standing| {
                (job.group.is_some() && one.group == job.group) || (job.project.is_some() && one.project == job.project)
            };
            let of_its_own = after(&world, &plan).iter().any(counted);
            alone && !by_limit && !of_its_own && job.requirements.declared()
        });
        prop_assert!(first.is_none(), "job {:?} comes before the promised one", first);
    }

    #[test]
    fn whoever_is_left_is_told_why(world in world(limits())) {
        let plan = world.plan();
        for (ahead, job) in (0..).zip(left(&world, &plan)) {
            let reason = plan.explain(&job.candidate(), ahead);
            prop_assert!(reason != WaitReason::Next, "nothing holds up job {}, and it does not start", job.id);
            prop_assert!(!reason.words_at(NOW).is_empty());
            if let WaitReason::Impossible { .. } = reason {
                prop_assert!(!fits(&world.machine, &world.limits, &[], &job), "job {} is possible", job.id);
            }
        }
    }

    #[test]
    fn jobs_without_needs_and_others_do_not_hold_each_other_up(world in world(few_limits())) {
        let together = ids(&world.plan());
        let only = |declared: bool| {
            let waiting: Vec<Job> =
                world.waiting.iter().filter(|job| job.requirements.declared() == declared).cloned().collect();
            ids(&World { waiting, ..world.clone() }.plan())
        };
        let mut apart = [only(false), only(true)].concat();
        apart.sort_unstable();
        prop_assert_eq!(together, apart);
    }

    #[test]
    fn of_equal_jobs_the_first_starts_first(world in world(limits()), doubled in 0usize..9) {
        let mut world = world;
        if let Some(job) = world.waiting.get(doubled).cloned() {
            world.waiting.push(Job { id: 100, ..job });
        }
        let starts = ids(&world.plan());
        prop_assert!(starts.is_sorted(), "{:?} is not the order of the queue", starts);
        for (at, job) in world.waiting.iter().enumerate() {
            let same = |other: &&Job| {
                other.requirements == job.requirements && other.group == job.group && other.project == job.project
            };
            if let Some(passed) = world.waiting[..at].iter().filter(same).find(|other| !starts.contains(&other.id)) {
                prop_assert!(!starts.contains(&job.id), "job {} passed job {}, its equal", job.id, passed.id);
            }
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer(world in world(limits())) {
        let plan = world.plan();
        prop_assert_eq!(&plan, &world.plan());
        let mut turned = world.clone();
        turned.holdings.reverse();
        let again = turned.plan();
        prop_assert_eq!(plan.starts, again.starts, "the order in which holdings are listed means nothing");
        prop_assert_eq!(plan.reservation, again.reservation);
    }

    #[test]
    fn a_paused_queue_starts_nothing(world in world(limits())) {
        let mut world = world;
        world.limits.paused = true;
        let plan = world.plan();
        prop_assert_eq!(&plan.starts, &[]);
        prop_assert_eq!(&plan.reservation, &None);
        for job in &world.waiting {
            let reason = plan.explain(&job.candidate(), 0);
            prop_assert!(matches!(reason, WaitReason::QueuePaused | WaitReason::Impossible { .. }), "{:?}", reason);
        }
        let starts = forecast(&plan, world.waiting.iter().map(Job::candidate), 100);
        prop_assert!(starts.iter().all(|(_, start)| start.is_none()));
    }

    #[test]
    fn forecast_and_promise_agree(world in world(few_limits())) {
        let plan = world.plan();
        let starts = forecast(&plan, world.waiting.iter().map(Job::candidate), 100);
        prop_assert_eq!(starts.len(), world.waiting.len());
        let of = |id: i64| starts.iter().find(|(other, _)| *other == id).and_then(|(_, start)| *start);
        for (id, _) in &plan.starts {
            prop_assert_eq!(of(*id), Some(NOW));
        }
        if let Some(promised) = &plan.reservation {
            prop_assert_eq!(of(promised.id), promised.at);
        }
        for job in left(&world, &plan) {
            if let Some(start) = of(job.id) {
                prop_assert!(start >= NOW);
                prop_assert!(fits(&world.machine, &world.limits, &[], &job), "job {} can't ever start", job.id);
            }
        }
    }

    #[test]
    fn any_numbers_at_all_are_survived(world in world(limits()), wild: u64, end: i64, now: i64) {
        let mut world = world;
        for holding in &mut world.holdings {
            holding.assignment.memory = wild;
            holding.assignment.cpu_cores = u32::MAX;
            holding.ends_at = Some(end);
            for share in &mut holding.assignment.gpus {
                share.memory = wild;
                share.index = u32::MAX;
            }
        }
        for job in &mut world.waiting {
            job.requirements.estimated_ms = Some(wild);
            job.requirements.gpus = job.requirements.gpus.saturating_mul(u32::MAX / 2);
            job.requirements.memory = Some(wild);
        }
        let plan = super::worlds::decide(&world.machine, &world.limits, &world.holdings, &world.waiting, now);
        for job in &world.waiting {
            let _ = plan.explain(&job.candidate(), u32::MAX).words_at(end);
        }
        let _ = forecast(&plan, world.waiting.iter().map(Job::candidate), 100);
    }
}
