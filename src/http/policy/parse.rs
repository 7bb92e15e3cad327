//! The check-string language: text to an expression.
//!
//! `@`, `!`, `role:x`, `rule:x`, `left:right`, `and`, `or`, `not`, parentheses; the empty text allows. As in
//! oslo.policy, tokens are separated by white space, and parentheses count only at a token's ends, because
//! `%(name)s` holds some itself.

/// A parsed check string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// `@`
    Always,
    /// `!`
    Never,
    /// `role:name`, in lower case.
    Role(String),
    /// `rule:name`
    Rule(String),
    /// `left:right`
    Compare(Left, Right),
    /// `field:resource:name=value`: the target's attribute has this value (Neutron).
    Field(String, String),
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
    Caller(String),
}

/// What stands after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Right {
    /// Text.
    Text(String),
    /// `%(name)s`: an attribute of the target.
    Target(String),
}

/// Why a check string is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A token that is none.
    #[error("{0:?} is not a check")]
    NotACheck(String),
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
    let (left, right) =
        text.split_once(':').filter(|(left, right)| !left.is_empty() && !right.is_empty()).ok_or_else(not_a_check)?;
    Ok(match left {
        "role" => Expression::Role(right.to_lowercase()),
        "rule" => Expression::Rule(right.to_owned()),
        "field" => {
            let (name, value) =
                right.split_once(':').and_then(|(_, test)| test.split_once('=')).ok_or_else(not_a_check)?;
            Expression::Field(name.to_owned(), value.trim_start_matches('~').to_owned())
        }
        "http" | "https" => return Err(not_a_check()),
        _ => Expression::Compare(left_side(left), right_side(right)),
    })
}

fn left_side(text: &str) -> Left {
    let quoted = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    match quoted {
        Some(inner) => Left::Literal(inner.to_owned()),
        None if matches!(text, "None" | "True" | "False") || text.parse::<i64>().is_ok() => {
            Left::Literal(text.to_owned())
        }
        None => Left::Caller(text.to_owned()),
    }
}

fn right_side(text: &str) -> Right {
    match text.strip_prefix("%(").and_then(|rest| rest.strip_suffix(")s")) {
        Some(name) => Right::Target(name.to_owned()),
        // The token's end was taken for a closing parenthesis only if there were more of them.
        None => Right::Text(text.to_owned()),
    }
}
