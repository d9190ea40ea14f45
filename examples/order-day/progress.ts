/** One line that is drawn over itself, on a terminal only. */
export interface Progress {
  show(text: string): void;
  clear(): void;
}

const EVERY_MS = 100;

/** Does nothing when the stream is not a terminal. */
export function createProgress(stream: {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}): Progress {
  if (!stream.isTTY) return { show() {}, clear() {} };
  let shownAt = 0;
  return {
    show(text) {
      const now = performance.now();
      if (now - shownAt < EVERY_MS) return;
      shownAt = now;
      stream.write(`\r\u001b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`);
    },
    clear() {
      if (shownAt > 0) stream.write('\r\u001b[2K');
      shownAt = 0;
    },
  };
}
