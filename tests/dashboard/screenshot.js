// The README's picture: `node screenshot.js <modules> <chromium> <png>`. Starts `cargo local`, and
// takes the picture in the middle of an outage: carts stored, one with a person, one being tried.
"use strict";
const path = require("node:path");
const { spawn } = require("node:child_process");
const { createInterface } = require("node:readline");
const [modules, executablePath, picture] = process.argv.slice(2);
const { chromium } = require(path.resolve(modules, "playwright-core"));

const CARTS = [["Scratcher", 2], ["Plush Moose", 1], ["Ball Launcher", 3], ["Mouse", 5], ["Plush Lamb", 1]];

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
  const post = async ([product, quantity]) => {
    posted += 1;
    await page.getByLabel("Product").selectOption(product);
    await page.getByLabel("Quantity").fill(String(quantity));
    await page.getByRole("button", { name: "Post cart" }).click();
    await row(posted).waitFor();
  };
  const ends = (how) => row(posted).locator(".pill", { hasText: how }).waitFor();
  for (const cart of CARTS) {
    await page.getByRole("button", { name: "New session" }).click();
    await post(cart);
    await ends("stored");
  }
  await post(["Plush Lamb", 2]);
  await ends("stored");
  await page.getByRole("button", { name: "503", exact: true }).click();
  await page.getByRole("button", { name: "New session" }).click();
  await post(["All Sizes Cat Dry Food", 4]);
  await ends("mailed");
  await page.getByRole("button", { name: "New session" }).click();
  await post(["Mangrove Ornament", 1]);
  await row(posted).locator(".try").nth(1).waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await page.mouse.move(0, 0);
  await page.screenshot({ path: picture });
};

(async () => {
  const stack = spawn("cargo", ["local", "--ports", "auto"], { stdio: ["ignore", "pipe", "inherit"] });
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
