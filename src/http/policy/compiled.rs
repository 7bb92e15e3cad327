//! A service's rules, compiled: defaults, the operator's checks over them, and his own rules where they are referred to.

use std::collections::HashMap;

use super::check::{self, Check};
use super::parse::{self, Expression};
use super::scopes::Scopes;
use super::{Overrides, Policy, PolicyError, Rule, base};

/// A rule, ready to be enforced.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) check: Check,
    pub(super) scopes: Scopes,
    pub(super) description: &'static str,
    /// The default, where there is one: a rule of the operator's own has none.
    pub(super) default: Option<&'static str>,
    /// Whether the operator's file says it.
    pub(super) overridden: bool,
}

/// Rules on their way: all parsed, none resolved.
#[derive(Default)]
struct Book {
    by_name: HashMap<String, usize>,
    rules: Vec<(Compiled, Expression)>,
}

impl Book {
    fn put(&mut self, rule: Compiled, expression: Expression) {
        match self.by_name.get(&rule.name).and_then(|index| self.rules.get_mut(*index)) {
            Some(present) => *present = (rule, expression),
            None => {
                self.by_name.insert(rule.name.clone(), self.rules.len());
                self.rules.push((rule, expression));
            }
        }
    }

    /// Adds the operator's own rules that are referred to, and those that these refer to.
    fn adopt(&mut self, scopes: Scopes, overrides: &Overrides) {
        let mut next = 0;
        while let Some((_, expression)) = self.rules.get(next) {
            let mut wanted = Vec::new();
            parse::references(expression, &mut wanted);
            let missing: Vec<String> =
                wanted.into_iter().filter(|name| !self.by_name.contains_key(*name)).map(str::to_owned).collect();
            for name in missing {
                if let Some(own) = overrides.get(&name) {
                    let rule = Compiled {
                        name,
                        check: Check::Never,
                        scopes,
                        description: "",
                        default: None,
                        overridden: true,
                    };
                    self.put(rule, own.expression.clone());
                }
            }
            next += 1;
        }
    }
}

/// See [`Policy::compile`].
pub(super) fn compile(tables: &[&[Rule]], scopes: Scopes, overrides: &Overrides) -> Result<Policy, PolicyError> {
    let mut book = Book::default();
    for rule in base::RULES.iter().chain(tables.iter().flat_map(|table| table.iter())) {
        let own = overrides.get(rule.name);
        let expression = match own {
            Some(own) => own.expression.clone(),
            None => parse::parse(rule.check).map_err(|source| PolicyError::Syntax {
                rule: rule.name.to_owned(),
                at: None.into(),
                source,
            })?,
        };
        let compiled = Compiled {
            name: rule.name.to_owned(),
            check: Check::Never,
            scopes: rule.scopes.unwrap_or(scopes),
            description: rule.description,
            default: Some(rule.check),
            overridden: own.is_some(),
        };
        book.put(compiled, expression);
    }
    book.adopt(scopes, overrides);
    let Book { by_name, rules } = book;
    let resolve = |(mut rule, expression): (Compiled, Expression)| {
        rule.check = Check::resolve(expression, &by_name).map_err(|unknown| PolicyError::UnknownReference {
            at: overrides.line(&rule.name).into(),
            rule: rule.name.clone(),
            unknown,
        })?;
        Ok(rule)
    };
    let rules = rules.into_iter().map(resolve).collect::<Result<Vec<_>, _>>()?;
    let circular: Vec<&str> =
        check::circular(&rules).filter_map(|index| rules.get(index)).map(|rule| rule.name.as_str()).collect();
    // The operator's own is the one to be told of: the defaults alone go in no circle.
    let told = circular.iter().find(|name| overrides.get(name).is_some()).or(circular.first());
    if let Some(rule) = told {
        return Err(PolicyError::Circular { rule: (*rule).to_owned(), at: overrides.line(rule).into() });
    }
    Ok(Policy { by_name, rules })
}
