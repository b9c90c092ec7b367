//! What is kept of a mail: its file.

use logic_app::mail::{MailService, Outbox};
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
    let outbox = Outbox::in_folder(folder.join("outbox"));
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
    std::fs::remove_dir_all(folder.join("outbox")).unwrap();
    std::fs::write(folder.join("outbox"), "in the way").unwrap();
    let response = send_as(&service, ID, &email("Third")).await.unwrap();
    assert_eq!(
        response.status(),
        500,
        "what cannot be kept is not accepted"
    );
}
