// What hadolint and reviewers look for, as far as it concerns this image.
import { validate } from "dockerfile-utils"
import { execForm, readDockerfile, type Stage, type Step } from "./dockerfile.ts"

/** Everything that is wrong with a Dockerfile, as `line: what`; empty for a good one. */
export function lintDockerfile(text: string): readonly string[] {
  const syntax = validate(text).map(({ range, message }) => `${range.start.line + 1}: ${message}`)
  const stages = readDockerfile(text)
  const last = stages.at(-1)
  return [
    ...syntax,
    ...stages.flatMap((stage, index) => [
      ...imageProblems(stage, stages.slice(0, index)),
      ...stage.steps.flatMap(stepProblems),
    ]),
    ...(last === undefined ? ["1: there is no FROM"] : finalProblems(last)),
  ]
}

function imageProblems({ image, name }: Stage, earlier: readonly Stage[]): string[] {
  if (earlier.some((stage) => stage.name === image)) return []
  const [, tag] = /:([^/]+)$/.exec(image) ?? []
  const which = `FROM ${image}${name === undefined ? "" : ` AS ${name}`}`
  if (tag === undefined || tag === "latest") return [`1: ${which} names no version`]
  return /^\d+\.\d+\.\d+/.test(tag) ? [] : [`1: ${which} names no exact version`]
}

function stepProblems(step: Step): string[] {
  const { keyword, text, words, flags, line } = step
  const problems: [boolean, string][] = [
    [keyword === "MAINTAINER", "MAINTAINER is deprecated"],
    [keyword === "ADD", "use COPY: ADD unpacks and downloads"],
    [
      keyword === "COPY" && flags["from"] === undefined && words.slice(0, -1).includes("."),
      "COPY of the whole context",
    ],
    [keyword === "WORKDIR" && !text.startsWith("/"), "WORKDIR must be absolute"],
    [keyword === "RUN" && /\bsudo\b/.test(text), "sudo in RUN"],
    [keyword === "RUN" && /\b(?:curl|wget)\b.*\|/.test(text), "RUN executes what it downloads"],
    [keyword === "RUN" && /(?:^|[&;|]\s*)cd\s/.test(text), "use WORKDIR in place of cd"],
    [
      keyword === "RUN" && /\bapt-get install\b(?!.*--no-install-recommends)/.test(text),
      "apt-get without --no-install-recommends",
    ],
    [
      keyword === "RUN" && /\bnpm (?:install|i)\b(?!.*@\d+\.\d+\.\d+)/.test(text),
      "npm install without an exact version",
    ],
    [keyword === "RUN" && /\bpnpm install\b(?!.*--frozen-lockfile)/.test(text), "pnpm install without the lockfile"],
    [keyword === "ENV" && /(?:PASSWORD|SECRET|TOKEN|_KEY)=/i.test(text), "a secret in ENV"],
    [keyword === "ARG" && /(?:PASSWORD|SECRET|TOKEN|_KEY)\b/i.test(text), "a secret in ARG"],
    [
      ["CMD", "ENTRYPOINT"].includes(keyword) && execForm(step) === undefined,
      `${keyword} must be a list, for signals to arrive`,
    ],
  ]
  return problems.flatMap(([isBroken, what]) => (isBroken ? [`${line}: ${what}`] : []))
}

function finalProblems({ steps }: Stage): string[] {
  const of = (keyword: string): Step[] => steps.filter((step) => step.keyword === keyword)
  const problems: string[] = []
  const user = of("USER").at(-1)
  const line = steps.at(-1)?.line ?? 1
  if (user === undefined) problems.push(`${line}: the service runs as root: USER is missing`)
  else if (!/^[1-9]\d*(?::[1-9]\d*)?$/.test(user.text)) {
    problems.push(`${user.line}: USER must be a number that is not 0, for runAsNonRoot`)
  }
  for (const keyword of ["ENTRYPOINT", "HEALTHCHECK"]) {
    const found = of(keyword)
    if (found.length !== 1) problems.push(`${line}: there must be one ${keyword}, there are ${found.length}`)
  }
  const installs = steps.filter(({ keyword, text }) => keyword === "RUN" && /\b(?:npm|pnpm|apt-get) /.test(text))
  return [...problems, ...installs.map((step) => `${step.line}: installs in the final stage`)]
}
