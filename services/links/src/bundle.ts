import { join } from "node:path"
import { build, stop } from "esbuild"

/** The folder of what runs in the browser, and of the style sheet. */
const BROWSER = join(import.meta.dirname, "..", "browser")

/** What pages load, ready to be sent. */
export interface Bundle {
  readonly script: Uint8Array
  readonly style: Uint8Array
}

/** Browsers from which on the pages work in full: all have `AbortSignal.timeout`. */
const TARGETS = ["chrome103", "edge103", "firefox103", "safari16"]

let made: Promise<Bundle> | undefined

/**
 * Bundles and minifies the browser's part from its sources, in memory; once in a process. Takes a quarter of a second,
 * in which a child process of the bundler runs.
 */
export function bundle(): Promise<Bundle> {
  made ??= bundleNow()
  return made
}

async function bundleNow(): Promise<Bundle> {
  const { outputFiles } = await build({
    entryPoints: { page: join(BROWSER, "main.ts"), style: join(BROWSER, "page.css") },
    bundle: true,
    minify: true,
    write: false,
    outdir: "out",
    format: "esm",
    platform: "browser",
    target: TARGETS,
    legalComments: "none",
    logLevel: "silent",
    charset: "utf8",
  })
  await stop()
  const file = (suffix: string): Uint8Array => {
    const found = outputFiles.find(({ path }) => path.endsWith(suffix))
    if (found === undefined) throw new Error(`the bundler gave no ${suffix} file`)
    return found.contents
  }
  return { script: file(".js"), style: file(".css") }
}
