import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Fifo } from './fifo.ts';

it('behaves as an array that is pushed and shifted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer(), fc.constant('take'), fc.constant('clear'))),
      (steps) => {
        const fifo = new Fifo<number>();
        const model: number[] = [];
        for (const step of steps) {
          if (step === 'take') expect(fifo.take()).toBe(model.shift());
          else if (step === 'clear') {
            fifo.clear();
            model.length = 0;
          } else {
            fifo.push(step as number);
            model.push(step as number);
          }
          expect(fifo.length).toBe(model.length);
        }
      },
    ),
  );
});

it('keeps its order over many thousand items that come and go', () => {
  const fifo = new Fifo<number>();
  let next = 0;
  for (let i = 0; i < 20_000; i++) {
    fifo.push(i);
    if (i % 3 !== 0) expect(fifo.take()).toBe(next++);
  }
  while (fifo.length > 0) expect(fifo.take()).toBe(next++);
  expect(next).toBe(20_000);
});
