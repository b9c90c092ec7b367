//! What is counted, and how a run is concluded.

use time::OffsetDateTime;

use super::*;
use crate::evidence::{Mark, Sent, Write};
use crate::judge::judge;

fn one_accepted() -> Evidence {
    let sent = Sent {
        session: "S".to_owned(),
        revision: 1,
        message_id: "m".to_owned(),
        sha256: String::new(),
        order_sha256: Some(String::new()),
        fate: Fate::Accepted,
        tries: 1,
        unclear: false,
        due: OffsetDateTime::UNIX_EPOCH,
        answered: OffsetDateTime::UNIX_EPOCH,
    };
    Evidence {
        sent: vec![sent],
        ..Evidence::default()
    }
}

fn report(due: u64, quiet: bool, evidence: &Evidence) -> Report {
    let ran = Ran {
        due,
        quiet,
        ..Ran::default()
    };
    Report::new(ran, evidence, Verdict::default())
}

fn chaos(due: u64, quiet: bool, evidence: &Evidence, problems: &[&str]) -> Report {
    let problems = problems.iter().copied().map(str::to_owned).collect();
    let figures = Figures::new(evidence, &Verdict::default());
    report(due, quiet, evidence).with_figures(figures, problems, "just chaos".to_owned())
}

#[test]
fn a_load_that_nobody_accepted_proves_nothing() {
    let report = report(1, true, &Evidence::default());
    assert_eq!((report.verdict, report.kept), (Conclusion::Broken, false));
    assert!(report.to_string().ends_with("so nothing is proven"));
}

#[test]
fn a_load_is_kept_although_the_queue_is_not_at_rest() {
    let report = report(9, false, &one_accepted());
    assert_eq!((report.verdict, report.kept), (Conclusion::Kept, true));
    assert!(report.to_string().contains("raise --settle"), "{report}");
}

#[test]
fn chaos_is_complete_with_all_messages_and_a_queue_at_rest() {
    let sent = one_accepted();
    assert_eq!(chaos(1, true, &sent, &[]).verdict, Conclusion::Kept);
    let late = chaos(2, true, &sent, &[]);
    assert_eq!(late.verdict, Conclusion::Incomplete);
    assert!(late.to_string().contains("only 1 of 2 messages"), "{late}");
    let restless = chaos(1, false, &sent, &[]);
    assert_eq!(restless.verdict, Conclusion::Incomplete);
    assert!(restless.to_string().ends_with("did not come to rest"));
}

#[test]
fn a_problem_breaks_chaos_and_is_told_with_the_way_to_see_it_again() {
    let report = chaos(1, true, &one_accepted(), &["a host gave up"]);
    assert_eq!((report.verdict, report.kept), (Conclusion::Broken, false));
    let text = report.to_string();
    assert!(text.contains("  a host gave up\n"), "{text}");
    assert!(text.ends_with("once more: just chaos"), "{text}");
}

#[test]
fn throughput_is_by_the_time_of_sending_and_not_by_the_wait_for_rest() {
    let ran = Ran {
        took: Duration::from_millis(500),
        settled: Duration::from_secs(10),
        ..Ran::default()
    };
    let report = Report::new(ran, &one_accepted(), Verdict::default());
    assert!((report.throughput - 2.0).abs() < 1e-9, "{report}");
}

#[test]
fn what_is_stored_a_second_is_counted_up_to_the_last_write() {
    let mut evidence = one_accepted();
    let write = |id: &str, seconds| Write {
        name: "S.json".to_owned(),
        etag: String::new(),
        at: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds),
        sha256: String::new(),
        mark: Mark {
            message_id: Some(id.to_owned()),
            ..Mark::default()
        },
    };
    evidence.writes = vec![write("m", 4), write("another's", 9)];
    let report = report(1, true, &evidence);
    assert!((report.stored_throughput - 0.25).abs() < 1e-9, "{report}");
}

#[test]
fn what_others_did_meanwhile_is_noted_and_not_counted() {
    let mut evidence = one_accepted();
    for name in ["S.json", "OTHER.json", "OTHER.json"] {
        evidence.writes.push(Write {
            name: name.to_owned(),
            etag: String::new(),
            at: OffsetDateTime::UNIX_EPOCH,
            sha256: String::new(),
            mark: Mark {
                message_id: (name == "S.json").then(|| "m".to_owned()),
                ..Mark::default()
            },
        });
    }
    let verdict = judge(&evidence);
    let report = Report::new(Ran::default(), &evidence, verdict);
    assert_eq!((report.writes, report.foreign), (1, 1));
    let text = report.to_string();
    let noted = "others      1 blobs of sessions that are not of this run changed meanwhile";
    assert!(text.contains(noted), "{text}");
}

#[test]
fn sections_that_a_run_lacks_are_absent() {
    let load: serde_json::Value =
        serde_json::from_str(&report(1, true, &one_accepted()).json()).expect("JSON");
    assert_eq!(load.get("figures"), None);
    assert_eq!(load["kept"], true);
    let chaos = chaos(1, true, &one_accepted(), &[]).json();
    let chaos: serde_json::Value = serde_json::from_str(&chaos).expect("JSON");
    assert_eq!(chaos.get("faults"), None);
    assert_eq!(chaos["verdict"], "kept");
    assert_eq!(chaos["figures"]["accepted"], 1);
    assert_eq!(chaos["figures"]["blows"], serde_json::json!({}));
}
