// Carries out a Dockerfile without an engine: the same commands in the same layout, below a folder of this machine.
import { spawn } from "node:child_process"
import { chmod, cp, lstat, mkdir, readdir, writeFile } from "node:fs/promises"
import { basename, delimiter, dirname, join, relative } from "node:path"
import { execForm, type Stage, type Step, valuesOf } from "./dockerfile.ts"
import { ignoring } from "./dockerignore.ts"

/** The result of a build. */
export interface Image {
  /** Folder of this machine that stands for `/`. */
  readonly root: string
  /** Its own variables. Paths are those of the image. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute, in the image. */
  readonly workdir: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
}

/** Where a build takes place. */
export interface Build {
  /** The folder that `docker build` would be given. */
  readonly context: string
  /** An empty folder. */
  readonly folder: string
  /** Folder of the Node that stands for the one of the base image. */
  readonly nodeBin: string
  /** What commands get besides, such as where the registry is; `PATH` has the programs of the base image. */
  readonly env: Readonly<Record<string, string>>
}

/** Builds every stage and gives the last one. Throws with what a command said when it fails. */
export async function buildImage(stages: readonly Stage[], build: Build): Promise<Image> {
  const roots = new Map<string, string>()
  let image: Image | undefined
  for (const [index, stage] of stages.entries()) {
    const root = join(build.folder, stage.name ?? String(index))
    roots.set(stage.name ?? String(index), root)
    image = await buildStage(stage, root, roots, build)
  }
  if (image === undefined) throw new Error("the Dockerfile has no stage")
  return image
}

/** Environment of commands in an image: its own variables, and folders of programs. */
export function environmentIn(image: Image, { nodeBin, env }: Build): Record<string, string> {
  const local = join(image.root, "usr/local")
  const bin = [join(local, "stand-ins"), join(local, "bin"), nodeBin, env["PATH"] ?? ""].join(delimiter)
  return { ...env, ...image.env, PATH: bin }
}

async function buildStage(
  stage: Stage,
  root: string,
  roots: ReadonlyMap<string, string>,
  build: Build,
): Promise<Image> {
  await mkdir(join(root, "root"), { recursive: true })
  await standIns(root)
  const image = { root, env: {}, workdir: "/", entrypoint: [], command: [], healthcheck: [] } as {
    -readonly [K in keyof Image]: Image[K]
  }
  for (const step of stage.steps) {
    switch (step.keyword) {
      case "WORKDIR":
        image.workdir = step.text
        await mkdir(join(root, step.text), { recursive: true })
        break
      case "ENV":
        image.env = { ...image.env, ...valuesOf(step) }
        break
      case "COPY":
        await copy(step, image, roots, build)
        break
      case "RUN":
        await run(step, image, build)
        break
      case "ENTRYPOINT":
        image.entrypoint = execForm(step) ?? []
        break
      case "CMD":
        image.command = execForm(step) ?? []
        break
      case "HEALTHCHECK":
        image.healthcheck = execForm(step) ?? []
        break
      default:
        // LABEL, VOLUME, EXPOSE, USER, STOPSIGNAL change nothing in the files.
        break
    }
  }
  return image
}

/** Giving files to the user of the image needs root, and is an engine's business. */
async function standIns(root: string): Promise<void> {
  const chown = join(root, "usr/local/stand-ins/chown")
  await mkdir(dirname(chown), { recursive: true })
  await writeFile(chown, "#!/bin/sh\nexit 0\n")
  await chmod(chown, 0o755)
}

async function copy(
  { words, flags }: Step,
  image: Image,
  roots: ReadonlyMap<string, string>,
  build: Build,
): Promise<void> {
  const target = words.at(-1) ?? ""
  const place = join(image.root, target.startsWith("/") ? target : join(image.workdir, target))
  const stage = flags["from"]
  const from = stage === undefined ? build.context : roots.get(stage)
  if (from === undefined) throw new Error(`there is no stage ${stage}`)
  const ignored = stage === undefined ? await ignoring(build.context) : () => false
  for (const source of words.slice(0, -1)) {
    const origin = join(from, source)
    const isFolder = (await lstat(origin)).isDirectory()
    const into = !isFolder && target.endsWith("/") ? join(place, basename(source)) : place
    await mkdir(dirname(into), { recursive: true })
    await cp(origin, into, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !ignored(relative(from, path)),
    })
  }
}

/** Installs go into the image, and from what this machine has already where possible. */
function installing(root: string): Record<string, string> {
  return { npm_config_prefix: join(root, "usr/local"), npm_config_prefer_offline: "true", CI: "true" }
}

async function run({ text }: Step, image: Image, build: Build): Promise<void> {
  const child = spawn("sh", ["-e", "-c", text], {
    cwd: join(image.root, image.workdir),
    env: { ...environmentIn(image, build), ...installing(image.root) },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let said = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (more: string) => {
      said += more
    })
  }
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve))
  if (code !== 0) throw new Error(`RUN ${text} ended with ${code}: ${said}`)
}

/** Every file below a folder with its size and time of change: what a read-only file system must keep. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const described = files.map(async (path) => {
    const { size, mtimeMs } = await lstat(path)
    return `${relative(folder, path)} ${size} ${mtimeMs}`
  })
  return (await Promise.all(described)).toSorted()
}
