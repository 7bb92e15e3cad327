//! The check-string language: text to an expression.
//!
//! `@`, `!`, `role:x`, `rule:x`, `left:right`, `and`, `or`, `not`, parentheses; the empty text allows. As in
//! oslo.policy, tokens are separated by white space, and parentheses count only at a token's ends, because
//! `%(name)s` holds some itself. Its older form, a list of lists (one list holds if all of it do), is read too.
//!
//! What oslo.policy takes for a check that always fails, with a line in a log, is an error here.

use super::caller::Attribute;
use super::pattern::Pattern;

/// A parsed check string.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// `@`
    Always,
    /// `!`
    Never,
    /// `role:name`.
    Role(Pattern),
    /// `rule:name`
    Rule(String),
    /// `left:right`
    Compare(Left, Pattern),
    /// `field:resource:name=value`: the target's attribute has this value (Neutron).
    Field(Field),
    /// All hold.
    And(Vec<Expression>),
    /// One holds.
    Or(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
}

/// What stands before the colon of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Left {
    /// A literal: `'text'`, `None`, `True`, a number.
    Literal(String),
    /// An attribute of the caller, such as `user_id` or `token.project.domain.id`.
    Caller(Attribute, String),
    /// An attribute that no caller has: it never holds.
    Unknown(String),
}

/// Neutron's check of an attribute of the target.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// `networks:shared`, as it was written.
    pub(super) path: String,
    /// The attribute's name.
    pub(super) name: String,
    /// What it must be.
    pub(super) wanted: Wanted,
}

/// What an attribute must be.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// This.
    Text(String),
    /// `~regex`: something that begins so.
    Regex(Box<regex::Regex>),
}

/// Why a check string is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A token that is none.
    #[error("{0:?} is not a check: write role:NAME, rule:NAME, ATTRIBUTE:VALUE, \"@\" (everybody) or \"!\" (nobody)")]
    NotACheck(String),
    /// A check by a web service.
    #[error("{0:?} would ask a web service at every request, which cloudbox does not do: say it in rules, or in roles")]
    Remote(String),
    /// A `%` that means nothing.
    #[error("{0:?} has a % that begins no %(name)s; a plain one is written %%")]
    Pattern(String),
    /// A regular expression that is none.
    #[error("{0:?} holds no usable regular expression")]
    Regex(String),
    /// YAML takes a bare `!` for a tag of nothing: an empty text, which would allow everybody.
    #[error("it is empty without quotes: write \"!\" for nobody, \"@\" for everybody, with the quotes")]
    Bare,
    /// Something else than text or a list of lists of text.
    #[error("it is neither a check string nor a list of lists of checks")]
    Shape,
    /// Something else should stand here.
    #[error("{0:?} is out of place")]
    OutOfPlace(String),
    /// It ends too early.
    #[error("it ends where a check should follow")]
    Unfinished,
    /// It nests too deeply.
    #[error("it nests too deeply")]
    TooDeep,
}

/// The deepest nesting of parentheses and `not`.
const MOST_DEPTH: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    And,
    Or,
    Not,
    Check(&'t str),
}

impl Token<'_> {
    fn out_of_place(&self) -> ParseError {
        ParseError::OutOfPlace(match self {
            Self::Open => "(".to_owned(),
            Self::Close => ")".to_owned(),
            Self::And => "and".to_owned(),
            Self::Or => "or".to_owned(),
            Self::Not => "not".to_owned(),
            Self::Check(text) => (*text).to_owned(),
        })
    }
}

/// Parses `text`.
pub(super) fn parse(text: &str) -> Result<Expression, ParseError> {
    if text.trim().is_empty() {
        return Ok(Expression::Always);
    }
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let expression = parser.any()?;
    match parser.tokens.first() {
        None => Ok(expression),
        Some(extra) => Err(extra.out_of_place()),
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let opened = word.trim_start_matches('(');
        tokens.extend(std::iter::repeat_n(Token::Open, word.len() - opened.len()));
        let core = opened.trim_end_matches(')');
        match core.to_ascii_lowercase().as_str() {
            "" => {}
            "and" => tokens.push(Token::And),
            "or" => tokens.push(Token::Or),
            "not" => tokens.push(Token::Not),
            _ => tokens.push(Token::Check(core)),
        }
        tokens.extend(std::iter::repeat_n(Token::Close, opened.len() - core.len()));
    }
    tokens
}

/// Recursive descent: `or` binds weakest, `not` strongest.
struct Parser<'p, 't> {
    tokens: &'p [Token<'t>],
    depth: usize,
}

impl<'t> Parser<'_, 't> {
    fn next(&mut self) -> Option<Token<'t>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn skip(&mut self, token: &Token<'_>) -> bool {
        let here = self.tokens.first() == Some(token);
        if here {
            self.next();
        }
        here
    }

    fn any(&mut self) -> Result<Expression, ParseError> {
        let mut parts = vec![self.all()?];
        while self.skip(&Token::Or) {
            parts.push(self.all()?);
        }
        Ok(single(parts, Expression::Or))
    }

    fn all(&mut self) -> Result<Expression, ParseError> {
        let mut parts = vec![self.one()?];
        while self.skip(&Token::And) {
            parts.push(self.one()?);
        }
        Ok(single(parts, Expression::And))
    }

    fn one(&mut self) -> Result<Expression, ParseError> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(ParseError::TooDeep);
        }
        let expression = match self.next() {
            None => Err(ParseError::Unfinished),
            Some(Token::Not) => Ok(Expression::Not(Box::new(self.one()?))),
            Some(Token::Open) => {
                let inner = self.any()?;
                match self.next() {
                    Some(Token::Close) => Ok(inner),
                    Some(other) => Err(other.out_of_place()),
                    None => Err(ParseError::Unfinished),
                }
            }
            Some(Token::Check(text)) => check(text),
            Some(other) => Err(other.out_of_place()),
        };
        self.depth -= 1;
        expression
    }
}

fn single(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => Expression::Always,
    }
}

fn check(text: &str) -> Result<Expression, ParseError> {
    match text {
        "@" => return Ok(Expression::Always),
        "!" => return Ok(Expression::Never),
        _ => {}
    }
    let not_a_check = || ParseError::NotACheck(text.to_owned());
    let pattern = |right: &str| Pattern::parse(right).ok_or_else(|| ParseError::Pattern(text.to_owned()));
    let (left, right) =
        text.split_once(':').filter(|(left, right)| !left.is_empty() && !right.is_empty()).ok_or_else(not_a_check)?;
    Ok(match left {
        "role" => Expression::Role(pattern(right)?),
        "rule" => Expression::Rule(right.to_owned()),
        "field" => Expression::Field(field(right).ok_or_else(not_a_check)?.map_err(ParseError::Regex)?),
        "http" | "https" | "remote" => return Err(ParseError::Remote(text.to_owned())),
        _ => Expression::Compare(left_side(left), pattern(right)?),
    })
}

/// `networks:shared=True`, `port:device_owner=~^network:`.
fn field(text: &str) -> Option<Result<Field, String>> {
    let (resource, test) = text.split_once(':')?;
    let (name, value) = test.split_once('=')?;
    let wanted = match value.strip_prefix('~') {
        None => Wanted::Text(value.to_owned()),
        // Python's `match` looks at the beginning.
        Some(regex) => match regex::RegexBuilder::new(&format!("^(?:{regex})")).size_limit(1 << 16).build() {
            Ok(regex) => Wanted::Regex(Box::new(regex)),
            Err(_) => return Some(Err(text.to_owned())),
        },
    };
    Some(Ok(Field { path: format!("{resource}:{name}"), name: name.to_owned(), wanted }))
}

fn left_side(text: &str) -> Left {
    let quoted = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    match quoted {
        Some(inner) => Left::Literal(inner.to_owned()),
        None if matches!(text, "None" | "True" | "False") || text.parse::<i64>().is_ok() => {
            Left::Literal(text.to_owned())
        }
        None => match Attribute::named(text) {
            Some(attribute) => Left::Caller(attribute, text.to_owned()),
            None => Left::Unknown(text.to_owned()),
        },
    }
}

/// The older form: one of the lists holds, all of whose checks hold. No list at all allows.
pub(super) fn parse_lists(lists: &[Vec<String>]) -> Result<Expression, ParseError> {
    if lists.is_empty() {
        return Ok(Expression::Always);
    }
    let mut any = Vec::new();
    for list in lists.iter().filter(|list| !list.is_empty()) {
        let all = list.iter().map(|text| check(text)).collect::<Result<Vec<_>, _>>()?;
        any.push(single(all, Expression::And));
    }
    Ok(if any.is_empty() { Expression::Never } else { single(any, Expression::Or) })
}

/// The rules that `expression` refers to.
pub(super) fn references<'e>(expression: &'e Expression, into: &mut Vec<&'e str>) {
    match expression {
        Expression::Rule(name) => into.push(name),
        Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|part| references(part, into)),
        Expression::Not(inner) => references(inner, into),
        _ => {}
    }
}
