import type { Histogram } from "./histogram.ts"

/** One line of the plot. */
export interface PlotLine {
  readonly name: string
  readonly histogram: Histogram
}

const WIDTH = 720
const HEIGHT = 400
const LEFT = 56
const RIGHT = 16
const TOP = 40
const BOTTOM = 48
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]

/**
 * A plot of latency distributions as an SVG document: how large a share of all is done within a time. The time is
 * logarithmic; the marks on the lines are p50, p90 and p99.
 */
export function latencyPlot(title: string, lines: readonly PlotLine[]): string {
  const plotted = lines.filter(({ histogram }) => histogram.count > 0)
  const times = plotted.flatMap(({ histogram }) => [...histogram.points()].map(({ ms }) => ms))
  const low = Math.floor(Math.log10(Math.max(0.001, Math.min(1, ...times))))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(1, ...times))))
  const x = (ms: number): number => {
    const part = (Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low)
    return round(LEFT + part * (WIDTH - LEFT - RIGHT))
  }
  const y = (share: number): number => round(TOP + (1 - share) * (HEIGHT - TOP - BOTTOM))
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 22, title, 'font-size="14"'),
    ...grid(low, high, x, y),
    ...plotted.flatMap((line, at) => lineOf(line, COLOURS[at % COLOURS.length] ?? "#000", at, x, y)),
    "</svg>",
  ]
  return `${parts.join("\n")}\n`
}

type Scale = (value: number) => number

function grid(low: number, high: number, x: Scale, y: Scale): string[] {
  const parts: string[] = []
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power)
    parts.push(`<path d="M${at} ${y(1)}V${y(0)}" stroke="#ddd"/>`)
    parts.push(text(at, y(0) + 18, String(Number((10 ** power).toFixed(3))), 'text-anchor="middle"'))
  }
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(`<path d="M${LEFT} ${y(share)}H${WIDTH - RIGHT}" stroke="#ddd"/>`)
    parts.push(text(LEFT - 8, y(share) + 4, `${share * 100} %`, 'text-anchor="end"'))
  }
  parts.push(text((LEFT + WIDTH) / 2, HEIGHT - 10, "milliseconds", 'text-anchor="middle"'))
  return parts
}

function lineOf({ name, histogram }: PlotLine, colour: string, at: number, x: Scale, y: Scale): string[] {
  let path = ""
  let last = 0
  for (const { ms, share } of histogram.points()) {
    path += `${path === "" ? "M" : "L"}${x(ms)} ${y(last)}L${x(ms)} ${y(share)}`
    last = share
  }
  const marks = [0.5, 0.9, 0.99].map((part) => {
    const ms = histogram.quantile(part)
    const label = `<title>${escaped(name)} p${part * 100}: ${ms.toFixed(2)} ms</title>`
    return `<circle cx="${x(ms)}" cy="${y(part)}" r="4" fill="${colour}">${label}</circle>`
  })
  const { p50, p90, p99 } = histogram.summary()
  const legend = `${name}: ${p50.toFixed(2)} / ${p90.toFixed(2)} / ${p99.toFixed(2)} ms`
  return [
    `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...marks,
    text(LEFT + 12, y(1) + 20 + at * 18, legend, `fill="${colour}"`),
  ]
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
