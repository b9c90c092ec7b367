//! What a page of the storefront says, read off its HTML as a person would read it off the screen.

/// The token that the page's forms carry.
pub(super) fn token(page: &str) -> Option<String> {
    between(page, "name=\"token\" value=\"", "\"")
}

/// Which order the cart page would place, as its form says it.
pub(super) fn to_place(page: &str) -> Option<String> {
    let value = |name: &str| between(page, &format!("name=\"{name}\" value=\""), "\"");
    let (order, revision) = (value("order")?, value("revision")?);
    Some(format!("order={order}&revision={revision}"))
}

/// The session of the order that a page says thank you for.
pub(super) fn placed(page: &str) -> Option<String> {
    between(page, "Order <code>", "</code>")
}

/// The session in the page's footer.
pub(super) fn session(page: &str) -> Option<String> {
    between(page, "session: <code>", "</code>")
}

/// The lines of the cart page.
pub(super) fn lines(page: &str) -> Option<Vec<(u64, u64)>> {
    let rows = page.split("name=\"product\" value=\"").skip(1);
    rows.map(|row| {
        Some((
            row.split('"').next()?.parse().ok()?,
            *quantities(row).first()?,
        ))
    })
    .collect()
}

/// Every quantity the page shows, in its order.
pub(super) fn quantities(page: &str) -> Vec<u64> {
    let shown = page.split("Quantity: </span>").skip(1);
    let digits = |text: &str| {
        let text = text.trim_start_matches(['×', ' ']);
        text.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    };
    shown.filter_map(digits).collect()
}

fn between(text: &str, open: &str, close: &str) -> Option<String> {
    Some(text.split_once(open)?.1.split_once(close)?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read() {
        let page = "<input type=\"hidden\" name=\"token\" value=\"t\"><input type=\"hidden\" name=\"product\" value=\"8\">\
            <button>-</button><span class=\"quantity\"><span class=\"hidden\">Quantity: </span>2</span>\
            <input name=\"product\" value=\"11\"><span class=\"hidden\">Quantity: </span>10</span>session: <code>E7</code>";
        assert_eq!(lines(page), Some(vec![(8, 2), (11, 10)]));
        assert_eq!(token(page).as_deref(), Some("t"));
        assert_eq!(session(page).as_deref(), Some("E7"));
        assert_eq!(
            quantities("<span class=\"hidden\">Quantity: </span>× 3</p>"),
            [3]
        );
    }
}
