// The README's picture: `node screenshot.js <modules> <chromium> <png>`. Starts `cargo local`, and
// takes the picture in the middle of an outage: carts stored, one with a person, one being tried.
"use strict";
const path = require("node:path");
const { spawn } = require("node:child_process");
const { randomBytes } = require("node:crypto");
const { createInterface } = require("node:readline");
const [modules, executablePath, picture] = process.argv.slice(2);
const { chromium } = require(path.resolve(modules, "playwright-core"));

const NAMES = { 2: "Ball Launcher", 3: "Plush Lamb", 4: "Plush Moose", 6: "Small Breed Dry Food", 7: "Mouse", 8: "Scratcher", 9: "All Sizes Cat Dry Food", 10: "Mangrove Ornament", 11: "All Sizes Fish Food" };
// Whose cart, and how many of which product.
const STORED = [["A", { 3: 1, 4: 2 }], ["B", { 8: 1 }], ["C", { 2: 3 }], ["D", { 11: 2, 10: 1 }], ["B", { 8: 1, 7: 5 }], ["A", { 3: 1, 4: 1 }]];
const MAILED = ["E", { 9: 4 }];
const TRIED = ["C", { 2: 3, 6: 1 }];

const session = () => randomBytes(16).toString("hex").toUpperCase();
const sessions = Object.fromEntries([..."ABCDE"].map((shopper) => [shopper, session()]));

// Where the dashboard of a stack is, once it is up.
const address = async (stack) => {
  for await (const line of createInterface({ input: stack.stdout })) {
    const url = line.match(/^\s*dashboard\s+(http:\S+)/)?.[1];
    if (url) return url;
  }
  throw new Error("cargo local ended before it said where its dashboard is");
};

const take = async (browser, url) => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: "light", reducedMotion: "reduce" });
  await page.goto(url);
  await page.getByText("ready", { exact: true }).waitFor();
  const row = (number) => page.locator(`#messages [data-sequence="${number}"]`);
  let posted = 0;
  const post = async ([shopper, products]) => {
    posted += 1;
    const id = sessions[shopper];
    const lines = Object.entries(products).map(([id, quantity]) => ({ id: Number(id), name: NAMES[id], quantity }));
    const cart = { id, products: lines, complete: false };
    await page.request.post(`${url}/api/messages`, { data: { sessionId: id, body: JSON.stringify(cart) } });
    await row(posted).waitFor();
  };
  const ends = (how) => row(posted).locator(".pill", { hasText: how }).waitFor();
  // A minute of shoppers, for the lines of the last minute; more of some seconds than of others.
  for (let second = 0; second < 40; second += 1) {
    for (let shopper = 0; shopper < 2 + Math.round(2 * Math.sin(second / 4)); shopper += 1) {
      posted += 1;
      const id = session();
      const cart = { id, products: [{ id: 8, name: NAMES[8], quantity: 1 + (shopper % 9) }], complete: false };
      await page.request.post(`${url}/api/messages`, { data: { sessionId: id, body: JSON.stringify(cart) } });
    }
    await page.waitForTimeout(1_000);
  }
  for (const cart of STORED) {
    await post(cart);
    await ends("stored");
  }
  await page.getByRole("button", { name: "503", exact: true }).click();
  await post(MAILED);
  await ends("mailed");
  await page.locator("#ends", { hasText: "1 mail," }).waitFor();
  await post(TRIED);
  await row(posted).locator(".try.no").nth(1).waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await page.mouse.move(0, 0);
  // A switch below the fold was scrolled to.
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: picture });
};

(async () => {
  const stack = spawn("cargo", ["local", "--in-memory", "--ports", "auto"], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const url = await address(stack);
    stack.stdout.resume();
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
    try { await take(browser, url); } finally { await browser.close(); }
    console.log(picture);
  } finally {
    stack.kill("SIGINT");
  }
})();
