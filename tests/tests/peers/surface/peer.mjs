// An endpoint of the protocol that sends and receives single frames.
import assert from "node:assert/strict";

// Node contains a WebSocket since version 22.
const WebSocket = globalThis.WebSocket ?? (await import("../interop/node_modules/ws/wrapper.mjs")).WebSocket;

/** Waits until a condition holds. */
export async function until(holds) {
  while (!(await holds())) await new Promise((later) => setTimeout(later, 5));
}

/** A rejection: `error` if it is marked as an Error, otherwise `value`. */
export class Rejected {
  constructor({ e, _ }) {
    if (_) this.error = e;
    else this.value = e;
  }
}

export class Peer {
  /** Receivers of frames on anonymous channels, by the channel's id. */
  channels = new Map();
  /** Frames without a receiver. */
  unexpectedFrames = [];
  #socket;
  #lastId = 0;
  #pending = new Map();
  #handlers = new Map();

  static async connect(url) {
    const peer = new Peer();
    const socket = (peer.#socket = new WebSocket(url));
    socket.onmessage = ({ data }) => peer.#receive(JSON.parse(data));
    peer.closed = new Promise((closed) => (socket.onclose = closed));
    await new Promise((open, fail) => {
      socket.onopen = open;
      socket.onerror = ({ message }) => fail(new Error(message || "cannot connect"));
    });
    return peer;
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Sends a request. Returns its id and its response. */
  startRequest(event, args = [], to = {}) {
    const id = ++this.#lastId;
    const response = new Promise((resolve) => this.#pending.set(id, resolve));
    this.send({ a: [event, ...args], ...to, i: id });
    return { id, response };
  }

  /** Sends a request and returns its result, or `undefined` if it has none. */
  async request(event, ...args) {
    return result(await this.startRequest(event, args).response);
  }

  /** Sends a request and returns its rejection. */
  async rejection(event, ...args) {
    return rejection(await this.startRequest(event, args).response);
  }

  /** Checks that wrong arguments are rejected with an Error and the connection stays open. */
  async rejectsArguments(event, ...wrong) {
    for (const args of wrong) {
      const { error } = await this.rejection(event, ...args);
      assert.match(error.message, /argument/, `${event} with ${JSON.stringify(args)}`);
    }
    assert.equal(await this.request("echo", "still here"), "still here");
  }

  /** Handles events and requests of the peer. */
  on(event, handler) {
    this.#handlers.set(event, handler);
  }

  /** Sends a request that is answered with an anonymous channel. */
  async open(event, ...args) {
    const { id, response } = this.startRequest(event, args);
    const received = [];
    this.channels.set(id, (frame) => received.push(frame));
    assert.deepEqual(await response, { i: id, h: 1 });
    return { id, received };
  }

  /** Drops the connection without a close frame if the WebSocket supports it. */
  cut() {
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
  }

  async close() {
    this.#socket.close();
    await this.closed;
  }

  #receive(frame) {
    const { a, i, h } = frame;
    if (h !== undefined && (a || "x" in frame)) {
      const channel = this.channels.get(h);
      return channel ? channel(frame) : this.unexpectedFrames.push(frame);
    }
    if (a) return this.#serve(a, i);
    const resolve = this.#pending.get(i);
    if (!resolve) return this.unexpectedFrames.push(frame);
    this.#pending.delete(i);
    resolve(frame);
  }

  #serve([event, ...args], id) {
    const handler = this.#handlers.get(event);
    if (id === undefined) return handler?.(...args);
    this.send({ i: id, ...(handler?.(...args) ?? { e: { message: `No event listener for '${event}'` }, _: 1 }) });
  }
}

export function result(frame) {
  assert(!("e" in frame) && !("h" in frame), JSON.stringify(frame));
  return frame.d;
}

export function rejection(frame) {
  assert("e" in frame, JSON.stringify(frame));
  return new Rejected(frame);
}
