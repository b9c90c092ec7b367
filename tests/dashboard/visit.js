// The dashboard in real Chromium: `node visit.js <modules> <chromium> <dashboard> <pictures>`.
// Prints what is wrong as JSON, one object a line; nothing is a good visit.
"use strict";
const path = require("node:path");
const [modules, executablePath, dashboard, pictures] = process.argv.slice(2);
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = require(path.join(modules, "axe-core")).source;

const PATIENCE = 30_000;
const WEIGHT_MAX = 200_000;
const wrong = (what) => console.log(JSON.stringify(what));
const check = (holds, what) => holds || wrong({ what });

const LOOKS = [
  ["desktop-light", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
  ["desktop-dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
  ["phone-light", { viewport: { width: 360, height: 740 }, colorScheme: "light" }],
  ["phone-dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
];

const opened = async (browser, options) => {
  const context = await browser.newContext({ baseURL: dashboard, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.weight = 0;
  page.on("request", (request) => check(request.url().startsWith(dashboard), `request to ${request.url()}`));
  page.on("pageerror", (error) => wrong({ what: String(error) }));
  page.on("console", (message) => message.type() === "error" && wrong({ what: message.text() }));
  page.on("response", async (response) => {
    if (!response.url().endsWith("/api/events")) page.weight += (await response.body().catch(() => "")).length;
  });
  await page.goto("/");
  await page.getByText("live", { exact: true }).waitFor();
  return page;
};

// Every look of one state: pictures, the auditor's word, and no scrolling sideways.
const audit = async (page, where) => {
  for (const [look, { viewport, colorScheme }] of LOOKS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(250); // colours fade
    await page.screenshot({ path: path.join(pictures, `dashboard-${where}-${look}.png`), fullPage: true });
    check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${where}, ${look}: scrolls sideways`);
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, help, nodes } of found.violations) wrong({ what: `${where}, ${look}`, id, help, nodes: nodes.map((node) => node.html) });
  }
  await page.setViewportSize(LOOKS[0][1].viewport);
};

const row = (page, number) => page.locator(`#messages [data-sequence="${number}"]`);
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const said = (page, text) => page.locator("#posted").getByText(text).waitFor();
const ends = (page, number, how) => row(page, number).locator(".pill", { hasText: new RegExp(`^${how}$`) }).waitFor();

const post = async (page, quantity, number) => {
  await page.getByLabel("Quantity").fill(String(quantity));
  await press(page, "Post cart");
  await said(page, `Posted as #${number}.`);
};

const letters = async (page) => {
  await page.getByRole("button", { name: "Redrive 1", exact: true }).waitFor();
  await audit(page, "letters");
  await press(page, "Redrive all");
  await page.getByText("None: nobody gave up on a message.").waitFor();
  for (const number of [1, 2]) await ends(page, number, "redriven");
};

const carts = async (page) => {
  await post(page, 2, 3);
  await ends(page, 3, "stored");
  await row(page, 3).getByRole("button").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText('"quantity": 2').waitFor();
  await dialog.getByText("PUT /devstoreaccount1/orders/").first().waitFor();
  await dialog.getByText("order stored").waitFor();
  await audit(page, "message");
  await page.keyboard.press("Escape");
  check(await row(page, 3).getByRole("button").evaluate((button) => button === document.activeElement), "the focus comes back from the dialog");
};

const outage = async (page) => {
  await press(page, "503");
  await page.getByText("Blob Storage answers 503.").waitFor();
  await post(page, 5, 4);
  await ends(page, 4, "mailed");
  check((await row(page, 4).locator(".try").allTextContents()).join() === "503,503,503,503", "four uploads met 503");
  await page.locator("#mails button").first().waitFor();
  await audit(page, "broken");
  await page.locator("#mails button").first().click();
  await page.frameLocator("iframe").getByText("Scratcher").first().waitFor();
  await audit(page, "mail");
  await press(page, "Close");
  await press(page, "Heal everything");
  await page.locator("#banner").waitFor({ state: "hidden" });
  await post(page, 7, 5);
  await ends(page, 5, "stored");
  await page.locator("#blobs button", { hasText: "2 versions" }).click();
  await page.getByRole("dialog").locator("ins", { hasText: '"quantity": 7' }).waitFor();
  await audit(page, "blob");
  await press(page, "Close");
};

const kill = async (page) => {
  await press(page, "kill during upload");
  await page.getByText("The handler dies at the next upload.").waitFor();
  await post(page, 9, 6);
  await ends(page, 6, "stored");
  await row(page, 6).getByText("delivery 2").waitFor();
  await page.locator("#banner").waitFor({ state: "hidden" });
  await press(page, "kill now");
  await page.locator("#activity").getByText("handler was killed").nth(1).waitFor();
  await page.locator("#handler", { hasText: /^ready$/ }).waitFor();
};

// What a stranger may send: mark-up, characters that turn the text around, bytes that are no JSON.
const strangers = async (page) => {
  const session = "<img src=x onerror=document.title='taken'>\u202eevil";
  await page.getByLabel("Session", { exact: true }).fill(session);
  await page.getByText("Post anything else").click();
  await page.getByLabel("Body, sent as it is").fill("<script>document.title='taken'</script>\u202e");
  await press(page, "Post body");
  await said(page, "Posted as #7.");
  await ends(page, 7, "mailed");
  await row(page, 7).getByRole("button").click();
  await page.getByRole("dialog").getByText("\\u{202e}evil").first().waitFor();
  await press(page, "Close");
  check((await page.title()) === "Local stack", "what strangers send stays text");
  await page.getByText("Post anything else").click();
};

const keyboard = async (page) => {
  const until = async (name) => {
    for (let presses = 0; presses < 120; presses += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((name) => document.activeElement.textContent.trim() === name, name)) return;
    }
    wrong({ what: `the keyboard does not reach ${name}` });
  };
  await page.locator("#fresh").focus();
  await page.keyboard.press("Enter");
  await until("Post cart");
  await page.keyboard.press("Enter");
  await said(page, "Posted as #8.");
  await ends(page, 8, "stored");
  await until("503");
  await page.keyboard.press("Space");
  await page.getByText("Blob Storage answers 503.").waitFor();
  await page.keyboard.press("Space");
  await page.locator("#banner").waitFor({ state: "hidden" });
  await row(page, 8).getByRole("button").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press("Tab");
    check(await page.evaluate(() => document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)), "the dialog keeps the focus");
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
};

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await opened(browser, { viewport: LOOKS[0][1].viewport });
    check(page.weight < WEIGHT_MAX, `the page weighs ${page.weight} bytes`);
    await letters(page);
    await carts(page);
    await outage(page);
    await kill(page);
    await strangers(page);
    await keyboard(page);
    const calm = await opened(browser, { viewport: LOOKS[0][1].viewport, reducedMotion: "reduce" });
    await ends(calm, 8, "stored");
    await audit(calm, "data");
    check(calm.weight < WEIGHT_MAX, `the page weighs ${calm.weight} bytes with data`);
  } catch (error) {
    wrong({ what: String(error) });
  } finally {
    await browser.close();
  }
})();
