//! The pages with the mails.

use super::{email, get, send, service};

const HOSTILE: &str = "<script>alert(1)</script> \"Bürste\" 🐕";

#[tokio::test]
async fn the_pages_show_hostile_mails_and_run_nothing() {
    let service = service().await;
    assert!(get(&service, "/").await.2.contains("No mail yet"));
    send(&service, &email(HOSTILE)).await.unwrap();
    for page in ["/", "/1"] {
        let (status, policy, html) = get(&service, page).await;
        assert_eq!(status, 200);
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self';"),
            "{policy}"
        );
        assert!(html.contains("&lt;script&gt;alert(1)"), "{html}");
        assert!(!html.contains("<script") && !html.contains("://"), "{html}");
    }
    let (.., page) = get(&service, "/1").await;
    assert!(page.contains("<iframe sandbox src=\"/1/html\""), "{page}");
    let (_, policy, html) = get(&service, "/1/html").await;
    assert!(
        policy.starts_with("sandbox; default-src 'none';"),
        "{policy}"
    );
    assert_eq!(html, "<p>html ü</p><script>alert(2)</script>");
    assert_eq!(get(&service, "/style.css").await.0, 200);
    assert_eq!(get(&service, "/2").await.0, 404);
}
