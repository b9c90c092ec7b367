//! What is kept of a mail: its file.

use std::sync::Arc;

use logic_app::mail::{Mail, MailService, Outbox};
use testkit::net;

use super::{ID, email, send, send_as, service};

#[tokio::test]
async fn the_file_holds_text_and_html_as_alternatives() {
    let service = service().await;
    send(&service, &email("Bürste\r\nBcc: evil@example.com"))
        .await
        .unwrap();
    let eml = String::from_utf8(service.mails()[0].eml.clone()).unwrap();
    let (headers, body) = eml.split_once("\r\n\r\n").unwrap();
    for header in [
        "From: <a@example.com>",
        "To: <ops@example.com>",
        "Operation-Id: ",
    ] {
        assert!(headers.contains(header), "{headers}");
    }
    assert!(headers.contains("multipart/alternative"), "{headers}");
    assert!(
        !headers.lines().any(|line| line.starts_with("Bcc")),
        "{headers}"
    );
    let (text, html) = (body.find("text/plain"), body.find("text/html"));
    assert!(
        text.unwrap() < html.unwrap(),
        "the better form is last: {body}"
    );
}

#[tokio::test]
async fn a_folder_gets_a_file_for_each_mail() {
    let folder = testkit::fixture::Folder::new();
    let outbox = Outbox::in_folder(folder.join("outbox")).unwrap();
    let service = MailService::start(net::listener().await, outbox).unwrap();
    for subject in ["1111", "2222"] {
        send_as(&service, &ID.replace("8540", subject), &email(subject))
            .await
            .unwrap();
    }
    let files = std::fs::read_dir(folder.join("outbox")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let written: Vec<_> = files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    let kept: Vec<_> = service
        .mails()
        .iter()
        .map(|mail| mail.eml.clone())
        .collect();
    assert_eq!(written, kept);
    // The next run has them too, goes on counting, and knows which operations were accepted.
    let outbox = Outbox::in_folder(folder.join("outbox")).unwrap();
    let again = MailService::start(net::listener().await, outbox).unwrap();
    let (before, after) = (service.mails(), again.mails());
    let said = |mail: &Arc<Mail>| {
        (
            mail.number,
            mail.at.unix_timestamp(),
            mail.email.content.clone(),
        )
    };
    let all = |mails: &[Arc<Mail>]| mails.iter().map(said).collect::<Vec<_>>();
    assert_eq!(all(&after), all(&before));
    send_as(&again, &ID.replace("8540", "1111"), &email("1111"))
        .await
        .unwrap();
    send(&again, &email("Third")).await.unwrap();
    let reader = again.reader();
    assert_eq!((reader.count(), reader.last_number()), (3, 3));
    // Deleted is deleted, with the file.
    assert!(reader.delete(1).unwrap());
    assert!(!reader.delete(1).unwrap());
    assert_eq!((reader.count(), reader.mail(1).is_none()), (2, true));
    let outbox = Outbox::in_folder(folder.join("outbox")).unwrap();
    let again = MailService::start(net::listener().await, outbox).unwrap();
    let numbers: Vec<_> = again.mails().iter().map(|mail| mail.number).collect();
    assert_eq!(numbers, [2, 3]);

    std::fs::remove_dir_all(folder.join("outbox")).unwrap();
    std::fs::write(folder.join("outbox"), "in the way").unwrap();
    let response = send_as(&service, ID, &email("Third")).await.unwrap();
    assert_eq!(
        response.status(),
        500,
        "what cannot be kept is not accepted"
    );
}
