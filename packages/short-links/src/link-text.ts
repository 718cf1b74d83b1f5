import { DecodeError } from "@sluice/encoding/errors"
import { tokenHost } from "@sluice/encoding/host"
import { LinkError, type LinkField } from "./errors.ts"

/** Runs a decoder of a part of a link; what it cannot decode becomes `LinkError` "SYNTAX" naming that part. */
export function readField<T>(field: LinkField, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) throw new LinkError({ code: "SYNTAX", field })
    throw error
  }
}

/** Throws "SYNTAX" for `field`. */
export function syntax(field: LinkField): never {
  throw new LinkError({ code: "SYNTAX", field })
}

/** Reads a link from its start. Every method consumes exactly what it is named for or throws "SYNTAX". */
export class LinkScanner {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  /** Consumes `literal` if it comes next. */
  skip(literal: string): boolean {
    if (!this.text.startsWith(literal, this.at)) return false
    this.at += literal.length
    return true
  }

  expect(literal: string, field: LinkField): void {
    if (!this.skip(literal)) syntax(field)
  }

  /** One of the forms of a host, normalised (encoding.md §2.3). */
  host(): string {
    const { host, end } = readField("host", () => tokenHost(this.text, this.at))
    this.at = end
    return host.text
  }

  /** Everything up to, not including, the next of the `stops` or the end. */
  until(stops: RegExp): string {
    const rest = this.text.slice(this.at)
    const found = rest.search(stops)
    const part = found < 0 ? rest : rest.slice(0, found)
    this.at += part.length
    return part
  }

  end(): void {
    if (this.at !== this.text.length) syntax("end")
  }
}
