/** Something that others wait for; made anew each time that it is shut. */
export class Gate {
  #opened: PromiseWithResolvers<void> | undefined;

  shut(): void {
    this.#opened ??= Promise.withResolvers();
  }

  open(): void {
    this.#opened?.resolve();
    this.#opened = undefined;
  }

  /** Undefined: it is open. */
  get wait(): Promise<void> | undefined {
    return this.#opened?.promise;
  }
}
