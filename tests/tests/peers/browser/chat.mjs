// Clicks through the chat's page: `node chat.mjs CHAT_PROGRAM SCREENSHOT_DIRECTORY` exits with status 0 on success.
//
// The pages are opened through a proxy that makes outages.
import assert from "node:assert/strict";
import { openWebSocket, sendFrom, serveEmptyPage } from "./foreign.mjs";
import { advanceClock, count, hasNoSideScroll, hide, isAtEnd, join, say, sayAll } from "./page.mjs";
import { speedUpTimers, stopClock, typeDraft, waitForDoor, waitForEnd, waitForMessage } from "./page.mjs";
import { waitForNote, waitForPeople, waitForRoom, waitForState, waitForText, waitForTyping } from "./page.mjs";
import { Proxy } from "./proxy.mjs";
import { start, step } from "./start.mjs";

const { server, browser, takeScreenshot, run } = await start();
const proxy = await Proxy.to(server.port);

const DESK = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

// Errors, warnings and requests that no page should cause.
const problems = new Set();
let outage = false;

/** Opens the page in a browser of its own. */
async function open(device, colorScheme, url = proxy.url) {
  const context = await browser.newContext({ ...device, colorScheme, locale: "en-GB" });
  await stopClock(context);
  context.on("page", watch);
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

function watch(page) {
  const isOwn = (url) => [proxy.url, server.url].some((own) => url.startsWith(own)) || /^(data|blob):/.test(url);
  // A name is refused by these.
  const isRefusal = (status, url) => url.endsWith("/session") && [400, 409].includes(status);
  page.on("pageerror", (error) => problems.add(`uncaught ${error.stack}`));
  page.on("request", (request) => isOwn(request.url()) || problems.add(`foreign request ${request.url()}`));
  page.on("response", (response) => {
    const [status, url] = [response.status(), response.url()];
    if (status >= 400 && !isRefusal(status, url)) problems.add(`${status} ${url}`);
  });
  page.on("console", (message) => {
    const expected = (outage && /WebSocket|ERR_/.test(message.text())) || isRefusal(400, message.location().url);
    if (["error", "warning"].includes(message.type()) && !expected) problems.add(`${message.type()} ${message.text()}`);
  });
}

const all = (pages, see) => Promise.all(pages.map(see));
const range = (n) => Array.from({ length: n }, (_, i) => i + 1);

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

/** Writes a text that is not sent. The others are told. */
async function type(page, text) {
  await advanceClock(page, 3000);
  await typeDraft(page, text);
}

async function enter(page, room) {
  await page.fill("#room-name", room);
  await page.press("#room-name", "Enter");
}

async function signingIn() {
  step("the form for signing in, with errors next to the field");
  const ada = await open(DESK, "light");
  await waitForDoor(ada);
  await takeScreenshot(ada, "01-door-desk-light");
  await ada.click("#door-button");
  await waitForText(ada, "#name-error", /enter a name/);
  for (const name of ["x".repeat(200), "\u200b", "\ufe0f", "\u202eevil", "A\u200bda", "A\x07da", "\u3164"]) {
    await ada.fill("#name", name);
    await waitForText(ada, "#name-error", /^$/);
    await ada.click("#door-button");
    await waitForText(ada, "#name-error", /^A name has 1 to 24 ordinary characters\.$/);
  }
  assert.equal(await ada.getAttribute("#name", "aria-invalid"), "true");
  await takeScreenshot(ada, "02-door-error-desk-light");
  await join(ada, "Ada");
  await waitForRoom(ada, "lobby");
  await waitForPeople(ada, "Ada");
  await waitForText(ada, "#start", /quiet in here/);
  assert(await ada.evaluate(() => document.activeElement.id === "text"), "the composer has the focus");
  assert.equal(await ada.evaluate(() => document.cookie), "", "scripts do not see the session");
  await takeScreenshot(ada, "03-empty-desk-light");

  step("a second person on a phone; a name that is taken");
  const grace = await open(PHONE, "dark");
  await waitForDoor(grace);
  await grace.fill("#name", "ada");
  await grace.tap("#door-button");
  await waitForText(grace, "#name-error", /^The name Ada is taken\.$/);
  await takeScreenshot(grace, "04-door-taken-phone-dark");
  await hasNoSideScroll(grace);
  await join(grace, "Grace Hopper");
  await waitForNote(ada, "Grace Hopper joined");
  for (const page of [ada, grace]) await waitForPeople(page, "Ada", "Grace Hopper");
  assert.equal(await grace.textContent("#side-open [data-count]"), "2");

  step("nobody without a session gets in, and nobody by a page of another origin");
  const context = await browser.newContext();
  const page = `${server.url}style.css`; // without scripts
  const [session, webSocket] = [`${server.url}session`, `ws://127.0.0.1:${server.port}/ws`];
  assert.match(await openWebSocket(context, page, webSocket), /Authentication failed/);
  await context.request.post(session, { data: { name: "Eve" } });
  assert.equal(await openWebSocket(context, page, webSocket), "open");
  const elsewhere = await serveEmptyPage();
  for (const foreign of [elsewhere.url, page.replace("127.0.0.1", "localhost")]) {
    assert.match(await openWebSocket(context, foreign, webSocket), /response code: 403$|Authentication failed/);
    const body = '{"name":"Mallory"}';
    await sendFrom(context, foreign, session, { method: "DELETE" });
    await sendFrom(context, foreign, session, { method: "POST", body, headers: { "Content-Type": "application/json" } });
    await sendFrom(context, foreign, session, { method: "POST", body, mode: "no-cors" });
  }
  assert.deepEqual(await (await context.request.get(session)).json(), { name: "Eve" });
  await context.close();
  elsewhere.close();
  return [ada, grace];
}

async function talking(ada, grace) {
  step("messages in both directions");
  await say(ada, "Good morning! Is the new build up?");
  for (const page of [ada, grace]) await waitForMessage(page, "Good morning! Is the new build up?");
  await say(ada, "I’d like to show it to the others at ten.");
  await say(grace, "Yes, since this morning.");
  await say(grace, "Have a look: https://example.org/build/42 (the log is there, too).");
  await say(grace, "👍");
  await waitForMessage(ada, "👍");
  assert.equal(await ada.getAttribute(".said a", "href"), "https://example.org/build/42");
  assert.deepEqual(await ada.$$eval(".msg", (all) => all.map((it) => it.matches(".own"))), [true, true, false, false, false]);

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
  await waitForMessage(ada, "first line\nsecond line");
  assert.equal(await count(ada, ".msg.sending, .msg.failed"), 0);
  await say(ada, "\u200b\u202e");
  await waitForText(ada, "#text-hint", /Write something/);
  assert.equal(await count(ada, ".msg.sending, .msg.failed"), 0);
  await typeDraft(ada, "");

  step("a third person, and the room in both color schemes");
  const third = await open(DESK, "dark");
  await waitForDoor(third);
  await takeScreenshot(third, "05-door-desk-dark");
  await join(third, "Edsger");
  await waitForMessage(third, "first line\nsecond line");
  await say(
    third,
    "Simplicity is a great virtue, but it requires hard work to achieve it and education to appreciate it. " +
      "And to make matters worse: complexity sells better.",
  );
  await say(third, "That is all I wanted to say.");
  await say(ada, "Thank you. See you at ten!");
  await waitForMessage(third, "Thank you. See you at ten!");
  const rooms = { "06-room-desk-light": ada, "07-room-desk-dark": third, "08-room-phone-dark": grace };
  for (const [name, page] of Object.entries(rooms)) {
    await waitForPeople(page, "Ada", "Edsger", "Grace Hopper");
    await waitForEnd(page);
    await hasNoSideScroll(page);
    await takeScreenshot(page, name);
  }
  assert.equal(await third.textContent("#people-list bdi"), "Edsger", "the user is the first");
  return third;
}

async function rooms(ada, grace, third) {
  step("the drawer of the phone");
  await grace.tap("#side-open");
  await grace.waitForSelector("#side.shown");
  await takeScreenshot(grace, "09-side-phone-dark");
  assert.equal(await grace.getAttribute("#side-open", "aria-expanded"), "true");
  assert(await grace.evaluate(() => document.activeElement.id === "side-close"));
  await grace.keyboard.press("Escape");
  await grace.waitForSelector("#side:not(.shown)", { state: "attached" });
  assert(await grace.evaluate(() => document.activeElement.id === "side-open"));
  assert(await grace.evaluate(() => document.querySelector("#side").inert));
  await grace.tap("#side-open");
  await grace.waitForSelector("#side.shown");
  await grace.tap("#backdrop", { position: { x: 20, y: 400 } });
  await grace.waitForSelector("#side:not(.shown)", { state: "attached" });

  step("another room has its own people and messages");
  await grace.tap("#side-open");
  await grace.tap("#room-list a >> text=tea");
  await waitForRoom(grace, "tea");
  await grace.waitForSelector("#side:not(.shown)", { state: "attached" });
  await waitForPeople(grace, "Grace Hopper");
  await waitForText(grace, "#start", /quiet in here/);
  assert.equal(await count(grace, ".msg"), 0);
  await waitForNote(ada, "Grace Hopper left");
  await waitForPeople(ada, "Ada", "Edsger");
  await say(grace, "Is there any tea?");
  await waitForMessage(grace, "Is there any tea?");
  await say(ada, "only in the lobby");
  await third.click("#room-list a >> text=tea");
  await waitForMessage(third, "Is there any tea?");
  await say(third, "There is.");
  await waitForMessage(grace, "There is.");
  assert.equal(await third.title(), "tea · wswrapper chat");
  assert.equal(await third.getAttribute("#room-list a[aria-current]", "href"), "#tea");
  await third.goBack();
  await waitForRoom(third, "lobby");
  await waitForMessage(third, "only in the lobby");
  await grace.goBack();
  for (const page of [ada, grace]) await waitForPeople(page, "Ada", "Edsger", "Grace Hopper");
  await waitForMessage(grace, "only in the lobby");
  for (const page of [ada, third]) assert.equal((await page.textContent("#list")).includes("any tea"), false);

  step("a room that is new, one that cannot be, and one in the address");
  await enter(ada, " Garden & Terrace ");
  await waitForRoom(ada, "garden & terrace");
  await waitForPeople(ada, "Ada");
  await enter(ada, "GARDEN & Terrace");
  await ada.waitForFunction(() => location.hash === "#garden%20%26%20terrace");
  await enter(ada, "a\u200bb");
  await waitForText(ada, "#room-error", /^A room's name has 1 to 24 ordinary characters\.$/);
  await takeScreenshot(ada, "10-room-error-desk-light");
  await waitForState(ada, "connected");
  await waitForRoom(ada, "garden & terrace");
  assert.match(ada.url(), /#garden%20%26%20terrace$/);
  await say(ada, "still here");
  await waitForMessage(ada, "still here");
  await ada.reload();
  await waitForRoom(ada, "garden & terrace");
  await waitForMessage(ada, "still here");
  await waitForPeople(ada, "Ada");
  await ada.click("#room-list a >> text=lobby");
  for (const page of [ada, grace]) await waitForPeople(page, "Ada", "Edsger", "Grace Hopper");
}

async function typing(ada, grace, third) {
  step("typing is shown until the message is sent, or for some seconds");
  await type(third, "I");
  for (const page of [ada, grace]) await waitForTyping(page, "Edsger is typing…");
  await waitForTyping(third, "");
  await waitForEnd(ada);
  await takeScreenshot(ada, "11-typing-desk-light");
  await type(ada, "Well");
  await waitForTyping(third, "Ada is typing…");
  await type(third, "I am");
  await waitForTyping(grace, "Ada and Edsger are typing…");
  await hasNoSideScroll(grace);
  await ada.press("#text", "Enter");
  await waitForMessage(grace, "Well");
  await waitForTyping(third, "");
  await typeDraft(third, "   ");
  await waitForTyping(grace, ""); // after some seconds
  const guest = await open(DESK, "light");
  const long = "W".repeat(24);
  await join(guest, long);
  for (const page of [ada, third, guest]) await type(page, "All at once");
  await waitForTyping(grace, `Ada, Edsger and ${long} are typing…`);
  const areCut = (names) => names.map((name) => name.scrollWidth > name.clientWidth);
  const cut = await grace.$$eval("#typing-names bdi", areCut);
  assert.deepEqual(cut, [false, false, true]);
  assert(await grace.$eval("#typing-names", (all) => all.scrollWidth <= all.clientWidth), "the last words are visible");
  await hasNoSideScroll(grace);
  await takeScreenshot(grace, "12-typing-phone-dark");
  await guest.click("#leave");
  await waitForDoor(guest);
  await waitForNote(grace, `${long} left`); // at once, because it is meant
  await waitForTyping(grace, "Ada and Edsger are typing…");
  await guest.context().close();
  for (const page of [ada, third]) await typeDraft(page, "");
}

async function reading(ada, grace, third) {
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
  await takeScreenshot(grace, "13-new-messages-phone-dark");
  await grace.tap("#jump");
  await grace.waitForFunction(() => document.querySelector("#jump").hidden);
  await waitForEnd(grace);

  step("the count of unread messages in the title");
  await hide(ada);
  await say(grace, "ping");
  await ada.waitForFunction(() => document.title === "(1) lobby · wswrapper chat");
  await ada.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  assert.equal(await ada.title(), "lobby · wswrapper chat");

  step("somebody who comes late sees the history, in its order");
  await sayAll(ada, range(70).map((n) => `Line ${n}`));
  await waitForMessage(ada, "Line 70");
  const late = await open(PHONE, "light");
  await waitForDoor(late);
  await takeScreenshot(late, "14-door-phone-light");
  await join(late, "Barbara");
  await waitForMessage(late, "Line 70");
  assert(await isAtEnd(late));
  const texts = (page) => page.$$eval(".said", (all) => all.map((line) => line.textContent));
  assert.deepEqual(await texts(late), await texts(ada));
  const lines = (await texts(late)).map((text) => text.match(/: Line (\d+)$/)?.[1]).filter(Boolean);
  assert.deepEqual(lines.map(Number), range(70));
  await takeScreenshot(late, "15-room-phone-light");

  step("a stream without credit: each item waits for the response to the previous one");
  const streams = await late.evaluate(async () => {
    const { WsClient } = await import("/ws-client.js");
    const client = new WsClient(`ws://${location.host}/ws`);
    const chat = client.channel("chat");
    await chat.request("enter", "lobby");
    const read = async (window, count) => {
      const texts = [];
      for await (const { text } of chat.with({ window }).stream("messages", "lobby")) if (texts.push(text) === count) break;
      return texts;
    };
    const all = [await read(0, 80), await read(1, 80), await read(64, 80), await read(0, 3)];
    client.close();
    return all;
  });
  const first = (await texts(ada)).slice(0, 80).map((text) => text.split(": ").slice(1).join(": "));
  assert.deepEqual(streams, [first, first, first, first.slice(0, 3)]);
  await late.context().close();
  await waitForNote(ada, "Barbara left");
}

async function tabs(ada, grace) {
  step("two tabs of a browser are one person");
  const departures = () => grace.$$eval(".note", (notes) => notes.filter((note) => note.textContent === "Ada left").length);
  const before = await departures();
  const twin = await ada.context().newPage();
  await twin.goto(ada.url());
  await waitForState(twin, "connected");
  await waitForMessage(twin, "Line 70");
  await waitForPeople(twin, "Ada", "Edsger", "Grace Hopper");
  await say(twin, "from my other tab");
  await waitForMessage(ada, "from my other tab");
  assert(await ada.$eval(".msg:last-child", (message) => message.matches(".own")));
  await twin.close();
  await say(ada, "from this one");
  await waitForMessage(grace, "from this one");
  assert.equal(await departures(), before);

  step("signing out in one tab signs out of all");
  const kay = await open(DESK, "light");
  await join(kay, "Kay");
  const other = await kay.context().newPage();
  await other.goto(kay.url());
  await waitForState(other, "connected");
  await typeDraft(other, "half a sentence");
  await kay.click("#leave");
  await waitForDoor(kay);
  await waitForText(other, "#name-error", /^You have signed out in another tab\.$/);
  await takeScreenshot(other, "16-signed-out-desk-light");
  await waitForNote(ada, "Kay left");
  for (const page of [kay, other]) assert.equal(await page.inputValue("#name"), "Kay");
  assert.equal(await kay.textContent("#name-error"), "");
  await join(other, "Kay");
  assert.equal(await other.inputValue("#text"), "half a sentence");
  await join(kay, "Alan"); // the same browser, so it is a new session
  await waitForText(other, "#name-error", /^$/);
  await waitForPeople(other, "Ada", "Alan", "Edsger", "Grace Hopper");
  await kay.context().close();
  await waitForNote(ada, "Alan left");
}

async function outages(ada, grace, third) {
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
  await takeScreenshot(ada, "17-lost-desk-light");
  await takeScreenshot(grace, "18-lost-phone-dark");
  proxy.up = true;
  await ada.$eval("#retry", (retry) => retry.click()); // no wait, because the button disappears
  await grace.evaluate(() => dispatchEvent(new Event("online")));
  await reconnect(proxied);
  for (const text of ["missed one", "missed two", "Line 70"]) await all(proxied, (page) => waitForMessage(page, text));
  assert.equal(await count(ada, ".note.mark"), 0, "nothing is missing");
  assert.equal(await ada.inputValue("#text"), "a draft that stays and grows");
  assert.equal(await ada.textContent("#text-hint"), "");
  assert(await ada.$eval("#send", (send) => !send.disabled));
  await advanceClock(ada, 3000);
  await ada.press("#text", "End");
  await ada.keyboard.type("!");
  await waitForTyping(control, "Ada is typing…");
  await say(ada, "back again");
  await waitForTyping(control, "");
  await all(everyone, (page) => waitForMessage(page, "back again"));
  await all(everyone, (page) => waitForPeople(page, "Ada", "Edsger", "Grace Hopper", "Margaret"));

  step("the server still has the old connections");
  await all(proxied, (page) => advanceClock(page, 6000));
  const release = proxy.cutBrowserSide();
  await all(proxied, (page) => waitForState(page, "reconnecting…"));
  await say(control, "meanwhile");
  await reconnect(proxied);
  await waitForMessage(ada, "meanwhile");
  release();
  await say(ada, "nobody has left");
  await waitForMessage(control, "nobody has left");
  await waitForPeople(control, "Ada", "Edsger", "Grace Hopper", "Margaret");

  step("a room in which nothing was said before the outage");
  await third.click("#room-list a >> text=code");
  await waitForRoom(third, "code");
  await waitForPeople(third, "Edsger");
  await disconnect(proxied);
  await reconnect(proxied);
  await say(third, "the first words");
  await waitForMessage(third, "the first words");
  assert.equal(await count(third, ".note"), 0);
  await third.click("#room-list a >> text=lobby");
  await waitForMessage(third, "nobody has left");

  step("a room that has forgotten some of the missed messages");
  await disconnect(proxied);
  await sayAll(control, range(45).map((n) => `${n} ${"x".repeat(1900)}`)); // more than the room keeps
  await waitForMessage(control, `45 ${"x".repeat(1900)}`);
  await reconnect(proxied);
  await all(proxied, (page) => waitForMessage(page, `45 ${"x".repeat(1900)}`));
  for (const page of proxied) {
    const note = await page.textContent(".note.mark");
    const lost = Number(note.match(/^(\d+) messages are missing here\.$/)?.[1]);
    const kept = await page.$$eval(".note.mark ~ .msg", (messages) => messages.length);
    assert.equal(lost + kept, 45, note);
    await page.$eval(".note.mark", (note) => note.scrollIntoView({ block: "center" }));
    await hasNoSideScroll(page);
  }
  await takeScreenshot(third, "19-gap-desk-dark");
  for (const page of proxied) await page.click("#jump");

  step("a message that was lost can be sent again");
  proxy.freeze();
  await ada.fill("#text", "lost");
  await ada.press("#text", "Enter");
  await ada.waitForSelector(".msg.sending");
  await disconnect(proxied);
  await ada.waitForSelector(".msg.failed");
  await takeScreenshot(ada, "20-failed-desk-light");
  await reconnect(proxied);
  await ada.click(".msg.failed .link >> text=Try again");
  await all([control, ada], (page) => waitForMessage(page, "lost"));
  assert.equal(await count(ada, ".msg.failed"), 0);

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
  await waitForMessage(grace, "delivered");
  return everyone;
}

async function restarts(everyone) {
  const [ada, grace, third, control] = everyone;
  const restarted = "The server was restarted. It no longer has the messages above.";

  step("ctrl-c: the pages show that the server is restarting, and go on when it is back");
  await all(everyone, (page) => advanceClock(page, 6000));
  await third.click("#room-list a >> text=tea");
  await waitForRoom(third, "tea");
  await ada.click("#text");
  await ada.keyboard.type("half a");
  await server.stop();
  await all(everyone, (page) => waitForState(page, "restarting…"));
  await waitForText(ada, "#banner-text", /^The server is restarting\./);
  await ada.keyboard.type(" sentence");
  await takeScreenshot(ada, "21-restarting-desk-light");
  await takeScreenshot(grace, "22-restarting-phone-dark");
  await server.start();
  await waitForText(ada, "#banner-text", /^Connected again\.$/);
  await takeScreenshot(ada, "23-back-desk-light");
  await all(everyone, (page) => waitForState(page, "connected"));
  await waitForPeople(third, "Edsger");
  await all([ada, grace, control], (page) => waitForPeople(page, "Ada", "Grace Hopper", "Margaret"));
  await ada.keyboard.type(", completed");
  assert.equal(await ada.inputValue("#text"), "half a sentence, completed");
  await typeDraft(ada, "");
  await say(grace, "after the restart");
  await say(ada, "and hello");
  for (const page of [ada, grace, control]) {
    for (const text of ["delivered", "after the restart", "and hello"]) await waitForMessage(page, text);
    await waitForNote(page, restarted);
    const notes = await page.$$eval(".note", (notes) => notes.map((note) => note.textContent));
    assert.equal(notes.filter((note) => note === restarted).length, 1);
    assert.equal(notes.at(-1), restarted, "nobody has come or gone since");
  }
  await takeScreenshot(ada, "24-restarted-desk-light");
  await ada.waitForSelector("#banner", { state: "hidden" });
  await third.click("#room-list a >> text=lobby");
  await waitForMessage(third, "and hello");
  await ada.reload();
  await waitForMessage(ada, "and hello");
  assert.equal(await count(ada, ".msg"), 2);

  step("the server is killed, and somebody else takes a name: the text that was not sent is kept");
  const kay = await open(DESK, "light");
  await join(kay, "Kay");
  await all([...everyone, kay], (page) => advanceClock(page, 6000));
  proxy.freeze();
  await kay.fill("#text", "not sent");
  await kay.press("#text", "Enter");
  await kay.waitForSelector(".msg.sending");
  await server.kill();
  proxy.up = false;
  await all([...everyone, kay], (page) => waitForState(page, "reconnecting…"));
  await waitForText(ada, "#banner-text", /^Connection lost\. Trying again/);
  await kay.waitForSelector(".msg.failed");
  await typeDraft(kay, "not finished");
  await server.start();
  const other = await open(DESK, "light", server.url);
  await join(other, "Kay");
  await speedUpTimers(kay);
  await reconnect([ada, grace, third]);
  await waitForText(kay, "#name-error", /^The name Kay is taken\.$/);
  await takeScreenshot(kay, "25-taken-desk-light");
  await join(kay, "Kay 2");
  assert.equal(await kay.inputValue("#text"), "not sent\nnot finished");
  for (const page of [kay, other]) await page.context().close();
}

async function sizes(ada, grace, control) {
  step("a text that is too long");
  const huge = "é".repeat(600_000); // above the limit of a frame, so it must not be sent
  await ada.fill("#text", huge);
  await ada.press("#text", "Enter");
  await waitForText(ada, "#text-hint", /too many \(at most 2000\)/);
  assert.equal(await ada.inputValue("#text"), huge);
  assert(await ada.$eval("#send", (send) => send.disabled));
  await waitForState(ada, "connected");
  await takeScreenshot(ada, "26-too-long-desk-light");
  await waitForEnd(ada);
  await ada.fill("#text", "x".repeat(1996));
  await waitForText(ada, "#text-hint", /^4 characters left$/);
  await say(ada, "é".repeat(2000));
  await waitForMessage(grace, "é".repeat(2000));
  assert.equal(await count(ada, ".msg.failed"), 0);
  await hasNoSideScroll(grace);

  step("a phone in landscape, and a small window");
  await control.setViewportSize({ width: 844, height: 390 });
  await takeScreenshot(control, "27-landscape-light");
  await hasNoSideScroll(control);
  await control.setViewportSize({ width: 390, height: 844 });
  await takeScreenshot(control, "28-room-phone-light");
  await waitForEnd(control);
}

async function clickThrough() {
  const [ada, grace] = await signingIn();
  const third = await talking(ada, grace);
  await rooms(ada, grace, third);
  await typing(ada, grace, third);
  await reading(ada, grace, third);
  await tabs(ada, grace);
  const everyone = await outages(ada, grace, third);
  await restarts(everyone);
  await sizes(ada, grace, everyone.at(-1));
  assert.deepEqual([...problems], [], "problems on the pages");
}

await run(clickThrough, problems);
proxy.close();
