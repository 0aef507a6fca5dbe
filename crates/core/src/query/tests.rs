//! Queries as people write them, and as nobody would.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn now() -> Now {
    Now { ms: 1_795_000_000_000, zone: TimeZone::UTC }
}

#[derive(Debug, Default, Clone)]
struct Run {
    name: &'static str,
    notes: &'static str,
    status: &'static str,
    host: Option<&'static str>,
    tags: Vec<String>,
    started: Option<i64>,
    steps: Option<f64>,
    duration: Option<f64>,
    metrics: Vec<(&'static str, Stat, f64)>,
    settings: Vec<(&'static str, Option<f64>, bool, &'static str)>,
}

impl Row for Run {
    fn text(&self, field: Plain) -> Option<&str> {
        let text = match field {
            Plain::Name => Some(self.name),
            Plain::Notes => Some(self.notes),
            Plain::Status => Some(self.status),
            Plain::Host => self.host,
            _ => None,
        };
        text.filter(|text| !text.is_empty())
    }

    fn tags(&self) -> &[String] {
        &self.tags
    }

    fn moment(&self, field: Plain) -> Option<i64> {
        self.started.filter(|_| field == Plain::Started)
    }

    fn number(&self, field: &Field) -> Option<f64> {
        match field {
            Field::Plain(Plain::Steps) => self.steps,
            Field::Plain(Plain::Duration) => self.duration,
            Field::Metric(key, stat) => {
                self.metrics.iter().find(|(own, of, _)| own == key && of == stat).map(|(_, _, value)| *value)
            }
            _ => None,
        }
    }

    fn setting(&self, key: &str) -> Option<Setting<'_>> {
        let found = self.settings.iter().find(|(own, ..)| *own == key);
        found.map(|&(_, number, is_bool, text)| Setting { number, is_bool, text })
    }

    fn words(&self) -> Vec<&str> {
        vec![self.name, self.notes]
    }
}

fn run() -> Run {
    Run {
        name: "resnet_cifar10-seed3",
        notes: "weight decay of 0.1, as in the paper",
        status: "completed",
        host: None,
        tags: vec!["baseline".into(), "Paper".into()],
        started: Some(now().ms - 2 * 86_400_000),
        steps: Some(1000.0),
        duration: Some(5_400_000.0),
        metrics: vec![
            ("val/acc", Stat::Last, 0.91),
            ("val/acc", Stat::Max, 0.93),
            ("loss", Stat::Last, f64::NAN),
            ("loss", Stat::Min, 0.2),
            ("a b", Stat::Last, 1.0),
            ("odd.max", Stat::Last, 4.0),
            ("odd.max", Stat::Max, 5.0),
        ],
        settings: vec![
            ("lr", Some(0.01), false, "0.01"),
            ("model", None, false, "resnet"),
            ("amp", Some(1.0), true, "true"),
            ("old", None, false, "True"),
            ("x", Some(f64::NAN), false, "nan"),
        ],
    }
}

#[test]
fn a_query_means_what_it_says() {
    for (query, expected) in [
        ("", true),
        ("   ", true),
        ("metrics.val/acc.max > 0.9 and config.lr in (0.1, 0.01) and tag:baseline and started > -7d", true),
        ("metrics.val/acc.max>0.9 config.lr in(0.1,0.01) tag:baseline started>-7d", true),
        ("metrics.val/acc > 0.92", false),
        ("metrics.val/acc.max ≥ 0.93", true),
        ("metrics.\"a b\" = 1 and metrics.\"a b\".last = 1", true),
        ("metrics.odd.max > 0", false),
        ("metrics.\"odd.max\" = 4 and metrics.\"odd.max\".max = 5", true),
        ("status = completed", true),
        ("status = Completed or status:failed", true),
        ("status not in (completed, failed)", false),
        // What a run has not got fits no comparison, and “not” turns that.
        ("host != gpu1", false),
        ("not host = gpu1", true),
        ("host not in (gpu1)", false),
        ("has host", false),
        ("not has host and has tag and has config.lr", true),
        // Tags are a set.
        ("tag != other", true),
        ("tag != baseline", false),
        ("tag ~ BASE", true),
        ("tag = paper", false),
        ("tag in (other, Paper)", true),
        ("tag not in (other, Paper)", false),
        // Words.
        ("resnet", true),
        ("cifar", true),
        ("\"cifar\"", false),
        ("\"cifar\"*", true),
        ("\"weight decay\"", true),
        ("\"decay weight\"", false),
        ("0.1", true),
        ("resnet_cifar10", true),
        ("vit", false),
        ("not vit", true),
        ("\"\"", true),
        // Text.
        ("name:CIFAR", true),
        ("name = resnet", false),
        ("name ~ 'seed3'", true),
        ("name > q and name < s", true),
        // Settings are of any type.
        ("config.lr = 0.010", true),
        ("config.lr = \"0.010\"", false),
        ("config.lr = \"0.01\"", true),
        ("config.lr != 0.1", true),
        ("config.model = resnet", true),
        ("config.model != 3", true),
        ("config.model > 3", false),
        ("config.model > alexnet", true),
        ("config.lr > alexnet", false),
        ("config.lr ~ .0", true),
        ("config.amp = true and config.old = true", true),
        ("config.amp != false", true),
        ("config.amp = 1", true),
        ("config.missing != 1", false),
        ("not config.missing = 1", true),
        // NaN.
        ("metrics.loss = nan", true),
        ("metrics.loss != nan", false),
        ("metrics.loss != 0.5", true),
        ("metrics.loss < 1 or metrics.loss >= 1", false),
        ("metrics.loss in (0.1, NaN)", true),
        ("metrics.loss.min = nan", false),
        ("config.x = nan and not config.x > 0", true),
        ("metrics.val/acc < inf and metrics.val/acc > -inf", true),
        // Time.
        ("started > yesterday", false),
        ("started < yesterday", true),
        ("started > -49h and started < -47h", true),
        ("duration > 1h 15m and duration < 1h30m1s", true),
        ("duration = 90m", true),
        ("finished > -7d", false),
        // Structure.
        ("vit or resnet and status:completed", true),
        ("(vit or resnet) and status:failed", false),
        ("not (vit or status:failed)", true),
        ("not not resnet", true),
        ("NOT vit AND resnet", true),
        ("steps>=1e3", true),
    ] {
        let parsed = parse(query).unwrap_or_else(|fault| panic!("{query}: {fault}"));
        assert_eq!(parsed.matches(&run(), &now()), expected, "{query} is {parsed:?}");
        assert_eq!(parse(&parsed.to_string()), Ok(parsed.clone()), "{query} is printed as {parsed}");
    }
}

#[test]
fn a_fault_says_where_and_what_was_meant() {
    let faults: Vec<String> = [
        "nmae = x",
        "metric.loss > 1",
        "params.lr = 1",
        "loss > 1",
        "status = runing",
        "status > running",
        "tag < a",
        "metrics.loss",
        "metrics. > 1",
        "metrics.\"a b\".foo > 1",
        "metrics.loss > high",
        "metrics.loss >",
        "started > 7d",
        "duration > long",
        "duration ~ 1",
        "name = \"x",
        "(name = x",
        "name = x)",
        "name = x or",
        "and",
        "not",
        "has",
        "has foo",
        "config.lr in (0.1",
        "config.lr in (0.1 0.2)",
        "config.lr in ()",
        "config.amp > true",
        "name = x, y",
        "!x",
    ]
    .into_iter()
    .map(|query| {
        let fault = parse(query).expect_err(query);
        assert!(query.get(fault.at..fault.at + fault.length).is_some(), "{query}: {fault:?}");
        format!("{query}\n{}{} {fault}", " ".repeat(fault.at), "^".repeat(fault.length.max(1)))
    })
    .collect();
    insta::assert_snapshot!(faults.join("\n\n"));
}

#[test]
fn a_status_is_one_that_runs_have() {
    assert_eq!(STATUSES, crate::runs::RunStatus::ALL.map(crate::runs::RunStatus::name));
}

#[test]
fn a_query_is_bounded() {
    assert!(parse(&"(".repeat(10_000)).is_err());
    assert!(parse(&"not ".repeat(4_000)).is_err());
    assert!(parse(&"a ".repeat(1_000)).is_err());
    assert!(parse(&"a ".repeat(100)).is_ok());
    assert!(parse(&"x".repeat(LONGEST + 1)).is_err());
}

#[test]
fn what_is_typed_is_completed() {
    let known = Known {
        configs: vec!["lr".into(), "optimizer.lr".into(), "model name".into()],
        metrics: vec!["loss".into(), "val/loss".into(), "a b".into()],
        values: vec!["baseline".into(), "best of all".into(), "0.1".into()],
    };
    let shown: Vec<String> = [
        "|",
        "st|",
        "sta|tus = x",
        "resnet |",
        "resnet an|",
        "resnet and|",
        "resnet and |",
        "los|",
        "metrics.|",
        "metrics.val/loss.m|",
        "metrics.\"a b|",
        "metrics.\"a b\".me|",
        "config.mod|",
        "has con|",
        "has |",
        "metrics.loss |",
        "metrics.loss > |",
        "started > -|",
        "tag:b|",
        "tag:b|aseline or x",
        "tag in (baseline, |",
        "config.lr = 0|",
        "status:|",
        "duration > 1|",
        "tag = \"best|",
        "(ste|)",
        "foo:1 and nam|",
        "name |",
        "status = failed |",
    ]
    .into_iter()
    .map(|typed| {
        let cursor = typed.find('|').expect("a cursor");
        let text = typed.replace('|', "");
        let place = place(&text, cursor);
        let items: Vec<String> =
            complete(&place, &known).into_iter().take(6).map(|item| format!("[{}]", item.insert)).collect();
        format!("{typed}  {}..{} {}", place.from, place.to, items.join(" "))
    })
    .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,4}([/._-][a-z]{1,3}){0,2}",
        "\\PC{0,6}",
        Just("loss.max".to_owned()),
        Just("and".to_owned())
    ]
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        prop::sample::select(Plain::ALL.to_vec()).prop_map(Field::Plain),
        key().prop_map(Field::Config),
        (key(), prop::sample::select(Stat::ALL.to_vec())).prop_map(|(key, stat)| Field::Metric(key, stat)),
    ]
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    let number = || prop_oneof![any::<f64>(), Just(0.1), Just(f64::NAN), Just(f64::NEG_INFINITY)];
    let text =
        || prop_oneof!["\\PC{0,8}", "[a-z0-9_. -]{0,6}", Just("true".to_owned()), Just("nan".to_owned())];
    match kind {
        Kind::Text | Kind::Tags => text().prop_map(Value::Text).boxed(),
        Kind::Status => prop::sample::select(STATUSES.to_vec()).prop_map(|s| Value::Text(s.into())).boxed(),
        Kind::Moment => prop_oneof![
            any::<u32>().prop_map(|ms| Moment::Ago(ms.into())),
            (0i64..4_000_000_000_000).prop_map(Moment::Exact),
            Just(Moment::Today),
            Just(Moment::Yesterday),
            (0i16..=9999).prop_map(Moment::Year),
            (0i16..=9999, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Moment::Day(jiff::civil::date(y, m, d))),
            (1970i16..=2100, 1i8..=12).prop_map(|(y, m)| Moment::Month(jiff::civil::date(y, m, 1))),
            (0i8..24, 0i8..60)
                .prop_map(|(h, m)| Moment::Minute(jiff::civil::date(2026, 11, 1).at(h, m, 0, 0))),
            (0i8..24, 0i8..60)
                .prop_map(|(h, s)| Moment::Second(jiff::civil::date(2026, 11, 1).at(h, 7, s, 0))),
        ]
        .prop_map(Value::Moment)
        .boxed(),
        Kind::Duration => any::<u32>().prop_map(|ms| Value::Duration(ms.into())).boxed(),
        Kind::Number => number().prop_map(Value::Number).boxed(),
        Kind::Setting => prop_oneof![
            number().prop_map(Value::Number),
            text().prop_map(Value::Text),
            any::<bool>().prop_map(Value::Bool)
        ]
        .boxed(),
    }
}

fn compared() -> impl Strategy<Value = Expr> {
    (field(), prop::sample::select(Op::ALL.to_vec())).prop_flat_map(|(field, op)| {
        let op = if field.kind().takes(op) { op } else { Op::Equal };
        value(field.kind()).prop_map(move |value| {
            let (op, value) = match (op, value) {
                (Op::Contains, Value::Number(_) | Value::Bool(_)) => (op, Value::Text("part".into())),
                (op, Value::Bool(yes)) if op.is_order() => (Op::Equal, Value::Bool(yes)),
                (op, Value::Text(text)) if op == Op::Contains && field == Field::Plain(Plain::Format) => {
                    (op, Value::Text(text))
                }
                other => other,
            };
            Expr::Compare { field: field.clone(), op, value }
        })
    })
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        4 => compared(),
        1 => field().prop_map(Expr::Has),
        1 => (prop_oneof!["\\PC{0,8}", "[a-z]{1,5}"], any::<bool>())
            .prop_map(|(text, open)| Expr::Words { text, open }),
        1 => (field(), any::<bool>()).prop_flat_map(|(field, negated)| {
            prop::collection::vec(value(field.kind()), 1..4)
                .prop_map(move |values| Expr::OneOf { field: field.clone(), negated, values })
        }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone().prop_filter("flat", |e| !matches!(e, Expr::And(_))), 2..4)
                .prop_map(Expr::And),
            prop::collection::vec(inner.clone().prop_filter("flat", |e| !matches!(e, Expr::Or(_))), 2..4)
                .prop_map(Expr::Or),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(expr in expr()) {
        let query = Query(Some(expr));
        let text = query.to_string();
        prop_assert_eq!(parse(&text), Ok(query), "{}", text);
    }

    #[test]
    fn no_text_is_too_much(text in "\\PC{0,60}", cursor in 0usize..70) {
        if let Err(fault) = parse(&text) {
            prop_assert!(text.get(fault.at..fault.at + fault.length).is_some(), "{:?}", fault);
        }
        let place = place(&text, cursor);
        prop_assert!(text.get(place.from..place.to).is_some(), "{:?}", place);
        prop_assert!(complete(&place, &Known::default()).len() <= 50);
    }

    #[test]
    fn nor_is_what_nearly_is_a_query(
        parts in prop::collection::vec(prop::sample::select(vec![
            "name", "tag", ":", "=", ">", "!=", "in", "not", "(", ")", ",", "and", "or", "has", "metrics.", "config.", "\"",
            "a b", " ", " ", "0.1", "-7d", "x", ".max", "*", "'", "é", "“", "”", "\\",
        ]), 0..20),
    ) {
        let text = parts.concat();
        if let Ok(query) = parse(&text) {
            prop_assert_eq!(parse(&query.to_string()), Ok(query.clone()), "{} is printed as {}", text, query);
            query.matches(&run(), &now());
        }
        for cursor in 0..=text.len() {
            let place = place(&text, cursor);
            prop_assert!(text.get(place.from..place.to).is_some(), "{:?}", place);
        }
    }

    #[test]
    fn a_column_has_its_field(field in field()) {
        // A metric's column always says which statistic it shows, so its name may end as it likes.
        prop_assert_eq!(Field::of_column(&field.column()), Some(field));
    }
}
