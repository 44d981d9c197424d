//! The position of a consumer in a resumable stream.

use super::Seam;
use crate::engine::Mark;
use crate::proto::{Position, Resume};

/// Follows the items of a stream over several connections.
#[derive(Default, Debug)]
pub(crate) struct Follower {
    /// The position of the last item that was taken, if the peer tells positions.
    taken: Option<Position>,
    /// The position of the last item that has arrived on this connection.
    arrived: Option<Position>,
    /// True until the first item after a lost connection.
    is_seam_due: bool,
}

/// An item that has arrived.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// It was taken before.
    Repeated,
    /// It follows the last one.
    Next,
    /// It comes after a seam.
    After(Seam),
}

impl Follower {
    /// Begins again after a lost connection. Returns where.
    pub(crate) fn connection_lost(&mut self) -> Resume {
        (self.arrived, self.is_seam_due) = (None, true);
        self.taken.map_or(Resume::New, Resume::After)
    }

    /// Records an item that has arrived.
    pub(crate) fn arrive(&mut self, Mark { lost, at }: Mark) -> Arrival {
        let next = self.arrived.map(|last| Position {
            // A peer may report any loss. No position is larger.
            offset: last.offset.saturating_add(lost).saturating_add(1).min(Position::MAX),
            ..last
        });
        self.arrived = at.or(next);
        // The number of items between the last that was taken and this one.
        let mut between = None;
        // Later, an item may have the position of the one before: an adapter has made both of one, or added it.
        if let (true, Some(arrived), Some(taken)) = (self.is_seam_due, self.arrived, self.taken)
            && arrived.epoch == taken.epoch
        {
            between = arrived.offset.checked_sub(taken.offset + 1);
            if between.is_none() {
                return Arrival::Repeated;
            }
        }
        let seam = match (std::mem::take(&mut self.is_seam_due), between, self.arrived) {
            (false, _, _) if lost == 0 => return Arrival::Next,
            (false, _, _) => Seam::Gap { lost: Some(lost) },
            (true, Some(0), _) => Seam::Resumed,
            (true, Some(lost), _) => Seam::Gap { lost: Some(lost) },
            (true, None, Some(_)) => Seam::Fresh,
            (true, None, None) => Seam::Gap { lost: None },
        };
        Arrival::After(seam)
    }

    /// Records that the last item that has arrived was taken.
    pub(crate) fn take(&mut self) {
        self.taken = self.arrived;
    }

    /// Returns the position of the last item that was taken, if the peer tells positions.
    pub(crate) fn position(&self) -> Option<Position> {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, offset: u64) -> Mark {
        Mark { lost: 0, at: Some(Position { epoch, offset }) }
    }

    /// A consumer that has taken item 10 of history 7, and lost its connection.
    fn interrupted() -> Follower {
        let mut follower = Follower::default();
        assert_eq!(follower.arrive(at(7, 10)), Arrival::Next);
        follower.take();
        assert_eq!(follower.connection_lost(), Resume::After(Position { epoch: 7, offset: 10 }));
        follower
    }

    #[test]
    fn the_first_item_after_a_loss_tells_the_seam() {
        let first = |mark| interrupted().arrive(mark);
        assert_eq!(first(at(7, 11)), Arrival::After(Seam::Resumed));
        assert_eq!(first(at(7, 15)), Arrival::After(Seam::Gap { lost: Some(4) }));
        assert_eq!(first(at(8, 11)), Arrival::After(Seam::Fresh));
        assert_eq!(first(Mark::default()), Arrival::After(Seam::Gap { lost: None }));
        assert_eq!(first(at(7, 10)), Arrival::Repeated);
        // Nothing was taken.
        let mut follower = Follower::default();
        assert_eq!(follower.connection_lost(), Resume::New);
        assert_eq!(follower.arrive(at(7, 3)), Arrival::After(Seam::Fresh));
    }

    #[test]
    fn items_that_were_taken_before_are_left_out_and_the_seam_comes_after_them() {
        let mut follower = interrupted();
        for mark in [at(7, 8), Mark::default(), Mark::default()] {
            assert_eq!(follower.arrive(mark), Arrival::Repeated);
        }
        assert_eq!(follower.arrive(Mark::default()), Arrival::After(Seam::Resumed));
        follower.take();
        assert_eq!(
            (follower.arrive(Mark::default()), follower.position()),
            (Arrival::Next, Some(Position { epoch: 7, offset: 11 }))
        );
    }

    #[test]
    fn losses_on_the_way_move_the_position() {
        let mut follower = interrupted();
        assert_eq!(follower.arrive(at(7, 11)), Arrival::After(Seam::Resumed));
        follower.take();
        assert_eq!(follower.arrive(Mark { lost: 3, at: None }), Arrival::After(Seam::Gap { lost: Some(3) }));
        follower.take();
        assert_eq!(follower.connection_lost(), Resume::After(Position { epoch: 7, offset: 15 }));
        // Without positions there are losses, too.
        let mut plain = Follower::default();
        assert_eq!(plain.arrive(Mark { lost: 2, at: None }), Arrival::After(Seam::Gap { lost: Some(2) }));
        plain.take();
        assert_eq!(plain.connection_lost(), Resume::New);
    }

    #[test]
    fn absurd_numbers_of_a_peer_do_not_overflow() {
        let mut follower = interrupted();
        follower.arrive(at(7, Position::MAX));
        follower.take();
        for _ in 0..5 {
            follower.arrive(Mark { lost: u64::MAX, at: None });
            follower.take();
        }
        assert_eq!(follower.connection_lost(), Resume::After(Position { epoch: 7, offset: Position::MAX }));
        assert_eq!(follower.arrive(at(7, Position::MAX)), Arrival::Repeated);
    }
}
