//! Reading a path.
//!
//! From loose to tight: `+` and `-`, `*`, `.` and `..`, `|`, brackets. Blanks between the parts mean nothing.

use serde_json::Value;

use super::{Comparison, Condition, Expr, Function, Operator, Step};
use crate::error::{Code, Error, Result};

/// Groups in groups that a path may have.
const MAX_DEPTH: usize = 32;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name without quotes.
    Name(String),
    /// A text in quotes.
    Quoted(String),
    /// What stands between backticks.
    Operator(String),
    Int(i64),
    Float(f64),
    /// `=`, `==`, `!=`, `<`, `<=`, `>`, `>=`, `=~`
    Comparison(Comparison),
    /// `..`
    Dots,
    /// Any other sign.
    Sign(char),
}

pub(super) fn parse(text: &str) -> Result<Expr> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
    let expr = parser.sum()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.unexpected()),
    }
}

fn wrong(text: &str, at: usize, why: &str) -> Error {
    Error::of(Code::InvalidPath, format!("`{text}` is not a JSONPath: {why} at character {}", at + 1)).with_detail("path", text).with_hint(
        "join names by dots, such as `data.items`; names with other characters than letters, digits, `_`, `-` and `@` \
         stand in quotes: `data['next page']`",
    )
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let start = at;
        at += 1;
        let next = chars.get(at).copied();
        let token =
            match c {
                ' ' | '\t' | '\n' => continue,
                '\'' | '"' | '`' => {
                    let body = quoted(&chars, &mut at, c)
                        .ok_or_else(|| wrong(text, start, "a quote is not closed"))?;
                    if c == '`' { Token::Operator(body) } else { Token::Quoted(body) }
                }
                '.' if next == Some('.') => {
                    at += 1;
                    Token::Dots
                }
                'a'..='z' | 'A'..='Z' | '_' | '@' => {
                    let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-');
                    at += chars.get(at..).unwrap_or_default().iter().take_while(|c| is_part(c)).count();
                    Token::Name(chars.get(start..at).unwrap_or_default().iter().collect())
                }
                '0'..='9' => number(&chars, start, &mut at)
                    .ok_or_else(|| wrong(text, start, "a number is too large"))?,
                '-' if next.is_some_and(|c| c.is_ascii_digit()) => number(&chars, start, &mut at)
                    .ok_or_else(|| wrong(text, start, "a number is too large"))?,
                '=' | '!' | '<' | '>' => {
                    let (comparison, length) = match (c, next) {
                        ('=', Some('~')) => (Comparison::Matches, 2),
                        ('=', Some('=')) => (Comparison::Equal, 2),
                        ('=', _) => (Comparison::Equal, 1),
                        ('!', Some('=')) => (Comparison::NotEqual, 2),
                        ('<', Some('=')) => (Comparison::LessOrEqual, 2),
                        ('>', Some('=')) => (Comparison::GreaterOrEqual, 2),
                        ('<', _) => (Comparison::Less, 1),
                        ('>', _) => (Comparison::Greater, 1),
                        _ => return Err(wrong(text, start, "`!` stands alone")),
                    };
                    at = start + length;
                    Token::Comparison(comparison)
                }
                '$' | '.' | '[' | ']' | '(' | ')' | ',' | '*' | ':' | '?' | '|' | '&' | '+' | '-' | '\\'
                | '/' => Token::Sign(c),
                other => return Err(wrong(text, start, &format!("unexpected {other:?}"))),
            };
        out.push((start, token));
    }
    Ok(out)
}

/// The text up to the closing quote, backslashes taken away.
fn quoted(chars: &[char], at: &mut usize, quote: char) -> Option<String> {
    let mut body = String::new();
    loop {
        let c = *chars.get(*at)?;
        *at += 1;
        match c {
            c if c == quote => return Some(body),
            // Operators have a meaning for backslashes of their own.
            '\\' if quote != '`' => {
                body.push(*chars.get(*at)?);
                *at += 1;
            }
            c => body.push(c),
        }
    }
}

fn number(chars: &[char], start: usize, at: &mut usize) -> Option<Token> {
    let digits =
        |from: usize| chars.get(from..).unwrap_or_default().iter().take_while(|c| c.is_ascii_digit()).count();
    *at += digits(*at);
    if chars.get(*at) == Some(&'.') && digits(*at + 1) > 0 {
        *at += 1 + digits(*at + 1);
        let text: String = chars.get(start..*at)?.iter().collect();
        return text.parse().ok().map(Token::Float);
    }
    let text: String = chars.get(start..*at)?.iter().collect();
    text.parse().ok().map(Token::Int)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn accept(&mut self, sign: char) -> bool {
        let is_there = self.peek() == Some(&Token::Sign(sign));
        if is_there {
            self.at += 1;
        }
        is_there
    }

    fn expect(&mut self, sign: char) -> Result<()> {
        if self.accept(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Error {
        match self.tokens.get(self.at) {
            None => wrong(self.text, self.text.chars().count(), "it ends too early"),
            Some((at, Token::Name(name))) => wrong(self.text, *at, &format!("unexpected `{name}`")),
            Some((at, Token::Sign(sign))) => wrong(self.text, *at, &format!("unexpected `{sign}`")),
            Some((at, _)) => wrong(self.text, *at, "unexpected part"),
        }
    }

    fn sum(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(wrong(self.text, 0, "too many groups in each other"));
        }
        let mut left = self.product()?;
        loop {
            // `-1` behind a path is one token: a difference.
            let operator = match self.peek() {
                Some(Token::Sign('+')) => Operator::Plus,
                Some(Token::Sign('-')) => Operator::Minus,
                _ => break,
            };
            self.at += 1;
            let right = self.product()?;
            left = arithmetic(left, operator, right);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.operand()?;
        while self.accept('*') {
            let right = self.operand()?;
            left = arithmetic(left, Operator::Times, right);
        }
        Ok(left)
    }

    /// A path, or a number where arithmetic wants one.
    fn operand(&mut self) -> Result<Expr> {
        let is_operator = |token: &Token| matches!(token, Token::Sign('+' | '-' | '*'));
        let is_behind =
            self.at > 0 && self.tokens.get(self.at - 1).is_some_and(|(_, token)| is_operator(token));
        let is_before = self.peek_second().is_some_and(is_operator);
        let literal = match self.peek() {
            Some(Token::Int(value)) if is_behind || is_before => Some(Value::from(*value)),
            Some(Token::Float(value)) if is_behind || is_before => Some(Value::from(*value)),
            _ => None,
        };
        if let Some(value) = literal {
            self.at += 1;
            return Ok(Expr::Literal(value));
        }
        self.path()
    }

    fn path(&mut self) -> Result<Expr> {
        let mut left = self.alternatives()?;
        loop {
            match self.peek() {
                Some(Token::Sign('.')) => {
                    self.at += 1;
                    let right = self.alternatives()?;
                    left = graft(right, left);
                }
                Some(Token::Dots) => {
                    self.at += 1;
                    let right = self.alternatives()?;
                    left = Expr::Descent(Box::new(left), Box::new(right));
                }
                _ => return Ok(left),
            }
        }
    }

    fn alternatives(&mut self) -> Result<Expr> {
        let mut left = self.term()?;
        while self.accept('|') {
            let right = self.term()?;
            left = Expr::Union(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    /// One part of a path with the brackets behind it.
    fn term(&mut self) -> Result<Expr> {
        let mut expr = match self.peek() {
            Some(Token::Sign('$')) => {
                self.at += 1;
                Expr::Root
            }
            Some(Token::Name(name)) if name == "@" => {
                self.at += 1;
                Expr::This
            }
            Some(Token::Sign('*')) => {
                self.at += 1;
                step(Expr::This, Step::All)
            }
            Some(Token::Name(_) | Token::Quoted(_) | Token::Int(_)) => {
                let names = self.names()?;
                step(Expr::This, Step::Keys(names))
            }
            Some(Token::Operator(body)) => {
                let body = body.clone();
                let found = operator(&body).ok_or_else(|| self.unexpected())?;
                self.at += 1;
                found.map_or(Expr::This, |found| step(Expr::This, found))
            }
            Some(Token::Sign('(')) => {
                self.at += 1;
                let inner = self.sum()?;
                self.expect(')')?;
                inner
            }
            Some(Token::Sign('[')) => Expr::This,
            _ => return Err(self.unexpected()),
        };
        while self.accept('[') {
            let bracket = self.bracket()?;
            self.expect(']')?;
            expr = step(expr, bracket);
        }
        Ok(expr)
    }

    fn names(&mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        loop {
            names.push(match self.take() {
                Some(Token::Name(name) | Token::Quoted(name)) => name,
                Some(Token::Int(number)) => number.to_string(),
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            });
            let is_name =
                matches!(self.peek_second(), Some(Token::Name(_) | Token::Quoted(_) | Token::Int(_)));
            if !(is_name && self.accept(',')) {
                return Ok(names);
            }
        }
    }

    fn bracket(&mut self) -> Result<Step> {
        match self.peek() {
            Some(Token::Sign('*')) => {
                self.at += 1;
                Ok(Step::All)
            }
            Some(Token::Sign('?')) => {
                self.at += 1;
                let mut conditions = Vec::new();
                self.conditions(&mut conditions)?;
                Ok(Step::Filter(conditions))
            }
            Some(Token::Sign('\\' | '/')) => {
                let mut by = Vec::new();
                loop {
                    let is_descending = match self.take() {
                        Some(Token::Sign('\\')) => true,
                        Some(Token::Sign('/')) => false,
                        _ => {
                            self.at -= 1;
                            return Err(self.unexpected());
                        }
                    };
                    by.push((self.path()?, is_descending));
                    if !self.accept(',') {
                        return Ok(Step::Sorted(by));
                    }
                }
            }
            Some(Token::Name(_) | Token::Quoted(_)) => Ok(Step::Keys(self.names()?)),
            Some(Token::Int(_)) if self.peek_second() != Some(&Token::Sign(':')) => {
                let mut indexes = Vec::new();
                loop {
                    indexes.extend(self.int());
                    if !self.accept(',') {
                        return Ok(Step::Indexes(indexes));
                    }
                    if !matches!(self.peek(), Some(Token::Int(_))) {
                        return Err(self.unexpected());
                    }
                }
            }
            Some(Token::Int(_) | Token::Sign(':')) => {
                let start = self.int();
                self.expect(':')?;
                let end = self.int();
                let by = if self.accept(':') { self.int() } else { None };
                Ok(Step::Slice(start, end, by))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn int(&mut self) -> Option<i64> {
        match self.peek() {
            Some(Token::Int(value)) => {
                let value = *value;
                self.at += 1;
                Some(value)
            }
            _ => None,
        }
    }

    fn conditions(&mut self, out: &mut Vec<Condition>) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(wrong(self.text, 0, "too many groups in each other"));
        }
        loop {
            if self.accept('(') {
                self.conditions(out)?;
                self.expect(')')?;
            } else {
                let path = self.path()?;
                let comparison = match self.peek() {
                    Some(Token::Comparison(comparison)) => {
                        let comparison = *comparison;
                        self.at += 1;
                        Some((comparison, self.literal()?))
                    }
                    _ => None,
                };
                out.push(Condition { path, comparison });
            }
            if !self.accept('&') {
                self.depth -= 1;
                return Ok(());
            }
        }
    }

    fn literal(&mut self) -> Result<Value> {
        Ok(match self.take() {
            Some(Token::Name(name)) => match name.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => name.into(),
            },
            Some(Token::Quoted(text)) => text.into(),
            Some(Token::Int(value)) => value.into(),
            Some(Token::Float(value)) => value.into(),
            _ => {
                self.at -= 1;
                return Err(self.unexpected());
            }
        })
    }
}

fn step(before: Expr, step: Step) -> Expr {
    Expr::Step(Box::new(before), step)
}

fn arithmetic(left: Expr, operator: Operator, right: Expr) -> Expr {
    // As in the reference, a name alone is a text here.
    let literal = |expr: Expr| match &expr {
        Expr::Step(before, Step::Keys(names)) if **before == Expr::This => match names.as_slice() {
            [name] => Expr::Literal(name.clone().into()),
            _ => expr,
        },
        _ => expr,
    };
    Expr::Arithmetic(Box::new(literal(left)), operator, Box::new(literal(right)))
}

/// Lets `expr` begin where `left` leads to.
fn graft(expr: Expr, left: Expr) -> Expr {
    match expr {
        Expr::This => left,
        Expr::Step(before, step) => Expr::Step(Box::new(graft(*before, left)), step),
        other => Expr::Child(Box::new(left), Box::new(other)),
    }
}

/// A named operator; `Some(None)` is the one that stays where it is.
fn operator(body: &str) -> Option<Option<Step>> {
    let function = match body {
        "this" => return Some(None),
        "parent" => return Some(Some(Step::Parent)),
        "len" => Function::Length,
        "keys" => Function::Keys,
        "sorted" => Function::Sorted,
        "str()" => Function::Text,
        _ => arguments(body)?,
    };
    Some(Some(Step::Function(function)))
}

/// `sub(/pattern/, replacement)` and `split(separator, part, most)`.
fn arguments(body: &str) -> Option<Function> {
    if let Some(inner) = body.strip_prefix("sub(/") {
        let (pattern, rest) = inner.strip_suffix(')')?.rsplit_once("/,")?;
        return Some(Function::Substitute {
            pattern: pattern.to_owned(),
            replacement: replacement(rest.trim_start()),
        });
    }
    let inner = body.strip_prefix("split(")?.strip_suffix(')')?;
    let (rest, most) = inner.rsplit_once(',')?;
    let (separator, part) = rest.rsplit_once(',')?;
    let separator = separator
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .or_else(|| separator.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')))
        .unwrap_or(separator);
    let part = match part.trim() {
        "*" => None,
        number => Some(number.parse().ok()?),
    };
    (!separator.is_empty()).then_some(())?;
    Some(Function::Split { separator: separator.to_owned(), part, most: most.trim().parse().ok()? })
}

/// `\1` written as `${1}`.
fn replacement(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '$' => out.push_str("$$"),
            '\\' => match chars.next() {
                // An operator may write the backslash twice.
                Some('\\') if chars.peek().is_some_and(char::is_ascii_digit) => {
                    out.extend(chars.next().map(|digit| format!("${{{digit}}}")));
                }
                Some(digit) if digit.is_ascii_digit() => out.push_str(&format!("${{{digit}}}")),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}
