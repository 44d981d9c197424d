// A client of ws-wrapper 3.0.3: `node client.mjs CASE URL` exits with status 0 if the case passes.
import assert from "node:assert/strict";
import WebSocket from "ws";
import WebSocketWrapper from "ws-wrapper";

const [name, url] = process.argv.slice(2);
const connect = () => new WebSocketWrapper(new WebSocket(url));
const closing = (client) => new Promise((done) => client.once("close", done));
const rejection = (request) =>
  request.then(
    (value) => assert.fail(`expected a rejection, got the result ${JSON.stringify(value)}`),
    (error) => error,
  );
const rejectsWith = async (request, message) => assert.equal((await rejection(request)).message, message);
const range = (n) => Array.from({ length: n }, (_, i) => i);

const cases = {
  async results(main) {
    assert.equal(await main.request("add", 1, 2), 3);
    assert.equal(await main.request("add", -5, 5), 0);
    assert.equal(await main.request("add", Number.MAX_SAFE_INTEGER, 0), Number.MAX_SAFE_INTEGER);
    assert.equal(await main.request("half", 0.3), 0.15);
    assert.equal(await main.request("half", 1e300), 5e299);
    assert.equal(await main.request("half", 6), 3);
    // JavaScript rounds integers above 2^53.
    assert.equal(await main.request("largest"), 2 ** 64);
    const control = "\0\b\f\n\r\t\x7f\u2028\u2029";
    const texts = ["", "straße", "日本語", "😀👩‍👩‍👧", 'quotes " and \\ and /', control, "</script>"];
    for (const text of texts) {
      assert.equal(await main.request("shout", text), text.toUpperCase());
      assert.equal(await main.request("echo", text), text);
    }
    const basket = { owner: null, items: [{ name: "lamp", price: 7 }, { name: "Stühle\n", price: 0.5 }] };
    const half = { owner: null, items: [{ name: "lamp", price: 3.5 }, { name: "Stühle\n", price: 0.25 }] };
    assert.deepEqual(await main.request("discount", basket), half);
    const keys = { a: 1, i: 2, c: "x", e: 3, _: 1 };
    for (const value of [[], {}, [[1, [2]], { a: { b: [null] } }], keys, true, false, 0, null]) {
      assert.deepEqual(await main.request("echo", value), value);
    }
    assert.equal(await main.request("nothing"), undefined);
    assert.equal(await main.request("none"), null);
  },

  async optionalArguments(main) {
    assert.deepEqual(await main.request("maybe", 1), [1, null, null]);
    assert.deepEqual(await main.request("maybe", 1, 2), [1, 2, null]);
    assert.deepEqual(await main.request("maybe", 1, 2, "c"), [1, 2, "c"]);
    assert.deepEqual(await main.request("maybe", 1, undefined, "c"), [1, null, "c"]);
    assert.deepEqual(await main.request("maybe", 1, undefined, undefined), [1, null, null]);
    assert.deepEqual(await main.request("maybe", 1, NaN, null), [1, null, null]);
  },

  async channels(main) {
    const files = main.of("files");
    files.emit("writeFile", "a.txt", "hello");
    assert.equal(await files.request("read", "a.txt"), "hello");
    await rejectsWith(files.request("read", "b.txt"), "no such file: b.txt");
    // Reserved on the main channel only.
    assert.equal(await files.request("open", "a.txt"), true);
    assert.equal(await main.request("add", 1, 2), 3);
  },

  async errors(main) {
    assert.equal(await main.request("reserve", 10), 10);
    const full = await rejection(main.request("reserve", 11));
    assert(full instanceof Error);
    assert.deepEqual([full.message, full.code, full.data], ["only 10 seats are left", "Full", { left: 10 }]);
    const closed = await rejection(main.request("reserve", 0));
    assert.deepEqual([closed.message, closed.code, closed.data], ["the desk is closed", "Closed", undefined]);
    await rejectsWith(main.request("fail", 'a "quoted" 😀 text'), 'a "quoted" 😀 text');
    await rejectsWith(main.request("fail", ""), "");
    await rejectsWith(main.request("internal"), "internal error");
    for (const value of [{ code: 42 }, [1], 7, 0, true, false]) {
      assert.deepEqual(await rejection(main.request("reject", value)), value);
    }
    // A bare string becomes an Error in ws-wrapper 3 (not in 2).
    const text = await rejection(main.request("reject", "a text"));
    assert(text instanceof Error);
    assert.equal(text.message, "a text");
    await rejectsWith(main.request("reject", null), "Error");
  },

  async unknown(main) {
    main.emit("nope");
    main.of("nowhere").emit("nope");
    await rejectsWith(main.request("nope"), "No event listener for 'nope'");
    await rejectsWith(main.of("files").request("nope"), "No event listener for 'nope' on channel 'files'");
    await rejectsWith(main.of("nowhere").request("read", "a"), "Channel 'nowhere' does not exist");
    for (const odd of ["constructor", "__proto__", "it's", "日本"]) {
      await rejectsWith(main.request(odd), `No event listener for '${odd}'`);
    }
    assert.equal(await main.request("add", 1, 2), 3);
  },

  async wrongArguments(main) {
    const b = "argument 2 (`b`) of `add`: ";
    await rejectsWith(main.request("add", 1, "2"), b + 'invalid type: string "2", expected i64');
    await rejectsWith(main.request("add", 1, undefined), b + "invalid type: null, expected i64");
    await rejectsWith(main.request("add", 1, 1.5), b + "invalid type: floating point `1.5`, expected i64");
    await rejectsWith(main.request("add", 1, 1e21), b + "invalid type: floating point `1e+21`, expected i64");
    await rejectsWith(main.request("add", 1), "too few arguments for `add`: expected 2 (`a`, `b`), got 1");
    await rejectsWith(main.request("add", 1, 2, 3), "too many arguments for `add`: expected 2 (`a`, `b`), got 3");
    assert.match((await rejection(main.request("discount", { items: [{}] }))).message, /missing field `name`/);
    // An unpaired surrogate is a string in JavaScript, but not in Rust.
    assert.match((await rejection(main.request("shout", "\ud83d"))).message, /^argument 1 \(`text`\) of `shout`: /);
    assert.match((await rejection(main.request("echo", "\ud83d"))).message, /^argument 1 \(`value`\) of `echo`: /);
    assert.equal(await main.request("add", 1, 2), 3);
  },

  async events(main) {
    await main.request("nothing"); // Before it is open, a client queues at most 10 calls.
    for (const n of range(100)) main.emit("note", `note ${n}`);
    await main.request("nothing");
  },

  async broadcast(main) {
    const clients = [main, connect(), connect()];
    const received = clients.map(() => []);
    clients.forEach((client, n) => client.of("customer").on("sold", (...sold) => received[n].push(sold)));
    await Promise.all(clients.map((client) => client.request("nothing")));
    assert.equal(await main.request("sell", "a lamp", 7.5), 3);
    assert.equal(await main.request("sell", "Stühle"), 3);
    await Promise.all(clients.map((client) => client.request("nothing")));
    const sold = [["a lamp", 7.5], ["Stühle"]];
    assert.deepEqual(received, [sold, sold, sold]);
  },

  async interview(main) {
    const customer = main.of("customer");
    customer.on("confirm", (question) => question === 'one "lamp", really?');
    customer.on("name", () => null);
    // On Node ws-wrapper sends the message of an Error and none of its properties.
    customer.on("fail", async () => {
      throw Object.assign(new Error("not today"), { code: "Late" });
    });
    customer.on("reject", (value) => Promise.reject(value));
    customer.on("count", () => "many");
    const notANumber = 'invalid type: string "many", expected i64 at line 1 column 6';
    assert.deepEqual(await main.request("interview"), [
      { result: true },
      { result: null },
      { rejected: { message: "not today" } },
      { rejected: { code: 42 } },
      { rejected: "a text" },
      { rejected: { message: "No event listener for 'missing' on channel 'customer'" } },
      { failed: `the answer is not of the expected type: ${notANumber}` },
    ]);
  },

  async outOfOrder(main) {
    await main.request("nothing");
    const held = range(500).map((n) => main.request("hold", n));
    // Each number once, in a fixed shuffled order.
    const order = range(500).map((n) => (n * 367) % 500);
    for (const n of order) {
      main.emit("note", "in between");
      assert.equal(await main.request("release", n), true);
      assert.equal(await held[n], n);
    }
  },

  async timeouts(main) {
    await main.request("nothing");
    await rejectsWith(main.timeout(30).request("hold", 1), "Request timed out");
    // ws-wrapper 3 sends no cancellation, so the handler continues and its response is late.
    assert.equal(await main.request("release", 1), true);
    assert.equal(await main.request("add", 1, 2), 3);
    // Defect: a request with a reserved name is sent, although peers ignore it.
    await rejectsWith(main.timeout(30).request("close"), "Request timed out");
    assert.equal(await main.request("add", 1, 2), 3);
  },

  async queueBeforeOpening(main) {
    const answers = range(10).map((n) => main.request("echo", n));
    // Defect: this throws, but the request stays pending. With a timeout it would later reject an unhandled promise,
    // which ends the process.
    assert.throws(() => main.request("echo", 10), /send queue is full/);
    assert.deepEqual(await Promise.all(answers), range(10));
  },

  async longTexts(main) {
    const text = "é\n".repeat(200_000);
    assert.equal(await main.request("echo", text), text);
    const closed = closing(main);
    main.emit("note", "x".repeat(4 << 20));
    assert.equal((await closed).code, 1009);
  },

  async disconnect(main) {
    const held = main.request("hold", 1);
    await main.request("nothing");
    const closed = closing(main);
    main.disconnect(4001, "enough");
    const { code, reason, wasClean } = await closed;
    assert.deepEqual([code, reason, wasClean], [4001, "enough", true]);
    // Pending requests stay pending until `abort`, because the client may be bound to a new socket.
    assert.equal(await Promise.race([held, new Promise((turn) => setImmediate(turn, "waits"))]), "waits");
    main.abort();
    await rejectsWith(held, "Request was aborted");
  },

  async hang(main) {
    await main.request("hold", 1);
  },

  async closedByServer(main) {
    const closed = closing(main);
    main.emit("closeMe", 4002, "closing time");
    const { code, reason, wasClean } = await closed;
    assert.deepEqual([code, reason, wasClean], [4002, "closing time", true]);
  },

  async shutdown(main) {
    const closed = closing(main);
    main.request("hold", 1);
    assert.deepEqual([(await closed).code, (await closed).reason], [1001, "the server is closing"]);
  },

  async rebind(main) {
    assert.equal(await main.request("add", 1, 2), 3);
    for (const n of range(3)) {
      const closed = closing(main);
      main.emit("closeMe", 4000, "come back");
      await closed;
      main.bind(new WebSocket(url));
      assert.equal(await main.request("add", n, 1), n + 1);
    }
  },
};

await cases[name](connect());
process.exit();
