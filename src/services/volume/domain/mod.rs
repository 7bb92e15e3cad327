//! What a volume is and what may be done to it: pure.

pub mod quota;
pub mod volume;
