//! Groups of children that a restart concerns, and the order in which they stop and start.

use super::{ChildState, Key, Policy, Step};
use crate::strategy::{RestartType, Strategy};

impl Policy {
    /// Stops what the strategy ties to this child, last started first, then starts the same in start order.
    ///
    /// `Source:` OTP supervisor.erl, `restart_multiple_children/3`: temporary children are stopped
    /// and forgotten; all others are started, those included that did not run.
    pub(super) fn restart_group(&mut self, key: Key) -> Vec<Step> {
        let mut steps = self.stop_group(key);
        for key in self.group(key) {
            if let Some(member) = self.members.get_mut(&key) {
                member.state = ChildState::Starting;
                steps.push(Step::Start(key));
            }
        }
        steps
    }

    pub(super) fn stop_group(&mut self, key: Key) -> Vec<Step> {
        let mut steps = Vec::new();
        for other in self.group(key).into_iter().rev() {
            let Some(member) = self.members.get_mut(&other) else {
                continue;
            };
            if member.state.is_live() {
                steps.push(Step::Stop(other));
            }
            member.state = ChildState::Stopped;
            if member.restart == RestartType::Temporary {
                self.members.remove(&other);
                steps.push(Step::Forget(other));
            }
        }
        steps
    }

    fn group(&self, key: Key) -> Vec<Key> {
        match self.strategy {
            Strategy::OneForOne => vec![key],
            Strategy::OneForAll => self.members.keys().copied().collect(),
            Strategy::RestForOne => self.members.range(key..).map(|(&key, _)| key).collect(),
        }
    }
}
