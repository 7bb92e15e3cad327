//! What was said with a verb: names become ids, texts become JSON, and all finds its place in a path, a query or a body.

use clap::ArgMatches;
use serde_json::{Map, Value, json};

use super::resource::{Arg, Kind};
use crate::cli::client::escape;
use crate::cli::problem::{Problem, Result};
use crate::cli::resolve::Noun;
use crate::cli::session::{self, Session};
use crate::cli::terminal;

/// What was said, in the order of the description.
#[derive(Debug, Default)]
pub(super) struct Said(Vec<(&'static Arg, Value)>);

impl Said {
    /// What `matches` has of `args`.
    ///
    /// # Errors
    /// When something is not there, or is no value of its kind.
    pub(super) async fn read(args: &'static [Arg], matches: &ArgMatches, session: &Session) -> Result<Self> {
        let mut said = Vec::new();
        for arg in args {
            if let Some(value) = value(arg, matches, session).await? {
                said.push((arg, value));
            }
        }
        Ok(Self(said))
    }

    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object of all that was said.
    pub(super) fn body(&self) -> Value {
        let mut body = Map::new();
        for (arg, value) in &self.0 {
            put(&mut body, &arg.target(), value.clone());
        }
        Value::Object(body)
    }

    /// The query of all that was said, with its `?`; nothing where nothing was.
    pub(super) fn query(&self) -> String {
        let mut pairs = Vec::new();
        for (arg, value) in &self.0 {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            pairs.extend(values.iter().map(|value| format!("{}={}", arg.target(), escape(&text(value)))));
        }
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    /// The first of `paths` for which all was said that it needs. What is in it is taken away; the rest is left. The one that takes the most goes
    /// before the others.
    pub(super) fn path(&mut self, paths: &[&str]) -> Option<String> {
        let names = |path: &str| -> Vec<String> {
            path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0.to_owned())).collect()
        };
        let has = |name: &String| self.0.iter().any(|(arg, _)| arg.name == name);
        // Lower-case placeholders of the token's own are the client's.
        let own = |name: &String| name == "user_id" || name == "project_id";
        let fits = paths.iter().filter(|path| names(path).iter().all(|name| own(name) || has(name)));
        let path = fits.max_by_key(|path| names(path).len())?;
        let mut made = (*path).to_owned();
        for name in names(path).iter().filter(|name| !own(name)) {
            let at = self.0.iter().position(|(arg, _)| arg.name == name)?;
            let (_, value) = self.0.remove(at);
            made = made.replace(&format!("{{{name}}}"), &escape(value.as_str().unwrap_or_default()));
        }
        Some(made)
    }

    /// The names of what is left.
    pub(super) fn names(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(arg, _)| if arg.positional { arg.name.to_owned() } else { format!("--{}", arg.name) })
            .collect()
    }
}

async fn value(arg: &Arg, matches: &ArgMatches, session: &Session) -> Result<Option<Value>> {
    if let Kind::Flag(literal) = arg.kind {
        let said = arg.always || matches.get_flag(arg.name);
        return Ok(said.then(|| serde_json::from_str(literal).unwrap_or_else(|_| Value::from(literal))));
    }
    if let Kind::Number = arg.kind {
        return Ok(matches.get_one::<i64>(arg.name).map(|number| json!(number)));
    }
    let Some(texts) = matches.get_many::<String>(arg.name) else { return Ok(None) };
    let texts: Vec<&str> = texts.map(String::as_str).collect();
    let first = texts.first().copied().unwrap_or_default();
    let wrong = |text: String| Problem::usage(format!("{}: {text}", arg.name));
    Ok(Some(match arg.kind {
        Kind::Texts => json!(texts),
        Kind::Secret => json!(secret(arg, first)?),
        Kind::Ref(noun) => json!(id(noun, session, first).await?),
        Kind::Refs(noun) => json!(ids(noun, session, &texts).await?),
        Kind::RefObjects(noun) => ids(noun, session, &texts).await?.into_iter().map(|id| json!({ "id": id })).collect(),
        Kind::Pairs => {
            let pairs: std::result::Result<Vec<_>, String> = texts.iter().map(|text| session::pair(text)).collect();
            Value::Object(pairs.map_err(wrong)?.into_iter().map(|(key, value)| (key, json!(value))).collect())
        }
        Kind::Parsed(_, parse) => parse(first).map_err(wrong)?,
        Kind::ParsedMany(_, parse) => {
            let all: std::result::Result<Vec<Value>, String> = texts.iter().map(|text| parse(text)).collect();
            Value::from(all.map_err(wrong)?)
        }
        Kind::Text | Kind::Choice(_) | Kind::Number | Kind::Flag(_) => json!(first),
    }))
}

async fn id(noun: &Noun, session: &Session, wanted: &str) -> Result<String> {
    noun.find_id(&session.client, wanted).await
}

async fn ids(noun: &Noun, session: &Session, wanted: &[&str]) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for one in wanted {
        ids.push(id(noun, session, one).await?);
    }
    Ok(ids)
}

/// A secret as it was given, or the first line of standard input.
fn secret(arg: &Arg, text: &str) -> Result<String> {
    if text == "-" { terminal::secret(arg.name) } else { Ok(text.to_owned()) }
}

/// Puts `value` at `place` (`links/parent`).
fn put(body: &mut Map<String, Value>, place: &str, value: Value) {
    match place.split_once('/') {
        None => drop(body.insert(place.to_owned(), value)),
        Some((key, rest)) => {
            let inner = body.entry(key).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::nouns::resource::{operand, opt};

    const NAME: Arg = operand("NAME", Kind::Text, "").field("name");
    const PARENT: Arg = opt("parent", Kind::Text, "").field("links/parent");
    const SELF: Arg = opt("self-link", Kind::Text, "").field("links/self");
    const TAGS: Arg = opt("tag", Kind::Texts, "");
    const USER: Arg = opt("user", Kind::Text, "");

    fn said(values: &[(&'static Arg, Value)]) -> Said {
        Said(values.to_vec())
    }

    #[test]
    fn all_finds_its_place() {
        let said =
            said(&[(&NAME, json!("a b")), (&PARENT, json!("p")), (&SELF, json!("s")), (&TAGS, json!(["x", "y"]))]);
        assert_eq!(said.body(), json!({"name": "a b", "links": {"parent": "p", "self": "s"}, "tag": ["x", "y"]}));
        assert_eq!(said.query(), "?name=a%20b&links/parent=p&links/self=s&tag=x&tag=y");
        assert_eq!(Said::default().query(), "");
    }

    #[test]
    fn the_path_that_takes_the_most_is_taken() {
        let paths =
            ["/roles/{NAME}", "/users/{user}/roles/{NAME}", "/groups/{group}/roles/{NAME}", "/users/{user_id}/x"];
        let mut both = said(&[(&NAME, json!("a/b")), (&USER, json!("u")), (&TAGS, json!(["x"]))]);
        assert_eq!(both.path(&paths).unwrap(), "/users/u/roles/a%2Fb");
        assert_eq!(both.names(), ["--tag"]);
        let mut one = said(&[(&NAME, json!("n"))]);
        assert_eq!(one.path(&paths[1..3]), None);
        assert_eq!(one.path(&paths[..1]).unwrap(), "/roles/n");
        assert_eq!(Said::default().path(&paths[3..]).unwrap(), "/users/{user_id}/x");
    }
}
