import type { ChainProblem } from "@sluice/crypto/x509-chain"

/** What is wrong with the files of an identity. */
export type CertificateProblem =
  | { readonly code: "MISSING"; readonly path: string }
  /** The file system refused; `reason` is its code, `EACCES` for example. */
  | { readonly code: "INACCESSIBLE"; readonly path: string; readonly reason: string }
  /** Not PEM, or no certificate or key of a known kind in it. */
  | { readonly code: "GARBLED"; readonly path: string }
  /** The content does not belong to that of another file. */
  | { readonly code: "MISMATCH"; readonly path: string; readonly other: string }
  /** The chain would be refused by clients. */
  | { readonly code: "INVALID"; readonly path: string; readonly reason: ChainProblem }
  /** It is there already and must not be lost. */
  | { readonly code: "EXISTS"; readonly path: string }

/** The one error of the functions that handle certificate files. The message names files, for operators. */
export class CertificateError extends Error {
  override readonly name = "CertificateError"
  readonly problem: CertificateProblem

  constructor(problem: CertificateProblem, options?: ErrorOptions) {
    super(describe(problem), options)
    this.problem = problem
  }
}

function describe(problem: CertificateProblem): string {
  const { path } = problem
  switch (problem.code) {
    case "MISSING":
      return `${path}: file not found`
    case "INACCESSIBLE":
      return `${path}: cannot be accessed (${problem.reason})`
    case "GARBLED":
      return `${path}: not a PEM file with the expected content`
    case "MISMATCH":
      return `${path}: does not belong to ${problem.other}`
    case "INVALID":
      return `${path}: clients would refuse this certificate chain (${problem.reason})`
    case "EXISTS":
      return `${path}: exists already`
    default:
      return problem satisfies never
  }
}
