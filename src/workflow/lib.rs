//! Long work: journaled steps with undo, resumed or unwound after a crash.
