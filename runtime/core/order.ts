/** Work that runs one after another, in the order in which it was given, whatever becomes of it. */
export class Order {
  #last: Promise<unknown> | undefined = undefined;

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last ? this.#last.then(work) : work();
    const settled: Promise<unknown> = done
      .catch(() => {})
      .finally(() => {
        if (this.#last === settled) this.#last = undefined;
      });
    this.#last = settled;
    return done;
  }
}
