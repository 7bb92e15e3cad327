//! What can be sent, and to whom.

use kit::ids::HostId;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Something that one service can ask of another.
pub trait Message: Serialize + DeserializeOwned + Send + 'static {
    /// The topic that answers it.
    const TOPIC: &'static str;
    /// Its name on that topic.
    const METHOD: &'static str;
    /// What comes back.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
}

/// Who of a topic's servers gets a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Whichever worker of the topic is free first.
    Any,
    /// The one on this host.
    Host(HostId),
}

impl Target {
    /// The topic's server on `host`.
    #[must_use]
    pub fn host(host: &HostId) -> Self {
        Self::Host(host.clone())
    }
}

/// The table of a topic's messages: `rpc! { TOPIC: Message => Reply, … }` implements [`Message`] for each.
#[macro_export]
macro_rules! rpc {
    ($topic:ident : $($message:ident => $reply:ty,)+) => {
        $(impl $crate::Message for $message {
            const TOPIC: &'static str = $topic;
            const METHOD: &'static str = stringify!($message);
            type Reply = $reply;
        })+
    };
}
