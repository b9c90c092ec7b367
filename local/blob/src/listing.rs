//! List Containers and List Blobs.

use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use stand_in::{http_date, xml};

use crate::answer::Failure;
use crate::handle::AccountState;
use crate::storage::NameRange;
use crate::target::query;

pub(crate) fn containers(state: &AccountState, uri: &Uri) -> Result<Response, Failure> {
    let page = state.storage.containers(&range(uri)?);
    let mut xml = "<Containers>".to_owned();
    for (name, stamp) in &page.entries {
        let name = xml::element("Name", name);
        let modified = http_date::format(stamp.last_modified);
        let modified = xml::element("Last-Modified", &modified);
        let etag = xml::element("Etag", &stamp.etag);
        xml += &format!("<Container>{name}<Properties>{modified}{etag}</Properties></Container>");
    }
    xml += "</Containers>";
    answer(state, uri, None, &xml, &page.next)
}

pub(crate) fn blobs(state: &AccountState, container: &str, uri: &Uri) -> Result<Response, Failure> {
    let page = state.storage.list(container, &range(uri)?)?;
    let include = query(uri, "include").unwrap_or_default();
    let with_metadata = include.split(',').any(|what| what == "metadata");
    let mut xml = "<Blobs>".to_owned();
    for (name, blob) in &page.entries {
        xml += "<Blob>";
        xml += &xml::element("Name", name);
        xml += "<Properties>";
        xml += &xml::element("Last-Modified", &http_date::format(blob.last_modified));
        // Without quotes, as the service lists it.
        xml += &xml::element("Etag", blob.etag.trim_matches('"'));
        xml += &xml::element("Content-Length", &blob.bytes.len().to_string());
        xml += &xml::element("Content-Type", &blob.content_type);
        xml += "<BlobType>BlockBlob</BlobType></Properties>";
        if with_metadata {
            xml += "<Metadata>";
            for (key, value) in &blob.metadata {
                xml += &xml::element(key, value);
            }
            xml += "</Metadata>";
        }
        xml += "</Blob>";
    }
    xml += "</Blobs>";
    answer(state, uri, Some(container), &xml, &page.next)
}

/// Which names a listing asks for.
fn range(uri: &Uri) -> Result<NameRange, Failure> {
    let limit = match query(uri, "maxresults").map(|text| text.parse()) {
        None => None,
        Some(Ok(limit)) if limit > 0 => Some(limit),
        Some(_) => {
            let message = "maxresults must be a positive number.";
            return Err(Failure::bad_request("InvalidQueryParameterValue", message));
        }
    };
    let prefix = query(uri, "prefix").unwrap_or_default();
    let marker = query(uri, "marker").unwrap_or_default();
    Ok(NameRange::new(prefix, marker, limit))
}

/// The frame that both listings have in common.
fn answer(
    state: &AccountState,
    uri: &Uri,
    container: Option<&str>,
    entries: &str,
    next: &str,
) -> Result<Response, Failure> {
    let mut xml = format!("<EnumerationResults ServiceEndpoint=\"{}/\"", state.url);
    if let Some(name) = container {
        xml += &format!(" ContainerName=\"{name}\"");
    }
    xml.push('>');
    for (element, parameter) in [
        ("Prefix", "prefix"),
        ("Marker", "marker"),
        ("MaxResults", "maxresults"),
    ] {
        if let Some(value) = query(uri, parameter) {
            xml += &xml::element(element, &value);
        }
    }
    xml += entries;
    xml += &xml::element("NextMarker", next);
    xml += "</EnumerationResults>";
    let response = Response::builder().header(CONTENT_TYPE, "application/xml");
    Ok(response.body(xml::document(&xml).into())?)
}
