// What a person does on a page, and sees there. Waiting for something that does not come is an error.
import assert from "node:assert/strict";

const PATIENCE = { timeout: 30_000 };

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until the connection's state is shown. */
export const state = (page, text) => {
  const shown = (text) => {
    const pills = [...document.querySelectorAll("[data-pill]")];
    return pills.some((pill) => pill.offsetParent && pill.textContent === text);
  };
  return page.waitForFunction(shown, text, PATIENCE);
};

export async function join(page, name) {
  await page.fill("#name", name);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#room:not([hidden])");
}

export async function say(page, text) {
  await page.fill("#text", text);
  await page.press("#text", "Enter");
  await page.waitForFunction(() => !document.querySelector(".msg.sending"));
}

/** Writes into the composer, and sends nothing. */
export const types = (page, text) => page.fill("#text", text);

/** Waits until this is shown of those who are typing. */
export async function seesTyping(page, text) {
  const names = () => document.querySelector("#typing-names").textContent;
  const shown = (text) => document.querySelector("#typing-names").textContent === text;
  try {
    await page.waitForFunction(shown, text, PATIENCE);
  } catch {
    throw new Error(`expected "${text}", found "${await page.evaluate(names)}"`);
  }
}

const said = ([text, times]) => {
  const lines = [...document.querySelectorAll(".said")].map((line) => line.textContent.split(": ").slice(1).join(": "));
  const found = lines.filter((line) => line === text).length;
  return times === undefined ? found : found === times;
};

/** Waits until something that was said is shown so many times. */
export async function sees(page, text, times = 1) {
  try {
    await page.waitForFunction(said, [text, times], PATIENCE);
  } catch {
    throw new Error(`expected ${times} × "${text}", found ${await page.evaluate(said, [text])}`);
  }
}

export const seesNote = (page, text) => {
  const shown = (text) => [...document.querySelectorAll(".note")].some((note) => note.textContent === text);
  return page.waitForFunction(shown, text, PATIENCE);
};

export const people = (page) => page.$$eval("#people-list bdi", (names) => names.map((name) => name.textContent));

export const count = (page, selector) => page.$$eval(selector, (found) => found.length);

export const atEnd = (page) => page.$eval("#scroller", (s) => s.scrollHeight - s.scrollTop - s.clientHeight < 60);

export async function hasNoSideScroll(page) {
  const fits = await page.evaluate(() => {
    const scroller = document.querySelector("#scroller");
    const root = document.scrollingElement;
    return root.scrollWidth <= innerWidth && root.scrollTop === 0 && scroller.scrollWidth <= scroller.clientWidth;
  });
  assert(fits, "the page scrolls sideways");
}
