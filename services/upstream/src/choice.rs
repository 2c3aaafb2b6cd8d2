//! Which of several addresses is to be preferred, and how many may be left out.

use crate::conduct::Conduct;

/// Of those with the lowest rank the one of two, picked at random, that has less to do. Who
/// has no rank is not there.
pub fn better_of_two<T>(of: &[T], rank: impl Fn(&T) -> Option<u8>, to_do: impl Fn(&T) -> u32) -> Option<&T> {
    let mut best: (u8, Vec<&T>) = (u8::MAX, Vec::new());
    for one in of {
        let Some(rank) = rank(one) else { continue };
        if rank < best.0 {
            best = (rank, Vec::with_capacity(of.len()));
        }
        if rank == best.0 {
            best.1.push(one);
        }
    }
    let best = best.1;
    if best.len() < 2 {
        return best.first().copied();
    }
    let first = fastrand::usize(..best.len());
    let second = (first + fastrand::usize(1..best.len())) % best.len();
    let (one, other) = (best[first], best[second]);
    Some(if to_do(other) < to_do(one) { other } else { one })
}

/// Leaves out those whose calls fail one after the other: at most half, with those that say
/// nothing, and only while another one does better. When all fail, it is not they that are
/// bad. Says which are new.
pub fn leave_out<T>(of: &[T], conduct: impl Fn(&T) -> &Conduct, now: u64) -> Vec<&T> {
    let mut new = Vec::new();
    if !of.iter().any(|one| conduct(one).should_be_left_out(now)) {
        return new;
    }
    let may_be = of.len() / 2;
    let is_silent = |one: &T| conduct(one).is_silent(now);
    let mut are = of.iter().filter(|one| conduct(one).is_left_out(now) || is_silent(one)).count();
    let other_does_better = of.iter().any(|one| conduct(one).is_good() && !conduct(one).is_bad(now));
    for one in of.iter().filter(|one| conduct(one).should_be_left_out(now)) {
        let would_be = are + usize::from(!is_silent(one));
        if would_be <= may_be && other_does_better {
            // Somebody else may have done it just now: then it is left out, and not new.
            are = would_be;
            if conduct(one).leave_out(now) {
                new.push(one);
            }
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_less_to_do_is_asked_more_often_and_nobody_always() {
        let pending = [9, 0, 5, 9];
        let mut asked = [0; 4];
        for _ in 0..12_000 {
            let at = better_of_two(&[0, 1, 2, 3], |_| Some(0), |at| pending[*at]).unwrap();
            asked[*at] += 1;
        }
        // Each pair is as likely as each other: three of six have the second in them.
        assert!((5_500..6_500).contains(&asked[1]), "{asked:?}");
        assert!((3_500..4_500).contains(&asked[2]), "{asked:?}");
        assert!(asked[0] > 800 && asked[3] > 800, "equals share: {asked:?}");
    }

    #[test]
    fn a_lower_rank_is_asked_whatever_it_has_to_do_and_who_has_none_never() {
        let ranks = [Some(2), None, Some(1), Some(2)];
        for _ in 0..100 {
            let chosen = better_of_two(&[0, 1, 2, 3], |at| ranks[*at], |at| if *at == 2 { 900 } else { 0 });
            assert_eq!(chosen, Some(&2));
        }
        assert_eq!(better_of_two(&[1], |_| None, |_| 0), None);
    }

    fn all(count: usize, failing: &[usize]) -> Vec<Conduct> {
        let all: Vec<Conduct> = (0..count).map(|_| Conduct::default()).collect();
        for at in failing {
            (0..100).for_each(|_| all[*at].failed(1));
        }
        all
    }

    #[test]
    fn at_most_half_are_left_out_and_none_while_all_fail() {
        for (count, failing, left_out) in [
            (1, &[0][..], 0),
            (2, &[0], 1),
            (2, &[0, 1], 0),
            (3, &[0, 1], 1),
            (4, &[0, 1, 2], 2),
            (5, &[0, 1, 2, 3, 4], 0),
            (3, &[], 0),
        ] {
            let all = all(count, failing);
            assert_eq!(leave_out(&all, |one| one, 1).len(), left_out, "{failing:?} of {count}");
            assert!(leave_out(&all, |one| one, 2).is_empty(), "they are left out already");
        }
    }

    #[test]
    fn those_that_say_nothing_count_beside_those_left_out() {
        for (silent, failing, left_out) in
            [(&[][..], &[0, 1][..], 2), (&[2], &[0, 1], 1), (&[1, 2], &[0], 0), (&[0, 2], &[0], 1)]
        {
            let all = all(4, failing);
            for at in silent {
                let at: usize = *at;
                all[at].asked(1);
            }
            assert_eq!(leave_out(&all, |one| one, 1_001).len(), left_out, "{silent:?} {failing:?}");
        }
    }

    #[test]
    fn one_that_works_beside_those_left_out_may_not_be_left_out_for_them() {
        let all = all(2, &[0]);
        leave_out(&all, |one| one, 1);
        (0..100).for_each(|_| all[1].failed(1));
        assert!(leave_out(&all, |one| one, 2).is_empty(), "nobody would be left");
    }
}
