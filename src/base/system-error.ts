// What Node says beside the message of an error that the world caused.

/** `ECONNRESET` and its like; of an error that has no code, its name. For logs, and to tell one failure from another. */
export function systemErrorCode(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
