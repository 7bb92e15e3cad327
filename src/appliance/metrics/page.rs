//! Families of numbers, and their text.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

/// Labels and their values.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A family: numbers of one meaning, told apart by labels.
#[derive(Debug)]
pub(super) struct Family {
    /// Its name; a counter's text says `_total` after it.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// The numbers.
    pub samples: Samples,
}

/// The numbers of a family.
#[derive(Debug)]
pub(super) enum Samples {
    /// What only grows.
    Counter(Vec<(Labels, f64)>),
    /// What goes up and down.
    Gauge(Vec<(Labels, f64)>),
    /// How large they were.
    Histogram(Vec<(Labels, Distribution)>),
}

/// How many were how large.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Distribution {
    /// The sum of all.
    pub sum: f64,
    /// How many.
    pub count: u64,
    /// Upper bounds, and how many fell below that and above the one before; the last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
}

impl Distribution {
    /// That of `counts` between `bounds`; the last of `counts` is what is above all of them.
    pub(super) fn new(bounds: &[f64], counts: &[u64], sum: f64) -> Self {
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        Self { sum, count: counts.iter().sum(), buckets: bounds.zip(counts.iter().copied()).collect() }
    }
}

impl Family {
    fn kind(&self) -> MetricType {
        match self.samples {
            Samples::Counter(_) => MetricType::Counter,
            Samples::Gauge(_) => MetricType::Gauge,
            Samples::Histogram(_) => MetricType::Histogram,
        }
    }

    fn write(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, None, self.kind())?;
        match &self.samples {
            Samples::Counter(samples) => {
                labelled(&mut family, samples, |sample, value| sample.encode_counter::<NoLabelSet, _, f64>(value, None))
            }
            Samples::Gauge(samples) => labelled(&mut family, samples, |sample, value| sample.encode_gauge(value)),
            Samples::Histogram(samples) => labelled(&mut family, samples, |sample, one| {
                sample.encode_histogram::<NoLabelSet>(one.sum, one.count, &one.buckets, None)
            }),
        }
    }
}

/// Writes each of `samples` with `write`; one without labels without braces.
fn labelled<T>(
    family: &mut MetricEncoder<'_>,
    samples: &[(Labels, T)],
    write: impl Fn(&mut MetricEncoder<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    samples.iter().try_for_each(|(labels, value)| match labels.is_empty() {
        true => write(family, value),
        false => write(&mut family.encode_family(labels)?, value),
    })
}

#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| family.write(&mut encoder))
    }
}

/// The text of `families`. One without a number is left out.
///
/// # Errors
/// None: text can always be added to.
pub(super) fn render(mut families: Vec<Family>) -> Result<String, fmt::Error> {
    families.retain(|family| match &family.samples {
        Samples::Counter(samples) | Samples::Gauge(samples) => !samples.is_empty(),
        Samples::Histogram(samples) => !samples.is_empty(),
    });
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_become_openmetrics() {
        let label = |value: &str| vec![("what", value.to_owned())];
        let families = vec![
            Family {
                name: "c",
                help: "Counted",
                samples: Samples::Counter(vec![(label("a"), 3.0), (label("b\"\n"), 0.5)]),
            },
            Family { name: "g", help: "Measured", samples: Samples::Gauge(vec![(Vec::new(), -1.0)]) },
            Family {
                name: "h",
                help: "Distributed",
                samples: Samples::Histogram(vec![(label("a"), Distribution::new(&[1.0, 2.0], &[4, 0, 1], 9.5))]),
            },
            Family { name: "n", help: "Nothing", samples: Samples::Gauge(Vec::new()) },
        ];
        insta::assert_snapshot!(render(families).unwrap(), @r#"
        # HELP c Counted
        # TYPE c counter
        c_total{what="a"} 3.0
        c_total{what="b\"\n"} 0.5
        # HELP g Measured
        # TYPE g gauge
        g -1.0
        # HELP h Distributed
        # TYPE h histogram
        h_sum{what="a"} 9.5
        h_count{what="a"} 5
        h_bucket{le="1.0",what="a"} 4
        h_bucket{le="2.0",what="a"} 4
        h_bucket{le="+Inf",what="a"} 5
        # EOF
        "#);
    }
}
