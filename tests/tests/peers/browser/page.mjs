// What a person does on a page, and sees there. Waiting for something that does not come is an error.
import assert from "node:assert/strict";

const TIMEOUT = { timeout: 30_000 };

/** The time of day stands still in these pages, so that it does not matter how long something takes here. */
export const stopClock = (context) =>
  context.addInitScript(() => {
    let now = Date.now();
    Date.now = () => now;
    window.pass = (ms) => (now += ms);
  });

/** Lets so many milliseconds pass in the page. */
export const advanceClock = (page, ms) => page.evaluate((ms) => window.pass(ms), ms);

/** From now on what takes seconds takes less in this page: waiting for an answer, or for the next attempt to connect. */
export const speedUpTimers = (page) =>
  page.evaluate(() => {
    const { setTimeout } = window;
    window.setTimeout = (run, ms) => setTimeout(run, ms / 20);
  });

/** Waits until an element has such a text. */
export async function waitForText(page, selector, pattern) {
  const text = (selector) => document.querySelector(selector).textContent;
  const found = ([selector, pattern]) => pattern.test(document.querySelector(selector).textContent);
  try {
    await page.waitForFunction(found, [selector, pattern], TIMEOUT);
  } catch {
    throw new Error(`expected ${pattern} in ${selector}, found "${await page.evaluate(text, selector)}"`);
  }
}

/** Waits until the connection's state is shown. */
export const waitForState = (page, text) => {
  const shown = (text) => {
    const pills = [...document.querySelectorAll("[data-pill]")];
    return pills.some((pill) => pill.offsetParent && pill.textContent === text);
  };
  return page.waitForFunction(shown, text, TIMEOUT);
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

/** Says one after the other, and does not wait for answers in between. */
export async function sayAll(page, texts) {
  await page.evaluate((texts) => {
    for (const text of texts) {
      document.querySelector("#text").value = text;
      document.querySelector("#composer").requestSubmit();
    }
  }, texts);
  await page.waitForFunction(() => !document.querySelector(".msg.sending"));
}

/** Writes into the composer, and sends nothing. */
export const typeDraft = (page, text) => page.fill("#text", text);

/** Waits until this is shown of those who are typing. */
export async function waitForTyping(page, text) {
  const names = () => document.querySelector("#typing-names").textContent;
  const shown = (text) => document.querySelector("#typing-names").textContent === text;
  try {
    await page.waitForFunction(shown, text, TIMEOUT);
  } catch {
    throw new Error(`expected "${text}", found "${await page.evaluate(names)}"`);
  }
}

const countMessages = ([text, times]) => {
  const messages = [...document.querySelectorAll(".msg:not(.sending, .failed) .said")];
  const texts = messages.map((line) => line.textContent.split(": ").slice(1).join(": "));
  const found = texts.filter((line) => line === text).length;
  return times === undefined ? found : found === times;
};

/** Waits until something that was said is shown so many times. */
export async function waitForMessage(page, text, times = 1) {
  try {
    await page.waitForFunction(countMessages, [text, times], TIMEOUT);
  } catch {
    throw new Error(`expected ${times} × "${text}", found ${await page.evaluate(countMessages, [text])}`);
  }
}

export const waitForNote = (page, text) => {
  const shown = (text) => [...document.querySelectorAll(".note")].some((note) => note.textContent === text);
  return page.waitForFunction(shown, text, TIMEOUT);
};

export const people = (page) => page.$$eval("#people-list bdi", (names) => names.map((name) => name.textContent));

export const count = (page, selector) => page.$$eval(selector, (found) => found.length);

const shownToEnd = () => {
  const { scrollHeight, scrollTop, clientHeight } = document.querySelector("#scroller");
  return scrollHeight - scrollTop - clientHeight < 60;
};

export const isAtEnd = (page) => page.evaluate(shownToEnd);

/** Waits until the end of what was said is shown. */
export const waitForEnd = (page) => page.waitForFunction(shownToEnd, null, TIMEOUT);

export async function hasNoSideScroll(page) {
  const fits = await page.evaluate(() => {
    const scroller = document.querySelector("#scroller");
    const root = document.scrollingElement;
    return root.scrollWidth <= innerWidth && root.scrollTop === 0 && scroller.scrollWidth <= scroller.clientWidth;
  });
  assert(fits, "the page scrolls sideways");
}
