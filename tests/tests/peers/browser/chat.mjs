// Clicks through the chat's page: `node chat.mjs CHAT_PROGRAM SCREENSHOT_DIRECTORY` exits with status 0 on success.
//
// The pages are opened through a proxy that makes outages.
import assert from "node:assert/strict";
import { openWebSocket, serveEmptyPage } from "./foreign.mjs";
import { advanceClock, count, hasNoSideScroll, hide, isAtEnd, join, people, say, sayAll } from "./page.mjs";
import { speedUpTimers, stopClock, typeDraft, waitForEnd, waitForMessage, waitForNote } from "./page.mjs";
import { waitForState, waitForText, waitForTyping } from "./page.mjs";
import { Proxy } from "./proxy.mjs";
import { start, step } from "./start.mjs";

const { server, browser, takeScreenshot, run } = await start();
const proxy = await Proxy.to(server.port);

const DESK = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

// Errors, warnings and requests that no page should cause.
const problems = new Set();
let outage = false;

async function open(device, colorScheme, url = proxy.url) {
  const context = await browser.newContext({ ...device, colorScheme, locale: "en-GB" });
  await stopClock(context);
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.add(`uncaught ${error.stack}`));
  page.on("response", (response) => response.status() >= 400 && problems.add(`${response.status()} ${response.url()}`));
  page.on("console", (message) => {
    const expected = outage && /WebSocket|ERR_/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !expected) problems.add(`${message.type()} ${message.text()}`);
  });
  page.on("request", (request) => {
    const own = request.url().startsWith(url) || /^(data|blob):/.test(request.url());
    if (!own) problems.add(`foreign request ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

const all = (pages, see) => Promise.all(pages.map(see));

/** Cuts the connections of these pages, and waits until they show it. */
async function disconnect(pages) {
  await all(pages, (page) => advanceClock(page, 6000)); // a stable connection resets the waiting times
  proxy.up = false;
  proxy.cut();
  await all(pages, (page) => waitForState(page, "reconnecting…"));
}

/** Lets these pages connect again. */
async function reconnect(pages) {
  proxy.up = true;
  await all(pages, (page) => waitForState(page, "connected"));
}

const range = (n) => Array.from({ length: n }, (_, i) => i + 1);

async function clickThrough() {
  step("the join screen, with errors next to the field");
  const ada = await open(DESK, "light");
  await waitForState(ada, "connected");
  await takeScreenshot(ada, "01-join-desk-light");
  await ada.click("#join-button");
  assert.match(await ada.textContent("#name-error"), /enter a name/);
  await ada.fill("#name", "x".repeat(200));
  await ada.click("#join-button");
  await ada.waitForFunction(() => /at most \d+ characters/.test(document.querySelector("#name-error").textContent));
  assert.equal(await ada.getAttribute("#name", "aria-invalid"), "true");
  await takeScreenshot(ada, "02-join-error-desk-light");
  for (const name of ["\u200b", "\ufe0f", "\u202eevil", "A\u200bda", "A\x07da", "\u3164"]) {
    await ada.fill("#name", name);
    await ada.click("#join-button");
    await waitForText(ada, "#name-error", /1 to \d+ ordinary characters/);
  }
  await join(ada, "Ada");
  await waitForState(ada, "connected");
  assert.deepEqual(await people(ada), ["Ada"]);
  assert(await ada.evaluate(() => document.activeElement.id === "text"), "the composer has the focus");

  step("a second person on a phone; a name that is taken");
  const grace = await open(PHONE, "dark");
  await waitForState(grace, "connected");
  await grace.waitForFunction(() => /here/.test(document.querySelector("#join-people").textContent));
  await grace.fill("#name", "Ada");
  await grace.tap("#join-button");
  await grace.waitForFunction(() => /Ada.*already/.test(document.querySelector("#name-error").textContent));
  await takeScreenshot(grace, "03-join-taken-phone-dark");
  await hasNoSideScroll(grace);
  await join(grace, "Grace Hopper");
  await waitForNote(ada, "Grace Hopper joined");
  assert.deepEqual(await people(ada), ["Ada", "Grace Hopper"]);
  assert.equal(await grace.textContent("#people-open [data-count]"), "2");

  step("the join screen follows who is in the room");
  const outside = await open(DESK, "light");
  await hide(outside); // so only events change the names
  await waitForText(outside, "#join-people", /Ada and Grace Hopper are here$/);
  const guests = [await open(DESK, "light"), await open(DESK, "light")];
  await join(guests[0], "Kay");
  await waitForText(outside, "#join-people", /3 people are here$/);
  await join(guests[1], "Barbara");
  await waitForText(outside, "#join-people", /4 people are here$/);
  await takeScreenshot(outside, "25-join-four-desk-light");
  await guests[0].click("#leave");
  await waitForText(outside, "#join-people", /3 people are here$/);
  await guests[1].context().close();
  await waitForText(outside, "#join-people", /Ada and Grace Hopper are here$/);
  await waitForText(guests[0], "#join-people", /Ada and Grace Hopper are here$/);
  for (const page of [outside, guests[0]]) await page.context().close();
  for (const name of ["Kay", "Barbara"]) await waitForNote(ada, `${name} left`);

  step("a page of another origin is refused");
  const elsewhere = await serveEmptyPage();
  const webSocket = (host) => `ws://${host}:${server.port}/ws`;
  const context = await browser.newContext();
  assert.equal(await openWebSocket(context, server.url, webSocket("127.0.0.1")), "open");
  assert.match(await openWebSocket(context, elsewhere.url, webSocket("127.0.0.1")), /response code: 403$/);
  const byName = `http://localhost:${server.port}/style.css`; // a page without scripts
  assert.match(await openWebSocket(context, byName, webSocket("127.0.0.1")), /response code: 403$/);
  assert.equal(await openWebSocket(context, byName, webSocket("localhost")), "open");
  await context.close();
  elsewhere.close();

  step("messages in both directions");
  await say(ada, "Good morning! Is the new build up?");
  for (const page of [ada, grace]) await waitForMessage(page, "Good morning! Is the new build up?");
  await say(ada, "I’d like to show it to the others at ten.");
  await say(grace, "Yes, since this morning.");
  await say(grace, "Have a look: https://example.org/build/42 (the log is there, too).");
  await say(grace, "👍");
  await waitForMessage(ada, "👍");
  assert.equal(await ada.getAttribute(".said a", "href"), "https://example.org/build/42");

  step("HTML in a message is shown as text");
  const html = `<img src=x onerror="document.title='x'">`;
  await say(grace, html);
  await waitForMessage(ada, html);
  assert.equal(await count(ada, "#list img"), 0);

  step("a message of several lines, and empty messages");
  await ada.click("#text");
  await ada.keyboard.type("first line");
  await ada.keyboard.press("Shift+Enter");
  await ada.keyboard.type("second line");
  assert((await ada.$eval("#text", (text) => text.clientHeight)) > 60, "the composer grows");
  await ada.keyboard.press("Enter");
  await waitForMessage(grace, "first line\nsecond line");
  assert.equal(await ada.$eval("#text", (text) => text.clientHeight), 48);
  await ada.click("#text");
  await ada.keyboard.press("Enter");
  assert.equal(await count(ada, ".msg.sending, .msg.failed"), 0);
  await say(ada, "\u200b\u202e");
  await waitForText(ada, "#text-hint", /Write something/);
  assert.equal(await count(ada, ".msg.failed"), 0);

  step("a third person, and the room in both color schemes");
  const third = await open(DESK, "dark");
  await waitForState(third, "connected");
  await takeScreenshot(third, "04-join-desk-dark");
  await join(third, "Edsger");
  await say(
    third,
    "Simplicity is a great virtue, but it requires hard work to achieve it and education to appreciate it. " +
      "And to make matters worse: complexity sells better.",
  );
  await say(third, "That is all I wanted to say.");
  await say(ada, "Thank you. See you at ten!");
  await waitForMessage(third, "Thank you. See you at ten!");
  const rooms = { "05-room-desk-light": ada, "06-room-desk-dark": third, "07-room-phone-dark": grace };
  for (const [name, page] of Object.entries(rooms)) {
    await waitForEnd(page);
    await hasNoSideScroll(page);
    await takeScreenshot(page, name);
  }

  step("the people's drawer on the phone");
  await grace.tap("#people-open");
  await grace.waitForSelector("#people.shown");
  await takeScreenshot(grace, "08-people-phone-dark");
  assert.equal(await grace.getAttribute("#people-open", "aria-expanded"), "true");
  assert(await grace.evaluate(() => document.activeElement.id === "people-close"));
  await grace.keyboard.press("Escape");
  await grace.waitForSelector("#people:not(.shown)", { state: "attached" });
  assert(await grace.evaluate(() => document.activeElement.id === "people-open"));
  assert(await grace.evaluate(() => document.querySelector("#people").inert));
  await grace.tap("#people-open");
  await grace.waitForSelector("#people.shown");
  await grace.tap("#backdrop", { position: { x: 20, y: 400 } });
  await grace.waitForSelector("#people:not(.shown)", { state: "attached" });

  step("typing is shown until the message is sent, cleared, idle or the page is closed");
  await typeDraft(third, "I");
  for (const page of [ada, grace]) await waitForTyping(page, "Edsger is typing…");
  await waitForTyping(third, "");
  await waitForEnd(ada);
  await takeScreenshot(ada, "19-typing-desk-light");
  await typeDraft(ada, "Well");
  await waitForTyping(third, "Ada is typing…");
  await waitForTyping(grace, "Ada and Edsger are typing…");
  await hasNoSideScroll(grace);
  await takeScreenshot(grace, "20-typing-phone-dark");
  await ada.press("#text", "Enter");
  await waitForMessage(grace, "Well");
  await typeDraft(third, "I am here");
  for (const page of [grace, ada]) await waitForTyping(page, "Edsger is typing…");
  await typeDraft(third, "");
  for (const page of [grace, ada]) await waitForTyping(page, "");
  await typeDraft(third, "   ");
  await typeDraft(third, "left alone");
  await waitForTyping(ada, "Edsger is typing…");
  await advanceClock(third, 9000);
  await waitForTyping(ada, ""); // the draft is still there
  assert.equal(await third.inputValue("#text"), "left alone");
  await typeDraft(third, "");
  const guest = await open(DESK, "light");
  await join(guest, "Kay");
  await typeDraft(guest, "I have to");
  await waitForTyping(ada, "Kay is typing…");
  await guest.context().close();
  await waitForTyping(ada, "");
  await waitForNote(ada, "Kay left");
  const long = "W".repeat(24);
  const wide = await open(DESK, "light");
  await join(wide, long);
  for (const page of [ada, third, wide]) await typeDraft(page, "All at once");
  await waitForTyping(grace, `Ada, Edsger and ${long} are typing…`);
  const areCut = (names) => names.map((name) => name.scrollWidth > name.clientWidth);
  const cut = await grace.$$eval("#typing-names bdi", areCut);
  assert.deepEqual(cut, [false, false, true]);
  assert(await grace.$eval("#typing-names", (all) => all.scrollWidth <= all.clientWidth), "the last words are visible");
  await hasNoSideScroll(grace);
  await takeScreenshot(grace, "21-typing-long-phone-dark");
  await wide.context().close();
  for (const page of [ada, third]) await typeDraft(page, "");
  await waitForTyping(grace, "");

  step("new messages while scrolled up");
  await sayAll(third, range(14).map((n) => `Point ${n}`));
  await waitForMessage(grace, "Point 14");
  await grace.$eval("#scroller", (scroller) => (scroller.scrollTop -= 500));
  await grace.waitForSelector("#jump:not([hidden])");
  assert(!(await isAtEnd(grace)));
  await say(ada, "while you were reading");
  await say(ada, "and one more");
  await grace.waitForFunction(() => /2 new messages/.test(document.querySelector("#jump").textContent));
  assert(!(await isAtEnd(grace)));
  await takeScreenshot(grace, "09-new-messages-phone-dark");
  await grace.tap("#jump");
  await grace.waitForFunction(() => document.querySelector("#jump").hidden);
  await waitForEnd(grace);

  step("the count of unread messages in the title");
  await hide(ada);
  await say(grace, "ping");
  await ada.waitForFunction(() => document.title === "(1) wswrapper chat");
  await ada.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  assert.equal(await ada.title(), "wswrapper chat");

  step("earlier messages are loaded");
  await sayAll(ada, range(70).map((n) => `Line ${n}`));
  const late = await open(PHONE, "light");
  await takeScreenshot(late, "10-join-phone-light");
  await join(late, "Barbara");
  await waitForMessage(late, "Line 70");
  const shown = await count(late, ".msg");
  await late.$eval("#scroller", (scroller) => (scroller.scrollTop = 100));
  await late.waitForFunction((shown) => document.querySelectorAll(".msg").length > shown, shown);
  await waitForMessage(late, "Line 1");
  assert(!(await isAtEnd(late)));
  const texts = await late.$$eval(".said", (all) => all.map((line) => line.textContent));
  const lines = texts.map((text) => text.match(/: Line (\d+)$/)?.[1]).filter(Boolean);
  assert.deepEqual(lines.map(Number), range(70));
  await late.waitForFunction(() => {
    document.querySelector("#scroller").scrollTop = 0;
    return !document.querySelector("#start").hidden;
  });
  await takeScreenshot(late, "11-start-phone-light");
  assert(await late.$eval("#earlier", (earlier) => earlier.hidden), "there is nothing before the start");

  step("a stream without credit: each item waits for the response to the previous one");
  const newest = await late.evaluate(async () => {
    const { WsClient } = await import("/ws-client.js");
    const chat = new WsClient(`ws://${location.host}/ws`).channel("chat");
    const read = async (window, count) => {
      const texts = [];
      for await (const line of chat.with({ window }).stream("history")) if (texts.push(line.text) === count) break;
      return texts;
    };
    return [await read(0, 70), await read(1, 70), await read(0, 3), (await read(0)).length, (await read(64)).length];
  });
  const backwards = range(70).reverse().map((n) => `Line ${n}`);
  assert.deepEqual(newest.slice(0, 3), [backwards, backwards, backwards.slice(0, 3)]);
  assert.equal(newest[3], newest[4]);
  assert.equal(newest[3], await count(late, ".msg"));

  step("leaving and joining again");
  await late.tap("#people-open");
  await late.tap("#leave");
  await late.waitForSelector("#join:not([hidden])");
  await waitForNote(ada, "Barbara left");
  await waitForState(late, "connected");
  assert.equal(await late.inputValue("#name"), "Barbara");
  await join(late, "Barbara");
  await waitForNote(ada, "Barbara is back");
  await late.context().close();
  await waitForNote(ada, "Barbara left");

  step("an outage: texts can be written but not sent, and missed messages arrive once");
  outage = true;
  const proxied = [ada, grace, third];
  const control = await open(DESK, "light", server.url); // does not use the proxy
  const everyone = [...proxied, control];
  await join(control, "Margaret");
  await waitForMessage(ada, "Line 70");
  await ada.fill("#text", "a draft that stays");
  await disconnect(proxied);
  assert(await ada.$eval("#send", (send) => send.disabled));
  assert.equal(await ada.textContent("#text-hint"), "Kept here. You can send it as soon as you are connected again.");
  await ada.press("#text", "End");
  await ada.keyboard.type(" and grows");
  await ada.keyboard.press("Enter");
  assert.equal(await ada.inputValue("#text"), "a draft that stays and grows");
  assert.equal(await count(ada, ".msg.sending, .msg.failed"), 0);
  await sayAll(control, ["missed one", "missed two"]);
  await ada.waitForFunction(() => /again in \d+ s/.test(document.querySelector("#banner-text").textContent));
  await takeScreenshot(ada, "12-lost-desk-light");
  await takeScreenshot(grace, "13-lost-phone-dark");
  proxy.up = true;
  await ada.$eval("#retry", (retry) => retry.click()); // no wait, because the button disappears
  await grace.evaluate(() => dispatchEvent(new Event("online")));
  await reconnect(proxied);
  for (const text of ["missed one", "missed two"]) await all(proxied, (page) => waitForMessage(page, text));
  assert.equal(await ada.inputValue("#text"), "a draft that stays and grows");
  assert.equal(await ada.textContent("#text-hint"), "");
  assert(await ada.$eval("#send", (send) => !send.disabled));
  await waitForTyping(control, ""); // the draft did not change
  await ada.press("#text", "End");
  await ada.keyboard.type("!");
  await waitForTyping(control, "Ada is typing…");
  await say(ada, "back again");
  await waitForTyping(control, "");
  await all(everyone, (page) => waitForMessage(page, "back again"));

  step("the server still has the old connection: joining is repeated until the name is free");
  await all(proxied, (page) => advanceClock(page, 6000));
  const release = proxy.cutBrowserSide();
  await all(proxied, (page) => waitForState(page, "joining…"));
  await waitForText(ada, "#banner-text", /^“Ada” is still in the room/);
  await say(control, "meanwhile");
  release();
  await all(proxied, (page) => waitForState(page, "connected"));
  await waitForMessage(ada, "meanwhile");
  await say(ada, "free again");
  await waitForMessage(control, "free again");

  step("a duplicated tab cannot join under the same name, and shows the reason");
  const duplicated = ada.context().waitForEvent("page");
  await ada.evaluate(() => void window.open(location.href));
  const twin = await duplicated;
  await waitForText(twin, "#banner-text", /^“Ada” is still in the room, perhaps in another tab/);
  const counts = await twin.$$eval("[data-count]", (counts) => counts.filter((count) => count.offsetParent).length);
  assert.equal(counts, 0, "no number of people is shown yet");
  await twin.setViewportSize(DESK.viewport);
  await takeScreenshot(twin, "22-twin-desk-light");
  await twin.setViewportSize(PHONE.viewport);
  await takeScreenshot(twin, "23-twin-phone-light");
  await hasNoSideScroll(twin);
  await speedUpTimers(twin);
  await typeDraft(twin, "written meanwhile");
  await waitForText(twin, "#name-error", /“Ada” is in the room already/);
  await join(twin, "Ada’s twin");
  assert.equal(await twin.inputValue("#text"), "written meanwhile");
  await twin.close();

  step("the join screen shows an error during an outage and removes it afterwards");
  const visitor = await open(DESK, "light");
  await waitForText(visitor, "#join-people", /here/);
  await speedUpTimers(visitor);
  await disconnect([...proxied, visitor]);
  await waitForText(visitor, "#join-people", /^$/);
  await visitor.fill("#name", "Kay");
  await visitor.click("#join-button");
  await waitForText(visitor, "#name-error", /doesn’t answer/);
  await takeScreenshot(visitor, "24-join-lost-desk-light");
  await reconnect([...proxied, visitor]);
  await waitForText(visitor, "#name-error", /^$/);
  await waitForText(visitor, "#join-people", /here/);
  await join(visitor, "Kay");
  await visitor.click("#leave");
  await visitor.waitForSelector("#join:not([hidden])");
  await visitor.keyboard.type("Grace");
  assert.equal(await visitor.inputValue("#name"), "Grace");
  await visitor.context().close();

  step("a message that was lost can be sent again");
  proxy.freeze();
  await ada.fill("#text", "lost");
  await ada.press("#text", "Enter");
  await ada.waitForSelector(".msg.sending");
  await disconnect(proxied);
  await ada.waitForSelector(".msg.failed");
  await takeScreenshot(ada, "14-failed-desk-light");
  await reconnect(proxied);
  await ada.click(".msg.failed .link >> text=Try again");
  await all([control, ada], (page) => waitForMessage(page, "lost"));
  assert.equal(await count(ada, ".msg.failed"), 0);

  step("a name that was taken during an outage: the text that was not sent is kept");
  const kay = await open(DESK, "light");
  await join(kay, "Kay");
  proxy.freeze();
  await kay.fill("#text", "not sent");
  await kay.press("#text", "Enter");
  await kay.waitForSelector(".msg.sending");
  await speedUpTimers(kay);
  await disconnect([...proxied, kay]);
  await kay.waitForSelector(".msg.failed");
  await typeDraft(kay, "not finished");
  const other = await open(DESK, "light", server.url);
  await join(other, "Kay");
  await reconnect(proxied);
  await waitForText(kay, "#name-error", /“Kay” is in the room already/);
  assert.equal(await kay.inputValue("#text"), "not sent\nnot finished");
  for (const page of [kay, other]) await page.context().close();

  step("a message whose response was lost is shown once");
  proxy.dropResponses();
  await ada.fill("#text", "delivered");
  await ada.press("#text", "Enter");
  await waitForMessage(control, "delivered");
  await disconnect(proxied);
  await ada.waitForSelector(".msg.failed");
  await reconnect(proxied);
  await waitForMessage(ada, "delivered");
  assert.equal(await count(ada, ".msg.failed, .msg.sending"), 0);

  step("a reloaded page is still in the room");
  await typeDraft(grace, "half a sentence");
  await grace.reload();
  await waitForState(grace, "connected");
  assert.equal(await grace.inputValue("#text"), "half a sentence");
  await typeDraft(grace, "");
  await grace.waitForSelector("#room:not([hidden])");
  await waitForMessage(grace, "delivered");

  step("the server is killed and started again");
  await all(everyone, (page) => advanceClock(page, 6000));
  await ada.click("#text");
  await ada.keyboard.type("half a");
  await server.kill();
  await all(everyone, (page) => waitForState(page, "reconnecting…"));
  await waitForText(ada, "#banner-text", /^Connection lost\. Trying again in \d s\.$/);
  await ada.keyboard.type(" sentence");
  await takeScreenshot(ada, "26-killed-desk-light");
  await takeScreenshot(grace, "27-killed-phone-dark");
  await server.start();
  await waitForText(ada, "#banner-text", /^Connected again\.$/);
  await takeScreenshot(ada, "28-back-desk-light");
  await all(everyone, (page) => waitForState(page, "connected"));
  await ada.keyboard.type(", completed");
  assert.equal(await ada.inputValue("#text"), "half a sentence, completed");
  await waitForNote(ada, "The server was restarted. It no longer has the messages above.");
  const names = ["Ada", "Edsger", "Grace Hopper", "Margaret"];
  await ada.waitForFunction(
    (names) => [...document.querySelectorAll("#people-list bdi")].map((name) => name.textContent).sort().join() === names.join(),
    names,
  );
  await ada.waitForSelector("#banner", { state: "hidden" });
  await typeDraft(ada, "");
  await say(grace, "after the restart");
  await say(ada, "and hello");
  for (const text of ["after the restart", "and hello"]) await all(everyone, (page) => waitForMessage(page, text));
  await waitForMessage(ada, "delivered");
  await takeScreenshot(ada, "15-restarted-desk-light");

  step("the server is stopped, and started again");
  await all(everyone, (page) => advanceClock(page, 6000));
  await server.stop();
  await all(everyone, (page) => waitForState(page, "reconnecting…"));
  await server.start();
  await all(everyone, (page) => waitForState(page, "connected"));
  await say(grace, "after the stop");
  await all(everyone, (page) => waitForMessage(page, "after the stop"));

  step("a text that is too long");
  const huge = "é".repeat(600_000); // above the limit of a frame, so it must not be sent
  await ada.fill("#text", huge);
  await ada.press("#text", "Enter");
  await ada.waitForFunction(() => /too many \(at most \d+\)/.test(document.querySelector("#text-hint").textContent));
  assert.equal(await ada.inputValue("#text"), huge);
  assert(await ada.$eval("#send", (send) => send.disabled));
  await waitForState(ada, "connected");
  await takeScreenshot(ada, "16-too-long-desk-light");
  await waitForEnd(ada);
  const most = Number((await ada.textContent("#text-hint")).match(/at most (\d+)/)[1]);
  await ada.fill("#text", "x".repeat(most - 4));
  await ada.waitForFunction(() => /left/.test(document.querySelector("#text-hint").textContent));
  await say(ada, "é".repeat(most));
  await waitForMessage(grace, "é".repeat(most));
  assert.equal(await count(ada, ".msg.failed"), 0);
  await hasNoSideScroll(grace);

  step("a phone in landscape, and a small window");
  await control.setViewportSize({ width: 844, height: 390 });
  await takeScreenshot(control, "17-landscape-light");
  await hasNoSideScroll(control);
  await control.setViewportSize({ width: 390, height: 844 });
  await takeScreenshot(control, "18-room-phone-light");
  await waitForEnd(control);

  assert.deepEqual([...problems], [], "problems on the pages");
}

await run(clickThrough, problems);
proxy.close();
