//! From a path to the rows that answer it, prepared once.

use hyper::Method;

use crate::service::BuildError;

/// The rows of one service by path.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    matcher: matchit::Router<usize>,
    paths: Vec<Path>,
}

/// One path: its rows by method.
#[derive(Debug, Default)]
pub(crate) struct Path {
    template: String,
    /// Each method's rows, in the tables' order.
    methods: Vec<(Method, Vec<usize>)>,
}

/// A path that was found.
pub(crate) struct Matched<'r> {
    pub(crate) path: &'r Path,
    /// The parameters' values in order, decoded.
    pub(crate) values: Vec<String>,
}

/// `path` with its parameters numbered, and their names: rows may name the same parameter differently.
pub(crate) fn template(path: &'static str) -> (String, Vec<&'static str>) {
    let mut names = Vec::new();
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        let (star, name) = name.strip_prefix('*').map_or(("", name), |name| ("*", name));
        text.push_str(&format!("{{{star}p{}}}", names.len()));
        names.push(name);
        rest = after;
    }
    text.push_str(rest);
    (text, names)
}

impl Routes {
    /// Adds the row `index` at `path`.
    pub(crate) fn add(&mut self, path: &'static str, method: &Method, index: usize) -> Result<(), BuildError> {
        let (template, _) = template(path);
        let position = match self.paths.iter().position(|known| known.template == template) {
            Some(position) => position,
            None => {
                let position = self.paths.len();
                self.matcher.insert(template.clone(), position).map_err(|source| BuildError::Path { path, source })?;
                self.paths.push(Path { template, methods: Vec::new() });
                position
            }
        };
        if let Some(known) = self.paths.get_mut(position) {
            match known.methods.iter_mut().find(|(other, _)| other == method) {
                Some((_, rows)) => rows.push(index),
                None => known.methods.push((method.clone(), vec![index])),
            }
        }
        Ok(())
    }

    /// The rows for `path`.
    pub(crate) fn find(&self, path: &str) -> Option<Matched<'_>> {
        let found = self.matcher.at(path).ok()?;
        let decode = |value: &str| percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        let values = found.params.iter().map(|(_, value)| decode(value)).collect();
        Some(Matched { path: self.paths.get(*found.value)?, values })
    }
}

impl Path {
    /// The rows for `method`.
    pub(crate) fn rows(&self, method: &Method) -> Option<&[usize]> {
        self.methods.iter().find(|(known, _)| known == method).map(|(_, rows)| rows.as_slice())
    }

    /// The methods that there are.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().map(|(method, _)| method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_segments_go_before_parameters_and_names_may_differ() {
        let mut routes = Routes::default();
        for (index, path) in ["/servers/{server_id}", "/servers/detail", "/servers/{id}/action", "/servers/detail/x"]
            .into_iter()
            .enumerate()
        {
            routes.add(path, &Method::GET, index).unwrap();
        }
        let found =
            |path: &str| routes.find(path).map(|found| (found.path.rows(&Method::GET).unwrap()[0], found.values));
        assert_eq!(found("/servers/detail"), Some((1, vec![])));
        assert_eq!(found("/servers/a%20b"), Some((0, vec!["a b".to_owned()])));
        assert_eq!(found("/servers/detail/action"), Some((2, vec!["detail".to_owned()])));
        assert_eq!(found("/servers/"), None);
        assert_eq!(found("/nope"), None);
    }
}
