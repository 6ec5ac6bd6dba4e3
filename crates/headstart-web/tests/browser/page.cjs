// Uses the page as a visitor does, in a real browser. Started by browser.rs: node page.cjs URL CHROMIUM URL-OF-THREE-CLASSES.
// With HEADSTART_SCREENSHOTS=FOLDER it also leaves pictures of what it saw; HEADSTART_IMAGES=FILE,FILE (PNG) are
// then shown instead of the grey pixel.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const zlib = require("node:zlib");
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

const [url, executablePath, urlOfThree] = process.argv.slice(2);
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
    await wholeImages(browser);
    await anotherThreshold(browser);
    await threeClasses(browser);
    await lostPage(browser);
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

/** A grey PNG of this size, brighter towards its lower right, with a light frame that shows whether it is whole. */
function drawn(name, width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(zlib.crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8; // bits, of one grey channel
  const edge = 6;
  const isFrame = (x, y) => Math.min(x, y, width - 1 - x, height - 1 - y) < edge;
  const level = (x, y) => (isFrame(x, y) ? 255 : 40 + Math.floor((140 * (x + y)) / (width + height)));
  const rows = Array.from({ length: height }, (_, y) => (
    Buffer.from([0, ...Array.from({ length: width }, (_, x) => level(x, y))])));
  const start = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const data = zlib.deflateSync(Buffer.concat(rows));
  return png(name, "0.93", Buffer.concat([start, chunk("IHDR", head), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]));
}

/** Nothing of an image is ever cut: neither by its own box nor by one around it. */
async function wholeImages(browser) {
  const images = [drawn("portrait.png", 300, 600), drawn("landscape.png", 600, 300), drawn("square.png", 400, 400)];
  for (const width of [1100, 700, 390]) {
    const page = await visit(browser, { viewport: { width, height: 844 } });
    await page.setInputFiles("#file", images);
    await settled(page);
    for (const { name } of images) {
      await page.locator("tbody button", { hasText: name }).click();
      await page.waitForFunction(() => document.querySelector(".result img").naturalWidth > 1);
      if (await page.locator(".view button").isVisible()) {
        await page.locator(".view button").click();
        await page.waitForFunction(() => document.querySelector(".heat").naturalWidth > 0);
      }
      await picture(page, `${name.split(".")[0]}-${width}`);
      const cut = await page.evaluate(() => [...document.images].filter((image) => image.checkVisibility()).filter((image) => {
        const { left, top, right, bottom } = image.getBoundingClientRect();
        const fits = ["contain", "scale-down"].includes(getComputedStyle(image).objectFit);
        let [box, isInside] = [image.parentElement, true];
        for (; box !== document.body; box = box.parentElement) {
          if (getComputedStyle(box).overflow === "visible") continue;
          const around = box.getBoundingClientRect();
          if (box.matches(".scroll")) continue; // what lies beyond can be scrolled to
          isInside &&= left >= around.left - 1 && top >= around.top - 1
            && right <= around.right + 1 && bottom <= around.bottom + 1;
        }
        return !fits || !isInside || right - left < 20 || bottom - top < 20;
      }).map((image) => image.outerHTML));
      assert.deepEqual(cut, [], `${name} at ${width}`);
      const share = await page.evaluate(() => {
        const image = document.querySelector(".result img");
        const { width: wide, height: high } = image.getBoundingClientRect();
        const scale = Math.min(wide / image.naturalWidth, high / image.naturalHeight);
        return Math.max(image.naturalWidth * scale / wide, image.naturalHeight * scale / high);
      });
      assert.ok(share > 0.99, `${name} at ${width} fills ${share} of its box`);
    }
    await leave(page);
  }
}

async function anotherThreshold(browser) {
  const page = await visit(browser);
  await page.setInputFiles("#file", [SICK, UNSURE, STRANGE]);
  await settled(page);
  const slider = page.locator("#try-threshold input");
  assert.equal(await page.locator("#try-threshold output").textContent(), "42%");
  assert.match(await page.locator(".consequence").textContent(),
    /recognised 79 of 100 held-out PNEUMONIA images.*called 42 of 100 NORMAL images/);
  assert.equal(await page.locator("#try-threshold button").isVisible(), false);
  await slider.fill("95");
  assert.deepEqual(await column(page, 2), ["NORMAL", "Can’t decide", "Not like the training images"]);
  assert.equal(await page.locator(".result h3").textContent(), "NORMAL");
  assert.match(await page.locator(".result .reading").textContent(),
    /PNEUMONIA is 93%; the model says PNEUMONIA only from 95% up. This is a threshold that you try; the model’s own is 42%/);
  assert.equal(await page.locator(".result .bar line").getAttribute("x1"), "95%");
  assert.match(await page.locator(".consequence").textContent(), /recognised 53 of 100/);
  await picture(page, "light-threshold");
  await isAccessible(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#csv")]);
  assert.match(fs.readFileSync(await download.path(), "utf8"), /child-0127.png,NORMAL,decided,.*,0.95,/);
  await page.locator("#try-threshold button").click();
  assert.equal(await page.locator(".result h3").textContent(), "PNEUMONIA");
  assert.equal(await page.locator("#try-threshold output").textContent(), "42%");
  await leave(page);
}

/** Each class has its own recall; what is a mean says so. Names are those for people, but in the CSV. */
async function threeClasses(browser) {
  const page = await visit(browser, { url: urlOfThree });
  assert.equal(await page.locator("h1").textContent(), "Why a child coughs");
  assert.deepEqual(await page.locator(".recalls tbody tr").allInnerTexts(), [
    "bacteria\t95%\t90% to 99%", "no pneumonia\t90%\t85% to 94%", "virus\t61%\t56% to 65%"]);
  const measured = await page.locator(".measured").innerText();
  assert.match(measured, /Mean sensitivity\s+82%/);
  assert.doesNotMatch(measured, /virus/);
  assert.equal(await page.locator("#try-threshold").count(), 0);
  await page.setInputFiles("#file", [WELL, SICK]);
  await settled(page);
  assert.equal(await page.locator(".result h3").textContent(), "bacteria");
  assert.match(await page.locator(".reliability").textContent(), /Accuracy 85%/);
  await page.locator("tbody button", { hasText: "child-0127" }).click();
  assert.equal(await page.locator(".result h3").textContent(), "no pneumonia");
  await picture(page, "light-three");
  await isAccessible(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#csv")]);
  const lines = fs.readFileSync(await download.path(), "utf8").replace("\ufeff", "").split("\r\n");
  assert.equal(lines[0], "file,answer,verdict,plausible,score_bacteria,score_normal,score_virus,threshold,remark");
  assert.match(lines[2], /^child-0127.png,normal,decided,normal,.*,,$/);
  await leave(page);
}

async function lostPage(browser) {
  const page = await visit(browser, { url: `${url}no/such/page`, locale: "de-DE" });
  assert.equal(await page.locator("h1").textContent(), "Unter dieser Adresse gibt es nichts.");
  await picture(page, "light-lost");
  await isAccessible(page);
  await page.locator("main a").click();
  assert.ok(await page.locator("#file").count());
  await leave(page, /status of 404/);
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
  // The image and its answer are seen together, below the caution.
  const caution = await page.locator(".caution").boundingBox();
  for (const part of [".picture", ".result h3", ".result .reading"]) {
    const { y, height } = await page.locator(part).boundingBox();
    assert.ok(y >= caution.y + caution.height - 1 && y + height <= page.viewportSize().height, `${part} from ${y} to ${y + height}`);
  }
  await picture(page, "dark-phone-answer");
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
