/** Where a tool prints to. */
export interface ToolOutput {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
}
