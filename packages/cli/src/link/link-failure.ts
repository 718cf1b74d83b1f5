import { LinkError, type LinkProblem } from "@sluice/short-links/errors"
import { CommandFailure } from "../failure.ts"

/** Does something with a link and its data; a problem with them becomes a line that says what, in words. */
export async function withLinkData<T>(run: () => Promise<T> | T): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    throw new CommandFailure(`this link can not be used: ${linkReason(error.problem)}`, { cause: error })
  }
}

/** What a problem means for the person who has the link. */
export function linkReason(problem: LinkProblem): string {
  switch (problem.code) {
    case "SYNTAX":
      return `its text is wrong (${problem.field})`
    case "NO_SERVER":
      return "it names no server"
    case "OTHER_KIND":
      return "it is of the other kind"
    case "DECRYPT":
      return `its ${problem.part} data does not open: it is not for this link, or was changed`
    case "MALFORMED":
      return `its ${problem.part} data opens, but is no link data`
    case "DATA_HASH":
      return "its fixed data is not what the link was made for: the server gave other data"
    case "DATA_SIGNATURE":
      return "its fixed data is not signed by its own root key"
    case "USER_DATA_SIGNATURE":
      return "its user data is signed by nobody who may"
    case "OWNER_IS_ROOT":
      return `owner ${problem.ownerId} is listed with the root key`
    case "OWNER_DUPLICATE":
      return `owner ${problem.ownerId} is listed twice`
    case "OWNER_UNAUTHORIZED":
      return `owner ${problem.ownerId} was authorized by nobody who may`
    case "OTHER_ADDRESS":
      return "its data leads to another server or queue"
    case "TOO_LARGE":
      return `its ${problem.part} data does not fit: a shorter message or a smaller picture helps`
    case "NOT_AN_OWNER":
      return "the key in this file may not sign its data"
    case "PROFILE":
      return "it has no profile that this program can read"
  }
}
