// The two ways to read a stream.
import assert from "node:assert/strict";
import { until } from "./peer.mjs";

const END = { done: true };
const itemsOf = (frames) => frames.filter(({ a }) => a?.[0] === "next").map(({ a }) => a[1]);
const values = (items) => items.filter(({ done }) => !done).map(({ value }) => value);

/** Reads with credit: items are events. Returns the items and the error of the stream, if any. */
export async function readByCredit(peer, stream, window) {
  const { id, received } = stream;
  peer.send({ a: ["credit", window], h: id });
  peer.send({ a: ["start"], h: id });
  for (let taken = 0; ; ) {
    await until(() => received.length > taken);
    // The server would send items without credit before this response.
    assert.equal(await peer.request("echo", 1), 1);
    const items = itemsOf(received).filter(({ done }) => !done);
    assert(items.length <= taken + window, `${items.length} items came, credit was for ${taken + window}`);
    assert(received.every(({ i }) => i === undefined), "all items are events");
    const last = received.at(-1);
    if (last.x || last.a[1].done) return outcome(items, last);
    const free = received.length - taken;
    taken = received.length;
    peer.send({ a: ["credit", free], h: id });
  }
}

/** Reads without credit, as the JavaScript library: each item is a request and waits for the previous response. */
export async function readByRequests(peer, stream, startAsRequest) {
  const { id, received } = stream;
  const start = startAsRequest && peer.startRequest("start", [], { h: id }).response;
  if (!startAsRequest) peer.send({ a: ["start"], h: id });
  for (let seen = 0; ; seen++) {
    await until(() => received.length > seen);
    const frame = received[seen];
    if (frame.x || frame.a[1].done) {
      if (startAsRequest && !frame.x) assert(!("e" in (await start)), "the request `start` has a response");
      return outcome(itemsOf(received), frame);
    }
    assert.equal(await peer.request("echo", 1), 1);
    assert.equal(received.length, seen + 1, "no item is sent before the response to the previous one");
    assert(Number.isSafeInteger(frame.i), "the item is a request");
    peer.send({ i: frame.i });
  }
}

/** Reads `count` items of an endless stream. */
export async function readSome(peer, stream, count) {
  peer.send({ a: ["credit", count], h: stream.id });
  peer.send({ a: ["start"], h: stream.id });
  await until(() => stream.received.length >= count);
  return values(itemsOf(stream.received));
}

function outcome(items, { a, x, _ }) {
  if (a) assert.deepEqual(a, ["next", END]);
  else assert.equal(_, 1);
  return { values: values(items), error: x?.message };
}
