//! How long to wait after a failure.

use super::reply::Class;
use crate::time::UnixTime;

/// First pause and longest pause after passing troubles, in seconds.
const SOON_FIRST_S: u64 = 5;
const SOON_LONGEST_S: u64 = 300;

/// While the old value still lives, the pauses shrink with what is left of it, but not below this.
const SOON_FLOOR_S: u64 = 10;

/// With nothing left to serve, no pause is longer: whoever mends the cause (clears the quota, lists
/// the address) is not kept waiting for a day.
const DOWN_LONGEST_S: u64 = 3600;

/// A fault of ours is not mended by asking, only by a new release.
const OUR_FAULT_S: u64 = 600;

/// When to try again after the `count`th failure in a row. `left_s` is the remaining life of the
/// value that is still served, 0 for none.
pub(super) fn retry_at(
    day_offset_s: u64,
    class: Class,
    count: u32,
    now: UnixTime,
    left_s: u64,
    dice: u32,
) -> UnixTime {
    let planned = planned(day_offset_s, class, count, now, left_s, u64::from(dice));
    if left_s > 0 { planned } else { planned.min(now.plus(DOWN_LONGEST_S)) }
}

fn planned(day_offset_s: u64, class: Class, count: u32, now: UnixTime, left_s: u64, jitter: u64) -> UnixTime {
    match class {
        Class::Soon | Class::DeadToken => {
            let pause = doubled(SOON_FIRST_S, count, SOON_LONGEST_S);
            let pause = if left_s > 0 { pause.min((left_s / 4).max(SOON_FLOOR_S)) } else { pause };
            now.plus((pause * (80 + jitter % 41) / 100).max(1))
        }
        Class::Minute => now.plus(60 + jitter % 10),
        // A little after midnight: other clocks than ours are at work, and other centres wait too.
        Class::Day => now.next_day(day_offset_s).plus(60 + jitter % 240),
        Class::Operator { first_s, every_s } => {
            let pause = doubled(first_s, count, every_s);
            now.plus(pause + jitter % (pause / 10 + 1))
        }
        Class::OurFault => now.plus(OUR_FAULT_S + jitter % 60),
    }
}

fn doubled(first_s: u64, count: u32, longest_s: u64) -> u64 {
    let doublings = count.saturating_sub(1).min(16);
    (first_s << doublings).min(longest_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 8 * 3600;
    const T0: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn pauses(class: Class, left_s: u64) -> Vec<u64> {
        (1..=9).map(|count| T0.until(retry_at(DAY, class, count, T0, left_s, 20))).collect()
    }

    #[test]
    fn passing_troubles_are_retried_less_and_less_often() {
        assert_eq!(pauses(Class::Soon, 0), [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn more_often_while_a_living_value_runs_out() {
        assert_eq!(pauses(Class::Soon, 200), [5, 10, 20, 40, 50, 50, 50, 50, 50]);
        assert_eq!(pauses(Class::Soon, 12), [5, 10, 10, 10, 10, 10, 10, 10, 10]);
    }

    #[test]
    fn jitter_moves_a_pause_by_a_fifth_at_most() {
        for dice in 0..1000 {
            let pause = T0.until(retry_at(DAY, Class::Soon, 9, T0, 0, dice));
            assert!((240..=360).contains(&pause), "{pause}");
        }
    }

    #[test]
    fn quotas_and_people_are_waited_for() {
        assert_eq!(pauses(Class::Minute, 0)[0], 60);
        assert_eq!(retry_at(DAY, Class::Day, 1, T0, 1, 0), T0.next_day(8 * 3600).plus(60));
        let person = Class::Operator { first_s: 60, every_s: 600 };
        assert_eq!((pauses(person, 0)[0], pauses(person, 0)[8]), (66, 620));
        let refused = Class::Operator { first_s: 86_400, every_s: 86_400 };
        assert!(pauses(refused, 1)[0] >= 86_400);
        assert!(pauses(Class::OurFault, 0)[0] >= 600);
        assert_eq!((pauses(refused, 0)[0], pauses(Class::Day, 0)[0]), (3600, 3600), "with nothing to serve");
    }
}
