// The dashboard in real Chromium: `node visit.js <modules> <chromium> <dashboard> <pictures> [part]`;
// the part `restarted` comes after a restart of the stack that the whole visit has left, and
// `foreign` while a client that is not ours holds messages of a stack without a host.
// Prints what is wrong as JSON, one object a line; nothing is a good visit.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const [modules, executablePath, dashboard, pictures, part] = process.argv.slice(2);
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = require(path.join(modules, "axe-core")).source;

const PATIENCE = 30_000;
const WEIGHT_MAX = 100_000; // what the page is made of
const DATA_MAX = 200_000; // with a stack full of data
const wrong = (what) => console.log(JSON.stringify(what));
const check = (holds, what) => holds || wrong({ what });

const LOOKS = [
  ["desktop-light", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
  ["desktop-dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
  ["phone-light", { viewport: { width: 360, height: 740 }, colorScheme: "light" }],
  ["phone-dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
];

const opened = async (browser, options, before = async () => {}) => {
  const context = await browser.newContext({ baseURL: dashboard, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.weight = 0;
  page.on("request", (request) => check(request.url().startsWith(dashboard), `request to ${request.url()}`));
  page.on("pageerror", (error) => wrong({ what: String(error) }));
  page.on("console", (message) => message.type() === "error" && !page.isLeft && wrong({ what: message.text() }));
  page.on("response", async (response) => {
    if (!response.url().endsWith("/api/events")) page.weight += (await response.body().catch(() => "")).length;
  });
  await before(page);
  await page.goto("/");
  await page.getByText("live", { exact: true }).waitFor();
  return page;
};

// Keeps the snapshot back until the answer is called.
const heldBack = async (page) => {
  let release;
  const released = new Promise((done) => { release = done; });
  await page.route("**/api/state", async (route) => { await released; await route.continue(); });
  return async () => { release(); await page.unroute("**/api/state", { behavior: "wait" }); };
};

const FEW = [LOOKS[0], LOOKS[3]]; // of a state that differs little from another
// Every look of one state: pictures, the auditor's word, and no scrolling sideways.
const audit = async (page, where, looks = LOOKS) => {
  for (const [look, { viewport, colorScheme }] of looks) {
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

const tab = (page, name) => page.getByRole("tab", { name: new RegExp(`^${name}`) }).click();
const row = (page, number) => page.locator(`#messages [data-sequence="${number}"]`);
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const said = (page, text) => page.locator("#posted").getByText(text).waitFor();
const ends = (page, number, how) => row(page, number).locator(".pill", { hasText: new RegExp(`^${how}$`) }).waitFor();

const post = async (page, quantity, number) => {
  await page.getByLabel("Quantity").fill(String(quantity));
  await press(page, "Post cart");
  await said(page, `Posted as #${number}.`);
};

const saved = async (page, link) => {
  const download = page.waitForEvent("download");
  await link.click();
  const file = await download;
  return { name: file.suggestedFilename(), text: fs.readFileSync(await file.path(), "utf8") };
};

const attempts = (page, number) => row(page, number).locator(".try").allTextContents();

// Before the page knows anything it says nothing: no zero, no empty list.
const connecting = async (page) => {
  const release = await heldBack(page);
  page.once("framenavigated", async () => {
    await page.locator("#loading", { hasText: "Connecting…" }).waitFor();
    await audit(page, "connecting", FEW);
    const text = await page.locator("main").innerText();
    check(!/\b0\b|No message yet|nobody|works/.test(text), `before the snapshot the page says ${text}`);
    check((await page.locator("#live").textContent()) === "connecting…", "it says that it connects");
    await release();
  });
};

const empty = async (page) => {
  for (const [list, nothing] of [["Dead letters", "None: nobody gave up on a message."], ["Mails", "No mail yet:"], ["Blobs", "No blob yet."], ["Messages", "No message yet."]]) {
    await tab(page, list);
    await page.getByText(nothing).waitFor();
  }
  await page.locator("#handler", { hasText: /^ready$/ }).waitFor();
  await audit(page, "empty");
  check((await page.getByRole("link", { name: "PetStore" }).getAttribute("href")) === "http://shop.invalid/", "a link leads to PetStore");
  check((await page.getByRole("link", { name: "open the shop" }).getAttribute("href")) === "http://shop.invalid/", "and one in the pipeline");
};

// The first cart makes the container, and the test bury two letters, #2 and #3.
const letters = async (page) => {
  await page.getByLabel("Session", { exact: true }).fill("FIRST");
  await post(page, 1, 1);
  await ends(page, 1, "stored");
  check((await attempts(page, 1)).join() === "201", "the first order shows one upload");
  await row(page, 1).getByRole("button").click();
  await page.locator(".way").getByText("there is no container yet").waitFor();
  check((await page.locator(".way .try").allTextContents()).join() === "404,201,201" && (await page.locator(".way .no").count()) === 0, "and nothing of it failed");
  await press(page, "Close");
  await page.locator("#uploads", { hasText: /, 0 uploads failed$/ }).waitFor();
  await press(page, "New session");
  await tab(page, "Dead letters");
  await page.getByRole("button", { name: "Redrive 3", exact: true }).waitFor();
  await audit(page, "letters");
  await page.getByLabel("Find").fill("#3");
  await page.getByRole("button", { name: "Redrive 2", exact: true }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Redrive 3", exact: true }).waitFor();
  await page.getByLabel("Find").fill("");
  await press(page, "Redrive 2");
  await page.getByText("Done.").waitFor();
  check(await page.locator("#redriven").evaluate((node) => { const { top, bottom } = node.getBoundingClientRect(); return top >= 0 && bottom <= innerHeight && node.contains(document.activeElement); }), "a redrive's result is where one looks");
  await page.locator("#ends", { hasText: /, 1 dead$/ }).waitFor();
  await press(page, "Redrive all");
  await page.getByText("None: nobody gave up on a message.").waitFor();
  await tab(page, "Messages");
  for (const number of [2, 3]) await ends(page, number, "redriven");
  await page.locator("#totals", { hasText: "2 redriven. Deliveries given back: 0." }).waitFor();
  await page.locator("#ends", { hasText: /, 0 dead$/ }).waitFor();
};

const carts = async (page) => {
  await post(page, 2, 4);
  await ends(page, 4, "stored");
  await row(page, 4).getByRole("button").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText('"quantity": 2').waitFor();
  const way = dialog.locator(".way");
  for (const step of ["accepted", "waits in the queue", "delivery 1", "upload 1: PUT", "stored"]) await way.locator(".label", { hasText: new RegExp(`^${step}`) }).first().waitFor();
  await way.getByText("stored, upload attempts: 1").waitFor();
  check((await way.locator(".ms").allTextContents()).every((text) => /^\+[0-9.]+ m?s/.test(text)), "each step says when");
  await audit(page, "message");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await press(page, "Copy as curl");
  await dialog.getByText("Copied.").waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  check(command.startsWith("curl -i 'http://127.0.0.1:") && command.includes("/order-items/messages'") && command.includes('"quantity":2'), `the command is ${command}`);
  check((await saved(page, dialog.getByRole("link", { name: "Download" }))).name === "message-4.json", "the body can be saved");
  await dialog.getByText("Post it again as a new message").click();
  await dialog.getByText("an old cart would replace what was ordered since").waitFor();
  await press(page, "Post as a new message");
  await dialog.getByText("Posted as #5.").waitFor();
  await page.keyboard.press("Escape");
  // The focus comes back, by an event that the browser sends when it has closed the dialog.
  await row(page, 4).locator("button:focus").waitFor();
  await ends(page, 5, "stored");
};

const outage = async (page) => {
  await press(page, "503");
  await page.getByText("Blob Storage answers 503.").waitFor();
  await audit(page, "pressed", [LOOKS[0]]); // with the mouse still on the switch
  await post(page, 5, 6);
  await ends(page, 6, "mailed");
  check((await attempts(page, 6)).join() === "503,503,503,503", "four uploads met 503");
  await row(page, 6).getByRole("button").click();
  for (const step of ["upload 4: PUT", "waits before upload 4", "asks the Logic App", "mailed to a person"]) await page.locator(".way .label", { hasText: step }).waitFor();
  await press(page, "Close");
  // The blob tells that a person has what is newer.
  await tab(page, "Blobs");
  await page.getByText("a newer order, #6, was mailed instead").waitFor();
  await audit(page, "blobs", FEW);
  await tab(page, "Mails");
  await page.locator("#mails .unread").waitFor();
  await audit(page, "broken");
  await page.locator("#mails .row").first().click();
  await page.frameLocator("iframe").getByText("Scratcher").first().waitFor();
  await page.locator(".attached pre", { hasText: '"quantity": 5' }).waitFor();
  const attached = await saved(page, page.getByRole("link", { name: /^Download [0-9A-F]{32}\.json$/ }));
  check(/^[0-9A-F]{32}\.json$/.test(attached.name) && attached.text.includes('"quantity":5'), `attached is ${attached.name}: ${attached.text}`);
  await page.emulateMedia({ colorScheme: "dark" });
  check(await page.locator("iframe").evaluate((frame) => getComputedStyle(frame).colorScheme.includes("dark")), "the mail's frame is dark, too");
  await audit(page, "mail");
  await press(page, "Close");
  await page.locator("#mails .unread").waitFor({ state: "detached" });
  await page.getByLabel("Find").fill("nothing like it");
  await page.getByText("Nothing of that kind.").waitFor();
  await page.getByLabel("Find").fill("not confirmed");
  await press(page, "Delete mail 1");
  await page.locator("#ends", { hasText: /^0 mails,/ }).waitFor();
  await page.getByLabel("Find").fill("");
  await tab(page, "Messages");
  await press(page, "Heal everything");
  await page.locator("#banner").waitFor({ state: "hidden" });
  await post(page, 7, 7);
  await ends(page, 7, "stored");
  await tab(page, "Blobs");
  await page.locator("#blobs .row", { hasText: "3 versions" }).click();
  await page.getByRole("dialog").locator("ins", { hasText: '"quantity": 7' }).waitFor();
  await page.getByRole("dialog").locator("del", { hasText: '"quantity": 2' }).waitFor();
  await audit(page, "blob");
  const third = await saved(page, page.getByRole("link", { name: "Download version 3" }));
  check(/^[0-9A-F]{32}\.json$/.test(third.name) && third.text.includes('"quantity":7'), `version 3 is ${third.name}: ${third.text}`);
  await page.getByLabel("Left").selectOption("0");
  await page.getByLabel("Right").selectOption("0");
  check((await saved(page, page.getByRole("link", { name: "Download version 1" }))).text.includes('"quantity":2'), "and the first is saved, too");
  check((await page.getByRole("dialog").locator("ins, del").count()) === 0, "a version does not differ from itself");
  await press(page, "Close");
  await tab(page, "Messages");
};

// Both are down: what was decided before the healing is waited for, and the wait can be ended.
const waits = async (page) => {
  await press(page, "503");
  await press(page, "down: The Logic App");
  await page.getByText("Blob Storage answers 503. The Logic App is down.").waitFor();
  await post(page, 8, 8);
  await row(page, 8).getByText("delivery 4").waitFor();
  await row(page, 8).getByText(/given back in \d s/).waitFor();
  await row(page, 8).getByRole("button").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/It is given back to the queue in \d s/).waitFor();
  await audit(page, "waits", FEW);
  const labels = await dialog.locator(".way .label").allTextContents();
  for (const upload of [1, 2, 3, 4]) check(labels.filter((label) => label.startsWith(`upload ${upload}: PUT`)).length >= 4, `upload ${upload} of each delivery has its row: ${labels}`);
  check(!labels.some((label) => label.trim().startsWith("PUT")), `each PUT is an upload: ${labels}`);
  await press(page, "Close");
  await press(page, "Heal everything");
  await row(page, 8).getByRole("button").click();
  await dialog.getByText("Healing does not shorten it").waitFor();
  await press(page, "Deliver it again now");
  await dialog.locator(".acts .pill", { hasText: /^stored$/ }).waitFor();
  await dialog.locator(".way .label", { hasText: "delivery 5" }).waitFor();
  await press(page, "Close");
  await press(page, "pause");
  await page.locator("#queued", { hasText: "paused" }).waitFor();
  await post(page, 8, 9);
  await row(page, 9).getByRole("button").click();
  await dialog.getByText("The queue is paused").waitFor();
  await press(page, "Close");
  await press(page, "go on");
  await ends(page, 9, "stored");
};

// By what one finds a message, and what the handler wrote.
const finds = async (page) => {
  await page.keyboard.press("/");
  await page.keyboard.type("#6");
  await page.locator("#messages li").nth(1).waitFor({ state: "detached" });
  await ends(page, 6, "mailed");
  await page.getByLabel("Find").fill("first");
  await ends(page, 1, "stored");
  await row(page, 6).waitFor({ state: "detached" });
  await page.getByLabel("Find").fill("");
  await page.getByLabel("Outcome").selectOption("handedOver");
  await row(page, 9).waitFor({ state: "detached" });
  await ends(page, 6, "mailed");
  await page.getByLabel("Outcome").selectOption("");
  await tab(page, "Log");
  await page.locator("#log").getByText("the fallback is asked").first().waitFor();
  await audit(page, "log", FEW);
  await page.getByLabel("Level").selectOption("3");
  await page.locator("#log").getByText("the fallback is asked").first().waitFor({ state: "detached" });
  await page.locator("#log .error").first().waitFor();
  await page.getByLabel("Level").selectOption("0");
  await page.getByLabel("Writer").selectOption("PetStore");
  await page.locator("#log .warning", { hasText: /^[\d:]{8}warningPetStore not published yet {2}failures=1$/ }).waitFor();
  check((await page.locator("#log li").count()) === 1, "only the storefront's lines");
  await page.getByLabel("Writer").selectOption("function");
  await page.locator("#log").getByText("the fallback is asked").first().waitFor();
  check((await page.locator("#log").getByText("not published yet").count()) === 0, "only the function's lines");
  await page.getByLabel("Find").fill("#6");
  await page.locator("#log li", { hasText: "#8" }).first().waitFor({ state: "detached" });
  check((await page.locator("#log li").allTextContents()).every((text) => /error#6\D|debug#6\D|warning#6\D/.test(text)), `the lines of #6 are found by its number: ${await page.locator("#log li").allTextContents()}`);
  await page.getByLabel("Find").fill("nothing like it");
  await page.locator("#no-log", { hasText: "Nothing of that kind." }).waitFor();
  await page.getByLabel("Find").fill("");
  await page.getByLabel("Writer").selectOption("");
  await tab(page, "Messages");
  await page.locator("#tab-messages").focus();
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("pause the queue, or go on").waitFor();
  await audit(page, "keys", FEW);
  await page.keyboard.press("Escape");
  await page.keyboard.press("3");
  await page.locator("#outbox").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.locator("#panel-blobs").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByText("This stack's host receives without one.").waitFor();
  await page.getByLabel("A session to refuse").fill("<b>nobody</b>");
  await press(page, "Refuse it");
  await page.getByText("is refused").waitFor();
  await audit(page, "receivers", FEW);
  await page.getByRole("button", { name: /^Allow session/ }).click();
  await page.getByText("is refused").waitFor({ state: "detached" });
  await page.locator("#tab-receivers").focus();
  await page.keyboard.press("1");
  const tiles = await page.locator(".tile b").allTextContents();
  check(tiles[1].endsWith("s") && Number(tiles[2]) > 0, `the minute's numbers: ${tiles}`);
  check((await page.locator(".spark path.line").count()) === 4, "each has its line");
};

const kill = async (page) => {
  await press(page, "kill during upload");
  await page.getByText("The handler dies at the next upload.").waitFor();
  await post(page, 9, 10);
  await ends(page, 10, "stored");
  await row(page, 10).getByText("delivery 2").waitFor();
  await page.locator("#banner").waitFor({ state: "hidden" });
  await press(page, "kill now: PetStore");
  await press(page, "kill now");
  await tab(page, "Else");
  await page.locator("#activity").getByText("handler was killed").nth(1).waitFor();
  await page.locator("#handler", { hasText: /^ready$/ }).waitFor();
  await tab(page, "Messages");
};

// What a stranger may send: mark-up, characters that turn the text around, bytes that are no JSON.
const command = (page) => page.locator('details[data-key="command"] pre').textContent();
const strangers = async (page) => {
  const session = "<img src=x onerror=document.title='taken'>\u202eevil";
  await page.getByLabel("Session", { exact: true }).fill(session);
  await page.getByText("Post anything else").click();
  await page.getByLabel("Body, sent as it is").fill("<script>document.title='taken'</script>\u202e");
  await press(page, "Post body");
  await said(page, "Posted as #11.");
  await ends(page, 11, "mailed");
  await row(page, 11).getByRole("button").click();
  await page.getByRole("dialog").getByText("\\u{202e}evil").first().waitFor();
  const piped = await command(page);
  check(piped.startsWith(`curl -s '${dashboard}/api/messages/11/body' | curl -i '`) && piped.endsWith("--data-binary @-"), `what is not seen is not typed: ${piped}`);
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
  await said(page, "Posted as #12.");
  await ends(page, 12, "stored");
  await until("503");
  await page.keyboard.press("Space");
  await page.getByText("Blob Storage answers 503.").waitFor();
  await page.keyboard.press("Space");
  await page.locator("#banner").waitFor({ state: "hidden" });
  await row(page, 12).getByRole("button").focus();
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
  let number = 12;
  for (const [name, does, met] of SWITCHES) {
    const button = page.getByRole("group", { name: "Blob Storage" }).getByRole("button", { name, exact: true });
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
const see = (page, hidden) => page.evaluate((hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}, hidden);
const unseen = async (page) => {
  await see(page, true);
  await page.getByText("paused while nobody looks").waitFor();
  await see(page, false);
  await page.getByText("live", { exact: true }).waitFor();
};

// The stack is away, and comes back: until the page knows what it missed, it says so.
const away = async (page) => {
  page.isLeft = true; // its requests fail
  await page.route("**/api/events", (route) => route.abort());
  await see(page, true);
  await see(page, false);
  await page.getByText("The stack does not answer. What you see is of").waitFor();
  const release = await heldBack(page);
  const asked = page.waitForRequest("**/api/state");
  await page.unroute("**/api/events");
  await asked;
  const isOff = () => page.getByRole("button", { name: "Post cart" }).isDisabled();
  check(await page.locator("#gone").isVisible() && await isOff(), "what is shown is old until the snapshot is here");
  await release();
  await page.getByText("live", { exact: true }).waitFor();
  check(!(await page.locator("#gone").isVisible()) && !(await isOff()), "and then all goes on");
  page.isLeft = false;
};

// These carts make the test say how a build stands, as `--watch` does.
const builds = async (page) => {
  const tell = async (session) => {
    await page.getByLabel("Session", { exact: true }).fill(session);
    await press(page, "Post cart");
  };
  await tell("BUILDING");
  await page.getByText("building… What runs is the former build.").waitFor();
  check(!(await page.locator("#build-error").isVisible()), "what is being built has no error");
  await tell("BROKEN");
  await page.getByText("The build failed: what runs is the former build.").waitFor();
  await page.locator("#build-error", { hasText: "error[E0425]: cannot find value `no` in this scope" }).waitFor();
  await audit(page, "build-failed", FEW);
  await tell("BUILT");
  await page.locator("#build").waitFor({ state: "hidden" });
};

// This cart makes the test send one as PetStore does, a quarter of a second after the click.
const click = async (page) => {
  await page.getByLabel("Session", { exact: true }).fill("CLICK");
  await press(page, "Post cart");
  await page.getByLabel("Find").fill("CLICKED");
  await page.locator("#messages .row", { hasText: /empty cart.*stored/ }).click();
  const first = page.getByRole("dialog").locator(".way li").first();
  await first.getByText("click, kept and sent").waitFor();
  check((await first.locator(".ms").textContent()) === "+0 ms250 ms", `the way begins with the click: ${await first.textContent()}`);
  check(/clicked in PetStore at \d\d:\d\d:\d\d, trace 4bf92f3577b34da6a3ce929d0e0e4736$/.test(await first.locator(".note").textContent()), "and says when and of which trace");
  await audit(page, "click", FEW);
  await press(page, "Close");
  await page.getByLabel("Find").fill("");
};

const quoted = async (page) => {
  await page.getByLabel("Session", { exact: true }).fill("CURL");
  await page.getByText("Post anything else").click();
  await page.getByLabel("Body, sent as it is").fill("@/etc/hostname it's");
  await press(page, "Post body");
  await page.getByLabel("Find").fill("CURL");
  await page.locator("#messages .row", { hasText: /hostname.*mailed/ }).click();
  await page.getByRole("dialog").locator("pre", { hasText: /^@\/etc\/hostname it's$/ }).waitFor();
  check((await command(page)).endsWith("--data-raw '@/etc/hostname it'\\''s'"), `a body names no file and ends no quote: ${await command(page)}`);
  await press(page, "Close");
  await page.getByLabel("Find").fill("");
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
  check(rows <= 20, `${rows} rows of messages`);
  check(nodes < 3_000, `${nodes} elements`);
  await page.locator("#chips-function .chip").first().waitFor(); // what the function has is shown, however many wait
  await page.screenshot({ path: path.join(pictures, "dashboard-burst.png") });
  await press(page, "Older");
  await page.locator("#pages", { hasText: /^21 to 40 of / }).waitFor();
  await press(page, "Newer");
  await page.locator("#pages", { hasText: /^1 to 20 of / }).waitFor();
};

// This cart makes the test end the stack.
const gone = async (page) => {
  page.isLeft = true; // its requests fail from now on
  await page.getByLabel("Session", { exact: true }).fill("GONE");
  await press(page, "Post cart");
  await page.getByText("The stack does not answer. What you see is of").waitFor();
  for (const name of ["Post cart", "pause", "kill now", "503"]) check(await page.getByRole("button", { name, exact: true }).isDisabled(), `${name} is off when the stack is gone`);
  check(await page.locator("#messages button").first().isDisabled(), "what cannot be opened is off");
  let acted = 0;
  page.on("request", (request) => { acted += request.method() === "GET" ? 0 : 1; });
  await page.locator("#tab-messages").focus();
  for (const key of ["p", "h"]) await page.keyboard.press(key);
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("pause the queue, or go on").waitFor();
  await press(page, "Close");
  check(acted === 0, "no key does anything either");
  await audit(page, "gone", FEW);
};

// The same stack, started again: it shows what the parts have.
const restarted = async (page) => {
  await page.locator("#totals", { hasText: /^0 messages in this run and [\d,]+ from before/ }).waitFor();
  await tab(page, "Mails");
  await page.locator("#mails .row").getByText("before this run").first().waitFor();
  await page.locator("#mails .row").first().click();
  await page.frameLocator("iframe").getByText("What to do").first().waitFor();
  await press(page, "Close");
  await tab(page, "Blobs");
  await page.getByLabel("Find").fill("FIRST");
  await page.locator("#blobs .row", { hasText: "1 × Scratcher, by #1" }).getByText("before this run").waitFor();
  await audit(page, "restarted", FEW);
  await tab(page, "Messages");
};

// The test holds #1 and the dead letter #2 with Microsoft's client; host and storage are elsewhere.
const foreign = async (page) => {
  await page.locator("#handler", { hasText: "another host's" }).waitFor();
  check((await page.locator(".station.broken").count()) === 0, "what is elsewhere is not broken");
  await page.locator("#uploads", { hasText: /^kept elsewhere$/ }).waitFor();
  await page.locator("#waiting-more", { hasText: /^ message, 1 handed out$/ }).waitFor();
  await tab(page, "Blobs");
  await page.getByText("Blobs are kept elsewhere, where this page does not look.").waitFor();
  await tab(page, "Receivers");
  await page.locator("#receivers-say", { hasText: /^2 receivers with an AMQP link, 2 locks held\./ }).waitFor();
  const entry = (text) => page.locator("#receivers li", { hasText: text });
  const holder = /^#1 is held by (\S.*)$/.exec(await entry("#1 is held by").locator(".what").textContent());
  check(holder && !/^(receiver \d+|this stack's host|a client of REST)$/.test(holder[1]), `the holder is told by its name: ${holder}`);
  await entry("#2 is held by").getByText("a dead letter").waitFor();
  await entry("#1 is held by").getByText(/since \d\d:\d\d:\d\d, ends in \d+ s/).waitFor();
  const receiver = entry(/at 127\.0\.0\.1:\d+/).filter({ hasText: "dead letters" });
  await receiver.getByText(/has 1, would take \d+/).waitFor();
  await audit(page, "foreign");
  await tab(page, "Messages");
  await ends(page, 1, "handed out");
  await row(page, 1).getByRole("button").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(`${holder?.[1]} holds it, and settles it or gives it back.`).waitFor();
  await dialog.getByText(/^Its lock ends in \d+ s$/).waitFor();
  await audit(page, "held", FEW);
  await press(page, "Close");
  await tab(page, "Receivers");
  await press(page, "Expire the lock of 1");
  await entry("#1 is held by").waitFor({ state: "detached" });
  await tab(page, "Messages");
  await ends(page, 1, "waiting");
  await tab(page, "Receivers");
  await receiver.getByRole("button", { name: /^Cut receiver/ }).click();
  await tab(page, "Else");
  await page.locator("#activity").getByText(/receiver \d+: its connection was dropped by hand/).waitFor();
  await page.locator("#activity").getByText("#1: its lock was ended by hand").waitFor();
};

const whole = async (browser) => {
  const page = await opened(browser, { viewport: LOOKS[0][1].viewport }, connecting);
  check(page.weight < WEIGHT_MAX, `the page weighs ${page.weight} bytes`);
  for (const act of [empty, letters, carts, outage, waits, finds, kill, strangers, keyboard, switches, unseen, away, builds, click, quoted]) await act(page);
  const calm = await opened(browser, { viewport: LOOKS[0][1].viewport, reducedMotion: "reduce" });
  await ends(calm, 12, "stored");
  await audit(calm, "data");
  check(calm.weight < DATA_MAX, `the page weighs ${calm.weight} bytes with data`);
  await calm.close();
  await burst(page);
  await gone(page);
};

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const only = { restarted, foreign }[part];
    if (only) await only(await opened(browser, { viewport: LOOKS[0][1].viewport }));
    else await whole(browser);
  } catch (error) {
    wrong({ what: String(error) });
  } finally {
    await browser.close();
  }
})();
