use super::*;

const T0: u64 = 1_800_000_000_000;
const HOME: &str = "203.0.113.9";

fn token(n: u32) -> Sha256Digest {
    Sha256Digest::of(&n.to_string())
}

fn shop() -> AppName {
    AppName::parse("shop").unwrap()
}

#[test]
fn an_answer_is_believed_for_its_time() {
    let mut holders = Holders::default();
    assert_eq!(holders.find(&token(1), HOME, T0), Holder::Ask);
    holders.learn(&token(1), Some(shop()), T0);
    assert_eq!(holders.find(&token(1), HOME, T0 + 59_999), Holder::Of(shop()));
    assert_eq!(holders.find(&token(1), HOME, T0 + 60_000), Holder::Ask);
    holders.learn(&token(1), None, T0 + 60_000);
    assert_eq!(holders.find(&token(1), HOME, T0 + 60_001), Holder::Nobody, "revoked");
    holders.learn(&token(2), None, T0);
    assert_eq!(holders.find(&token(2), HOME, T0 + 1_999), Holder::Nobody);
    assert_eq!(holders.find(&token(2), HOME, T0 + 2_000), Holder::Ask);
}

/// Asks about tokens that are nobody's; how many questions there were.
fn guess(holders: &mut Holders, block: &str, tokens: std::ops::Range<u32>) -> usize {
    let mut asked = 0;
    for n in tokens {
        if holders.find(&token(n), block, T0 + u64::from(n % 4_000)) == Holder::Ask {
            asked += 1;
            holders.learn(&token(n), None, T0);
        }
    }
    asked
}

#[test]
fn who_guesses_holds_up_nobody_else() {
    let mut holders = Holders::default();
    holders.learn(&token(100_000), Some(shop()), T0 - 70_000);
    assert_eq!(guess(&mut holders, "198.51.100.7", 0..4_000), 50);
    assert_eq!(holders.find(&token(5_000), "198.51.100.7", T0 + 4_999), Holder::Busy);
    assert_eq!(holders.find(&token(5_000), HOME, T0 + 4_999), Holder::Ask, "another block");
    assert_eq!(holders.find(&token(100_000), "198.51.100.7", T0 + 4_999), Holder::Ask, "it was real");
    assert_eq!(holders.find(&token(5_001), "198.51.100.7", T0 + 5_000), Holder::Ask, "a new window");
}

#[test]
fn all_guesses_together_have_a_bound() {
    let mut holders = Holders::default();
    let asked: usize =
        (0..40_u32).map(|n| guess(&mut holders, &format!("198.51.100.{n}"), n * 100..n * 100 + 100)).sum();
    assert_eq!(asked, 500);
    assert!(holders.nobodys.len() <= MOST);
}

#[test]
fn real_tokens_cost_nothing_however_many() {
    let mut holders = Holders::of_apps(3_000);
    for round in 0..2 {
        for n in 0..9_000 {
            let now_ms = T0 + round * 1_000 + u64::from(n / 100);
            match holders.find(&token(n), HOME, now_ms) {
                Holder::Ask => holders.learn(&token(n), Some(shop()), now_ms),
                found => assert_eq!((round, found), (1, Holder::Of(shop()))),
            }
        }
    }
}

#[test]
fn a_block_over_the_limit_is_not_asked_for() {
    let mut holders = Holders::default();
    holders.learn(&token(1), Some(shop()), T0);
    holders.limited(HOME, T0);
    assert_eq!(holders.find(&token(2), HOME, T0 + 59_999), Holder::Busy);
    assert_eq!(holders.find(&token(1), HOME, T0 + 59_999), Holder::Of(shop()), "what is known is served");
    assert_eq!(holders.find(&token(2), HOME, T0 + 60_000), Holder::Ask);
}

#[test]
fn who_shares_an_address_with_those_who_guess_is_served_when_it_asks_again() {
    let mut holders = Holders::default();
    holders.limited(HOME, T0);
    assert_eq!(holders.find(&token(1), HOME, T0), Holder::Busy);
    // 280 other guesses a second, none of them twice.
    assert_eq!(guess(&mut holders, HOME, 1_000..2_000), 0);
    assert_eq!(holders.find(&token(1), HOME, T0 + 999), Holder::Busy);
    assert_eq!(holders.find(&token(1), HOME, T0 + 2_000), Holder::Ask);
    holders.learn(&token(1), Some(shop()), T0 + 2_000);
    assert_eq!(holders.find(&token(1), HOME, T0 + 2_001), Holder::Of(shop()));
    // Guesses that do come twice have a bound of their own.
    let again = (1_000..2_000).filter(|n| holders.find(&token(*n), HOME, T0 + 9_000) == Holder::Ask);
    assert_eq!(again.count(), 10);
    holders.limited("198.51.100.7", T0);
    assert_eq!(holders.find(&token(2), "198.51.100.7", T0), Holder::Busy);
    assert_eq!(
        holders.find(&token(2), "198.51.100.7", T0 + 9_000),
        Holder::Ask,
        "they hold up nobody elsewhere"
    );
}

#[test]
fn memory_has_a_bound() {
    let mut holders = Holders::default();
    holders.limited(HOME, T0);
    for n in 0..10_000_u32 {
        holders.find(&token(n), &n.to_string(), T0 + u64::from(n) * 20);
        holders.limited(&n.to_string(), T0);
        holders.find(&token(n + 50_000), HOME, T0);
        holders.learn(&token(n), (n % 2 == 0).then(shop), T0 + u64::from(n));
    }
    assert!(holders.known.len() <= MOST && holders.nobodys.len() <= MOST && holders.asking.len() <= MOST);
    assert!(holders.blocks.len() <= MOST_BLOCKS && holders.limited.len() <= MOST_BLOCKS);
    assert!(holders.second_of.len() <= MOST_BLOCKS);
    assert!(holders.turned_away.len() == MOST_TURNED_AWAY && holders.in_order.len() == MOST_TURNED_AWAY);
}
