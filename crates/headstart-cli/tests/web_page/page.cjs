// Uses an exported page as a visitor does, in a real browser. Started by web_page.rs:
// node page.cjs CHROMIUM FOLDER FILE.html EXPECTED.csv, the last with what the program says of images.
// HEADSTART_SCREENSHOTS=FOLDER leaves pictures of what was seen; HEADSTART_HOSTILE=FILE,FILE and HEADSTART_DICOM=FILE,FILE
// are given to the page, too.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const [executablePath, folder, single, expectedFile] = process.argv.slice(2);
const screenshots = process.env.HEADSTART_SCREENSHOTS;
const listed = (name) => (process.env[name] || "").split(",").filter(Boolean);
// Both compute the same sums in the same order; the last bits of a few functions differ.
const TOLERANCE = 2e-6;

const axe = (() => {
  try {
    return fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  } catch {
    console.log("skipped: accessibility, because axe-core is not installed");
    return null;
  }
})();

const TYPES = {
  ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
  ".wasm": "application/wasm", ".webmanifest": "application/manifest+json",
};

/** What the program says: a row for each image. */
const expected = (() => {
  const [head, ...rows] = fs.readFileSync(expectedFile, "utf8").trim().split(/\r?\n/).map((line) => line.split(","));
  return rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at]])));
})();
const images = expected.map((row) => row.path);

/** A server of files and nothing else, which remembers what it was asked for. */
async function serve(root, change = (_, content) => content) {
  const asked = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const name = request.url.split("?")[0].replace(/\/$/, "/index.html");
    const file = path.join(root, name);
    if (request.method !== "GET" || !fs.existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": TYPES[path.extname(file)] || "application/octet-stream" });
    return response.end(change(name, fs.readFileSync(file)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, stop };
}

/** A fresh visitor. Whatever the browser complains of fails the test, and so does a request to elsewhere. */
async function visit(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  const home = url.startsWith("file:") ? url : new URL(url).origin;
  context.on("request", (request) => {
    if (!request.url().startsWith(home) && !/^(blob|data):/.test(request.url())) page.complaints.push(`asked ${request.url()}`);
    if (request.method() !== "GET") page.complaints.push(`${request.method()} ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

async function leave(page, expectedComplaints = /^$/) {
  assert.deepEqual(page.complaints.filter((text) => !expectedComplaints.test(text)), []);
  await page.context().close();
}

const settled = (page, timeout = 120_000) => page.waitForFunction(
  () => document.querySelector(".result") && !document.querySelector(".working"), null, { timeout });

async function picture(page, name) {
  if (screenshots) await page.screenshot({ path: path.join(screenshots, `web-${name}.png`), fullPage: true });
}

async function isAccessible(page) {
  if (!axe) return;
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`), []);
}

/** The table that the page offers for download, a row for each file. */
async function table(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#csv")]);
  const text = fs.readFileSync(await download.path(), "utf8").replace("\ufeff", "").trim();
  const [head, ...rows] = text.split("\r\n").map((line) => line.split(","));
  return rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at]])));
}

/** Of all images: the verdict and the scores that the program gives. */
async function sameAnswers(page) {
  const start = Date.now();
  await page.setInputFiles("#file", images);
  await settled(page);
  console.log(`${images.length} images after ${Date.now() - start} ms`);
  const rows = await table(page);
  assert.equal(rows.length, images.length);
  let off = 0;
  for (const [at, row] of rows.entries()) {
    const program = expected[at];
    assert.equal(row.file, path.basename(program.path));
    assert.equal(row.verdict, program.verdict, row.file);
    for (const name of Object.keys(program).filter((name) => name.startsWith("score_"))) {
      off = Math.max(off, Math.abs(row[name] - program[name]));
    }
  }
  console.log(`scores are off by ${off} at most`);
  assert.ok(off <= TOLERANCE, `${off}`);
}

async function online(browser, site) {
  const page = await visit(browser, site.url);
  await picture(page, "start");
  await isAccessible(page);
  const start = Date.now();
  await page.setInputFiles("#file", images[0]);
  await settled(page);
  console.log(`first answer after ${Date.now() - start} ms`);
  assert.ok((await page.locator(".result h3").textContent()).length > 0);
  assert.match(await page.locator(".hint").first().textContent(), /never leave it/);
  await picture(page, "answer");
  await page.locator(".view button").click();
  await page.waitForFunction(() => document.querySelector(".heat").naturalWidth > 0);
  await picture(page, "heat-map");
  await isAccessible(page);
  await page.click("#clear");
  await sameAnswers(page);
  await picture(page, "batch");
  await leave(page);
}

/** Nothing leaves the machine: neither the page nor the worker can reach another server, whoever asks. */
async function closed(browser, site) {
  const page = await visit(browser, site.url);
  const other = await serve(folder);
  const reached = await page.evaluate(async (url) => {
    const inPage = await fetch(url).then(() => true, () => false);
    const code = `fetch(${JSON.stringify(url)}).then(() => postMessage(true), () => postMessage(false))`;
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    const inWorker = await new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
    return [inPage, inWorker];
  }, other.url);
  assert.deepEqual(reached, [false, false]);
  assert.deepEqual(other.asked, []);
  await other.stop();
  const own = new Set(fs.readdirSync(folder).map((name) => `GET /${name}`).concat("GET /"));
  assert.deepEqual(site.asked.filter((request) => !own.has(request)), []);
  await leave(page, /Content Security Policy|Fetch API cannot load/i);
}

async function offline(browser) {
  const site = await serve(folder);
  const page = await visit(browser, site.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await site.stop();
  await page.context().setOffline(true);
  await page.reload();
  await page.setInputFiles("#file", images[1]);
  await settled(page);
  assert.ok(await page.locator(".result:not(.unusable)").count());
  await page.locator("footer a[lang=de]").click();
  await page.waitForURL(/de\.html/);
  await page.setInputFiles("#file", images[1]);
  await settled(page);
  assert.match(await page.locator("#upload .hint").first().textContent(), /verlassen es nie/);
  await picture(page, "offline-german");
  await leave(page);
}

async function oneFile(browser) {
  const start = Date.now();
  const page = await visit(browser, pathToFileURL(single).href);
  console.log(`one file is there after ${Date.now() - start} ms`);
  await sameAnswers(page);
  await page.locator("tbody button").first().click();
  await page.locator(".view button").click();
  await page.waitForFunction(() => document.querySelector(".heat").naturalWidth > 0);
  await picture(page, "one-file");
  await isAccessible(page);
  const reached = await page.evaluate(() => fetch("http://127.0.0.1:9/").then(() => true, () => false));
  assert.equal(reached, false);
  await leave(page, /Content Security Policy|Fetch API cannot load/i);
}

/** Files that are no images, or that hurt, get an answer of their own; the next image gets the usual one. */
async function hostile(browser, site) {
  const page = await visit(browser, site.url);
  const whole = fs.readFileSync(images[0]);
  const files = [
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") },
    { name: "empty.png", mimeType: "image/png", buffer: Buffer.alloc(0) },
    { name: "half.png", mimeType: "image/png", buffer: whole.subarray(0, whole.length / 2) },
    ...listed("HEADSTART_HOSTILE").map((file) => (
      { name: path.basename(file), mimeType: "application/octet-stream", buffer: fs.readFileSync(file) })),
    { name: "whole.png", mimeType: "image/png", buffer: whole },
  ];
  await page.setInputFiles("#file", files);
  await settled(page, 200_000);
  const rows = await table(page);
  for (const row of rows) console.log(`${row.file}: ${row.verdict} ${row.remark}`);
  assert.deepEqual(rows.map((row) => row.verdict !== ""), files.map((file) => file.name === "whole.png"));
  assert.match(rows[0].remark, /not an image but text/);
  assert.match(rows[1].remark, /empty/);
  assert.match(rows[2].remark, /breaks off|damaged/);
  await picture(page, "hostile");
  await leave(page);
}

async function dicom(browser, site) {
  const files = listed("HEADSTART_DICOM");
  if (files.length === 0) return console.log("skipped: DICOM, because HEADSTART_DICOM names no file");
  const page = await visit(browser, site.url);
  await page.setInputFiles("#file", files);
  await settled(page);
  assert.equal(await page.locator(".result.unusable").count(), 0);
  await page.waitForFunction(() => document.querySelector(".result img").naturalWidth > 1);
  await picture(page, "dicom");
  return leave(page);
}

/** A module that this browser cannot run is told, and not waited for. */
async function broken(browser) {
  const site = await serve(folder, (name, content) => (name.endsWith(".wasm") ? content.subarray(0, 1000) : content));
  const page = await visit(browser, site.url);
  await page.setInputFiles("#file", images[0]);
  await settled(page);
  assert.match(await page.locator(".reading").textContent(), /cannot run the model/);
  await leave(page);
  await site.stop();
}

async function byKeyboard(browser, site) {
  const page = await visit(browser, site.url);
  page.on("filechooser", (chooser) => chooser.setFiles(images[0]));
  await page.reload(); // The browser has then taken note of the listener.
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "file");
  await page.keyboard.press("Enter");
  await settled(page);
  assert.equal(await page.locator(".result:not(.unusable)").count(), 1);
  await leave(page);
}

/** A paste and a drop, as the browser tells the page of them. */
async function pasteAndDrop(browser, site) {
  const page = await visit(browser, site.url);
  for (const type of ["paste", "drop"]) {
    await page.evaluate(([type, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], `${type}.png`, { type: "image/png" }));
      document.body.dispatchEvent(type === "paste"
        ? new ClipboardEvent(type, { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }, [type, [...fs.readFileSync(images[0])]]);
    await settled(page);
  }
  assert.equal(await page.locator("tbody tr:not(.unusable)").count(), 2);
  await leave(page);
}

async function narrowAndDark(browser, site) {
  const page = await visit(browser, site.url, {
    viewport: { width: 360, height: 740 }, colorScheme: "dark", hasTouch: true, isMobile: true });
  assert.equal(await page.locator("#camera").getAttribute("capture"), "environment");
  await picture(page, "dark-phone-start");
  await page.setInputFiles("#camera", images[0]);
  await settled(page);
  await picture(page, "dark-phone-answer");
  await isAccessible(page);
  await page.setInputFiles("#file", images.slice(1, 5));
  await settled(page);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0);
  await isAccessible(page);
  await picture(page, "dark-phone-batch");
  await leave(page);
}

async function withoutScript(browser, site) {
  const page = await visit(browser, site.url, { javaScriptEnabled: false });
  assert.ok(await page.getByText("needs JavaScript").isVisible());
  await picture(page, "no-script");
  await leave(page);
}

async function main() {
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath, args: flags });
  const site = await serve(folder);
  try {
    await online(browser, site);
    await closed(browser, site);
    await offline(browser);
    await oneFile(browser);
    await hostile(browser, site);
    await dicom(browser, site);
    await broken(browser);
    await byKeyboard(browser, site);
    await pasteAndDrop(browser, site);
    await narrowAndDark(browser, site);
    await withoutScript(browser, site);
  } finally {
    await browser.close();
    await site.stop();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
