// One whole visit in real Chromium: `node visit.js <modules> <chromium> <shop> <pictures>`.
// Prints what is wrong as JSON, one object a line; nothing is a good visit.
"use strict";
const path = require("node:path");
const [modules, executablePath, shop, pictures] = process.argv.slice(2);
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = require(path.join(modules, "axe-core")).source;

const wrong = (what) => console.log(JSON.stringify(what));
const check = (holds, what) => holds || wrong({ what });

const visit = async (browser, name, options, shown) => {
  const context = await browser.newContext({ baseURL: shop, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const scripted = options.javaScriptEnabled !== false;
  const place = (where) => `${name}: ${where}`;
  page.on("request", (request) => check(request.url().startsWith(shop), place(`request to ${request.url()}`)));
  page.on("pageerror", (error) => wrong({ what: place(String(error)) }));
  page.on("console", (message) => message.type() === "error" && !message.text().includes("404") && wrong({ what: place(message.text()) }));
  let loads = 0;
  page.on("load", () => (loads += 1));

  // The auditor needs a script of its own, which the page's policy would refuse.
  const audit = async (where) => {
    if (pictures && shown) await page.screenshot({ path: path.join(pictures, `${name}-${where}.png`), fullPage: true });
    const wide = scripted && (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth));
    check(!wide, place(`${where} scrolls sideways`));
    if (!scripted) return;
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, help, nodes } of found.violations) wrong({ what: place(where), id, help, nodes: nodes.map((node) => node.html) });
  };

  await page.goto("/");
  await audit("home");
  await page.getByRole("link", { name: "By breed of Dogs" }).click();
  await audit("breeds");
  await page.getByRole("link", { name: "Beagle" }).click();
  await audit("products-small-dogs");
  await page.goto("/products");
  await audit("products");
  await page.getByRole("heading", { name: "Plush Moose" }).getByRole("link").click();
  await audit("product");
  await page.goto("/cart");
  await audit("cart-empty");
  for (const [animal, product] of [["Dogs", "Plush Moose"], ["Cats", "Scratcher"]]) {
    await page.getByRole("navigation", { name: "Shop" }).getByRole("link", { name: animal }).click();
    await page.getByRole("button", { name: `Add to cart: ${product}` }).click();
    await page.waitForURL("**/cart?note=changed**");
  }
  const row = page.getByRole("form", { name: "Quantity of Scratcher" });
  const before = loads;
  const press = async (button, quantity) => {
    await row.getByRole("button", { name: button }).click();
    await row.getByText(`Quantity: ${quantity}`, { exact: true }).waitFor();
    const note = page.getByRole("status");
    await note.getByText(`Scratcher: ${quantity} in the cart.`).waitFor();
  };
  await press("One more Scratcher", 2);
  await press("One more Scratcher", 3);
  await press("One less Scratcher", 2);
  check((loads === before) === scripted, place("a script keeps the page, and only a script"));
  if (scripted) {
    const focused = await page.evaluate(() => document.activeElement.id);
    check(focused === "minus-8", place(`the focus went to ${focused}`));
    // Not with `noWaitAfter`: then a press that is taken back, for the row was replaced since it was
    // looked at, would not be repeated.
    for (let more = 0; more < 6; more += 1) await row.getByRole("button", { name: "One more Scratcher" }).click();
    await row.getByText("Quantity: 8", { exact: true }).waitFor();
  }
  await page.getByRole("link", { name: "Scratcher", exact: true }).click();
  await audit("product-in-cart");
  await page.getByLabel("In the cart").fill("5");
  await page.getByRole("button", { name: "Change" }).click();
  await row.getByText("Quantity: 5", { exact: true }).waitFor();
  const reserved = page.getByText("Reserved for you");
  // Without a script the shopper looks again.
  while (!scripted && !(await reserved.isVisible())) await page.reload();
  await reserved.waitFor();
  await audit("cart");
  await page.getByLabel("E-mail").fill("someone@example.org");
  await page.getByRole("button", { name: "Complete order" }).click();
  await page.waitForURL("**/order");
  await page.getByText("Your order is complete").waitFor();
  await audit("order");
  await page.goto("/nowhere");
  await audit("not-found");
  await context.close();
};

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 1.5 };
  const desktop = { viewport: { width: 1280, height: 800 } };
  try {
    await visit(browser, "desktop-light", { ...desktop, colorScheme: "light" }, true);
    await visit(browser, "phone-light", { ...phone, colorScheme: "light" }, true);
    await visit(browser, "desktop-dark", { ...desktop, colorScheme: "dark" }, true);
    await visit(browser, "phone-dark", { ...phone, colorScheme: "dark" }, true);
    await visit(browser, "no-script", { ...phone, javaScriptEnabled: false }, true);
  } catch (error) {
    wrong({ what: String(error) });
  } finally {
    await browser.close();
  }
})();
