/** Where a tool prints to. */
export interface ToolOutput {
  stdout(text: string): void
  stderr(text: string): void
}
