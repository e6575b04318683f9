//! Dynamic supervisors: any number of children, started and ended at any time, in no order.

use crate::intensity::Intensity;

/// The number of children that a dynamic supervisor holds unless told otherwise.
pub const MAX_CHILDREN: usize = 10_000;

/// A supervisor without fixed children (OTP's `simple_one_for_one`).
///
/// Its children are started by [`crate::SupervisorRef::start_child`], are restarted one for one, start and stop
/// side by side, and are forgotten when they end for good.
#[derive(Clone, Debug)]
pub struct DynamicSpec {
    pub(crate) intensity: Intensity,
    pub(crate) max_children: usize,
    pub(crate) quarantine: Option<Intensity>,
}

impl DynamicSpec {
    /// OTP's default intensity and [`MAX_CHILDREN`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            intensity: Intensity::default(),
            max_children: MAX_CHILDREN,
            quarantine: None,
        }
    }

    /// Sets how many restarts of all children together it makes before it gives up.
    #[must_use]
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// Sets how many children it holds; a further start is refused.
    #[must_use]
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.max_children = max_children;
        self
    }

    /// Counts restarts per child: one that exceeds `intensity` is given up alone and kept as
    /// quarantined, with its reasons, until it is restarted or deleted by request.
    ///
    /// A deliberate difference from OTP, where one child can take all others down. The intensity of
    /// the supervisor itself is not used then.
    #[must_use]
    pub fn quarantine(mut self, intensity: Intensity) -> Self {
        self.quarantine = Some(intensity);
        self
    }
}

impl Default for DynamicSpec {
    fn default() -> Self {
        Self::new()
    }
}
