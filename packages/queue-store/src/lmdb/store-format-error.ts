/** The file is not one that this program can work with. The message is for operators and names no client data. */
export class StoreFormatError extends Error {
  override readonly name = "StoreFormatError"
}
