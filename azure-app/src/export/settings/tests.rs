//! Every rule of the settings, and that a mistake quotes no key.

use opentelemetry::Key;

use super::*;

const PROGRAM: Program = Program {
    name: "shop",
    version: "1.2.3",
    usage: "",
};

type Given<'a> = &'a [(&'a str, &'a str)];

fn read(given: Given<'_>) -> Result<Option<Export>, Mistakes> {
    Export::read(&PROGRAM, &|name| {
        let found = given.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

const HERE: (&str, &str) = (ENDPOINT, "http://127.0.0.1:4318");

fn export(more: Given<'_>) -> Export {
    let given = [more, &[HERE]].concat();
    read(&given).unwrap().expect("an export")
}

/// The one mistake of `given`, at `setting`.
fn mistake(given: Given<'_>, setting: &str) -> String {
    let Mistakes(found) = read(given).expect_err("a mistake");
    assert_eq!(found.len(), 1, "{given:?}: {found:?}");
    assert_eq!(found[0].setting, setting, "{given:?}: {found:?}");
    found[0].problem.clone()
}

#[test]
fn without_a_receiver_or_turned_off_nothing_is_exported_and_nothing_is_looked_at() {
    let off: [Given<'_>; 7] = [
        &[],
        &[(ENDPOINT, " ")],
        &[(PROTOCOL, "grpc"), (HEADERS, "?"), (SAMPLER, "?")],
        &[HERE, (DISABLED, "true"), (PROTOCOL, "grpc")],
        &[HERE, (DISABLED, "TRUE")],
        &[HERE, (EXPORTER, "none"), (TIMEOUT, "soon")],
        &[(TIMEOUT, "\"1\"")],
    ];
    for given in off {
        assert!(read(given).unwrap().is_none(), "{given:?}");
    }
    // Only this word turns it off.
    for value in ["false", "1", "yes"] {
        assert!(read(&[HERE, (DISABLED, value)]).unwrap().is_some());
    }
}

#[test]
fn the_endpoint_of_traces_is_taken_as_it_is_and_the_other_gets_the_path() {
    for (given, url) in [
        (ENDPOINT, "http://127.0.0.1:4318"),
        (ENDPOINT, "http://127.0.0.1:4318/"),
        (ENDPOINT, "https://otlp.example/otlp"),
        (ENDPOINT, "https://otlp.example/otlp/"),
        (ENDPOINT, "https://otlp.example/otlp?key=secret"),
        (TRACES_ENDPOINT, "http://127.0.0.1:4318"),
        (TRACES_ENDPOINT, "http://127.0.0.1:4318/v1/traces"),
        (TRACES_ENDPOINT, "https://otlp.example/a/b/"),
    ]
    .map(|(name, value)| ((name, value), export_to(&[(name, value)])))
    {
        let expected = match given {
            (ENDPOINT, value) if value.contains("otlp") => "https://otlp.example/otlp/v1/traces",
            (ENDPOINT, _) => "http://127.0.0.1:4318/v1/traces",
            (_, "http://127.0.0.1:4318") => "http://127.0.0.1:4318/",
            (_, value) => value,
        };
        assert_eq!(url, expected, "{given:?}");
    }
    let both = [(TRACES_ENDPOINT, "http://localhost:1/x"), HERE];
    assert_eq!(export_to(&both), "http://localhost:1/x");
}

/// As it is shown.
fn export_to(given: Given<'_>) -> String {
    let export = read(given).unwrap().expect("an export");
    assert!(format!("{export:?}").contains(&export.shown()));
    export.shown()
}

#[test]
fn an_endpoint_that_is_no_url_of_http_is_a_mistake() {
    for value in [
        "localhost:4318",
        "127.0.0.1:4318",
        "grpc://127.0.0.1:4317",
        "unix:///run/otlp",
        "http://",
        "file:///x",
    ] {
        for name in [ENDPOINT, TRACES_ENDPOINT] {
            let problem = mistake(&[(name, value)], name);
            assert!(problem.starts_with("not an http(s) URL; expected"));
        }
    }
    let problem = mistake(&[(ENDPOINT, "https://me:secret@otlp.example")], ENDPOINT);
    assert!(problem.contains(HEADERS) && !problem.contains("secret"));
    assert!(mistake(&[(ENDPOINT, "\"http://x\"")], ENDPOINT).contains("in quotes"));
}

#[test]
fn one_protocol_is_spoken_and_the_others_are_named() {
    for name in [PROTOCOL, TRACES_PROTOCOL] {
        export(&[(name, "http/protobuf")]);
        for value in ["grpc", "http/json", "HTTP/PROTOBUF", "http"] {
            let problem = mistake(&[HERE, (name, value)], name);
            let expected = format!("`{value}` is not supported; expected http/protobuf");
            assert_eq!(problem, expected);
        }
    }
    // What is said of traces counts.
    export(&[(TRACES_PROTOCOL, "http/protobuf"), (PROTOCOL, "grpc")]);
    for name in [
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
    ] {
        assert!(mistake(&[HERE, (name, "gzip")], name).contains("not supported"));
    }
    export(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "none")]);
    assert!(mistake(&[HERE, (EXPORTER, "zipkin")], EXPORTER).contains("`zipkin`"));
}

#[test]
fn headers_are_pairs_and_no_mistake_quotes_them() {
    let given = "api-key=s3cret, X-Scope = a%20b%2Cc,,Authorization=Basic%20eA==";
    let Export { headers, .. } = export(&[(HEADERS, given)]);
    assert_eq!(headers.len(), 3);
    assert_eq!(headers["api-key"], "s3cret");
    assert_eq!(headers["x-scope"], "a b,c");
    assert_eq!(headers["authorization"], "Basic eA==");
    assert!(!format!("{headers:?}").contains("s3cret"));
    let of_traces = [(HEADERS, "a=1,b=2"), (TRACES_HEADERS, "c=3")];
    assert_eq!(export(&of_traces).headers.len(), 1);

    for (value, said) in [
        ("s3cret", "pair 1 is not name=value"),
        ("a=1,s3cret", "pair 2 is not name=value"),
        ("=s3cret", "pair 1 has no name"),
        ("a b=s3cret", "pair 1 has no header's name"),
        ("a=s3cret%0Ax: y", "pair 1 has a value that no header takes"),
        ("a=s3cret%FF", "pair 1 is not UTF-8"),
        (
            "Content-Type=s3cret",
            "pair 1 is a header of the protocol itself",
        ),
        (
            "a=1,Host=s3cret",
            "pair 2 is a header of the protocol itself",
        ),
    ] {
        let problem = mistake(&[HERE, (HEADERS, value)], HEADERS);
        assert!(problem.starts_with(said), "{value}: {problem}");
        assert!(!problem.contains("s3cret"), "{problem}");
    }
}

#[test]
fn headers_leave_the_machine_encrypted_only() {
    const KEY: (&str, &str) = (HEADERS, "api-key=s3cret");
    for url in [
        "https://otlp.example",
        "http://localhost:4318",
        "http://[::1]:1",
    ] {
        assert!(read(&[(ENDPOINT, url), KEY]).unwrap().is_some());
    }
    let in_the_clear = [(ENDPOINT, "http://otlp.example:4318"), KEY];
    let problem = mistake(&in_the_clear, HEADERS);
    assert!(problem.contains("expected an https endpoint"), "{problem}");
    assert!(read(&in_the_clear[..1]).unwrap().is_some(), "without a key");
}

#[test]
fn times_are_whole_milliseconds() {
    assert_eq!(export(&[]).timeout, Duration::from_secs(10));
    let both = [(TRACES_TIMEOUT, "7"), (TIMEOUT, "8")];
    assert_eq!(export(&both).timeout, Duration::from_millis(7));
    for value in ["0", "1.5", "10s", "-1", "300001"] {
        assert!(mistake(&[HERE, (TIMEOUT, value)], TIMEOUT).contains("whole number"));
    }
}

#[test]
fn the_samplers_are_those_of_the_sdk() {
    let shown = |given: Given<'_>| format!("{:?}", export(given).sampler);
    assert_eq!(shown(&[]), "ParentBased(AlwaysOn)");
    for (given, expected) in [
        ("always_on", "AlwaysOn"),
        ("always_off", "AlwaysOff"),
        ("parentbased_always_off", "ParentBased(AlwaysOff)"),
        ("traceidratio", "TraceIdRatioBased(0.25)"),
        (
            "parentbased_traceidratio",
            "ParentBased(TraceIdRatioBased(0.25))",
        ),
    ] {
        assert_eq!(shown(&[(SAMPLER, given), (SAMPLER_ARG, "0.25")]), expected);
    }
    let all = shown(&[(SAMPLER, "traceidratio")]);
    assert_eq!(all, "TraceIdRatioBased(1.0)");
    for value in ["jaeger_remote", "parentbased_parentbased_always_on", "on"] {
        let problem = mistake(&[HERE, (SAMPLER, value)], SAMPLER);
        assert!(problem.starts_with(&format!("`{value}` is not supported; expected")));
    }
    for value in ["half", "1.01", "-0.1", "NaN"] {
        let given = [HERE, (SAMPLER, "traceidratio"), (SAMPLER_ARG, value)];
        assert!(mistake(&given, SAMPLER_ARG).contains("a number from 0 to 1"));
    }
}

#[test]
fn a_program_is_called_by_its_name_unless_somebody_calls_it_otherwise() {
    let name = |given: Given<'_>| {
        let resource = export(given).resource;
        let name = resource.get(&Key::new("service.name"));
        name.expect("a name").to_string()
    };
    const ATTRIBUTES: &str = "service.name=a,deployment.environment.name=t%2Cest";
    assert_eq!(name(&[]), "shop");
    assert_eq!(name(&[(RESOURCE_ATTRIBUTES, ATTRIBUTES)]), "a");
    let both = [(RESOURCE_ATTRIBUTES, ATTRIBUTES), (SERVICE_NAME, "b")];
    assert_eq!(name(&both), "b");
    let resource = export(&both).resource;
    for (attribute, value) in [
        ("deployment.environment.name", "t,est"),
        ("service.version", "1.2.3"),
        ("telemetry.sdk.name", "opentelemetry"),
    ] {
        let found = resource.get(&Key::new(attribute)).expect(attribute);
        assert_eq!(found.to_string(), value);
    }
    let problem = mistake(&[HERE, (RESOURCE_ATTRIBUTES, "a=1,b")], RESOURCE_ATTRIBUTES);
    assert!(problem.starts_with("pair 2 is not name=value"), "{problem}");
}

#[test]
fn every_mistake_is_reported_at_once() {
    let Mistakes(found) = read(&[
        (ENDPOINT, "x"),
        (PROTOCOL, "grpc"),
        (HEADERS, "x"),
        (TIMEOUT, "x"),
        (SAMPLER, "x"),
        (RESOURCE_ATTRIBUTES, "x"),
        (EXPORTER, "x"),
    ])
    .unwrap_err();
    assert_eq!(found.len(), 7, "{found:?}");
}
