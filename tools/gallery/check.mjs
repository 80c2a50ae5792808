// check.mjs DIR [CHROMIUM [MILLISECONDS]]: opens the page of a run's folder in Chromium, works it by the
// keyboard alone, and has axe-core look for what people with disabilities could not use.
// A page may take two seconds to open, or as long as is said.
// It prints a line a step, and ends with status 1 if one fails.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer from 'puppeteer-core';

const TABS = 40; // presses within which the tools must be reached

const [dir, chromium = '/usr/bin/chromium', within = '2000'] = process.argv.slice(2);
if (!dir) throw new Error('usage: node check.mjs DIR [CHROMIUM [MILLISECONDS]]');
const OPENS = Number(within); // milliseconds that a page, or a search, may take
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const first = pathToFileURL(resolve(dir, 'index.html')).href;
const args = ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--disable-background-networking'];
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args, protocolTimeout: 300_000 });
let failed = false;

function say(ok, text) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${text}`);
  failed ||= !ok;
}

// open loads an address in a new tab, and returns it when the page has been painted.
async function open(address) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1300, height: 1000 });
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]); // axe would see colours on their way
  page.on('pageerror', (e) => say(false, `script: ${e.message}`));
  let took = Infinity;
  for (let n = 0; n < 3 && took >= OPENS; n++) { // the machine may be busy
    const begun = performance.now();
    await page.goto(address, { waitUntil: 'load', timeout: 120_000 });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    took = performance.now() - begun;
  }
  say(took < OPENS, `${address.split('/').slice(-2).join('/')} opened in ${(took / 1000).toFixed(2)} s`);
  return page;
}

// look has axe judge the page as it stands.
async function look(page, what) {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  for (const v of violations) console.log(`     ${v.id} (${v.impact}): ${v.help}: ${v.nodes.length} of e.g. ${v.nodes[0].html.slice(0, 160)}`);
  say(violations.length === 0, `axe-core: ${what}: ${passes.length} rules hold, ${violations.length} do not`);
}

const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  return { id: e.id, tag: e.tagName.toLowerCase(), text: e.textContent.trim().slice(0, 60), href: e.getAttribute('href') || '', rel: e.getAttribute('rel') || '', card: e.classList.contains('card') };
});

// tabTo presses Tab until the focus is where it should be.
async function tabTo(page, is, what) {
  for (let n = 1; n <= TABS; n++) {
    await page.keyboard.press('Tab');
    if (is(await focused(page))) {
      say(true, `keyboard: ${what} after ${n} presses of Tab`);
      return true;
    }
  }
  say(false, `keyboard: ${what} not reached in ${TABS} presses of Tab`);
  return false;
}

async function search(page) {
  if (!await tabTo(page, (f) => f.id === 'find', 'the search field')) return;
  const cards = await page.$$eval('.card', (all) => all.map((c) => c.dataset.name));
  const many = await page.evaluate(() => Number(document.body.dataset.pages) > 1);
  const begun = performance.now();
  await page.keyboard.type(cards[cards.length - 1]);
  await page.waitForFunction(() => / of \d+ results$/.test(document.getElementById('count').textContent), { timeout: 20_000 });
  say(performance.now() - begun < OPENS, `search: ${await page.$eval('#count', (e) => e.textContent)} in ${((performance.now() - begun) / 1000).toFixed(2)} s`);
  await look(page, 'what the search found');
  if (many) {
    if (!await tabTo(page, (f) => f.tag === 'a' && f.href.includes('#r'), 'the first result found')) return;
    await Promise.all([page.waitForFunction(() => document.activeElement.classList.contains('card'), { timeout: 20_000 }), page.keyboard.press('Enter')]);
    const at = await focused(page);
    say(at.card, `keyboard: Enter leads to the card ${await page.evaluate(() => document.activeElement.dataset.name)}`);
  }
}

async function turnMesh(page) {
  if (!await page.$('canvas')) return;
  await page.$eval('canvas', (c) => { c.scrollIntoView({ block: 'center' }); });
  await page.waitForFunction(() => document.querySelector('.frame.drawn canvas'), { timeout: 30_000 });
  await page.evaluate(() => document.querySelector('.frame.drawn canvas').focus());
  const picture = () => page.evaluate(() => document.querySelector('.frame.drawn canvas').toDataURL());
  const before = await picture();
  await page.keyboard.press('ArrowLeft');
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  say(before !== await picture(), 'keyboard: an arrow key turns a mesh');
}

async function turnPage(page) {
  if (!await page.$('a[rel="next"]')) return;
  await page.evaluate(() => { const all = [...document.querySelectorAll('.card')]; all[all.length - 1].focus(); });
  if (!await tabTo(page, (f) => f.rel === 'next', 'the next page')) return;
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press('Enter')]);
  say(/page 2/.test(await page.title()), `keyboard: Enter leads to "${await page.title()}"`);
  await look(page, 'the second page');
}

// warm starts the browser's parts, which a person's browser has running.
async function warm() {
  const page = await browser.newPage();
  await page.evaluate(() => document.createElement('canvas').getContext('webgl')?.getParameter(1));
  await page.close();
}

try {
  await warm();
  const page = await open(first);
  await page.keyboard.press('Tab');
  const skip = await focused(page);
  await page.keyboard.press('Enter');
  say(skip.href === '#results' && (await focused(page)).id === 'results', 'keyboard: the first stop skips to the results');
  await look(page, 'light');
  await page.evaluate(() => { document.documentElement.dataset.theme = 'dark'; });
  await look(page, 'dark');
  await turnMesh(page);
  await (await open(first)).bringToFront();
  await search((await browser.pages()).at(-1));
  await turnPage(await open(first));
} catch (e) {
  say(false, String(e));
} finally {
  await browser.close();
}
process.exitCode = failed ? 1 : 0;
