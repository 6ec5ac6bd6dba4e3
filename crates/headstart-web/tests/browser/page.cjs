// Uses the page as a visitor does, in a real browser. Started by browser.rs: node page.cjs URL CHROMIUM.
// With HEADSTART_SCREENSHOTS=FOLDER it also leaves pictures of what it saw; HEADSTART_IMAGES=FILE,FILE are
// then shown instead of the grey pixel.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");

const [url, executablePath] = process.argv.slice(2);
const screenshots = process.env.HEADSTART_SCREENSHOTS;

// One grey pixel; behind its end stands the score that the stand-in classifier shall give.
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==", "base64");
const png = (name, ending, image = PIXEL) => (
  { name, mimeType: "image/png", buffer: Buffer.concat([image, Buffer.from(ending)]) });
const given = (process.env.HEADSTART_IMAGES || "").split(",").filter(Boolean).map((file) => fs.readFileSync(file));
const SICK = png("child-0127.png", "0.93", given[0]);
const WELL = png("child-0042.png", "0.25", given[1]);
const NOTES = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") };

async function main() {
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP headstart.test 127.0.0.1"];
  const browser = await chromium.launch({ executablePath, args: flags });
  try {
    await withScript(browser);
    await byKeyboard(browser);
    await pasteAndDrop(browser);
    await failures(browser);
    await withoutScript(browser);
    await narrowAndDark(browser);
  } finally {
    await browser.close();
  }
}

/** A fresh visitor. Whatever the browser complains of (a blocked style, a script error) fails the test. */
async function visit(browser, { url: address = url, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto(address);
  return page;
}

async function leave(page, expectedComplaints = /^$/) {
  assert.deepEqual(page.complaints.filter((text) => !expectedComplaints.test(text)), []);
  await page.context().close();
}

const settled = (page) => page.waitForFunction(
  () => document.querySelector(".result") && !document.querySelector(".working"));

async function picture(page, name) {
  if (screenshots) await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: true });
}

async function cautionIsInView(page) {
  const box = await page.locator(".caution").boundingBox();
  assert.ok(box.y >= 0 && box.y + box.height <= page.viewportSize().height, JSON.stringify(box));
}

async function withScript(browser) {
  const page = await visit(browser);
  assert.equal(await page.locator("[type=submit]").isVisible(), false);
  await picture(page, "light-start");
  await page.setInputFiles("#file", [WELL, SICK, NOTES]);
  await settled(page);
  assert.deepEqual(await page.locator(".result h3").allTextContents(), ["No answer", "PNEUMONIA", "NORMAL"]);
  const sick = page.locator(".result", { hasText: "child-0127.png" });
  assert.match(await sick.locator(".reading").textContent(), /PNEUMONIA is 93%.*from 42% up/);
  assert.deepEqual(await sick.locator(".scores li").allInnerTexts(), ["PNEUMONIA\n93%", "NORMAL\n7%"]);
  assert.ok(await sick.locator("img").evaluate((image) => image.naturalWidth > 0));
  assert.equal(await sick.locator("img").getAttribute("alt"), "Your image child-0127.png");
  assert.match(await page.locator("#notice").textContent(), /No answer/);
  await picture(page, "light-answers");
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await cautionIsInView(page);
  await page.click("#clear");
  assert.equal(await page.locator(".result").count(), 0);
  await leave(page, /status of 415/);
}

async function byKeyboard(browser) {
  const page = await visit(browser);
  page.on("filechooser", (chooser) => chooser.setFiles(SICK));
  await page.reload(); // The browser has then taken note of the listener.
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "file");
  const outline = await page.locator("label.button").evaluate((label) => getComputedStyle(label).outlineStyle);
  assert.equal(outline, "solid");
  await page.keyboard.press("Enter");
  await settled(page);
  assert.equal(await page.locator(".result h3").textContent(), "PNEUMONIA");
  await leave(page);
}

async function pasteAndDrop(browser) {
  const page = await visit(browser);
  for (const type of ["paste", "drop"]) {
    await page.evaluate(([type, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], `${type}.png`, { type: "image/png" }));
      const event = type === "paste"
        ? new ClipboardEvent(type, { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
    }, [type, [...SICK.buffer]]);
    await settled(page);
  }
  assert.deepEqual(await page.locator(".result .name").allTextContents(), ["drop.png", "paste.png"]);
  await leave(page);
}

async function failures(browser) {
  const page = await visit(browser);
  const limit = Number(await page.locator("#upload").getAttribute("data-limit"));
  await page.setInputFiles("#file", { name: "huge.png", mimeType: "image/png", buffer: Buffer.alloc(limit + 1) });
  await settled(page);
  assert.match(await page.locator(".reading").first().textContent(), /too large: at most 1 MiB/);
  await page.context().setOffline(true);
  await page.setInputFiles("#file", SICK);
  await settled(page);
  assert.match(await page.locator(".reading").first().textContent(), /cannot be reached/);
  await leave(page, /ERR_INTERNET_DISCONNECTED/);
}

/** Over plain http, on a name that is not localhost, a browser sends no `Sec-Fetch-Site`: `Origin` has to do. */
async function withoutScript(browser) {
  const plain = url.replace("127.0.0.1", "headstart.test");
  const page = await visit(browser, { url: plain, javaScriptEnabled: false });
  await page.setInputFiles("#file", [SICK, NOTES]);
  await page.click("[type=submit]");
  assert.deepEqual(await page.locator(".result h3").allTextContents(), ["PNEUMONIA", "No answer"]);
  await cautionIsInView(page);
  await picture(page, "no-script");
  assert.equal(await page.locator("label.button").isVisible(), false);
  await leave(page);
}

async function narrowAndDark(browser) {
  const page = await visit(browser, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
  await page.setInputFiles("#file", [WELL, SICK, { ...SICK, name: `${"long".repeat(40)}.png` }]);
  await settled(page);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
  await cautionIsInView(page);
  await picture(page, "dark-phone");
  await page.setViewportSize({ width: 1100, height: 900 });
  await picture(page, "dark-answers");
  await leave(page);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
