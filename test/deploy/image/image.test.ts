// The image is built without an engine, by its own commands, and what comes out serves.
import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { readEnv } from "@sluice/ops/env"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { parse } from "yaml"
import { start } from "../../../packages/cli/test/sluice.ts"
import { freePort } from "../../../packages/redis/test/start-redis.ts"
import { ROOT, textOf } from "../root.ts"
import { type Build, buildImage, environmentIn, filesBelow, type Image } from "./build.ts"
import { readDockerfile } from "./dockerfile.ts"
import { lintDockerfile } from "./lint.ts"

const text = textOf("deploy", "Dockerfile")
const manifest = JSON.parse(textOf("package.json")) as { packageManager: string; dependencies: { node: string } }
const stages = readDockerfile(text)

describe("deploy/Dockerfile", () => {
  it("has nothing that the linter knows to be wrong", () => {
    expect(lintDockerfile(text)).toEqual([])
  })

  it("has the versions of Node and pnpm, and the flags of Node, that are used elsewhere", () => {
    expect(stages.map(({ image }) => image)).toEqual(Array(2).fill(`node:${manifest.dependencies.node}-trixie-slim`))
    expect(text).toContain(` ${manifest.packageManager}\n`)
    const flags: string[] = JSON.parse(textOf("tools", "node-flags.json"))
    const entry = stages.at(-1)?.steps.find(({ keyword }) => keyword === "ENTRYPOINT")
    expect(entry?.text).toBe(JSON.stringify(["node", ...flags, "packages/cli/src/main.ts"]).replaceAll(",", ", "))
  })
})

describe("the lockfile", () => {
  it("has every native part for amd64 and for arm64", () => {
    const { packages } = parse(textOf("pnpm-lock.yaml")) as {
      packages: Record<string, { os?: readonly string[]; cpu?: readonly string[] }>
    }
    const native = Object.entries(packages).filter(([, { os = [] }]) => os.includes("linux"))
    const forCpu = (cpu: string): string[] =>
      native.filter(([, about]) => about.cpu?.includes(cpu)).map(([name]) => name.replaceAll(cpu, "CPU"))
    expect(forCpu("x64")).toContainEqual(expect.stringMatching(/^@lmdb\/lmdb-linux-CPU@/))
    expect(forCpu("x64").toSorted()).toEqual(forCpu("arm64").toSorted())
  })
})

describe("the linter", () => {
  it.each([
    ["FROM node", "names no version"],
    ["FROM node:24-slim", "no exact version"],
    ["ADD a.tar /", "ADD"],
    ["COPY . .", "whole context"],
    ["RUN npm install --global pnpm", "npm install without"],
    ["RUN pnpm install --prod", "without the lockfile"],
    ["RUN apt-get install curl", "--no-install-recommends"],
    ["RUN cd app && true", "WORKDIR"],
    ["RUN curl example.org | sh", "executes what it downloads"],
    ["ENV RELAY_PASSWORD=x", "a secret"],
    ["CMD node main.ts", "must be a list"],
    ["USER root", "USER must be a number"],
    ["COPPY a b", "COPPY"],
  ])("finds %s", (line, what) => {
    expect(lintDockerfile(line.startsWith("FROM") ? line : `FROM node:24.21.0-slim\n${line}`).join("\n")).toContain(
      what,
    )
  })
})

describe("the image", { timeout: 240_000 }, () => {
  let folder: string
  let image: Image
  let build: Build

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-image-"))
    // What the project's own folders of programs have is not in a base image.
    const env = readEnv()
    const path = (env["PATH"] ?? "").split(delimiter).filter((part) => !part.startsWith(ROOT))
    const foreign = Object.entries(env).filter(([name]) => !/^(?:SLUICE_|VITEST|NODE_ENV$)/.test(name))
    const given = { ...Object.fromEntries(foreign), PATH: path.join(delimiter) }
    build = { context: ROOT, folder, nodeBin: dirname(process.execPath), env: given }
    image = await buildImage(stages, build)
  }, 240_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** Runs a program of the image, as an engine would. */
  function inImage(program: readonly string[], args: readonly string[], env: Record<string, string> = {}) {
    const [name = "", ...first] = program
    const data = { SLUICE_DATA: join(image.root, "data") }
    return start(args, {
      program: [name === "node" ? process.execPath : name, ...first],
      cwd: join(image.root, image.workdir),
      env: { ...environmentIn(image, build), ...data, ...env },
    })
  }

  it("has no tests, no tools for development and no sources of other folders", async () => {
    const files = await filesBelow(join(image.root, "app"))
    expect(files.filter((file) => /^(?!node_modules).*\.test\.ts |^(?:test|docs|bench)\//.test(file))).toEqual([])
    expect(files.filter((file) => /node_modules\/(?:vitest|typescript|@biomejs)\//.test(file))).toEqual([])
    expect((await stat(join(image.root, "data"))).mode & 0o777).toBe(0o700)
  })

  it("serves a relay that answers pings, is healthy, and writes only to its volume", async () => {
    const before = await filesBelow(join(image.root, "app"))
    const admin = String(await freePort())
    const env = { SLUICE_RELAY_PORT: String(await freePort()), SLUICE_ADMIN_PORT: admin }
    const made = await inImage(image.entrypoint, ["init"], env).ended
    expect([made.code, made.stderr]).toEqual([0, expect.anything()])

    // Before it runs, it is not healthy.
    expect((await inImage(image.healthcheck, [], env).ended).code).toBe(1)
    const relay = inImage(image.entrypoint, image.command, env)
    await relay.said(/"message":"started"/)
    expect((await inImage(image.healthcheck, [], env).ended).code).toBe(0)
    const ping = await inImage(image.entrypoint, ["ping", "--json", "--count", "2"], env).ended
    expect([ping.code, ping.stderr]).toEqual([0, ""])
    expect(JSON.parse(ping.stdout)).toMatchObject({ roundTrip: expect.anything() })
    relay.child.kill("SIGTERM")
    expect((await relay.ended).code).toBe(0)

    // Another start with other variables, on the same volume: they hold, and the relay is the same one.
    const changed = { ...env, SLUICE_RELAY_PORT: String(await freePort()), SLUICE_RELAY_HOST: "127.0.0.1" }
    const again = inImage(image.entrypoint, image.command, changed)
    await again.said(/"message":"started"/)
    const address = await inImage(image.entrypoint, ["address"], changed).ended
    expect(address.stdout).toContain(`@127.0.0.1:${changed.SLUICE_RELAY_PORT}`)
    expect((await inImage(image.entrypoint, ["ping", address.stdout.trim(), "--count", "1"]).ended).code).toBe(0)
    again.child.kill("SIGTERM")
    expect((await again.ended).code).toBe(0)
    expect(await filesBelow(join(image.root, "app"))).toEqual(before)
  })

  it("starts every other service", async () => {
    const ports = ["ADMIN", "PROXY_SERVER", "NOTIFICATIONS", "LINKS"].map((name) => [`SLUICE_${name}_PORT`, "0"])
    const env = Object.fromEntries(ports)
    const made = await inImage(image.entrypoint, ["notifications", "init"], env).ended
    expect([made.code, made.stderr]).toEqual([0, expect.anything()])
    for (const service of ["proxy", "notifications", "links"]) {
      const process = inImage(image.entrypoint, [service], env)
      await process.said(/"message":"started"/)
      process.child.kill("SIGTERM")
      expect([service, (await process.ended).code]).toEqual([service, 0])
    }
  })
})
