// Actions of a person on a page. A condition that does not hold in time is an error.
import assert from "node:assert/strict";

const TIMEOUT = { timeout: 30_000 };

/** Stops the time of day in these pages, so that results do not depend on the speed of the machine. */
export const stopClock = (context) =>
  context.addInitScript(() => {
    let now = Date.now();
    Date.now = () => now;
    window.pass = (ms) => (now += ms);
  });

/** Advances the time of day in the page by `ms` milliseconds. */
export const advanceClock = (page, ms) => page.evaluate((ms) => window.pass(ms), ms);

/** Shortens all later timers of this page, such as those for responses and for attempts to connect. */
export const speedUpTimers = (page) =>
  page.evaluate(() => {
    const { setTimeout } = window;
    window.setTimeout = (run, ms) => setTimeout(run, ms / 20);
  });

/** Waits until the text of an element matches the pattern. */
export async function waitForText(page, selector, pattern) {
  const text = (selector) => document.querySelector(selector).textContent;
  const found = ([selector, pattern]) => pattern.test(document.querySelector(selector).textContent);
  try {
    await page.waitForFunction(found, [selector, pattern], TIMEOUT);
  } catch {
    throw new Error(`expected ${pattern} in ${selector}, found "${await page.evaluate(text, selector)}"`);
  }
}

/** Waits until one of the elements has this text. */
export async function waitForElement(page, selector, text) {
  const found = ([selector, text]) => [...document.querySelectorAll(selector)].some((node) => node.textContent === text);
  await page.waitForFunction(found, [selector, text], TIMEOUT);
}

/** Makes the page believe that it is in the background, where it makes no regular requests. */
export const hide = (page) =>
  page.evaluate(() => Object.defineProperty(document, "hidden", { configurable: true, get: () => true }));

/** Waits until the page shows this state of the connection. */
export const waitForState = (page, text) => {
  const shown = (text) => {
    const pill = document.querySelector("#pill");
    return pill.offsetParent && pill.textContent === text;
  };
  return page.waitForFunction(shown, text, TIMEOUT);
};

/** Waits until the page asks for a name. */
export const waitForDoor = (page) => page.waitForSelector("#door:not([hidden])", TIMEOUT);

/** Signs in. The page then enters the room of its address. */
export async function join(page, name) {
  await waitForDoor(page);
  await page.fill("#name", name);
  await page.keyboard.press("Enter");
  await waitForState(page, "connected");
}

/** Waits until the page shows this room. */
export const waitForRoom = (page, name) => waitForText(page, "#room-title", new RegExp(`^${name}$`));

/** Waits until the page shows these people in its room, in any order. */
export async function waitForPeople(page, ...names) {
  const find = (names) => {
    const shown = [...document.querySelectorAll("#people-list bdi")].map((name) => name.textContent);
    return names === undefined ? shown : shown.sort().join() === names;
  };
  try {
    await page.waitForFunction(find, names.sort().join(), TIMEOUT);
  } catch {
    throw new Error(`expected ${names}, found ${await page.evaluate(find)}`);
  }
}

export async function say(page, text) {
  await page.fill("#text", text);
  await page.press("#text", "Enter");
  await page.waitForFunction(() => !document.querySelector(".msg.sending"));
}

/** Sends messages one after the other, without waiting for responses between them. */
export async function sayAll(page, texts) {
  await page.evaluate((texts) => {
    for (const text of texts) {
      document.querySelector("#text").value = text;
      document.querySelector("#composer").requestSubmit();
    }
  }, texts);
  await page.waitForFunction(() => !document.querySelector(".msg.sending"));
}

/** Writes into the composer without sending. */
export const typeDraft = (page, text) => page.fill("#text", text);

/** Waits until the page shows this text about people who are typing. */
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

/** Waits until a message is shown `times` times. */
export async function waitForMessage(page, text, times = 1) {
  try {
    await page.waitForFunction(countMessages, [text, times], TIMEOUT);
  } catch {
    throw new Error(`expected ${times} × "${text}", found ${await page.evaluate(countMessages, [text])}`);
  }
}

export const waitForNote = (page, text) => waitForElement(page, ".note", text);

export const count = (page, selector) => page.$$eval(selector, (found) => found.length);

const shownToEnd = () => {
  const { scrollHeight, scrollTop, clientHeight } = document.querySelector("#scroller");
  return scrollHeight - scrollTop - clientHeight < 60;
};

export const isAtEnd = (page) => page.evaluate(shownToEnd);

/** Waits until the last message is in view. */
export const waitForEnd = (page) => page.waitForFunction(shownToEnd, null, TIMEOUT);

export async function hasNoSideScroll(page) {
  const fits = await page.evaluate(() => {
    const scroller = document.querySelector("#scroller");
    const root = document.scrollingElement;
    const boxes = [root, document.body, document.querySelector("#room")];
    const isStill = boxes.every((box) => box.scrollTop === 0 && box.scrollLeft === 0);
    return isStill && root.scrollWidth <= innerWidth && scroller.scrollWidth <= scroller.clientWidth;
  });
  assert(fits, "the page scrolls as a whole, or sideways");
}
