// A TCP proxy between the browser and the server: outages are made here, without touching either.
import net from "node:net";

export class Proxy {
  /** While it is down, connections are refused. */
  up = true;
  #links = new Set();
  #server;

  static async to(port) {
    const proxy = new Proxy();
    proxy.#server = net.createServer((browser) => {
      if (proxy.up) proxy.#link(browser, net.connect(port, "127.0.0.1"));
      else browser.resetAndDestroy();
    });
    await new Promise((listening) => proxy.#server.listen(0, "127.0.0.1", listening));
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`;
  }

  #link(browser, server) {
    const link = { browser, server, webSocket: false, held: false, deaf: false, mute: false };
    this.#links.add(link);
    browser.on("data", (data) => {
      link.webSocket ||= /^GET \/ws/.test(data.toString("latin1"));
      if (!link.deaf) server.write(data);
    });
    server.on("data", (data) => {
      if (!link.held && !link.mute) browser.write(data);
    });
    browser.on("close", () => {
      if (!link.held) this.#end(link);
    });
    server.on("close", () => this.#end(link));
    browser.on("error", () => {});
    server.on("error", () => {});
  }

  #end(link) {
    link.browser.destroy();
    link.server.destroy();
    this.#links.delete(link);
  }

  get #webSockets() {
    return [...this.#links].filter((link) => link.webSocket && !link.browser.destroyed);
  }

  /** Ends the WebSockets. */
  cut() {
    for (const link of this.#webSockets) this.#end(link);
  }

  /** Ends the browser's side of the WebSockets; the server's stays open until what is returned is called. */
  cutHere() {
    const links = this.#webSockets;
    for (const link of links) {
      link.held = true;
      link.browser.destroy();
    }
    return () => links.forEach((link) => this.#end(link));
  }

  /** The WebSockets that there are now stay open, and nothing arrives any more. */
  freeze() {
    for (const link of this.#webSockets) link.deaf = link.mute = true;
  }

  /** Of the WebSockets that there are now only what the server sends gets lost. */
  loseAnswers() {
    for (const link of this.#webSockets) link.mute = true;
  }

  close() {
    this.#server.close();
    for (const link of [...this.#links]) this.#end(link);
  }
}
