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
    // Without motion nothing fades: what is audited is what stays.
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: path.join(pictures, `dashboard-${where}-${look}.png`), fullPage: true });
    check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${where}, ${look}: scrolls sideways`);
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, help, nodes } of found.violations) wrong({ what: `${where}, ${look}`, id, help, nodes: nodes.map((node) => node.html) });
  }
  await page.setViewportSize(LOOKS[0][1].viewport);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" });
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

const attempts = (page, number) => row(page, number).locator(".try").allTextContents();

const empty = async (page) => {
  for (const nothing of ["No message yet.", "None: nobody gave up on a message.", "No mail yet:", "No blob yet."]) await page.getByText(nothing).waitFor();
  await page.locator("#handler", { hasText: /^ready$/ }).waitFor();
  await audit(page, "empty");
  check((await page.getByRole("link", { name: "PetStore" }).getAttribute("href")) === "http://shop.invalid/", "a link leads to PetStore");
  check((await page.getByRole("link", { name: "open the shop" }).getAttribute("href")) === "http://shop.invalid/", "and one beside the form");
};

// The first cart makes the test bury two letters, #2 and #3.
const letters = async (page) => {
  await page.getByLabel("Session", { exact: true }).fill("FIRST");
  await post(page, 1, 1);
  await ends(page, 1, "stored");
  await press(page, "New session");
  await page.getByRole("button", { name: "Redrive 3", exact: true }).waitFor();
  await audit(page, "letters");
  await press(page, "Redrive 2");
  await ends(page, 2, "redriven");
  check((await row(page, 3).locator(".pill").textContent()) === "dead letter", "the other letter stays");
  await press(page, "Redrive all");
  await page.getByText("None: nobody gave up on a message.").waitFor();
  await ends(page, 3, "redriven");
};

const carts = async (page) => {
  await post(page, 2, 4);
  await ends(page, 4, "stored");
  await row(page, 4).getByRole("button").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText('"quantity": 2').waitFor();
  await dialog.getByText("PUT /devstoreaccount1/orders/").first().waitFor();
  await dialog.getByText("order stored").waitFor();
  await audit(page, "message");
  await page.keyboard.press("Escape");
  check(await row(page, 4).getByRole("button").evaluate((button) => button === document.activeElement), "the focus comes back from the dialog");
};

const outage = async (page) => {
  await press(page, "503");
  await page.getByText("Blob Storage answers 503.").waitFor();
  await post(page, 5, 5);
  await ends(page, 5, "mailed");
  check((await attempts(page, 5)).join() === "503,503,503,503", "four uploads met 503");
  await page.locator("#mails button").first().waitFor();
  await audit(page, "broken");
  await page.locator("#mails button").first().click();
  await page.frameLocator("iframe").getByText("Scratcher").first().waitFor();
  await audit(page, "mail");
  await press(page, "Close");
  await press(page, "Heal everything");
  await page.locator("#banner").waitFor({ state: "hidden" });
  await post(page, 7, 6);
  await ends(page, 6, "stored");
  await page.locator("#blobs button", { hasText: "2 versions" }).click();
  await page.getByRole("dialog").locator("ins", { hasText: '"quantity": 7' }).waitFor();
  await audit(page, "blob");
  await press(page, "Close");
};

const kill = async (page) => {
  await press(page, "kill during upload");
  await page.getByText("The handler dies at the next upload.").waitFor();
  await post(page, 9, 7);
  await ends(page, 7, "stored");
  await row(page, 7).getByText("delivery 2").waitFor();
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
  await said(page, "Posted as #8.");
  await ends(page, 8, "mailed");
  await row(page, 8).getByRole("button").click();
  await page.getByRole("dialog").getByText("\\u{202e}evil").first().waitFor();
  await press(page, "Close");
  check((await page.title()) === "Local stack", "what strangers send stays text");
  await page.getByText("Post anything else").click();
};

const keyboard = async (page) => {
  const until = async (name) => {
    for (let presses = 0; presses < 120; presses += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((name) => (document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()) === name, name)) return;
    }
    wrong({ what: `the keyboard does not reach ${name}` });
  };
  await page.locator("#fresh").focus();
  await page.keyboard.press("Enter");
  await until("Post cart");
  await page.keyboard.press("Enter");
  await said(page, "Posted as #9.");
  await ends(page, 9, "stored");
  await until("503");
  await page.keyboard.press("Space");
  await page.getByText("Blob Storage answers 503.").waitFor();
  await page.keyboard.press("Space");
  await page.locator("#banner").waitFor({ state: "hidden" });
  await row(page, 9).getByRole("button").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press("Tab");
    check(await page.evaluate(() => document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)), "the dialog keeps the focus");
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  // The focus goes back to where the dialog was opened, a moment after it is gone.
  await page.waitForFunction(() => document.activeElement?.closest("#messages"));
};

// Every switch by keyboard, and what its attempts meet; `slow` shows no more than `hangs` does.
const SWITCHES = [
  ["refuses", "refuses connections", /^(no answer,){3}no answer$/], // each is hung up on: the shop's storage is behind the same port
  ["429", "answers 429 with Retry-After", /^429,429,429,429$/],
  ["slow", "answers 3 s late", null],
  ["hangs", "never answers", /^((…|no answer),){3}(…|no answer)$/], // open, as long as the wire does not show their end
  ["loses the reply", "writes, and loses the reply", /^no answer/],
  ["forbids", "answers 403", /^403,403,403,403$/],
  ["flaky", "fails at random", /./],
];
const switches = async (page) => {
  let number = 9;
  for (const [name, does, met] of SWITCHES) {
    const button = page.getByRole("group", { name: "Break it" }).nth(1).getByRole("button", { name, exact: true });
    await button.focus();
    await page.keyboard.press("Space");
    await page.getByText(`Blob Storage ${does}.`).waitFor();
    if (met) {
      number += 1;
      await press(page, "New session");
      await post(page, 2, number);
      await ends(page, number, "(stored|mailed)");
      const found = (await attempts(page, number)).join();
      check(met.test(found), `${name}: the attempts met ${found}`);
    }
    if (name === "refuses") await page.locator("#uploads", { hasText: "connections refused" }).waitFor();
    await button.focus();
    await page.keyboard.press("Space");
    await page.locator("#banner").waitFor({ state: "hidden" });
  }
};

// A tab that nobody sees gives its connection back, and takes it again when somebody looks.
const unseen = async (page) => {
  const see = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await see(true);
  await page.getByText("paused while nobody looks").waitFor();
  await see(false);
  await page.getByText("live", { exact: true }).waitFor();
};

// This cart makes the test send thousands more, while somebody goes on working.
const burst = async (page) => {
  await page.getByLabel("Session", { exact: true }).fill("BURST");
  await press(page, "Post cart");
  await page.locator("#totals", { hasText: /^5,0\d\d messages/ }).waitFor();
  await page.locator("#messages button").first().click();
  await page.getByRole("dialog").getByText('"name": "Mouse"').waitFor();
  await press(page, "Close");
  const { rows, nodes } = await page.evaluate(() => ({ rows: document.querySelectorAll("#messages li").length, nodes: document.querySelectorAll("*").length }));
  check(rows <= 60, `${rows} rows of messages`);
  check(nodes < 3_000, `${nodes} elements`);
  await page.screenshot({ path: path.join(pictures, "dashboard-burst.png") });
};

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await opened(browser, { viewport: LOOKS[0][1].viewport });
    check(page.weight < WEIGHT_MAX, `the page weighs ${page.weight} bytes`);
    await empty(page);
    await letters(page);
    await carts(page);
    await outage(page);
    await kill(page);
    await strangers(page);
    await keyboard(page);
    await switches(page);
    await unseen(page);
    const calm = await opened(browser, { viewport: LOOKS[0][1].viewport, reducedMotion: "reduce" });
    await ends(calm, 9, "stored");
    await audit(calm, "data");
    check(calm.weight < WEIGHT_MAX, `the page weighs ${calm.weight} bytes with data`);
    await burst(page);
  } catch (error) {
    wrong({ what: String(error) });
  } finally {
    await browser.close();
  }
})();
