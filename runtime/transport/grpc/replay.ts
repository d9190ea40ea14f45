/** Messages of a caller that can be read more than once, while they are few. */

/** Bytes that are kept; a call that sent more is not begun again. */
const MOST_BYTES = 4 * 1024 * 1024;

export interface Replay {
  /** From the first message on; of several readings the last goes on. */
  messages(): AsyncGenerator<Buffer, void, undefined>;
  /** True while all messages so far can be read again. */
  readonly isWhole: boolean;
  /** The reading that runs is the last. */
  keepNoMore(): void;
}

export function createReplay(source: AsyncGenerator<Buffer, void, undefined>): Replay {
  const kept: Buffer[] = [];
  let bytes = 0;
  let isWhole = true;
  let isLast = false;
  let reading = 0;
  /** A message that is on its way, for whoever reads then. */
  let next: Promise<IteratorResult<Buffer, void>> | undefined;

  function keep(message: Buffer): void {
    if (isLast) return;
    bytes += message.byteLength;
    if (bytes > MOST_BYTES) isWhole = false;
    if (isWhole) kept.push(message);
    else kept.length = 0;
  }

  return {
    get isWhole() {
      return isWhole;
    },
    keepNoMore() {
      isLast = true;
      kept.length = 0;
    },
    async *messages() {
      const own = ++reading;
      for (const message of [...kept]) yield message;
      while (own === reading) {
        next ??= source.next();
        const waiting = next;
        const one = await waiting;
        if (own !== reading) return;
        if (one.done) return;
        if (next === waiting) next = undefined;
        keep(one.value);
        yield one.value;
      }
    },
  };
}
