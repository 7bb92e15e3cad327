//! Trusts: a user, the trustor, lets another, the trustee, act with some of the roles that the trustor holds on a
//! project; the trustee may be allowed to trust others in turn.
//!
//! Invariant: no trust gives more than the one that it was made from: no other roles, no later end, no impersonation
//! that the other does not allow, no greater depth.

use kit::{Fault, Timestamp};

use super::Object;
use super::attributes::Attributes;
use super::expiry;
use crate::error;

/// How often a trust can be handed on at most.
const DEEPEST: i64 = 3;

/// A trust.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trust {
    pub(crate) id: String,
    pub(crate) trustor_user_id: String,
    pub(crate) trustee_user_id: String,
    pub(crate) project_id: Option<String>,
    /// Whether the trustee's tokens are the trustor's.
    pub(crate) impersonation: bool,
    pub(crate) expires_at: Option<Timestamp>,
    /// How many tokens there can still be; none: any number.
    pub(crate) remaining_uses: Option<i64>,
    /// How often it can be handed on.
    pub(crate) redelegation_count: i64,
    /// What it was made from.
    pub(crate) redelegated_trust_id: Option<String>,
    pub(crate) role_ids: Vec<String>,
    pub(crate) extra: Object,
}

impl Trust {
    /// A trust of `given`, which its roles are still missing from.
    ///
    /// # Errors
    /// 400 and 403 for what cannot be.
    pub(crate) fn new(id: String, mut given: Attributes, now: Timestamp) -> Result<Self, Fault> {
        given.drop(&["id", "links", "roles", "roles_links", "deleted_at", "redelegated_trust_id"]);
        let remaining_uses = given.integer("remaining_uses");
        let asked_depth = given.integer("redelegation_count");
        let expires_at = given.text("expires_at").map(|text| expiry::parse(&text, now)).transpose()?;
        let can_be_handed_on = given.flag("allow_redelegation").unwrap_or(false) && asked_depth != Some(0);
        if can_be_handed_on {
            if asked_depth.is_some_and(|depth| depth > DEEPEST) {
                return Err(error::forbidden());
            }
            if remaining_uses.is_some() {
                return Err(Fault::bad_request("remaining_uses must not be set if redelegation is allowed"));
            }
        }
        Ok(Self {
            id,
            trustor_user_id: given.text("trustor_user_id").unwrap_or_default(),
            trustee_user_id: given.text("trustee_user_id").unwrap_or_default(),
            project_id: given.text("project_id").filter(|id| !id.is_empty()),
            impersonation: given.flag("impersonation").unwrap_or(false),
            expires_at,
            remaining_uses,
            redelegation_count: if can_be_handed_on { asked_depth.unwrap_or(DEEPEST) } else { 0 },
            redelegated_trust_id: None,
            role_ids: Vec::new(),
            extra: given.rest(),
        })
    }

    /// Makes it one that was made from the first of `pedigree`, whose others are what that was made from in turn.
    /// `depth_asked` says whether the client chose how deep it can be handed on.
    ///
    /// # Errors
    /// 403 where it would give more than any of them.
    pub(crate) fn redelegate(&mut self, pedigree: &[Self], depth_asked: bool) -> Result<(), Fault> {
        let Some(parent) = pedigree.first() else { return Ok(()) };
        let depth = parent.redelegation_count - 1;
        if self.redelegation_count > 0 {
            if depth_asked && self.redelegation_count != depth {
                return Err(error::forbidden());
            }
            self.redelegation_count = depth;
        }
        self.redelegated_trust_id = Some(parent.id.clone());
        pedigree.iter().try_for_each(|ancestor| self.check_within(ancestor))
    }

    fn check_within(&mut self, ancestor: &Self) -> Result<(), Fault> {
        let deep_enough = ancestor.redelegation_count > 0 && ancestor.redelegation_count <= DEEPEST;
        let later = match (self.expires_at, ancestor.expires_at) {
            (Some(own), Some(end)) => own > end,
            _ => false,
        };
        let more_roles = self.role_ids.iter().any(|id| !ancestor.role_ids.contains(id));
        let impersonates = self.impersonation && !ancestor.impersonation;
        if !deep_enough || self.remaining_uses.is_some() || later || more_roles || impersonates {
            return Err(error::forbidden());
        }
        self.expires_at = self.expires_at.or(ancestor.expires_at);
        Ok(())
    }

    /// Whether a token can be had by it at `now`.
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now <= end) && self.remaining_uses.is_none_or(|uses| uses > 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(second: i64) -> Timestamp {
        kit::time::from_micros(second * 1_000_000)
    }

    fn trust(more: Value) -> Result<Trust, Fault> {
        let mut given = json!({"trustor_user_id": "a", "trustee_user_id": "b", "impersonation": true});
        given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut trust = Trust::new("t".to_owned(), Attributes::new(given.as_object().unwrap().clone()), at(0))?;
        trust.role_ids = vec!["reader".to_owned()];
        Ok(trust)
    }

    fn parent(count: i64) -> Trust {
        Trust {
            id: "parent".to_owned(),
            role_ids: vec!["member".to_owned(), "reader".to_owned()],
            expires_at: Some(at(100)),
            ..trust(json!({"allow_redelegation": true, "redelegation_count": count})).unwrap()
        }
    }

    #[test]
    fn how_often_it_can_be_handed_on_follows_the_request() {
        for (more, expected) in [
            (json!({}), 0),
            (json!({"redelegation_count": 2}), 0),
            (json!({"allow_redelegation": true}), DEEPEST),
            (json!({"allow_redelegation": true, "redelegation_count": null}), DEEPEST),
            (json!({"allow_redelegation": true, "redelegation_count": 1}), 1),
            (json!({"allow_redelegation": true, "redelegation_count": 0}), 0),
        ] {
            assert_eq!(trust(more.clone()).unwrap().redelegation_count, expected, "{more}");
        }
        assert!(trust(json!({"allow_redelegation": true, "redelegation_count": DEEPEST + 1})).is_err());
        let fault = trust(json!({"allow_redelegation": true, "remaining_uses": 1})).unwrap_err();
        assert_eq!(fault.message(), "remaining_uses must not be set if redelegation is allowed");
    }

    #[test]
    fn what_is_handed_on_gives_no_more_than_its_origin() {
        let mut child = trust(json!({"allow_redelegation": true})).unwrap();
        child.redelegate(&[parent(2)], false).unwrap();
        assert_eq!((child.redelegation_count, child.expires_at), (1, Some(at(100))));
        assert_eq!(child.redelegated_trust_id.as_deref(), Some("parent"));
        let refused = |more: Value, pedigree: &[Trust], change: fn(&mut Trust)| {
            let depth_asked = more.get("redelegation_count").is_some();
            let mut child = trust(more).unwrap();
            change(&mut child);
            child.redelegate(pedigree, depth_asked).is_err()
        };
        let nothing = |_: &mut Trust| {};
        assert!(!refused(json!({}), &[parent(1)], nothing));
        assert!(refused(json!({}), &[parent(0)], nothing), "the origin cannot be handed on");
        assert!(refused(json!({}), &[parent(1), parent(0)], nothing), "nor can the origin's origin");
        assert!(refused(json!({"expires_at": "1970-01-01T00:01:41Z"}), &[parent(1)], nothing), "it ends later");
        assert!(!refused(json!({"expires_at": "1970-01-01T00:01:39Z"}), &[parent(1)], nothing));
        assert!(refused(json!({"remaining_uses": 1}), &[parent(1)], nothing), "its uses are counted");
        assert!(refused(json!({}), &[parent(1)], |child| child.role_ids.push("admin".to_owned())), "more roles");
        let honest = Trust { impersonation: false, ..parent(1) };
        assert!(refused(json!({}), std::slice::from_ref(&honest), nothing), "it impersonates");
        assert!(!refused(json!({"impersonation": false}), &[honest], nothing));
        let deeper = json!({"allow_redelegation": true, "redelegation_count": 2});
        assert!(refused(deeper, &[parent(2)], nothing), "the depth is not for the client to choose");
    }

    #[test]
    fn it_is_used_up_by_time_and_by_number() {
        let used = |uses: Option<i64>, now: i64| Trust { remaining_uses: uses, ..parent(0) }.is_usable(at(now));
        assert!(used(None, 100) && used(Some(1), 100));
        assert!(!used(None, 101) && !used(Some(0), 0));
    }
}
