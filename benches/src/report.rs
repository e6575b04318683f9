//! The report of what was measured: samples of ours and of peers, and what was wanted of them.

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Millions of bytes per second; more is better.
    MbPerSecond,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Kibibytes.
    KiB,
    /// Hundredths of one processor.
    Percent,
}

impl Unit {
    /// The figure with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        let unit = match self {
            Self::MbPerSecond => "MB/s",
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "µs",
            Self::KiB => "KiB",
            Self::Percent => "%",
        };
        format!("{} {unit}", digits(value))
    }
}

/// Three digits that mean something.
pub(crate) fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// A wanted relation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// At least so many times the peer's figure.
    AtLeast(f64, &'static str),
    /// At most so many times the peer's figure.
    AtMost(f64, &'static str),
    /// At most so much more than the peer's figure.
    Above(f64, &'static str),
    /// At most this figure.
    Limit(f64),
}

/// One line of the table.
pub(crate) struct Line {
    /// What was done.
    pub(crate) work: String,
    /// What the figures count.
    pub(crate) unit: Unit,
    /// One figure per round of each program; ours is called [`OURS`].
    pub(crate) samples: Vec<(&'static str, Vec<f64>)>,
    /// What is wanted of ours.
    pub(crate) wanted: Vec<Wanted>,
    /// The machine's load average when the row began.
    pub(crate) load: f64,
}

/// Ours among the samples.
pub(crate) const OURS: &str = "fugue";

impl Line {
    /// A line without samples.
    pub(crate) fn new(work: &str, unit: Unit, wanted: &[Wanted]) -> Self {
        Self {
            work: work.to_owned(),
            unit,
            samples: Vec::new(),
            wanted: wanted.to_vec(),
            load: 0.0,
        }
    }

    /// One round's figure of a program.
    pub(crate) fn add(&mut self, who: &'static str, value: f64) {
        match self.samples.iter_mut().find(|(name, _)| *name == who) {
            Some((_, values)) => values.push(value),
            None => self.samples.push((who, vec![value])),
        }
    }

    /// The median of a program's rounds.
    pub(crate) fn median(&self, who: &str) -> Option<f64> {
        let (_, values) = self.samples.iter().find(|(name, _)| *name == who)?;
        Some(median(values))
    }

    /// Ours with its spread.
    pub(crate) fn ours(&self) -> String {
        let Some((_, values)) = self.samples.iter().find(|(name, _)| *name == OURS) else {
            return "–".to_owned();
        };
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        format!(
            "{} ({}–{})",
            self.unit.show(median(values)),
            digits(low),
            digits(high)
        )
    }

    /// The peers' medians.
    pub(crate) fn others(&self) -> String {
        let others = self.samples.iter().filter(|(name, _)| *name != OURS);
        let shown: Vec<String> = others
            .map(|(name, values)| format!("{name} {}", self.unit.show(median(values))))
            .collect();
        shown.join(", ")
    }

    /// Each wanted relation: in words, what it is, and whether it is met.
    pub(crate) fn verdicts(&self) -> Vec<(String, String, bool)> {
        let Some(ours) = self.median(OURS) else {
            return Vec::new();
        };
        let verdict = |wanted: &Wanted| {
            let (sign, factor, peer, holds): (_, _, _, fn(&f64, &f64) -> bool) = match *wanted {
                Wanted::Limit(limit) => {
                    let shown = self.unit.show(ours);
                    return Some((format!("≤ {}", self.unit.show(limit)), shown, ours <= limit));
                }
                Wanted::Above(most, peer) => {
                    let above = ours - self.median(peer)?;
                    let wanted = format!("≤ {peer} + {}", self.unit.show(most));
                    let sign = if above < 0.0 { '-' } else { '+' };
                    let is = format!("{peer} {sign} {}", self.unit.show(above.abs()));
                    return Some((wanted, is, above <= most));
                }
                Wanted::AtLeast(factor, peer) => ("≥", factor, peer, f64::ge),
                Wanted::AtMost(factor, peer) => ("≤", factor, peer, f64::le),
            };
            let ratio = ours / self.median(peer)?;
            Some((
                format!("{sign} {factor} × {peer}"),
                format!("{} × {peer}", digits(ratio)),
                holds(&ratio, &factor),
            ))
        };
        self.wanted.iter().filter_map(verdict).collect()
    }
}

/// The middle value.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this share of the values lies; between two of them it is in between.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = share * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests;
