// A small client for the ws-wrapper protocol (version 4). No dependencies, no build step.
//
//   const client = new WsClient("ws://localhost:8080/ws", { requestTimeout: 10_000 });
//   const chat = client.channel("chat");
//
//   chat.on("said", (line) => console.log(line));        // events from the peer ...
//   chat.on("ping", async () => "pong");                 // ... and requests: the returned value is the response
//   chat.emit("typing", true);                           // an event to the peer
//   const line = await chat.request("say", "hello");     // a request to the peer
//   await chat.with({ timeout: 2000, signal, wait: true }).request("say", "hello");
//
//   for await (const line of chat.stream("history")) {}  // a stream; leaving the loop stops it at the peer
//   for await (const { value, seam } of chat.resumable("history")) {}   // a stream that survives lost connections
//   const draft = await chat.request("draft");           // an anonymous channel, if the peer responds with one
//   draft.abort();
//
//   client.addEventListener("open", () => {});
//   client.addEventListener("close", (e) => e.detail);          // { code, reason }
//   client.addEventListener("reconnecting", (e) => e.detail);   // { delay, attempt }
//
// `client.on`, `.once`, `.off`, `.emit`, `.request`, `.stream`, `.resumable` and `.with` do the same on the main channel.
//
// The URL may be a function, also an async one. It is called for each attempt to connect, which fails if the function does.
// Calls that a listener of "open" makes are sent before those that were waiting.
//
// Options of `with`:
//   timeout  milliseconds until the request fails with code "Timeout"; 0 = never
//   signal   an AbortSignal: aborting it fails the request, or aborts the stream or channel that the request has opened
//   window   maximum number of items of a stream in flight; with 0 each item waits until the previous one was taken
//   wait     if the connection was lost, wait for the next one instead of failing at once
//
// Requests fail with
//   RpcError         the peer rejected the request; has the `message`, `code`, `data` etc. of the peer's error
//   ConnectionError  code "Disconnected", "Timeout", "QueueFull" or "Closed" (the anonymous channel)
//   any other value  the peer rejected the request with a value that is not an Error
//
// Not supported: responding to a request with an anonymous channel.

const RESERVED = new Set(["open", "connect", "message", "error", "close", "disconnect"]);
const WINDOW = 64; // items of a stream in flight
const STABLE_MS = 5000; // losing a connection that was open longer than this resets the backoff

const DEFAULTS = {
  requestTimeout: 10_000, // ms
  connectTimeout: 10_000, // ms until an attempt to connect fails
  queueLimit: 10, // maximum number of calls that wait for a connection
  connect: true, // at once; false = at the first connect()
  reconnect: { base: 500, max: 15_000 }, // ms: the longest wait before the first attempt, and before any; false = stay closed
};

/** The peer rejected a request. */
export class RpcError extends Error {
  name = "RpcError";
}

/** A call failed locally. The property `code` has the reason. */
export class ConnectionError extends Error {
  name = "ConnectionError";
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The main channel, a named channel or an anonymous channel. */
class Channel {
  #link;
  #options;

  constructor(link, options = {}) {
    this.#link = link;
    this.#options = options;
  }

  /** Returns the same channel with options for its requests. */
  with(options) {
    return new Channel(this.#link, { ...this.#options, ...options });
  }

  /**
   * Calls `fn(...args)` for every event or request of this name. The value (or promise) that the first listener returns
   * is the response to a request. `this.signal` in `fn` is aborted when the peer cancels the request.
   */
  on(event, fn) {
    const { listeners } = this.#link;
    listeners.set(event, [...(listeners.get(event) ?? []), { fn }]);
    return this;
  }

  once(event, fn) {
    const { listeners } = this.#link;
    listeners.set(event, [...(listeners.get(event) ?? []), { fn, once: true }]);
    return this;
  }

  off(event, fn) {
    const { listeners } = this.#link;
    const rest = (listeners.get(event) ?? []).filter((listener) => fn && listener.fn !== fn);
    if (rest.length) listeners.set(event, rest);
    else listeners.delete(event);
    return this;
  }

  /** Sends an event. Throws a ConnectionError if it can be neither sent nor queued. */
  emit(event, ...args) {
    this.#link.emit(event, args, this.#options);
  }

  /** Sends a request and resolves to its result. */
  request(event, ...args) {
    return this.#link.request(event, args, this.#options);
  }

  /** Iterates over the stream that the peer responds with. Taking items grants the peer credit for more. */
  async *stream(event, ...args) {
    for await (const { value } of this.#items(event, args)) yield value;
  }

  /**
   * Iterates over a stream that goes on over the next connection when one is lost, behind the last item that was taken.
   * Yields `{ value }` for an item, and where the stream was interrupted one of
   *   { seam: "resumed" }     no item is missing
   *   { seam: "gap", lost }   so many items are missing; without `lost` the peer does not tell how many
   *   { seam: "fresh" }       what follows is of another history: the peer was restarted
   */
  async *resumable(event, ...args) {
    let taken = null; // the position of the last item that was taken: its history and its number there
    for (let interrupted = false; ; interrupted = true) {
      let arrived = null;
      let seamIsDue = interrupted;
      const again = this.with({ wait: true, timeout: 0, meta: { r: taken ?? [] } });
      try {
        for await (const { value, at, lost = 0 } of again.#items(event, args)) {
          arrived = at ?? (arrived && [arrived[0], arrived[1] + lost + 1]);
          if (seamIsDue) yield seamBetween(taken, arrived);
          else if (lost) yield { seam: "gap", lost };
          seamIsDue = false;
          taken = arrived;
          yield { value };
        }
        return;
      } catch (error) {
        // A server that is about to stop rejects requests until it closes the connection.
        if (error?.code === "ws:Draining") await this.#link.isLost();
        else if (error?.code !== "Disconnected") throw error;
        if (this.#link.isClosed()) throw error;
      }
    }
  }

  /** Iterates over the payloads of a stream. */
  async *#items(event, args) {
    const { window = WINDOW } = this.#options;
    const channel = await this.request(event, ...args);
    if (!(channel instanceof AnonymousChannel)) throw new TypeError(`'${event}' did not return a stream`);
    const items = [];
    let wake = () => {};
    // Without credit the peer sends each item as a request. The response is sent when the item is taken.
    const take = (item, taken) => {
      items.push({ ...item, taken });
      wake();
    };
    channel.on("next", (item) => new Promise((taken) => take(item, taken)));
    channel.signal.addEventListener("abort", () => wake());
    try {
      if (window) channel.emit("credit", window);
      channel.emit("start");
      for (let free = 0; ; ) {
        while (!items.length) {
          channel.signal.throwIfAborted();
          await new Promise((more) => (wake = more));
        }
        const { taken, ...item } = items.shift();
        taken();
        if (item.done) return channel.close();
        yield item;
        if (++free < window / 2 || !window || items.at(-1)?.done || channel.signal.aborted) continue;
        channel.emit("credit", free);
        free = 0;
      }
    } finally {
      for (const { taken } of items) taken();
      channel.abort();
    }
  }
}

function seamBetween(taken, arrived) {
  if (!arrived) return { seam: "gap" };
  if (taken?.[0] !== arrived[0]) return { seam: "fresh" };
  const lost = arrived[1] - taken[1] - 1;
  return lost ? { seam: "gap", lost } : { seam: "resumed" };
}

/** A channel that a request has opened. It closes when either endpoint aborts it or the connection closes. */
class AnonymousChannel extends Channel {
  #control;

  constructor(link, control) {
    super(link);
    this.#control = control;
  }

  /** Aborted when the channel is closed. */
  get signal() {
    return this.#control.signal;
  }

  /** Closes the channel at both endpoints. */
  abort(reason) {
    this.#control.close(reason, true);
  }

  /** Closes the channel locally. The peer is notified when it uses the channel again. */
  close() {
    this.#control.close();
  }
}

export class WsClient extends EventTarget {
  /** "connecting", "open", "waiting" (until the next attempt) or "closed". */
  state = "closed";

  #url;
  #options;
  #socket = null;
  #connection = 0; // counts the attempts to connect and the closes, so that events of earlier sockets are ignored
  #wasOpen = false; // a connection was open since the last close()
  #openedAt = 0;
  #attempt = 0;
  #timer; // timeout of the current attempt, or delay until the next one
  #lastId = 0; // never reset, so that no id is used twice
  #pending = new Map(); // id -> call waiting for its response
  #queue = new Set(); // calls waiting for a connection
  #serving = new Map(); // id of a request from the peer -> AbortController
  #channels = new Map(); // name (null: the main channel) -> { listeners, channel, ... }
  #anonymous = new Map(); // id of the request that opened the channel -> the same, with `calls` and `close`

  constructor(url, options = {}) {
    super();
    this.#url = url;
    this.#options = { ...DEFAULTS, ...options };
    for (const method of ["with", "on", "once", "off", "emit", "request", "stream", "resumable"]) {
      const main = this.channel(null);
      this[method] = (...args) => main[method](...args);
    }
    globalThis.addEventListener?.("online", () => this.state === "waiting" && this.connect());
    if (this.#options.connect) this.connect();
  }

  channel(name) {
    if (name === "") throw new TypeError("a channel name must not be empty");
    if (!this.#channels.has(name)) {
      const link = this.#link({ c: name ?? undefined });
      this.#channels.set(name, { ...link, channel: new Channel(link) });
    }
    return this.#channels.get(name).channel;
  }

  /** Returns the functions that a channel uses. `to` has the keys that address the channel in a message. */
  #link(to) {
    return {
      listeners: new Map(),
      emit: (event, args, options) => this.#emit(to, event, args, options),
      request: (event, args, options) => this.#request(to, event, args, options),
      isClosed: () => this.state === "closed",
      isLost: () => new Promise((lost) => (this.state === "open" ? this.addEventListener("close", lost, { once: true }) : lost())),
    };
  }

  /** Opens the anonymous channel of the response to request `id`. */
  #openChannel(id, signal) {
    const link = this.#link({ h: id });
    const calls = new Set();
    const closed = new AbortController();
    const close = (reason, sendAbort) => {
      if (closed.signal.aborted) return;
      this.#anonymous.delete(id);
      signal?.removeEventListener("abort", cancel);
      if (sendAbort) this.#send({ h: id, ...encode("x", reason, "Request aborted") });
      closed.abort(reason ?? new ConnectionError("Closed", "The channel was closed"));
      for (const call of calls) call.fail(new ConnectionError("Closed", "The channel was closed"));
    };
    const cancel = () => close(signal.reason, true);
    signal?.addEventListener("abort", cancel);
    const channel = new AnonymousChannel(link, { signal: closed.signal, close });
    this.#anonymous.set(id, { ...link, channel, calls, close });
    return channel;
  }

  /** Connects now: after close(), or before the delay until the next attempt is over. */
  connect() {
    if (this.state === "connecting" || this.state === "open") return;
    clearTimeout(this.#timer);
    this.state = "connecting";
    const connection = ++this.#connection;
    const lost = (reason) => this.#connectionLost(connection, 1006, reason);
    this.#timer = setTimeout(() => lost("timeout"), this.#options.connectTimeout);
    if (typeof this.#url !== "function") return this.#open(connection, this.#url);
    Promise.resolve()
      .then(this.#url)
      .then((url) => connection === this.#connection && this.#open(connection, url))
      .catch((error) => lost(String(error)));
  }

  #open(connection, url) {
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onclose = ({ code, reason }) => this.#connectionLost(connection, code, reason);
    socket.onmessage = ({ data }) => {
      if (connection === this.#connection && typeof data === "string") this.#receive(data);
    };
    socket.onopen = () => {
      if (connection !== this.#connection) return;
      clearTimeout(this.#timer);
      this.state = "open";
      this.#wasOpen = true;
      this.#openedAt = Date.now();
      this.#notify("open", {});
      if (connection !== this.#connection) return;
      const waiting = [...this.#queue];
      this.#queue.clear();
      for (const call of waiting) call.send();
    };
  }

  /** Drops the current connection, for example because it seems dead, and connects at once. */
  reconnect() {
    if (this.state === "open") this.#connectionLost(this.#connection, 1006, "dropped");
    this.connect();
  }

  /** Closes the connection and stays closed until connect() is called. */
  close(code = 1000, reason = "") {
    if (this.state === "closed") return;
    clearTimeout(this.#timer);
    this.#wasOpen = false;
    this.#attempt = 0;
    this.#disconnect("closed", code, reason);
    this.#notify("close", { code, reason });
  }

  #notify(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #disconnect(state, code, reason) {
    const socket = this.#socket;
    this.#socket = null;
    this.#connection++;
    this.state = state;
    socket?.close(code === 1000 ? 1000 : undefined, code === 1000 ? reason : undefined);
    const failed = state === "closed" ? [...this.#pending.values(), ...this.#queue] : [...this.#pending.values()];
    for (const call of failed) call.fail(new ConnectionError("Disconnected", "The connection was lost"));
    if (state === "closed") this.#queue.clear();
    for (const { close } of [...this.#anonymous.values()]) close(new ConnectionError("Disconnected", "The connection was lost"));
    for (const control of this.#serving.values()) control.abort(new Error("The connection was lost"));
    this.#serving.clear();
  }

  #connectionLost(connection, code, reason) {
    if (connection !== this.#connection) return;
    clearTimeout(this.#timer);
    const wasOpen = this.state === "open";
    if (wasOpen && Date.now() - this.#openedAt > STABLE_MS) this.#attempt = 0;
    const { reconnect } = this.#options;
    this.#disconnect(reconnect ? "waiting" : "closed", code, reason);
    let delay = 0;
    if (reconnect) {
      // A random part of a time that doubles, so that the pages of a server that was restarted do not come back at once.
      delay = Math.random() * Math.min(reconnect.max, reconnect.base * 2 ** this.#attempt++);
      this.#timer = setTimeout(() => this.connect(), delay);
    }
    if (wasOpen || !reconnect) this.#notify("close", { code, reason });
    if (this.state === "waiting") this.#notify("reconnecting", { delay, attempt: this.#attempt });
  }

  // ---- calls to the peer ----

  #text(to, event, args, meta) {
    if (typeof event !== "string") throw new TypeError("the event name must be a string");
    if (to.h && !this.#anonymous.has(to.h)) throw new ConnectionError("Closed", "The channel was closed");
    if (!to.c && !to.h && RESERVED.has(event)) throw new TypeError(`'${event}' is reserved on the main channel`);
    let count = args.length;
    while (count && args[count - 1] === undefined) count--;
    return JSON.stringify({ a: [event, ...args.slice(0, count)], ...to, m: meta });
  }

  #start(call, wait) {
    if (this.state === "open") return call.send();
    const refused = this.state === "closed" || (this.state === "waiting" && this.#wasOpen && !wait);
    if (refused) throw new ConnectionError("Disconnected", "There is no connection");
    if (this.#queue.size >= this.#options.queueLimit) {
      throw new ConnectionError("QueueFull", "Too many calls wait for the connection");
    }
    this.#queue.add(call);
  }

  #emit(to, event, args, { wait }) {
    const text = this.#text(to, event, args);
    this.#start({ send: () => this.#write(text), fail() {} }, wait);
  }

  #request(to, event, args, { timeout = this.#options.requestTimeout, signal, wait, meta }) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const text = this.#text(to, event, args, meta);
      const siblings = this.#anonymous.get(to.h)?.calls;
      let id = 0;
      let timer;
      const settle = (callback, value) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#queue.delete(call);
        this.#pending.delete(id);
        siblings?.delete(call);
        callback(value);
      };
      const cancel = (error, reason) => {
        if (id) this.#send({ i: id, ...encode("x", reason, "Request aborted") });
        settle(reject, error);
      };
      const onAbort = () => cancel(signal.reason, signal.reason);
      const call = {
        send: () => {
          id = ++this.#lastId;
          this.#pending.set(id, call);
          this.#write(`${text.slice(0, -1)},"i":${id}}`);
        },
        done: (value) => settle(resolve, value),
        open: () => settle(resolve, this.#openChannel(id, signal)),
        fail: (error) => settle(reject, error),
      };
      this.#start(call, wait);
      siblings?.add(call);
      signal?.addEventListener("abort", onAbort);
      if (timeout > 0) {
        const timeoutError = new ConnectionError("Timeout", `No answer within ${timeout} ms`);
        timer = setTimeout(() => cancel(timeoutError), timeout);
      }
    });
  }

  // ---- frames from the peer ----

  #send(message) {
    this.#write(JSON.stringify(message));
  }

  /** Sends a frame. A connection that is being closed takes none, and its "close" comes soon. */
  #write(text) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #receive(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof message !== "object" || message === null || message["ws-wrapper"] === false) return;
    const { a, i, x, e, d, _ } = message;
    const id = Number.isSafeInteger(i) && i > 0 ? i : 0;
    const name = message.c ?? null;
    let anonymous = message.h ?? null;
    if (typeof anonymous === "string" && /^\d+$/.test(anonymous)) anonymous = Number(anonymous);

    if (Array.isArray(a) && a.length && (name || anonymous || !RESERVED.has(a[0]))) {
      const known = this.#anonymous.get(anonymous);
      if (known) return this.#serve(known, ` on channel '${anonymous}'`, a, id);
      if (anonymous === null) return this.#serve(this.#channels.get(name), name === null ? "" : ` on channel '${name}'`, a, id);
      const error = encode("x", new Error(`Anonymous channel '${anonymous}' does not exist`));
      if (typeof anonymous === "number") this.#send({ h: anonymous, ...error });
      if (id) this.#send({ i: id, e: error.x, _: 1 });
    } else if (x !== undefined) {
      if (anonymous === null) this.#serving.get(id)?.abort(decode(x, _));
      else this.#anonymous.get(anonymous)?.close(decode(x, _));
    } else if (this.#pending.has(id)) {
      const call = this.#pending.get(id);
      if (e !== undefined) return call.fail(decode(e, _));
      if (anonymous === null) return call.done(d);
      call.open();
    } else if (id && anonymous !== null && e === undefined) {
      // The request was cancelled, so nobody uses its channel.
      this.#send({ h: id, ...encode("x", null, "Request aborted") });
    }
  }

  #serve(known, place, [event, ...args], id) {
    const listeners = known?.listeners.get(event) ?? [];
    const control = new AbortController();
    const run = ({ fn, once }) => {
      if (once) known.channel.off(event, fn);
      return new Promise((resolve) => resolve(fn.apply({ signal: control.signal }, args)));
    };
    const report = (error) => console.error(`A listener for '${event}'${place} failed:`, error);
    const [first, ...others] = listeners;
    if (!id) return listeners.forEach((listener) => run(listener).catch(report));

    const socket = this.#socket;
    const answer = (body) => {
      if (this.#serving.get(id) === control) this.#serving.delete(id);
      if (socket === this.#socket && !control.signal.aborted) this.#send({ i: id, ...body });
    };
    const reject = (error) => answer(encode("e", error, "Error"));
    if (!known) return reject(new Error(`Channel${place.slice(" on channel".length)} does not exist`));
    if (typeof event !== "string") return reject(new Error("The event name must be a string"));
    if (!first) return reject(new Error(`No event listener for '${event}'${place}`));
    this.#serving.set(id, control);
    run(first)
      .then((d) => answer({ d }))
      .catch(reject);
    for (const listener of others) run(listener).catch(report);
  }
}

/** Encodes a rejection (`key` "e") or the reason of an abort ("x"). An Error is marked with `_`. */
function encode(key, value, fallback) {
  if (value instanceof Error) {
    const error = { message: String(value.message) };
    for (const extra of ["code", "data"]) if (Object.hasOwn(value, extra)) error[extra] = value[extra];
    return { [key]: error, _: 1 };
  }
  const text = JSON.stringify(value) ?? "null";
  return text === "null" ? { [key]: { message: fallback }, _: 1 } : { [key]: value };
}

function decode(value, isError) {
  if (!isError || !value) return value;
  const error = new RpcError(typeof value.message === "string" ? value.message : "");
  for (const [key, extra] of Object.entries(Object(value))) {
    if (!["message", "stack", "__proto__"].includes(key)) error[key] = extra;
  }
  return error;
}
