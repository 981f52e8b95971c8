//! A ticket slot: the same text for its whole life, whoever asks, with `expires_in` always 7200.

use crate::knobs::{Knobs, Millis};
use crate::random::Random;
use serde::{Deserialize, Serialize};

/// One type of ticket of one account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TicketSlot {
    current: Option<Ticket>,
    previous: Option<Ticket>,
}

/// One ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// The text.
    pub value: String,
    /// The end of its life, grace included.
    pub dies_at: Millis,
}

impl TicketSlot {
    /// The ticket of this moment; a new one when the life of the last has run out.
    pub(crate) fn ask(&mut self, now: Millis, knobs: &Knobs, random: &mut Random) -> (Ticket, bool) {
        if let Some(current) = self.current.as_ref().filter(|ticket| now < ticket.dies_at) {
            return (current.clone(), false);
        }
        let fresh =
            Ticket { value: random.text(knobs.ticket_chars), dies_at: now + knobs.ticket_life_s * 1000 };
        if let Some(before) = self.current.replace(fresh.clone()) {
            let dies_at = before.dies_at + knobs.ticket_grace_s * 1000;
            self.previous = Some(Ticket { dies_at, ..before });
        }
        (fresh, true)
    }

    /// Whether a page signed with this ticket is taken.
    pub fn is_alive(&self, value: &str, now: Millis) -> bool {
        [&self.current, &self.previous]
            .into_iter()
            .flatten()
            .any(|ticket| ticket.value == value && now < ticket.dies_at)
    }

    /// The tickets that verify at this moment.
    pub fn alive(&self, now: Millis) -> impl Iterator<Item = &Ticket> {
        [&self.current, &self.previous].into_iter().flatten().filter(move |ticket| now < ticket.dies_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_ticket_for_its_whole_life() {
        let (mut slot, knobs, mut random) = (TicketSlot::default(), Knobs::default(), Random::new(7));
        let (one, _) = slot.ask(0, &knobs, &mut random);
        assert_eq!(slot.ask(7_199_999, &knobs, &mut random).0.value, one.value);
        let (two, fresh) = slot.ask(7_200_000, &knobs, &mut random);
        assert!(fresh && two.value != one.value && one.value.len() == 86);
        assert!(!slot.is_alive(&one.value, 7_200_000) && slot.is_alive(&two.value, 7_200_000));
    }
}
