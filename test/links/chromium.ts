import { existsSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"

/** Where Debian and Ubuntu have it. */
const CHROMIUM = "/usr/bin/chromium"

/** Whether there is a browser; tests that need one are skipped where there is none. */
export const haveChromium: boolean = existsSync(CHROMIUM)

/** Pictures and figures of the pages, for people to look at. */
const OUTPUT = join(import.meta.dirname, "..", "..", "test-output", "links")

/** A browser without anything that talks to the network on its own. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  })
}

/** Keeps a figure of a test run beside the pictures. */
export async function record(name: string, value: number): Promise<void> {
  await mkdir(OUTPUT, { recursive: true })
  await writeFile(join(OUTPUT, `${name.replaceAll(" ", "-")}.txt`), `${value}\n`)
}

/** A request that a page made, as the network saw it. */
export interface SentRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** A page in a context of its own, with everything that it sent and complained about. */
export class Visit implements AsyncDisposable {
  readonly page: Page
  readonly requests: SentRequest[] = []
  /** Messages of the console above information, and uncaught errors. */
  readonly complaints: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text())
    })
    page.on("pageerror", (error) => this.complaints.push(error.message))
  }

  static async start(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ locale: "en-GB", ...options })
    const visit = new Visit(await context.newPage())
    context.on("request", (request) => {
      visit.requests.push({ url: request.url(), headers: request.headers(), body: request.postData() })
    })
    return visit
  }

  /** Opens a link, and resolves with the name of what is shown once the look-up is over. */
  async open(url: string): Promise<string> {
    await this.page.goto(url)
    return this.shown()
  }

  /** The profile or state that is shown, once it is not the one of waiting. */
  async shown(): Promise<string> {
    const main = this.page.locator('#link[data-shown]:not([data-shown="loading"])')
    return (await main.getAttribute("data-shown")) ?? ""
  }

  /** Heading of what is shown. */
  async title(): Promise<string> {
    return (await this.page.locator("h1:visible").textContent()) ?? ""
  }

  /** Paths that were asked for, without files that the page is made of. */
  lookUps(): string[] {
    return this.requests.map(({ url }) => new URL(url).pathname).filter((path) => path.startsWith("/api/"))
  }

  async screenshot(name: string): Promise<void> {
    await mkdir(OUTPUT, { recursive: true })
    await this.page.screenshot({ path: join(OUTPUT, `${name}.png`), fullPage: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close()
  }
}
