// Pages of other sites that open a WebSocket to a server, or call its API.
import assert from "node:assert/strict";
import http from "node:http";

/** Serves an empty page on a port of its own. */
export async function serveEmptyPage() {
  const server = http.createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end('<!doctype html><link rel="icon" href="data:,">');
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Opens a WebSocket in a new page of `from`. Returns "open", or the reason for which the browser could not open it. */
export async function openWebSocket(context, from, url) {
  const page = await context.newPage();
  try {
    await page.goto(from);
    // The reason is not shown to the page itself.
    const start = `WebSocket connection to '${url}' failed: `;
    const refused = page.waitForEvent("console", (message) => message.text().startsWith(start));
    refused.catch(() => {}); // the page is closed first
    const opened = await page.evaluate((url) => {
      const socket = new WebSocket(url);
      return new Promise((resolve) => {
        socket.onopen = () => resolve(true);
        socket.onerror = () => resolve(false);
      });
    }, url);
    return opened ? "open" : (await refused).text().slice(start.length);
  } finally {
    await page.close();
  }
}

/** Sends a request with `fetch` in a new page of `from`, with the cookies of the browser. The page does not see the response. */
export async function sendFrom(context, from, url, request) {
  const page = await context.newPage();
  try {
    await page.goto(from);
    const send = ([url, request]) =>
      fetch(url, { credentials: "include", ...request }).then(
        (response) => response.type,
        () => "failed",
      );
    assert.match(await page.evaluate(send, [url, request]), /^(failed|opaque)$/);
  } finally {
    await page.close();
  }
}
