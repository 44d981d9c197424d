// A TCP proxy between the browser and the server. It makes outages.
import net from "node:net";

export class Proxy {
  /** New connections are refused while this is false. */
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
    const flags = { webSocket: false, keepsServerSide: false, dropsRequests: false, dropsResponses: false };
    const link = { browser, server, ...flags };
    this.#links.add(link);
    browser.on("data", (data) => {
      link.webSocket ||= /^GET \/ws/.test(data.toString("latin1"));
      if (!link.dropsRequests) server.write(data);
    });
    server.on("data", (data) => {
      if (!link.keepsServerSide && !link.dropsResponses) browser.write(data);
    });
    browser.on("close", () => {
      if (!link.keepsServerSide) this.#close(link);
    });
    server.on("close", () => this.#close(link));
    browser.on("error", () => {});
    server.on("error", () => {});
  }

  #close(link) {
    link.browser.destroy();
    link.server.destroy();
    this.#links.delete(link);
  }

  get #webSockets() {
    return [...this.#links].filter((link) => link.webSocket && !link.browser.destroyed);
  }

  /** Closes all WebSockets. */
  cut() {
    for (const link of this.#webSockets) this.#close(link);
  }

  /** Closes the browser's side of all WebSockets. The returned function closes the server's side. */
  cutBrowserSide() {
    const links = this.#webSockets;
    for (const link of links) {
      link.keepsServerSide = true;
      link.browser.destroy();
    }
    return () => links.forEach((link) => this.#close(link));
  }

  /** Drops all bytes of the present WebSockets in both directions. They stay open. */
  freeze() {
    for (const link of this.#webSockets) link.dropsRequests = link.dropsResponses = true;
  }

  /** Drops the bytes that the server sends on the present WebSockets. */
  dropResponses() {
    for (const link of this.#webSockets) link.dropsResponses = true;
  }

  close() {
    this.#server.close();
    for (const link of [...this.#links]) this.#close(link);
  }
}
