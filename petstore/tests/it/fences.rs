//! Posts from elsewhere, cookies that are not ours, and what every answer carries.

use reqwest::Method;

use crate::support::bus::Bus;
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;

async fn open() -> (Bus, Shop, Shopper) {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let shopper = Shopper::enter(&shop.url).await;
    (bus, shop, shopper)
}

#[tokio::test]
async fn a_post_from_elsewhere_changes_nothing() {
    let (bus, shop, mut shopper) = open().await;
    let form = format!("token={}&step=add&product=1", shopper.token);
    let host = shop.url.replace("127.0.0.1", "localhost");
    let refused: [(&str, &str); 7] = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", ""),
        ("origin", "null"),
        ("origin", "https://evil.example"),
        ("origin", &host),
        ("origin", "not an origin"),
    ];
    for header in refused {
        let answer = shopper.send(Method::POST, "/cart", &[header], &form).await;
        assert_eq!(
            (answer.status, answer.set_cookie),
            (403, None),
            "{header:?}"
        );
    }
    assert!(bus.messages().is_empty());
    let own = shop.url.clone();
    let allowed: [(&str, &str); 3] = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("origin", &own),
    ];
    for header in allowed {
        let answer = shopper.send(Method::POST, "/cart", &[header], &form).await;
        assert_eq!(answer.status, 303, "{header:?}");
    }
}

#[tokio::test]
async fn a_form_belongs_to_its_session() {
    let (_bus, shop, mut shopper) = open().await;
    let other = Shopper::enter(&shop.url).await;
    for token in ["", "x", &other.token, &shopper.token.to_lowercase()] {
        for path in ["/cart", "/cart/complete"] {
            let order = "E7DBA502A3B795953DDE76EA965EBBF3";
            let form = format!("token={token}&step=add&product=1&order={order}&revision=1&email=");
            let answer = shopper.send(Method::POST, path, &[], &form).await;
            assert_eq!(answer.status, 403, "{token} {path}");
            assert!(answer.text.contains("out of date"));
        }
    }
    let kept = std::mem::take(&mut shopper.cookie);
    let answer = shopper.step("add", 1).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text.contains("no cookie of ours"), "{}", answer.text);
    shopper.cookie = format!("{kept}x");
    assert_eq!(shopper.step("add", 1).await.status, 403);
}

#[tokio::test]
async fn a_guessed_key_opens_nothing_and_garbage_begins_a_new_visit() {
    let (_bus, _shop, mut shopper) = open().await;
    shopper.does("add", 1).await;
    let kept = shopper.cookie.clone();
    let (name, _) = kept.split_once('=').unwrap();
    shopper.cookie = format!("{name}={}.20000", "A".repeat(43));
    let answer = shopper.look("/cart").await;
    assert!(answer.text.contains("Your cart is empty"));
    for garbage in ["garbage", "AAAA.1", ".", "", "%00.1"] {
        shopper.cookie = format!("{name}={garbage}");
        let answer = shopper.look("/cart").await;
        assert!(answer.text.contains("Your cart is empty"), "{garbage}");
        assert!(answer.set_cookie.is_some(), "{garbage}");
    }
    shopper.cookie = kept;
    assert!(shopper.look("/cart").await.text.contains("1 piece"));
}

/// One jar for all ports of a laptop, and all paths of a domain.
#[tokio::test]
async fn a_neighbours_cookie_hides_no_cart_whatever_is_in_it() {
    let (_bus, _shop, mut shopper) = open().await;
    shopper.does("add", 1).await;
    let kept = shopper.cookie.clone();
    let long = "a".repeat(4_000);
    for neighbour in ["name=Zoë", "\u{1f408}=1", "x=\u{80}\u{ff}", ";;=;", &long] {
        for jar in [
            format!("{neighbour}; {kept}"),
            format!("{kept}; {neighbour}"),
        ] {
            shopper.cookie = jar;
            let answer = shopper.look("/cart").await;
            assert!(answer.text.contains("1 piece"), "{neighbour}");
            assert_eq!(answer.set_cookie, None, "{neighbour}");
        }
    }
}

#[tokio::test]
async fn forms_that_make_no_sense_change_nothing() {
    let (bus, _shop, mut shopper) = open().await;
    let token = shopper.token.clone();
    for form in [
        "",
        "step=add",
        "step=add&product=x",
        "step=add&product=-1",
        "product=1",
        "step=double&product=1",
        "step=set&product=1",
        "step=set&product=1&quantity=",
        "step=set&product=1&quantity=256",
    ] {
        let form = format!("token={token}&{form}");
        let answer = shopper.send(Method::POST, "/cart", &[], &form).await;
        assert_eq!(answer.status, 400, "{form}");
    }
    let large = format!("token={token}&step=add&product=1&x={}", "y".repeat(20_000));
    assert_eq!(
        shopper
            .send(Method::POST, "/cart", &[], &large)
            .await
            .status,
        400
    );
    for (step, product) in [("add", 12), ("plus", 1), ("minus", 1), ("remove", 1)] {
        let answer = shopper.step(step, product).await;
        assert_eq!((answer.status, answer.set_cookie), (303, None), "{step}");
    }
    assert!(bus.messages().is_empty());
}

#[tokio::test]
async fn every_page_may_load_only_from_here() {
    let (_bus, shop, shopper) = open().await;
    let client = azure_app::http_client::build("test").unwrap();
    for path in [
        "/",
        "/products",
        "/products/1",
        "/products/99",
        "/products/%ff%00",
        "/breeds/dog",
        "/breeds/cow",
        "/breeds/%ff",
        "/cart",
        "/nowhere",
        "/health",
        "/assets/style.css",
    ] {
        let request = client
            .get(format!("{}{path}", shop.url))
            .header("cookie", &shopper.cookie);
        let answer = request.send().await.unwrap();
        let headers = answer.headers().clone();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let strange = ["99", "cow", "nowhere", "%ff"];
        let is_strange = strange.iter().any(|part| path.contains(part));
        let expected = if is_strange { 404 } else { 200 };
        assert_eq!(answer.status(), expected, "{path}");
        let text = answer.text().await.unwrap();
        assert_eq!(text.contains("no such page"), is_strange, "{path}");
        for outside in ["src=\"http", "href=\"http", "url(", "@import", "style=\""] {
            assert!(!text.contains(outside), "{path}: {outside}");
        }
        if !path.contains('.') {
            assert_eq!(headers["cache-control"], "no-store", "{path}");
        }
    }
    let answer = client
        .delete(format!("{}/cart", shop.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 405);
}
