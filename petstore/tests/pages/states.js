// What a shopper sees when the bus or the store is away, in real Chromium:
// `node states.js <modules> <chromium> <shop> <pictures>`. Asks on its output for what is to break
// or to heal, `{"do": …}`, and goes on when a line comes in. Prints what is wrong, `{"what": …}`.
"use strict";
const path = require("node:path");
const readline = require("node:readline");
const [modules, executablePath, shop, pictures] = process.argv.slice(2);
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = require(path.join(modules, "axe-core")).source;

const say = (what) => console.log(JSON.stringify(what));
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const ask = async (what) => {
  say({ do: what });
  await answers.next();
};

const phone = { width: 360, height: 740 };
const desktop = { width: 1280, height: 800 };
const LOOKS = [
  ["desktop-light", desktop, "light", 0],
  ["desktop-dark", desktop, "dark", 0],
  ["phone-light", phone, "light", 0],
  ["phone-dark", phone, "dark", 0],
  ["keyboard", desktop, "light", 4],
];

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const context = await browser.newContext({ baseURL: shop });
    const plain = await browser.newContext({ baseURL: shop, javaScriptEnabled: false, viewport: phone });
    const [page, bare] = [await context.newPage(), await plain.newPage()];
    for (const one of [page, bare]) one.setDefaultTimeout(10_000);

    // The page as it stands, in every look, and the same address without a script.
    const show = async (where, text, address) => {
      await page.getByText(text).first().waitFor();
      await page.mouse.move(0, 0);
      for (const [name, size, colorScheme, tabs] of LOOKS) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme });
        for (let tab = 0; tab < tabs; tab += 1) await page.keyboard.press("Tab");
        // A change of colours takes its time.
        await page.screenshot({ path: path.join(pictures, `${name}-${where}.png`), fullPage: true, animations: "disabled" });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        if (wide) say({ what: `${name}: ${where} scrolls sideways` });
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        for (const { id, help, nodes } of found.violations) say({ what: `${name}: ${where}`, id, help, nodes: nodes.map((node) => node.html) });
      }
      if (!address) return;
      await plain.addCookies(await context.cookies());
      await bare.goto(address);
      await bare.getByText(text).first().waitFor();
      await bare.screenshot({ path: path.join(pictures, `no-script-${where}.png`), fullPage: true });
    };
    const add = async (to) => {
      await to.goto("/products/8");
      await to.getByRole("button", { name: /^Add to cart/ }).click();
    };

    await page.goto("/cart");
    await show("cart-nothing-in-it", "Your cart is empty", "/cart");
    await add(page);
    await show("cart-one-item", "Reserved for you", "/cart");
    await ask("bus down");
    await page.getByRole("button", { name: "One more Scratcher" }).click();
    await page.getByText("Quantity: 2", { exact: true }).waitFor();
    await show("cart-pending", "Reservation pending", "/cart");
    await page.getByRole("button", { name: "Complete order" }).click();
    await page.waitForURL("**/order");
    await show("order-pending", "Reservation pending", "/order");
    await ask("bus up");
    await page.goto("/order");
    await show("order-placed", "Reserved for you", "/order");
    await page.goto("/products/8");
    await ask("store down");
    await page.getByRole("button", { name: /^Add to cart/ }).click();
    await show("click-store-down", "nothing was changed");
    await page.goto("/cart");
    await show("cart-store-down", "out of reach", "/cart");
    await page.goto("/products");
    await show("products-store-down", "out of reach", "/products");
    await ask("store up");
    await page.goto("/cart");
    await show("cart-store-up", "Your cart is empty", "/cart");
  } catch (error) {
    say({ what: String(error) });
  } finally {
    await browser.close();
    process.exit();
  }
})();
