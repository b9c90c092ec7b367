//! The settings of the export: the standard ones of OpenTelemetry, as far as they mean something
//! here. What is set and cannot be done is a mistake, never passed over.
//!
//! "Environment Variable Specification" and "OpenTelemetry Protocol Exporter" of OpenTelemetry.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use reqwest::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, TRANSFER_ENCODING,
};
use url::Url;

use crate::program::Program;
use crate::settings;
use crate::settings::{Mistakes, Reader, Source, is_loopback};

/// Every setting of the export, and its default or `None`. `README.md` lists the same.
pub const SETTINGS: [(&str, Option<&str>); 14] = [
    (ENDPOINT, None),
    (TRACES_ENDPOINT, None),
    (HEADERS, None),
    (TRACES_HEADERS, None),
    (PROTOCOL, Some(HTTP_PROTOBUF)),
    (TRACES_PROTOCOL, Some(HTTP_PROTOBUF)),
    (TIMEOUT, Some("10000")),
    (TRACES_TIMEOUT, Some("10000")),
    (SERVICE_NAME, None),
    (RESOURCE_ATTRIBUTES, None),
    (SAMPLER, Some("parentbased_always_on")),
    (SAMPLER_ARG, None),
    (EXPORTER, Some("otlp")),
    (DISABLED, Some("false")),
];

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const TRACES_HEADERS: &str = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const TRACES_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const DISABLED: &str = "OTEL_SDK_DISABLED";

/// The one protocol that is spoken.
const HTTP_PROTOBUF: &str = "http/protobuf";

/// What is not done, and the one value that wants nothing of it.
const UNSUPPORTED: [(&str, &str); 8] = [
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", ""),
    ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", ""),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", ""),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", ""),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", ""),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", ""),
];

/// Headers that are the protocol's own.
const OURS: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
];

const PAIRS: &str = "expected name=value pairs separated by ',', percent-encoded";

/// Where spans go, and what they say of the program.
#[derive(Clone)]
pub struct Export {
    pub(super) url: Url,
    /// May hold a key.
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    pub(super) sampler: Sampler,
    pub(super) resource: Resource,
    pub(super) program: &'static str,
}

/// Without headers, and without what may be secret of the URL.
impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("url", &self.shown())
            .finish_non_exhaustive()
    }
}

impl Export {
    /// Reads the environment of the process; `None` when nobody wants spans.
    ///
    /// # Errors
    /// Lists everything that is wrong.
    pub fn from_env(program: &Program) -> Result<Option<Self>, Mistakes> {
        Self::read(program, &settings::from_env)
    }

    /// Reads the settings from `source`. Where no receiver is named, or the export is turned off,
    /// nothing else is looked at: it may be for other programs.
    ///
    /// # Errors
    /// Lists everything that is wrong.
    pub fn read(program: &Program, source: Source<'_>) -> Result<Option<Self>, Mistakes> {
        let reader = Reader::new(&SETTINGS, source);
        let is = |name, value: &str| {
            let given = reader.get(name);
            given.is_some_and(|given| given.eq_ignore_ascii_case(value))
        };
        let is_named = [ENDPOINT, TRACES_ENDPOINT].map(|name| reader.get(name).is_some());
        if is(DISABLED, "true") || is(EXPORTER, "none") || is_named == [false; 2] {
            return Ok(None);
        }
        settings::read(&SETTINGS, source, |reader| Self::assemble(program, reader)).map(Some)
    }

    /// Where they go, as it may be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        let origin = self.url.origin().ascii_serialization();
        format!("{origin}{}", self.url.path())
    }

    /// Where the spans of a program go, for a person who asks.
    #[must_use]
    pub fn told(export: Option<&Self>) -> String {
        match export {
            Some(export) => format!("spans go to {} (none was sent)", export.shown()),
            None => format!("no spans are exported ({ENDPOINT})"),
        }
    }

    fn assemble(program: &Program, reader: &mut Reader<'_>) -> Option<Self> {
        let exporter = reader.or_default(EXPORTER);
        if exporter != "otlp" {
            let problem = format!("`{exporter}` is not supported; expected otlp, or none");
            reader.wrong::<()>(EXPORTER, problem);
        }
        for (name, nothing) in UNSUPPORTED {
            if reader.get(name).is_some_and(|value| value != nothing) {
                let problem = match nothing {
                    "" => "not supported: Mozilla's root certificates count; expected no value",
                    _ => "not supported; expected none",
                };
                reader.wrong::<()>(name, problem);
            }
        }
        let protocol = set_of(reader, [TRACES_PROTOCOL, PROTOCOL]);
        let spoken = reader.or_default(protocol);
        if spoken != HTTP_PROTOBUF {
            let problem = format!("`{spoken}` is not supported; expected {HTTP_PROTOBUF}");
            reader.wrong::<()>(protocol, problem);
        }
        let url = url(reader);
        let headers = headers(reader, url.as_ref());
        let timeout = set_of(reader, [TRACES_TIMEOUT, TIMEOUT]);
        let timeout = reader.milliseconds(timeout);
        let sampler = sampler(reader);
        let resource = resource(reader, program);
        Some(Self {
            url: url?,
            headers: headers?,
            timeout: timeout?,
            sampler: sampler?,
            resource: resource?,
            program: program.name,
        })
    }
}

/// The first that is set, or the last.
fn set_of(reader: &Reader<'_>, [of_traces, of_all]: [&'static str; 2]) -> &'static str {
    match reader.get(of_traces) {
        Some(_) => of_traces,
        None => of_all,
    }
}

/// That of traces as it is, that of all signals with `v1/traces` behind it.
fn url(reader: &mut Reader<'_>) -> Option<Url> {
    let name = set_of(reader, [TRACES_ENDPOINT, ENDPOINT]);
    let text = reader.get(name)?;
    let url = Url::parse(&text).ok();
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let Some(mut url) = url.filter(is_http) else {
        let problem = "not an http(s) URL; expected one such as http://127.0.0.1:4318";
        return reader.wrong(name, problem);
    };
    if !url.username().is_empty() || url.password().is_some() {
        let problem = format!("a user stands in the URL; expected {HEADERS} for what opens it");
        return reader.wrong(name, problem);
    }
    url.set_fragment(None);
    if name == ENDPOINT {
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(["v1", "traces"]);
    }
    Some(url)
}

fn headers(reader: &mut Reader<'_>, url: Option<&Url>) -> Option<HeaderMap> {
    let name = set_of(reader, [TRACES_HEADERS, HEADERS]);
    let mut headers = HeaderMap::new();
    let text = reader.get(name).unwrap_or_default();
    for (number, pair) in (1..).zip(pairs(&text)) {
        let header = pair.and_then(|(name, value)| {
            let name = HeaderName::try_from(name).map_err(|_| "has no header's name")?;
            let value = HeaderValue::try_from(value);
            let mut value = value.map_err(|_| "has a value that no header takes")?;
            value.set_sensitive(true);
            match OURS.contains(&name) {
                true => Err("is a header of the protocol itself"),
                false => Ok((name, value)),
            }
        });
        match header {
            Ok((name, value)) => drop(headers.insert(name, value)),
            Err(what) => {
                return reader.wrong(name, format!("pair {number} {what}; {PAIRS}"));
            }
        }
    }
    if !headers.is_empty() && url.is_some_and(|it| it.scheme() == "http" && !is_loopback(it)) {
        let problem = "headers may hold a key, which leaves this machine encrypted only; \
                       expected an https endpoint, or one on loopback";
        return reader.wrong(name, problem);
    }
    Some(headers)
}

/// `name=value,name=value`, both percent-encoded: the form of W3C Baggage, without its properties.
fn pairs(text: &str) -> impl Iterator<Item = Result<(String, String), &'static str>> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text.trim()).decode_utf8();
        let text = text.map(Cow::into_owned);
        text.map_err(|_| "is not UTF-8 when it is decoded")
    };
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(move |part| {
        let (name, value) = part.split_once('=').ok_or("is not name=value")?;
        if name.trim().is_empty() {
            return Err("has no name");
        }
        Ok((decoded(name)?, decoded(value)?))
    })
}

/// As the SDK names them.
fn sampler(reader: &mut Reader<'_>) -> Option<Sampler> {
    let given = reader.or_default(SAMPLER);
    let by_parent = given.strip_prefix("parentbased_");
    let sampler = match by_parent.unwrap_or(&given) {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio(reader)?),
        _ => {
            let problem = format!(
                "`{given}` is not supported; expected always_on, always_off or traceidratio, \
                 or one of them behind parentbased_"
            );
            return reader.wrong(SAMPLER, problem);
        }
    };
    Some(match by_parent {
        Some(_) => Sampler::ParentBased(Box::new(sampler)),
        None => sampler,
    })
}

fn ratio(reader: &mut Reader<'_>) -> Option<f64> {
    let given = reader.get(SAMPLER_ARG).unwrap_or_else(|| "1".to_owned());
    let ratio = given.parse().ok();
    ratio
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .or_else(|| {
            let problem = format!("`{given}` is not a number from 0 to 1");
            reader.wrong(SAMPLER_ARG, problem)
        })
}

/// What the spans say of the program: its name, unless somebody names it otherwise.
fn resource(reader: &mut Reader<'_>, program: &Program) -> Option<Resource> {
    let mut attributes = vec![
        KeyValue::new("service.name", program.name),
        KeyValue::new("service.version", program.version),
    ];
    let text = reader.get(RESOURCE_ATTRIBUTES).unwrap_or_default();
    for (number, pair) in (1..).zip(pairs(&text)) {
        match pair {
            Ok((name, value)) => attributes.push(KeyValue::new(name, value)),
            Err(what) => {
                return reader.wrong(
                    RESOURCE_ATTRIBUTES,
                    format!("pair {number} {what}; {PAIRS}"),
                );
            }
        }
    }
    let name = reader.get(SERVICE_NAME);
    attributes.extend(name.map(|name| KeyValue::new("service.name", name)));
    // Of one name the last counts.
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(attributes);
    Some(resource.build())
}

#[cfg(test)]
mod tests;
