// A server of ws-server-wrapper 1.6.1: `node server.mjs [OPTIONS]`, with the options of the wrapper as JSON. It writes
// its port and then its reports to standard output, one JSON value a line. It exits when standard input is closed.
import { WebSocketServer } from "ws";
import WebSocketServerWrapper from "ws-server-wrapper";

const { errorProperties, ...options } = JSON.parse(process.argv[2] ?? "{}");
// On Node only the message of an Error is sent, unless the server configures more.
if (errorProperties) options.errorToJSON = ({ message, code, data }) => JSON.stringify({ message, code, data });

process.stdin.resume().on("end", () => process.exit());

const report = (entry) => console.log(JSON.stringify(entry));
const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0 });
const server = new WebSocketServerWrapper(sockets, options);
sockets.on("listening", () => report({ port: sockets.address().port }));

server.on("connection", (socket) => {
  socket.on("disconnect", ({ code, reason }) => report({ closed: [code, reason] }));
});

// Returns the outcome of a request.
const outcome = (request) =>
  request.then(
    (result) => ({ result }),
    (error) => (error instanceof Error ? { error: { message: error.message, ...error } } : { value: error }),
  );

const held = new Map();

// In a listener, `this` is the connection or its channel.
const main = {
  echo: (value) => value,
  nothing: () => {},
  none: () => null,
  later: async (value) => value,
  nan: () => NaN,
  // Defect: a result that cannot be encoded is rejected only if it comes from a promise. Otherwise no response is sent.
  big: () => 1n,
  bigLater: async () => 1n,
  fail(message) {
    throw new Error(message);
  },
  async failLater(message) {
    throw new Error(message);
  },
  reject: (value) => Promise.reject(value),
  // Defect: a rejection without a value is sent as a result.
  rejectNothing: () => Promise.reject(),
  hold: (n) => new Promise((answer) => held.set(n, () => answer(n))),
  release: (n) => (held.has(n) ? held.get(n)() : undefined),
  note: (text) => report({ note: text }),
  noteAll(text) {
    server.emit("news", text);
    server.of("paper").emit("news", text, 2);
  },
  async interview() {
    const customer = this.of("customer");
    return [
      await outcome(customer.request("add", 20, 22)),
      await outcome(customer.request("greet", "Ada \"😀\"")),
      await outcome(customer.request("nothing")),
      await outcome(customer.request("reserve", 11)),
      await outcome(customer.request("fail")),
      await outcome(customer.request("reject", { code: 42 })),
      await outcome(customer.request("add", 1, "2")),
      await outcome(customer.request("nope")),
      await outcome(this.request("nope")),
      await outcome(this.of("nowhere").request("nope")),
      await outcome(customer.timeout(30).request("hang")),
      await outcome(customer.request("add", 1, 2)),
    ];
  },
  async inAnyOrder(count) {
    const customer = this.of("customer");
    const wait = (n) => customer.request("wait", n);
    const answers = await Promise.all(Array.from({ length: count }, (_, n) => wait(n)));
    return answers.every((answer, n) => answer === n);
  },
  closeMe(code, reason) {
    this.disconnect(code, reason);
  },
  // Responds after `count` pongs.
  pongs(count) {
    return new Promise((answer) => {
      let seen = 0;
      this.socket.on("pong", () => ++seen === count && answer(count));
    });
  },
};
for (const [event, listener] of Object.entries(main)) server.on(event, listener);
// All listeners of an event are called, and each sends a response.
server.on("twice", () => "first");
server.on("twice", () => "second");

const calc = server.of("calc");
calc.on("add", (a, b) => a + b);
calc.on("divide", (a, b) => {
  if (b === 0) throw Object.assign(new Error("division by zero"), { code: "DivisionByZero" });
  if (a % b) throw Object.assign(new Error(`${a % b} is left`), { code: "Odd", data: { rest: a % b } });
  return a / b;
});
calc.on("close", () => "an ordinary name here");
