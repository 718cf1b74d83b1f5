import { type Copy, type Dockerfile, DockerfileParser, type From, type Instruction } from "dockerfile-ast"

/** One instruction, as far as building and linting look at it. */
export interface Step {
  /** In capitals, such as `RUN`. */
  readonly keyword: string
  /** What follows the keyword and its flags; lines that go on are one. */
  readonly text: string
  /** The words of {@link text}. */
  readonly words: readonly string[]
  /** Flags such as `--from=build`, by name. */
  readonly flags: Readonly<Record<string, string>>
  /** First line in the file, from 1. */
  readonly line: number
}

/** What follows one `FROM`. */
export interface Stage {
  readonly image: string
  readonly name: string | undefined
  readonly steps: readonly Step[]
}

/** Reads a Dockerfile. */
export function readDockerfile(text: string): readonly Stage[] {
  const file: Dockerfile = DockerfileParser.parse(text)
  const stages: { image: string; name: string | undefined; steps: Step[] }[] = []
  for (const instruction of file.getInstructions()) {
    if (instruction.getKeyword() === "FROM") {
      const from = instruction as From
      stages.push({ image: from.getImage() ?? "", name: from.getBuildStage() ?? undefined, steps: [] })
    } else stages.at(-1)?.steps.push(stepOf(instruction))
  }
  return stages
}

/** The list of an instruction in the form `["node", "main.ts"]`; `undefined` for a shell's line. */
export function execForm({ text }: Step): readonly string[] | undefined {
  const [, list] = /(\[.*\])$/.exec(text) ?? []
  if (list === undefined) return undefined
  const words: unknown = JSON.parse(list)
  return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : undefined
}

/** Values of an `ENV` or `LABEL`. */
export function valuesOf({ text }: Step): Readonly<Record<string, string>> {
  const pairs = text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)
  return Object.fromEntries(Array.from(pairs, ([, name = "", quoted, plain = ""]) => [name, quoted ?? plain]))
}

function stepOf(instruction: Instruction): Step {
  const given = "getFlags" in instruction ? (instruction as Copy).getFlags() : []
  const flags = Object.fromEntries(given.map((flag) => [flag.getName(), flag.getValue() ?? ""]))
  const raw = (instruction.getRawArgumentsContent() ?? "").replace(/\\\s*\n\s*/g, " ").trim()
  const text = raw.replace(/^(?:--\S+\s+)+/, "")
  const line = instruction.getRange().start.line + 1
  return { keyword: instruction.getKeyword(), text, words: text.split(/\s+/), flags, line }
}
