/** How long a test waits for a condition before it fails; one that holds ends the wait at once. */
export const PATIENCE_MS = 20_000;
