//! The in-process message bus: calls, casts, fanout, and every message of the system.
