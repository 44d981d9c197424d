// The server of an example, which can be killed and restarted on the same port.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export class ExampleServer {
  /** Zero until the first start, which selects a free port. */
  port = 0;
  #child;

  constructor(program) {
    this.program = program;
  }

  async start() {
    this.#child = spawn(this.program, ["--port", this.port], { stdio: ["ignore", "pipe", "inherit"] });
    const line = once(createInterface(this.#child.stdout), "line").then(([line]) => line);
    const exit = once(this.#child, "exit").then(([status]) => `it exited with status ${status}`);
    const output = await Promise.race([line, exit]);
    const address = output.match(/http:\/\/127\.0\.0\.1:(\d+)/);
    if (!address) throw new Error(`the server does not start: ${output}`);
    this.port = Number(address[1]);
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  async kill() {
    await this.#end("SIGKILL");
  }

  /** Lets the server say goodbye, as Ctrl-C does. */
  async stop() {
    await this.#end("SIGINT");
  }

  async #end(signal) {
    if (this.#child?.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill(signal);
    await exit;
  }
}
