//! What a query says, once it is understood.

use super::moment::Moment;

/// A query. Without a condition it asks for every run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query(pub Option<Expr>);

/// A condition on a run.
///
/// In the form that parsing gives, no [`Expr::And`] lies directly in another, nor an [`Expr::Or`], and each has two
/// parts at least.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// All of them.
    And(Vec<Expr>),
    /// One of them at least.
    Or(Vec<Expr>),
    /// The contrary.
    Not(Box<Expr>),
    /// A comparison. It is false for a run that has not got the field.
    Compare {
        /// What is compared.
        field: Field,
        /// How.
        op: Op,
        /// With what; its type is one that the field's [`Kind`] takes.
        value: Value,
    },
    /// Equal to one of several values, or to none of them. Either is false for a run that has not got the field.
    OneOf {
        /// What is compared.
        field: Field,
        /// Whether it is to equal none of them.
        negated: bool,
        /// With what; one at least.
        values: Vec<Value>,
    },
    /// The run has it.
    Has(Field),
    /// Words that follow each other in the run's name, its notes, its tags or its settings.
    Words {
        /// The words.
        text: String,
        /// Whether the last word may be the beginning of a longer one.
        open: bool,
    },
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `~`: the text holds it, whatever the case of ASCII letters.
    Contains,
}

impl Op {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
        Self::Contains,
    ];

    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Contains => "~",
        }
    }

    /// What it says, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Equal => "equals",
            Self::NotEqual => "differs from",
            Self::Less => "less than",
            Self::LessEqual => "at most",
            Self::Greater => "more than",
            Self::GreaterEqual => "at least",
            Self::Contains => "contains",
        }
    }

    /// Whether it asks for an order.
    #[must_use]
    pub fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual)
    }
}

/// What a comparison compares with.
#[derive(Debug, Clone)]
pub enum Value {
    /// A number; NaN and the infinities are numbers.
    Number(f64),
    /// Text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A moment or a stretch of time.
    Moment(Moment),
    /// A duration in milliseconds.
    Duration(u64),
}

/// NaN is the same value as NaN here, as it is in a query.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => same(*a, *b),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Moment(a), Self::Moment(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            _ => false,
        }
    }
}

/// Whether two numbers are the same, of which both may be NaN.
pub(super) fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// What a run may have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// What every kind of run may have.
    Plain(Plain),
    /// A hyperparameter or another setting.
    Config(String),
    /// A metric.
    Metric(String, Stat),
}

/// What every kind of run may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Plain {
    Name,
    Project,
    Group,
    Status,
    Format,
    Folder,
    Tag,
    Notes,
    Host,
    Commit,
    Experiment,
    Started,
    Finished,
    /// The newest modification of its files.
    Changed,
    /// From its start to its end, or to the newest modification of its files.
    Duration,
    /// The greatest step that was reached.
    Steps,
    /// Points of all its metrics.
    Points,
}

/// What of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Stat {
    Last,
    Min,
    Max,
    Mean,
    Median,
    MinStep,
    MaxStep,
    LastStep,
    Count,
}

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text.
    Text,
    /// One of a few words.
    Status,
    /// Several short texts.
    Tags,
    /// A moment.
    Moment,
    /// A duration.
    Duration,
    /// A number.
    Number,
    /// A number, text, true or false: each run as it likes.
    Setting,
}

impl Kind {
    /// Whether values of this kind can be compared so.
    #[must_use]
    pub fn takes(self, op: Op) -> bool {
        match self {
            Self::Text | Self::Setting => true,
            Self::Status => matches!(op, Op::Equal | Op::NotEqual),
            Self::Tags => matches!(op, Op::Equal | Op::NotEqual | Op::Contains),
            Self::Moment | Self::Duration | Self::Number => op != Op::Contains,
        }
    }
}

impl Plain {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 17] = [
        Self::Name,
        Self::Status,
        Self::Tag,
        Self::Project,
        Self::Group,
        Self::Format,
        Self::Started,
        Self::Finished,
        Self::Changed,
        Self::Duration,
        Self::Steps,
        Self::Points,
        Self::Notes,
        Self::Folder,
        Self::Host,
        Self::Commit,
        Self::Experiment,
    ];

    /// The word in queries.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Project => "project",
            Self::Group => "group",
            Self::Status => "status",
            Self::Format => "format",
            Self::Folder => "folder",
            Self::Tag => "tag",
            Self::Notes => "notes",
            Self::Host => "host",
            Self::Commit => "commit",
            Self::Experiment => "experiment",
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Changed => "changed",
            Self::Duration => "duration",
            Self::Steps => "steps",
            Self::Points => "points",
        }
    }

    /// The kind of its values.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Status => Kind::Status,
            Self::Tag => Kind::Tags,
            Self::Started | Self::Finished | Self::Changed => Kind::Moment,
            Self::Duration => Kind::Duration,
            Self::Steps | Self::Points => Kind::Number,
            Self::Name
            | Self::Project
            | Self::Group
            | Self::Format
            | Self::Folder
            | Self::Notes
            | Self::Host
            | Self::Commit
            | Self::Experiment => Kind::Text,
        }
    }

    /// What `:` means for it: whether a part of the text is enough.
    #[must_use]
    pub fn colon(self) -> Op {
        match self {
            Self::Name | Self::Notes | Self::Folder | Self::Commit | Self::Experiment => Op::Contains,
            _ => Op::Equal,
        }
    }
}

impl Stat {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 9] = [
        Self::Last,
        Self::Min,
        Self::Max,
        Self::Mean,
        Self::Median,
        Self::LastStep,
        Self::MinStep,
        Self::MaxStep,
        Self::Count,
    ];

    /// The word in queries and columns.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::MinStep => "min_step",
            Self::MaxStep => "max_step",
            Self::LastStep => "last_step",
            Self::Count => "count",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Last => "last value",
            Self::Min => "least value",
            Self::Max => "greatest value",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::MinStep => "step of the least value",
            Self::MaxStep => "step of the greatest value",
            Self::LastStep => "step of the last value",
            Self::Count => "number of points",
        }
    }

    /// By its word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stat| stat.word() == word)
    }
}

impl Field {
    /// The kind of its values.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Plain(plain) => plain.kind(),
            Self::Config(_) => Kind::Setting,
            Self::Metric(..) => Kind::Number,
        }
    }

    /// What `:` means for it.
    #[must_use]
    pub fn colon(&self) -> Op {
        match self {
            Self::Plain(plain) => plain.colon(),
            Self::Config(_) | Self::Metric(..) => Op::Equal,
        }
    }

    /// The id of the column that shows it: the word of a plain field (`tags` for the tags), `config.KEY` or
    /// `metrics.KEY.STAT`, with the key as it is.
    #[must_use]
    pub fn column(&self) -> String {
        match self {
            Self::Plain(Plain::Tag) => "tags".into(),
            Self::Plain(plain) => plain.word().into(),
            Self::Config(key) => format!("config.{key}"),
            Self::Metric(key, stat) => format!("metrics.{key}.{}", stat.word()),
        }
    }

    /// The field of a column; the other way of [`Field::column`].
    #[must_use]
    pub fn of_column(id: &str) -> Option<Self> {
        if let Some(key) = id.strip_prefix("config.") {
            return Some(Self::Config(key.to_owned()));
        }
        if let Some(rest) = id.strip_prefix("metrics.") {
            return Some(match rest.rsplit_once('.').map(|(key, word)| (key, Stat::of(word))) {
                Some((key, Some(stat))) => Self::Metric(key.to_owned(), stat),
                _ => Self::Metric(rest.to_owned(), Stat::Last),
            });
        }
        let word = if id == "tags" { "tag" } else { id };
        Plain::ALL.into_iter().find(|plain| plain.word() == word).map(Self::Plain)
    }
}
