// Clicks through the page of the example axum_app: `node axum_app.mjs PROGRAM SCREENSHOT_DIRECTORY` exits with status 0
// on success.
import assert from "node:assert/strict";
import { openWebSocket, serveEmptyPage } from "./foreign.mjs";
import { waitForElement, waitForText } from "./page.mjs";
import { start, step } from "./start.mjs";

const { server, browser, takeScreenshot, run } = await start();
const webSocket = `ws://127.0.0.1:${server.port}/ws`;
const problems = new Set();

async function open(options) {
  const context = await browser.newContext({ viewport: { width: 900, height: 600 }, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.add(`uncaught ${error.stack}`));
  await page.goto(server.url);
  return page;
}

async function logIn(page, name) {
  await page.fill("#login input", name);
  await page.press("#login input", "Enter");
  await waitForText(page, "#status", new RegExp(`^You are ${name}\\.$`));
}

async function add(page, text) {
  await page.fill("#add input", text);
  await page.press("#add input", "Enter");
}

const notes = (page) => page.$$eval("#notes li", (all) => all.map((note) => note.textContent));

await run(async () => {
  step("a page asks for a name; the WebSocket refuses it before");
  const ada = await open({ colorScheme: "light" });
  await waitForText(ada, "#status", /^Log in to see the notes\.$/);
  await takeScreenshot(ada, "axum-01-login-light");
  assert.match(await openWebSocket(ada.context(), server.url, webSocket), /Authentication failed/);
  await ada.fill("#login input", "   ");
  await ada.press("#login input", "Enter");
  await waitForText(ada, "#status", /1 to 24 characters/);

  step("a note appears on every page, as text");
  await logIn(ada, "Ada");
  const grace = await open({ viewport: { width: 390, height: 700 }, colorScheme: "dark" });
  await logIn(grace, "Grace");
  await add(ada, "Tea is ready.");
  await waitForElement(grace, "#notes li", "AdaTea is ready.");
  const html = `<img src=x onerror="document.title='x'">`;
  await add(grace, html);
  await waitForElement(ada, "#notes li", `Grace${html}`);
  assert.deepEqual(await notes(ada), [`Grace${html}`, "AdaTea is ready."]);
  assert.equal(await ada.$$eval("#notes img", (images) => images.length), 0);
  await takeScreenshot(ada, "axum-02-notes-light");
  await takeScreenshot(grace, "axum-03-notes-dark");

  step("a reloaded page has its session and the notes; a page of another origin is refused, although the cookie is sent");
  await ada.reload();
  await waitForText(ada, "#status", /^You are Ada\.$/);
  assert.equal((await notes(ada)).length, 2);
  const elsewhere = await serveEmptyPage();
  assert.match(await openWebSocket(ada.context(), elsewhere.url, webSocket), /response code: 403$/);
  assert.equal(await openWebSocket(ada.context(), server.url, webSocket), "open");
  elsewhere.close();

  step("logging out ends the session in every tab");
  const twin = await ada.context().newPage();
  await twin.goto(server.url);
  await waitForText(twin, "#status", /^You are Ada\.$/);
  await ada.click("#logout");
  for (const page of [ada, twin]) await waitForText(page, "#status", /^Log in to see the notes\.$/);
  assert.deepEqual(await notes(twin), []);
  await add(grace, "Who is still here?");
  await waitForElement(grace, "#notes li", "GraceWho is still here?");

  step("a server that was restarted has forgotten the session");
  await server.kill();
  await waitForText(grace, "#status", /Trying again/);
  await server.start();
  await waitForText(grace, "#status", /^Log in to see the notes\.$/);
  await logIn(grace, "Grace");

  assert.deepEqual([...problems], [], "problems on the pages");
}, problems);
