// Uses the page as a visitor does, in a real browser. Started by browser.rs: node page.cjs URL CHROMIUM.
// With HEADSTART_SCREENSHOTS=FOLDER it also leaves pictures of what it saw; HEADSTART_IMAGES=FILE,FILE (PNG) are
// then shown instead of the grey pixel.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");

/** The accessibility rules' source, where axe-core is installed. */
const axe = (() => {
  try {
    return fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  } catch {
    console.log("skipped: accessibility, because axe-core is not installed");
    return null;
  }
})();

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
const UNSURE = png("child-0300.png", ".50?", given[1]);
const STRANGE = png("holiday.png", "STRANGE", given[2]);
const NOTES = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") };

async function main() {
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP headstart.test 127.0.0.1"];
  const browser = await chromium.launch({ executablePath, args: flags });
  try {
    await oneImage(browser);
    await heatMap(browser);
    await doubts(browser);
    await batch(browser);
    await example(browser);
    await whatBrowsersDoNotDraw(browser);
    await german(browser);
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

/** What axe-core finds wrong for people who cannot see or point, in the page as it is now. */
async function isAccessible(page) {
  if (!axe) return;
  // Through the debugger, not as a script tag: the page's policy would rightly block that.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const found = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html)}`);
  assert.deepEqual(found, []);
}

async function oneImage(browser) {
  const page = await visit(browser);
  assert.equal(await page.locator("[type=submit]").isVisible(), false);
  assert.equal(await page.locator(".camera").isVisible(), false); // a mouse has no camera
  await picture(page, "light-start");
  await isAccessible(page);
  const start = Date.now();
  await page.setInputFiles("#file", SICK);
  await settled(page);
  console.log(`answered after ${Date.now() - start} ms`);
  const result = page.locator(".result");
  assert.equal(await result.locator("h3").textContent(), "PNEUMONIA");
  assert.match(await result.locator(".reading").textContent(), /PNEUMONIA is 93%.*from 42% up/);
  assert.equal(await result.locator(".bar .fill").getAttribute("width"), "93%");
  assert.match(await result.locator(".reliability").textContent(),
    /Sensitivity 96% \(95% interval 94% to 98%\), Specificity 88%/);
  assert.ok(await result.locator("img").first().evaluate((image) => image.naturalWidth > 0));
  assert.equal(await result.locator("img").first().getAttribute("alt"), "Your image child-0127.png");
  assert.match(await page.locator("#notice").textContent(), /child-0127.png: PNEUMONIA/);
  assert.equal(await page.locator("#batch").isVisible(), false);
  await picture(page, "light-answer");
  await isAccessible(page);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await cautionIsInView(page);
  await page.locator(".caution a").click();
  assert.ok(await page.locator("#model-heading").isVisible());
  await page.click("#clear");
  assert.equal(await page.locator(".result").count(), 0);
  await leave(page);
}

async function heatMap(browser) {
  const page = await visit(browser);
  await page.setInputFiles("#file", SICK);
  await settled(page);
  assert.equal(await page.locator(".heat").isVisible(), false);
  assert.equal(await page.locator(".opacity").isVisible(), false);
  await page.locator(".view button").click();
  await page.waitForFunction(() => document.querySelector(".heat").naturalWidth > 0);
  assert.equal(await page.locator(".view button").isVisible(), false);
  assert.match(await page.locator("#notice").textContent(), /heat map lies over the image/);
  assert.match(await page.locator(".meaning").textContent(), /spoke most for PNEUMONIA/);
  const slider = page.getByRole("slider", { name: "Heat map" });
  assert.ok(await slider.evaluate((element) => element === document.activeElement), "the slider has the focus");
  const opacity = () => page.locator(".heat").evaluate((layer) => Number(getComputedStyle(layer).opacity));
  assert.equal(await opacity(), 1);
  await page.keyboard.press("Home");
  assert.equal(await opacity(), 0);
  for (let step = 0; step < 60; step += 1) await page.keyboard.press("ArrowRight");
  assert.equal(await opacity(), 0.6);
  await picture(page, "light-heat-map");
  await isAccessible(page);
  // It stays with its image.
  await page.setInputFiles("#file", WELL);
  await page.waitForFunction(() => document.querySelectorAll("tbody tr:not(.working)").length === 2);
  assert.equal(await page.locator(".heat").isVisible(), false);
  await page.locator("tbody button", { hasText: "child-0127" }).click();
  assert.equal(await page.locator(".heat").isVisible(), true);
  await leave(page);
}

async function doubts(browser) {
  const page = await visit(browser);
  await page.setInputFiles("#file", STRANGE);
  await settled(page);
  const result = page.locator(".result");
  assert.equal(await result.getAttribute("class"), "result unfamiliar");
  assert.equal(await result.locator("h3").textContent(), "Not like the training images");
  assert.match(await result.locator(".reading").textContent(), /does not look like the images/);
  assert.equal(await result.locator(".bar").count(), 0);
  assert.equal(await result.locator(".view button").isVisible(), false);
  assert.doesNotMatch(await result.innerText(), /PNEUMONIA|NORMAL/);
  assert.match(await page.locator("#notice").textContent(), /holiday.png: Not like the training images/);
  await picture(page, "light-unfamiliar");
  await isAccessible(page);
  await page.click("#clear");
  await page.setInputFiles("#file", UNSURE);
  await settled(page);
  assert.equal(await result.getAttribute("class"), "result undecided");
  assert.equal(await result.locator("h3").textContent(), "Can’t decide");
  assert.match(await result.locator(".reading").textContent(), /could be NORMAL or PNEUMONIA/);
  assert.equal(await result.locator(".bar").count(), 1);
  await picture(page, "light-undecided");
  await isAccessible(page);
  await leave(page);
}

async function example(browser) {
  const page = await visit(browser);
  assert.equal(await page.locator(".examples img").count(), 2);
  await page.getByRole("button", { name: "Try the example 0.93.png" }).click();
  await settled(page);
  assert.equal(await page.locator(".result h3").textContent(), "PNEUMONIA");
  await leave(page);
}

/** The stand-in takes for a PNG what begins as one; the browser draws no such file. */
async function whatBrowsersDoNotDraw(browser) {
  const page = await visit(browser);
  assert.match(await page.locator("#file").getAttribute("accept"), /\.dcm/);
  const scan = { name: "scan.dcm", mimeType: "application/dicom", buffer: Buffer.from("\x89PNG\r\n\x1a\n 0.93", "latin1") };
  await page.setInputFiles("#file", scan);
  await settled(page);
  assert.equal(await page.locator(".result h3").textContent(), "PNEUMONIA");
  await page.waitForFunction(() => document.querySelector(".result img").naturalWidth === 8); // as the server draws it
  await leave(page);
}

const column = (page, number) => page.locator(`tbody tr > :nth-child(${number}) > :first-child`).allInnerTexts();

async function batch(browser) {
  const page = await visit(browser);
  await page.setInputFiles("#file", [WELL, SICK, NOTES, { ...WELL, name: "=1+1.png" }, UNSURE, STRANGE]);
  await settled(page);
  assert.equal(await page.locator("#batch h3").innerText(), "6 images: 2\u00a0×\u00a0NORMAL, "
    + "1\u00a0×\u00a0PNEUMONIA, 1\u00a0×\u00a0No answer, 1\u00a0×\u00a0Can’t decide, 1\u00a0×\u00a0Not like the training images.");
  assert.equal(await page.locator(".result .name").textContent(), "child-0042.png"); // the first, until one is picked
  const sort = page.locator("[data-sort=score]");
  await sort.click();
  assert.deepEqual(await column(page, 2), ["PNEUMONIA", "Can’t decide", "NORMAL", "NORMAL", "No answer", "Not like the training images"]);
  assert.equal(await page.locator("th[aria-sort=descending] button").getAttribute("data-sort"), "score");
  await sort.click();
  assert.deepEqual(await column(page, 3), ["25%", "25%", "50%", "93%", "", ""]);
  await page.locator("[data-sort=name]").click();
  assert.deepEqual(await column(page, 1), [
    "=1+1.png", "child-0042.png", "child-0127.png", "child-0300.png", "holiday.png", "notes.txt"]);
  await page.locator("tbody button", { hasText: "child-0127" }).click();
  assert.equal(await page.locator(".result h3").textContent(), "PNEUMONIA");
  await picture(page, "light-batch");
  await isAccessible(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#csv")]);
  assert.equal(download.suggestedFilename(), "headstart.csv");
  const lines = fs.readFileSync(await download.path(), "utf8").replace("\ufeff", "").split("\r\n");
  assert.equal(lines[0], "file,answer,verdict,plausible,score_NORMAL,score_PNEUMONIA,threshold,remark");
  assert.equal(lines[1], "'=1+1.png,NORMAL,decided,NORMAL,0.75,0.25,0.42,");
  assert.match(lines[4], /^child-0300.png,,undecided,NORMAL\|PNEUMONIA,0.5,0.5,0.42,It could be/);
  assert.match(lines[5], /^holiday.png,,refused,PNEUMONIA,.*,This does not look like/);
  assert.match(lines[6], /^notes.txt,,,,,,,"?This is not an image/);
  await leave(page, /status of 415/);
}

async function german(browser) {
  const page = await visit(browser, { locale: "de-DE" });
  await page.setInputFiles("#file", [SICK, NOTES]);
  await settled(page);
  assert.match(await page.locator(".result .reading").textContent(), /Wert für PNEUMONIA ist 93 %/);
  assert.deepEqual(await column(page, 2), ["PNEUMONIA", "Keine Antwort"]);
  await picture(page, "german");
  await page.locator("footer a", { hasText: "English" }).click();
  assert.equal(await page.locator("label.button").first().textContent(), "Choose images");
  await leave(page, /status of 415/);
}

async function byKeyboard(browser) {
  const page = await visit(browser);
  page.on("filechooser", (chooser) => chooser.setFiles(SICK));
  await page.reload(); // The browser has then taken note of the listener.
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Model card");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "file");
  const outline = await page.locator("#file + label.button").evaluate((label) => getComputedStyle(label).outlineStyle);
  assert.equal(outline, "solid");
  await page.keyboard.press("Enter");
  await settled(page);
  assert.equal(await page.locator(".result h3").textContent(), "PNEUMONIA");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr:not(.working)").length === 2);
  const focus = async (selector) => {
    for (let step = 0; step < 20; step += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
    }
    assert.fail(`Tab does not lead to ${selector}`);
  };
  await focus("[data-sort=score]");
  await page.keyboard.press("Space");
  assert.equal(await page.locator("[aria-sort=descending]").count(), 1);
  await focus("tbody button");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-current")), "true");
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
  assert.deepEqual(await column(page, 1), ["paste.png", "drop.png"]);
  await leave(page);
}

async function failures(browser) {
  const page = await visit(browser);
  const limit = Number(await page.locator("#upload").getAttribute("data-limit"));
  await page.setInputFiles("#file", { name: "huge.png", mimeType: "image/png", buffer: Buffer.alloc(limit + 1) });
  await settled(page);
  assert.match(await page.locator(".reading").textContent(), /too large: at most 1 MiB/);
  await picture(page, "light-refused");
  await isAccessible(page);
  await page.context().setOffline(true);
  await page.setInputFiles("#file", SICK);
  await settled(page);
  assert.match(await page.locator("tbody tr").last().innerText(), /cannot be reached/);
  await leave(page, /ERR_INTERNET_DISCONNECTED/);
}

/** Over plain http, on a name that is not localhost, a browser sends no `Sec-Fetch-Site`: `Origin` has to do. */
async function withoutScript(browser) {
  const plain = url.replace("127.0.0.1", "headstart.test");
  const page = await visit(browser, { url: plain, javaScriptEnabled: false });
  assert.equal(await page.locator(".examples").isVisible(), false);
  await page.setInputFiles("#file", [SICK, NOTES, UNSURE, STRANGE]);
  await page.click("[type=submit]");
  assert.deepEqual(await page.locator(".result h3").allTextContents(),
    ["PNEUMONIA", "No answer", "Can’t decide", "Not like the training images"]);
  await cautionIsInView(page);
  await picture(page, "no-script");
  assert.equal(await page.locator("label.button").first().isVisible(), false);
  assert.equal(await page.locator(".bar").count(), 2);
  await leave(page);
}

async function narrowAndDark(browser) {
  const page = await visit(browser, {
    viewport: { width: 360, height: 740 }, colorScheme: "dark", hasTouch: true, isMobile: true });
  assert.equal(await page.locator(".camera").isVisible(), true);
  assert.equal(await page.locator("#camera").getAttribute("capture"), "environment");
  await page.setInputFiles("#camera", SICK);
  await settled(page);
  await page.locator(".view button").tap();
  await page.waitForFunction(() => document.querySelector(".heat").naturalWidth > 0);
  await picture(page, "dark-phone");
  await isAccessible(page);
  await page.setInputFiles("#file", [WELL, { ...SICK, name: `${"long".repeat(40)}.png` }, UNSURE, STRANGE]);
  await settled(page);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
  await cautionIsInView(page);
  await isAccessible(page);
  await picture(page, "dark-phone-batch");
  await page.setViewportSize({ width: 1100, height: 900 });
  await picture(page, "dark-batch");
  await leave(page);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
