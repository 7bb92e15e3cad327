//! Keys, as clients see them.

use kit::time::micros_naive;
use serde_json::{Value, json};

use super::Look;
use super::set;
use crate::db::keypairs::Keypair;

/// An entry of a list.
#[must_use]
pub fn basic(look: &Look, key: &Keypair) -> Value {
    let mut view = json!({ "name": key.name, "public_key": key.public_key, "fingerprint": key.fingerprint });
    if look.since(2) {
        set(&mut view, "type", json!(key.key_type));
    }
    view
}

/// The answer to making one; `private_key` where it was made here.
#[must_use]
pub fn created(look: &Look, key: &Keypair, private_key: Option<&str>) -> Value {
    let mut view = basic(look, key);
    set(&mut view, "user_id", json!(key.user_id));
    if let Some(private_key) = private_key {
        set(&mut view, "private_key", json!(private_key));
    }
    json!({ "keypair": view })
}

/// One in full.
#[must_use]
pub fn detail(look: &Look, key: &Keypair) -> Value {
    let mut view = basic(look, key);
    set(&mut view, "user_id", json!(key.user_id));
    set(&mut view, "id", json!(key.id));
    set(&mut view, "created_at", json!(micros_naive(key.created_at)));
    set(&mut view, "deleted", json!(false));
    set(&mut view, "deleted_at", Value::Null);
    set(&mut view, "updated_at", Value::Null);
    json!({ "keypair": view })
}
