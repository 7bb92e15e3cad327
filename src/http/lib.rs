//! The REST kit: endpoints as data, and everything a service API shares.
