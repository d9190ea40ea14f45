import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Endings } from './endings.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('an end that is reported lets its waiter go, whoever came first', async () => {
  using endings = new Endings({ ask: async () => false });
  const one = endings.of('1');
  endings.ended('1');
  await one;
  endings.ended('nobody waits');
  const two = endings.of('2');
  endings.giveUp();
  await two;
});

test('when nothing ends for long, those who wait are asked and a lost event is made up for', async () => {
  const asked: string[] = [];
  using endings = new Endings({
    patienceMs: 1000,
    ask: async (id) => asked.push(id) > 0 && id === '2',
  });
  let gone = false;
  void endings.of('1').then(() => (gone = true));
  const two = endings.of('2');
  await vi.advanceTimersByTimeAsync(1000);
  await two;
  expect(asked).toEqual(['1', '2']);
  expect(gone).toBe(false);
});

test('when those who are asked stand still, they fail and the message names them', async () => {
  using endings = new Endings({ patienceMs: 2000, ask: async () => false });
  const ending = endings.of('536365');
  await vi.advanceTimersByTimeAsync(2000);
  await expect(ending).rejects.toThrow(
    /no invoice ended for 2 s; 1 are under way, among them 536365/,
  );
});

test('nobody is asked while invoices end', async () => {
  const ask = vi.fn(async () => false);
  using endings = new Endings({ patienceMs: 1000, ask });
  void endings.of('slow');
  for (let second = 0; second < 5; second++) {
    void endings.of(`${second}`);
    endings.ended(`${second}`);
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(ask).not.toHaveBeenCalled();
});
