// Tests each row of the surface example: `node client.mjs URL` exits with status 0 on success.
import assert from "node:assert/strict";
import { Peer, rejection, result, until } from "./peer.mjs";
import { readByCredit, readByRequests, readSome } from "./streams.mjs";

const [url] = process.argv.slice(2);
const range = (n) => Array.from({ length: n }, (_, index) => index + 1);
const unknownChannel = (id) => ({ message: `Anonymous channel '${id}' does not exist`, code: "ws:UnknownChannel" });

const rows = {
  async echo(peer) {
    for (const value of [null, false, 0, -1.5, "", "ü\u2028😀", [], [[1]], {}, { a: { i: 1, h: 2, _: 1 } }]) {
      assert.deepEqual(await peer.request("echo", value), value);
    }
    await peer.rejectsArguments("echo", [], [1, 2]);
  },

  async add(peer) {
    assert.equal(await peer.request("add", 1, 2), 3);
    assert.equal(await peer.request("add", -(2 ** 62), 2 ** 62), 0);
    for (const [a, b] of [[2 ** 62, 2 ** 62], [-(2 ** 62) - 1024, -(2 ** 62)]]) {
      assert((await peer.rejection("add", a, b)).error.message);
    }
    await peer.rejectsArguments("add", [], [1], [1, 2, 3], [1, "2"], [1.5, 2], [null, 1], [2 ** 64, 1]);
  },

  async concat(peer) {
    assert.equal(await peer.request("concat", ["a", "", "ß😀"]), "aß😀");
    assert.equal(await peer.request("concat", []), "");
    await peer.rejectsArguments("concat", [], ["ab"], [["a", 1]], [["a"], ["b"]], [null]);
  },

  async fail(peer) {
    for (const message of ["no", ""]) assert.deepEqual((await peer.rejection("fail", message)).error, { message });
    await peer.rejectsArguments("fail", [], [1], ["a", "b"]);
  },

  async fail_value(peer) {
    for (const value of ["no", "", 0, false, [1], { code: 42 }, { message: "none" }]) {
      const rejected = await peer.rejection("fail_value", value);
      assert.deepEqual(rejected.value, value);
      assert.equal(rejected.error, undefined);
    }
    await peer.rejectsArguments("fail_value", [], [1, 2]);
  },

  async nothing(peer) {
    const { id, response } = peer.startRequest("nothing");
    assert.deepEqual(await response, { i: id });
    await peer.rejectsArguments("nothing", [1]);
  },

  async maybe(peer) {
    assert.deepEqual(await peer.request("maybe", 1, [2]), [1, [2]]);
    assert.deepEqual(await peer.request("maybe", "only"), ["only", null]);
    assert.deepEqual(await peer.request("maybe", null, null), [null, null]);
    assert.deepEqual(await peer.request("maybe", null, 0), [null, 0]);
    await peer.rejectsArguments("maybe", [], [1, 2, 3]);
  },

  async slow(peer) {
    assert.equal(await peer.request("slow", 0), "done");
    const started = performance.now();
    assert.equal(await peer.request("slow", 30), "done");
    assert(performance.now() - started >= 29, "the response comes after 30 ms");
    const { id } = peer.startRequest("slow", [600_000]);
    assert.equal(await peer.request("echo", "quick"), "quick", "other calls do not wait for it");
    peer.send({ i: id, x: { message: "enough" }, _: 1 });
    await peer.rejectsArguments("slow", [], ["1"], [-1], [1, 2]);
  },

  async cancelled(peer, connect) {
    assert.equal(await peer.request("cancelled"), 0);
    const finished = peer.startRequest("slow", [0]);
    assert.equal(result(await finished.response), "done");
    peer.send({ i: finished.id, x: { message: "too late" }, _: 1 });
    for (const reason of [{ x: { message: "enough" }, _: 1 }, { x: "enough" }]) {
      const { id } = peer.startRequest("slow", [600_000]);
      peer.send({ i: id, ...reason });
    }
    assert.equal(await peer.request("cancelled"), 2, "both calls were cancelled at once");
    const other = await connect();
    assert.equal(await other.request("cancelled"), 0, "each connection has its own count");
    await peer.rejectsArguments("cancelled", [1]);
  },

  async set_name(peer) {
    const { id, response } = peer.startRequest("set_name", ["Ada"]);
    assert.deepEqual(await response, { i: id });
    assert.equal(await peer.request("whoami"), "Ada");
    await peer.rejectsArguments("set_name", [], [1], [null], ["a", "b"]);
    assert.equal(await peer.request("whoami"), "Ada");
  },

  async whoami(peer, connect) {
    assert.equal(await peer.request("whoami"), null);
    await peer.request("set_name", "Ada");
    const other = await connect();
    assert.equal(await other.request("whoami"), null);
    await other.request("set_name", "Grace");
    assert.deepEqual([await peer.request("whoami"), await other.request("whoami")], ["Ada", "Grace"]);
    await peer.rejectsArguments("whoami", [1]);
  },

  async ask_name(peer) {
    assert((await peer.rejection("ask_name")).error.message, "the call fails without a handler");
    peer.on("getName", (...args) => ({ d: `Ada ${args.length}` }));
    assert.equal(await peer.request("ask_name"), "Ada 0");
    await peer.rejectsArguments("ask_name", [1]);
  },

  async ask_fail(peer) {
    peer.on("boom", () => ({ e: { message: "it burns" }, _: 1 }));
    assert.equal(await peer.request("ask_fail"), "it burns");
    peer.on("boom", () => ({ d: "no fire" }));
    assert((await peer.rejection("ask_fail")).error.message);
    await peer.rejectsArguments("ask_fail", [1]);
  },

  async broadcast(peer, connect) {
    const other = await connect();
    const received = [peer, other].map((one) => {
      const news = [];
      one.on("news", (...args) => news.push(args));
      return news;
    });
    // The peers of previous rows may still be connected.
    await until(async () => (await peer.request("broadcast", "hello")) === 2);
    assert.equal(await other.request("broadcast", "again"), 2);
    for (const news of received) {
      await until(() => news.length && news.at(-1)[0] === "again");
      assert(news.slice(0, -1).every((args) => args.length === 1 && args[0] === "hello"));
    }
    await peer.rejectsArguments("broadcast", [], [1], ["a", "b"]);
  },

  async close_me(peer, connect) {
    await peer.rejectsArguments("close_me", [], [4000], [4000, 1], ["4000", "x"], [70_000, "x"], [4000, "x", 1]);
    for (const code of [0, 999, 1005, 1006, 5000]) assert((await peer.rejection("close_me", code, "")).error.message);
    peer.startRequest("close_me", [4321, "good bye"]);
    const { code, reason } = await peer.closed;
    assert.deepEqual([code, reason], [4321, "good bye"]);
    const other = await connect();
    other.startRequest("close_me", [1000, ""]);
    assert.equal((await other.closed).code, 1000);
  },

  async calculator(peer) {
    const { id, received } = await peer.open("calculator");
    const ask = (event, ...args) => peer.startRequest(event, args, { h: id }).response;
    assert.equal(result(await ask("add", 2, 3)), 5);
    assert.equal(result(await ask("mul", -4, 3)), -12);
    for (const event of ["add", "mul"]) {
      assert(rejection(await ask(event, 2 ** 62, 2 ** 62)).error.message);
      for (const args of [[], [1], [1, 2, 3], [1, "2"], [1.5, 2]]) {
        assert.match(rejection(await ask(event, ...args)).error.message, /argument/);
      }
    }
    assert.equal(rejection(await ask("sub", 1, 2)).error.message, `No event listener for 'sub' on channel '${id}'`);
    peer.send({ a: ["done", "too much"], h: id });
    assert.equal(result(await ask("add", 1, 1)), 2, "an event with wrong arguments is dropped");

    const another = await peer.open("calculator");
    peer.send({ a: ["done"], h: id });
    assert.deepEqual(rejection(await ask("add", 1, 1)).error, unknownChannel(id));
    assert.deepEqual(received, [{ h: id, x: unknownChannel(id), _: 1 }]);
    const sum = await peer.startRequest("add", [1, 1], { h: another.id }).response;
    assert.equal(result(sum), 2, "the channels are independent");
    peer.send({ h: another.id, x: { message: "enough" }, _: 1 });
    const late = await peer.startRequest("mul", [1, 1], { h: another.id }).response;
    assert.deepEqual(rejection(late).error, unknownChannel(another.id));
    await peer.rejectsArguments("calculator", [1]);
  },

  async count(peer) {
    for (const window of [1, 2, 7, 64]) {
      const read = await readByCredit(peer, await peer.open("count", 20), window);
      assert.deepEqual(read, { values: range(20), error: undefined });
    }
    for (const asRequest of [false, true]) {
      const read = await readByRequests(peer, await peer.open("count", 20), asRequest);
      assert.deepEqual(read, { values: range(20), error: undefined });
      const empty = await readByRequests(peer, await peer.open("count", 0), asRequest);
      assert.deepEqual(empty, { values: [], error: undefined });
    }
    assert.deepEqual((await readByCredit(peer, await peer.open("count", -5), 1)).values, []);
    const aborted = await peer.open("count", 1_000_000_000_000);
    assert.deepEqual(await readSome(peer, aborted, 100), range(100));
    peer.send({ h: aborted.id, x: { message: "enough" }, _: 1 });
    peer.send({ a: ["credit", 100], h: aborted.id });
    assert.equal(await peer.request("echo", 1), 1);
    assert.deepEqual(aborted.received.slice(100), [{ h: aborted.id, x: unknownChannel(aborted.id), _: 1 }]);
    await peer.rejectsArguments("count", [], ["3"], [1.5], [1, 2], [null]);
  },

  async boom_stream(peer) {
    for (const n of [0, 1, 5]) {
      const expected = { values: range(n), error: "boom" };
      assert.deepEqual(await readByCredit(peer, await peer.open("boom_stream", n), 2), expected);
      assert.deepEqual(await readByRequests(peer, await peer.open("boom_stream", n), false), expected);
    }
    await peer.rejectsArguments("boom_stream", [], ["3"], [1.5], [1, 2]);
  },

  async ticker(peer) {
    const ticker = await peer.open("ticker", 3);
    assert.deepEqual(await readSome(peer, ticker, 5), range(5));
    // The JavaScript library sends nothing when a loop is left. It rejects the next item, and the producer waits.
    const left = await peer.open("ticker", 1);
    peer.send({ a: ["start"], h: left.id });
    await until(() => left.received.length === 1);
    const noListener = { message: `No event listener for 'next' on channel '${left.id}'` };
    peer.send({ i: left.received[0].i, e: noListener, _: 1 });
    assert.equal(await peer.request("slow", 20), "done");
    assert.equal(left.received.length, 1, "no further item is sent");
    peer.send({ a: ["start"], h: left.id });
    await until(() => left.received.length === 2);
    assert.deepEqual(left.received[1].a, left.received[0].a, "the next start continues with the rejected item");
    await peer.rejectsArguments("ticker", [], ["3"], [-1], [1, 2]);
  },

  async tickers(peer, connect) {
    await until(async () => (await peer.request("tickers")) === 0);
    const running = await peer.open("ticker", 1);
    const unstarted = await peer.open("ticker", 600_000);
    const other = await connect();
    assert.equal(await other.request("tickers"), 2, "the tickers of all connections are counted");
    await readSome(peer, running, 3);
    for (const { id } of [running, unstarted]) peer.send({ h: id, x: { message: "enough" }, _: 1 });
    assert.equal(await peer.request("tickers"), 0, "an aborted ticker stops at once");

    for (const start of [true, false]) {
      const lost = await connect();
      const ticker = await lost.open("ticker", 1);
      if (start) await readSome(lost, ticker, 3);
      assert.equal(await peer.request("tickers"), 1);
      lost.cut();
      await until(async () => (await peer.request("tickers")) === 0);
    }
    await peer.rejectsArguments("tickers", [1]);
  },

  async upload(peer) {
    const [one, two] = [await peer.open("upload"), await peer.open("upload")];
    const chunk = (to, ...args) => peer.send({ a: ["chunk", ...args], h: to.id });
    const total = (to, ...args) => peer.startRequest("total", args, { h: to.id }).response;
    assert.equal(result(await total(one)), 0);
    for (const text of ["hello", "", ", ", "world"]) chunk(one, text);
    chunk(two, "ä".repeat(10_000));
    assert.deepEqual([result(await total(one)), result(await total(two))], [12, 10_000]);
    for (const wrong of [[], [1], ["a", "b"]]) chunk(one, ...wrong);
    assert.equal(result(await total(one)), 12, "events with wrong arguments are dropped");
    assert.match(rejection(await total(one, 1)).error.message, /argument/);
    await peer.rejectsArguments("upload", [1]);
  },

  async io(peer) {
    const ask = (event, ...args) => peer.startRequest(event, args, { c: "io" });
    const read = async (name) => result(await ask("read_file", name).response);
    assert.equal(await read("hello.txt"), "hello, world");
    assert.deepEqual(rejection(await ask("read_file", "b.txt").response).error, { message: "no such file: b.txt" });
    for (const content of ["one\ntwo", ""]) {
      const { id, response } = ask("write_file", "a.txt", content);
      assert.deepEqual(await response, { i: id });
      assert.equal(await read("a.txt"), content);
    }
    const wrong = { read_file: [[], [1], ["a", "b"]], write_file: [[], ["a"], ["a", 1], ["a", "b", "c"]] };
    for (const [event, lists] of Object.entries(wrong)) {
      for (const args of lists) assert.match(rejection(await ask(event, ...args).response).error.message, /argument/);
    }
    const tooMany = async () => {
      for (let n = 0; n <= 1000; n++) {
        const { e } = await ask("write_file", `file ${n}`, "").response;
        if (e) return e.message;
      }
    };
    assert.equal(await tooMany(), "there are 1000 files already");
    assert.deepEqual((await ask("write_file", "a.txt", "changed").response).e, undefined, "a file can be replaced");
    const content = "x".repeat(15 << 20);
    for (let n = 0; n < 4; n++) assert.equal((await ask("write_file", `file ${n}`, content).response).e, undefined);
    const tooLarge = await ask("write_file", "file 4", content).response;
    assert.deepEqual(rejection(tooLarge).error, { message: "all files together have at most 67108864 bytes" });
    assert.equal(await read("file 4"), "");
    assert((await peer.rejection("read_file", "hello.txt")).error.message, "the method is not on the main channel");
    assert.equal(await read("hello.txt"), "hello, world");
  },

  async path() {
    await assert.rejects(Peer.connect(url.replace(/\/ws$/, "/")));
    await assert.rejects(Peer.connect(`${url}x`));
  },
};

for (const [name, row] of Object.entries(rows)) {
  console.log("·", name);
  const peers = [];
  const connect = async () => {
    const peer = await Peer.connect(url);
    peers.push(peer);
    return peer;
  };
  await row(await connect(), connect);
  for (const peer of peers) {
    assert.deepEqual(peer.unexpectedFrames, [], "unexpected frames");
    await peer.close();
  }
}
