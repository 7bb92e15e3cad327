//! What an import asks for, and whether the image is in the state for it: Glance's rules.

use kit::Fault;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::image::{Image, Status};

/// How the bytes come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Method {
    /// They were staged.
    GlanceDirect,
    /// From an address.
    WebDownload {
        /// Which.
        uri: String,
    },
    /// They are in another store already.
    CopyImage,
}

impl Method {
    /// Glance's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GlanceDirect => "glance-direct",
            Self::WebDownload { .. } => "web-download",
            Self::CopyImage => "copy-image",
        }
    }
}

/// An import, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How the bytes come.
    pub method: Method,
    /// Whether all stores are to get them.
    pub all_stores: bool,
    /// Whether one store that does not get them fails it all.
    pub all_must_succeed: bool,
    /// The stores that are named.
    pub stores: Option<Vec<String>>,
}

impl Asked {
    /// Reads a request's `body`; `offered` are the methods that there are.
    ///
    /// # Errors
    /// A 400 that says what is wrong.
    pub fn parse(body: &Value, offered: &[String]) -> Result<Self, Fault> {
        let bad = |text: &str| Fault::bad_request(text.to_owned());
        let method = body.get("method").ok_or_else(|| bad("Import request requires a 'method' field."))?;
        let name = method.get("name").ok_or_else(|| bad("Import request requires a 'name' field."))?;
        let name = name.as_str().filter(|name| offered.iter().any(|known| known == name));
        let method = match name {
            Some("glance-direct") => Method::GlanceDirect,
            Some("copy-image") => Method::CopyImage,
            Some("web-download") => {
                let uri = method.get("uri").and_then(Value::as_str).unwrap_or_default().to_owned();
                Method::WebDownload { uri }
            }
            _ => {
                let asked =
                    method.get("name").map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned));
                return Err(Fault::bad_request(format!("Unknown import method name '{}'.", asked.unwrap_or_default())));
            }
        };
        let flag = |name: &str, default: bool| match body.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Fault::bad_request(format!("'{name}' must be boolean value only"))),
        };
        let stores = match body.get("stores") {
            None => None,
            Some(value) => Some(
                Vec::<String>::deserialize(value)
                    .map_err(|_| bad("'stores' must be a list of the names of stores."))?,
            ),
        };
        Ok(Self {
            method,
            all_stores: flag("all_stores", false)?,
            all_must_succeed: flag("all_stores_must_succeed", true)?,
            stores,
        })
    }

    /// The stores that `image` is to get into, of those that there `are`. None: it is in all of them already.
    ///
    /// `header` is the store that the request's header names.
    ///
    /// # Errors
    /// A 400 where it is named twice or the image is there already, a 409 where there is no such store.
    pub fn targets(
        &self,
        image: &Image,
        are: &[String],
        default: &str,
        header: Option<&str>,
    ) -> Result<Vec<String>, Fault> {
        let mut stores = match (&self.stores, header) {
            (None, None) if self.all_stores => are.to_vec(),
            _ if self.all_stores => {
                return Err(Fault::bad_request(
                    "All stores were asked for: neither the x-image-meta-store header nor stores can be given with it.",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(Fault::bad_request("Give stores or the x-image-meta-store header, not both."));
            }
            (Some(stores), None) => stores.clone(),
            (None, header) => vec![header.unwrap_or(default).to_owned()],
        };
        let mut seen = std::collections::HashSet::new();
        stores.retain(|store| seen.insert(store.clone()));
        if let Some(unknown) = stores.iter().find(|store| !are.contains(store)) {
            return Err(Fault::conflict(format!("There is no store called '{unknown}'.")));
        }
        if stores.is_empty() {
            return Err(Fault::bad_request("No store is named."));
        }
        if self.method != Method::CopyImage {
            return Ok(stores);
        }
        if self.all_stores {
            stores.retain(|store| !image.stores.contains(store));
        } else if let Some(store) = stores.iter().find(|store| image.stores.contains(store)) {
            return Err(Fault::bad_request(format!("Image is already present at store '{store}'")));
        }
        Ok(stores)
    }
}

/// Whether `image` is in the state that `method` wants.
///
/// # Errors
/// A 409 that says what is missing.
pub fn admit(image: &Image, method: &Method) -> Result<(), Fault> {
    let copies = *method == Method::CopyImage;
    let name = method.name();
    let refusal = match image.status {
        Status::Active if !copies => "Image with status active cannot be target for import".to_owned(),
        status if status != Status::Active && copies => {
            "Only images with status active can be targeted for copying".to_owned()
        }
        status if status != Status::Queued && matches!(method, Method::WebDownload { .. }) => {
            format!("Image needs to be in 'queued' state to use '{name}' method")
        }
        status if status != Status::Uploading && *method == Method::GlanceDirect => {
            format!("Image needs to be staged before '{name}' method can be used")
        }
        _ if image.container_format.is_none() => "'container_format' needs to be set before import".to_owned(),
        _ if image.disk_format.is_none() => "'disk_format' needs to be set before import".to_owned(),
        _ => return Ok(()),
    };
    Err(Fault::conflict(refusal))
}

/// `list`, store ids with commas between, with `more` and without `less`; sorted, as Glance keeps it.
pub fn amend(list: Option<&str>, more: &[String], less: &[String]) -> String {
    let present = list.unwrap_or_default().split(',').filter(|store| !store.is_empty());
    let all: std::collections::BTreeSet<&str> = present.chain(more.iter().map(String::as_str)).collect();
    all.into_iter().filter(|store| !less.iter().any(|gone| gone == store)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use kit::FaultKind::{BadRequest, Conflict};
    use serde_json::json;

    use super::*;

    fn offered() -> Vec<String> {
        ["glance-direct", "web-download", "copy-image"].map(str::to_owned).to_vec()
    }

    fn image(status: Status, stores: &[&str]) -> Image {
        Image {
            status,
            disk_format: Some("raw".to_owned()),
            container_format: Some("bare".to_owned()),
            stores: stores.iter().map(|store| (*store).to_owned()).collect(),
            ..Image::new("i1".into(), None, kit::Timestamp::UNIX_EPOCH)
        }
    }

    fn asked(body: &Value) -> Asked {
        Asked::parse(body, &offered()).unwrap()
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for body in [
            json!({}),
            json!({ "method": {} }),
            json!({ "method": { "name": "glance-download" } }),
            json!({ "method": { "name": 7 } }),
            json!({ "method": { "name": "glance-direct" }, "all_stores": "yes" }),
            json!({ "method": { "name": "glance-direct" }, "all_stores_must_succeed": 1 }),
            json!({ "method": { "name": "glance-direct" }, "stores": "file" }),
        ] {
            assert_eq!(Asked::parse(&body, &offered()).unwrap_err().kind(), BadRequest, "{body}");
        }
    }

    #[test]
    fn an_image_must_be_in_the_state_for_the_method() {
        let all = [Status::Queued, Status::Saving, Status::Uploading, Status::Importing, Status::Active];
        let download = Method::WebDownload { uri: String::new() };
        for (method, right) in
            [(Method::GlanceDirect, Status::Uploading), (download, Status::Queued), (Method::CopyImage, Status::Active)]
        {
            for status in all {
                let admitted = admit(&image(status, &[]), &method).map_err(|fault| fault.kind());
                assert_eq!(admitted, if status == right { Ok(()) } else { Err(Conflict) }, "{method:?} {status:?}");
            }
        }
        let bare = Image { disk_format: None, ..image(Status::Uploading, &[]) };
        assert_eq!(admit(&bare, &Method::GlanceDirect).unwrap_err().kind(), Conflict);
    }

    #[test]
    fn stores_are_those_that_are_named() {
        let are: Vec<String> = ["file", "slow"].map(str::to_owned).to_vec();
        let image = image(Status::Active, &["file"]);
        let targets =
            |body: Value, header| asked(&body).targets(&image, &are, "file", header).map_err(|fault| fault.kind());
        let direct = |more: Value| {
            let mut body = json!({ "method": { "name": "glance-direct" } });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let copy = |more: Value| {
            let mut body = direct(more);
            body["method"]["name"] = "copy-image".into();
            body
        };
        let names = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(targets(direct(json!({})), None), names(&["file"]));
        assert_eq!(targets(direct(json!({})), Some("slow")), names(&["slow"]));
        assert_eq!(targets(direct(json!({ "stores": ["slow", "file", "slow"] })), None), names(&["slow", "file"]));
        assert_eq!(targets(direct(json!({ "all_stores": true })), None), names(&["file", "slow"]));
        assert_eq!(targets(direct(json!({ "stores": ["slow"] })), Some("slow")), Err(BadRequest));
        assert_eq!(targets(direct(json!({ "all_stores": true, "stores": ["slow"] })), None), Err(BadRequest));
        assert_eq!(targets(direct(json!({ "stores": ["nope"] })), None), Err(Conflict));
        assert_eq!(targets(copy(json!({ "all_stores": true })), None), names(&["slow"]));
        assert_eq!(targets(copy(json!({ "stores": ["file"] })), None), Err(BadRequest));
    }

    #[test]
    fn lists_of_stores_stay_sorted_and_may_become_empty() {
        let one = |name: &str| vec![name.to_owned()];
        assert_eq!(amend(None, &one("b"), &[]), "b");
        assert_eq!(amend(Some("b"), &one("a"), &[]), "a,b");
        assert_eq!(amend(Some("a,b"), &[], &one("a")), "b");
        assert_eq!(amend(Some("b"), &[], &one("b")), "");
    }
}
