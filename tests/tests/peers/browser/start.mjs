// The parts of every script: the directory for screenshots, the browser, and the end of all when the test has ended.
import fs from "node:fs";
import { chromium } from "playwright-core";
import { ExampleServer } from "./server.mjs";

/**
 * Starts the program of the command line, an example with a page, and the browser. The script exits when its standard
 * input is closed.
 */
export async function start() {
  const [program, screenshots] = process.argv.slice(2);
  fs.mkdirSync(screenshots, { recursive: true });
  for (const file of fs.readdirSync(screenshots)) if (/^failed-\d+\.png$/.test(file)) fs.rmSync(`${screenshots}/${file}`);

  const server = new ExampleServer(program);
  process.stdin.resume().on("end", async () => {
    console.error("stopped: standard input was closed");
    await server.kill();
    process.exit(1); // also stops the browser
  });
  await server.start();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

  /** Takes a screenshot of the page, with all transitions finished. */
  const takeScreenshot = (page, name) => page.screenshot({ path: `${screenshots}/${name}.png`, animations: "disabled" });

  /** Runs the steps. A failure is printed and shown in screenshots. Then everything is stopped. */
  async function run(steps, problems) {
    try {
      await steps();
    } catch (error) {
      process.exitCode = 1;
      console.error(error, [...problems]);
      const pages = browser.contexts().flatMap((context) => context.pages());
      for (const [n, page] of pages.entries()) await takeScreenshot(page, `failed-${n}`).catch(() => {});
    } finally {
      process.stdin.destroy();
      await browser.close();
      await server.kill();
    }
  }

  return { server, browser, takeScreenshot, run };
}

export const step = (what) => console.log("·", what);
