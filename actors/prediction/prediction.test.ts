import { TroupeError } from 'troupe/actor';
import { createTestHost, type TestHost } from 'troupe/test';
import { describe, expect, it } from 'vitest';
import { createHashPaymentProvider, shopActors, type Forecaster } from '../index.ts';
import { invoice, line, openStock, order, returns } from '../testing.ts';
import type { PredictionApi, SalesBookApi } from './api.ts';
import { FEATURES } from './features.ts';

/** Says the last day's units for the day, and six times as much for the week; keeps how many rows it was asked. */
function createLastValue(): Forecaster & { asked: number[]; failure?: Error } {
  const asked: number[] = [];
  return {
    model: 'last/1',
    asked,
    async predict(features) {
      if (this.failure) throw this.failure;
      const rows = features.length / FEATURES.length;
      asked.push(rows);
      return Float32Array.from({ length: rows * 2 }, (_, at) => {
        const row = Math.floor(at / 2) * FEATURES.length;
        const last = features[row]! * features[row + FEATURES.indexOf('last')]!;
        return Math.round(at % 2 === 0 ? last : last * 6);
      });
    },
  };
}

/** A Tuesday. */
const START = new Date('2011-02-15T09:00:00Z');

async function openShop(forecaster: Forecaster = createLastValue()): Promise<TestHost> {
  const payments = createHashPaymentProvider({ declineRate: 0 });
  const host = await createTestHost({
    actors: shopActors,
    services: { payments, forecaster },
    start: START,
  });
  await openStock(host, { a: 1000, b: 1000 });
  return host;
}

const on = (day: string, lines: Parameters<typeof invoice>[1], customer: string | null = 'c') =>
  invoice(customer, lines, { placedAt: `${day} 10:00:00` });
const book = (host: TestHost, month: string) => host.ref<SalesBookApi>('SalesBook', month);
const prediction = (host: TestHost, code: string) => host.ref<PredictionApi>('Prediction', code);

describe('a sales book', () => {
  it('tells each stock code what was sold on each day, minutes after the orders', async () => {
    await using host = await openShop();
    await order(host, '1').create(on('2011-02-13', [line('a', 5, '1.00'), line('b', 2, '1.00')]));
    await order(host, '2').create(on('2011-02-14', [line('a', 3, '1.00'), line('a', 4, '1.00')]));
    await host.settled();
    expect(await book(host, '2011-02').view()).toMatchObject({
      orders: 2,
      waiting: ['2011-02-13', '2011-02-14'],
    });
    await expect(prediction(host, 'a').forecast()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await host.clock.advance('5m');
    await host.settled();
    expect(await prediction(host, 'a').forecast()).toMatchObject({ day: '2011-02-15', units: 7 });
    expect(await prediction(host, 'b').view()).toMatchObject({ days: 1, lastDay: '2011-02-13' });
    expect(await book(host, '2011-02').view()).toMatchObject({ waiting: [] });
  });

  it('counts no order that was cancelled or taken back on its day, and other returns not', async () => {
    await using host = await openShop();
    const day = '2011-02-14';
    await order(host, '1').create(on(day, [line('a', 5, '1.00')]));
    await order(host, '2').create(on(day, [line('a', 400, '1.00')], 'd'));
    await order(host, '3').create(on('2011-02-13', [line('b', 50, '1.00')]));
    await host.settled();
    await returns(host, 'C4').create(on(day, [line('a', 300, '1.00')], 'd'));
    await returns(host, 'C5').create(on(day, [line('a', 5, '1.00')], 'e'));
    await returns(host, 'C6').create(on(day, [line('b', 50, '1.00')]));
    await host.settled();
    await book(host, '2011-02').passOn();
    await host.settled();
    expect(await prediction(host, 'a').forecast()).toMatchObject({ units: 105 });
    expect(await prediction(host, 'b').forecast({ day: '2011-02-14' })).toMatchObject({
      units: 50,
    });
    await order(host, '2').cancel({ reason: 'a slip' });
    await host.settled();
    expect(await book(host, '2011-02').passOn()).toEqual({ codes: 1 });
    await host.settled();
    expect(await prediction(host, 'a').forecast()).toMatchObject({ units: 5 });
  });

  it('counts an event once, however often and in whatever order events come', async () => {
    await using host = await openShop();
    const base = { orderId: '1', customer: 'c', placedAt: '2011-02-14 10:00:00' };
    const confirmed = {
      ...base,
      type: 'order.confirmed',
      lines: [{ stockCode: 'a', quantity: 5 }],
    };
    for (let time = 0; time < 3; time++) await host.system.publish('orders', confirmed);
    const cancelledFirst = { ...base, orderId: '2', type: 'order.cancelled', reason: 'a slip' };
    await host.system.publish('orders', cancelledFirst);
    await host.system.publish('orders', { ...confirmed, orderId: '2' });
    await host.settled();
    await book(host, '2011-02').passOn();
    await host.settled();
    expect(await prediction(host, 'a').forecast()).toMatchObject({ units: 5 });
    expect(await book(host, '2011-02').passOn()).toEqual({ codes: 0 });
  });

  it('loses nothing in a crash', async () => {
    await using host = await openShop();
    await order(host, '1').create(on('2011-02-14', [line('a', 5, '1.00')]));
    await host.settled();
    await host.crash();
    await host.restart();
    await host.clock.advance('5m');
    await host.settled();
    expect(await prediction(host, 'a').forecast()).toMatchObject({ units: 5 });
  });
});

describe('a prediction', () => {
  it('forecasts every day by its reminder, and stops once its code no longer sells', async () => {
    const forecaster = createLastValue();
    await using host = await openShop(forecaster);
    await prediction(host, 'a').importSales({ days: { '2011-02-14': 8, '2011-02-15': 9 } });
    expect(await prediction(host, 'a').view()).toMatchObject({ latest: null });
    await host.clock.advance('24h');
    await host.settled();
    const latest = { code: 'a', day: '2011-02-16', units: 9, week: 54, model: 'last/1' };
    expect(await prediction(host, 'a').view()).toMatchObject({ latest });
    await host.clock.advance('60d');
    await host.settled();
    const asked = forecaster.asked.length;
    expect(await prediction(host, 'a').view()).toMatchObject({ latest: null });
    await host.clock.advance('10d');
    await host.settled();
    expect(forecaster.asked.length).toBe(asked);
  });

  it('reviews days by what was known on the evening before, all in one question', async () => {
    const forecaster = createLastValue();
    await using host = await openShop(forecaster);
    const code = prediction(host, 'a');
    await code.importSales({ days: { '2011-02-10': 2, '2011-02-11': 4, '2011-02-13': 6 } });
    const days = ['2011-02-10', '2011-02-11', '2011-02-13', '2011-02-14'];
    const reviews = await code.review({ days });
    expect(reviews.map(({ day, forecast, sold }) => [day, forecast.day, sold.day])).toEqual([
      ['2011-02-11', 2, 4],
      ['2011-02-13', 4, 6],
      ['2011-02-14', 6, 0],
    ]);
    expect(reviews[0]!.sold.week).toBe(10);
    expect(reviews[1]!.baselines.mean20.day).toBe(6 / 20);
    expect(forecaster.asked).toEqual([3]);
  });

  it('keeps what events said where an import says otherwise', async () => {
    await using host = await openShop();
    await order(host, '1').create(on('2011-02-14', [line('a', 5, '1.00')]));
    await host.settled();
    await book(host, '2011-02').passOn();
    await host.settled();
    await prediction(host, 'a').importSales({ days: { '2011-02-14': 77, '2011-02-13': 3 } });
    expect(await prediction(host, 'a').forecast()).toMatchObject({ units: 5 });
    expect(await prediction(host, 'a').forecast({ day: '2011-02-14' })).toMatchObject({ units: 3 });
  });

  it('passes on why the model did not answer, and its reminder asks again', async () => {
    const forecaster = createLastValue();
    await using host = await openShop(forecaster);
    await prediction(host, 'a').importSales({ days: { '2011-02-15': 9 } });
    forecaster.failure = new TroupeError('OVERLOADED', 'the queue is full', { retryable: true });
    await expect(prediction(host, 'a').forecast({ day: '2011-02-16' })).rejects.toMatchObject({
      code: 'OVERLOADED',
    });
    await host.clock.advance('24h');
    await host.settled();
    expect(await prediction(host, 'a').view()).toMatchObject({ latest: null });
    delete forecaster.failure;
    await host.clock.advance('1m');
    await host.settled();
    expect(await prediction(host, 'a').view()).toMatchObject({ latest: { units: 9 } });
  });

  it.each([
    ['a day that is none', { day: '2011-02-30' }, 'INVALID_DAY'],
    ['a time', { day: '2011-02-14 10:00' }, 'INVALID_DAY'],
    ['a code that never sold', {}, 'NOT_FOUND'],
  ])('refuses %s', async (_, request, code) => {
    await using host = await openShop();
    await expect(prediction(host, 'x').forecast(request)).rejects.toMatchObject({ code });
  });

  it('refuses sales that are none, figures from outside, and hosts without a model', async () => {
    const payments = createHashPaymentProvider({ declineRate: 0 });
    await using host = await createTestHost({ actors: shopActors, services: { payments } });
    const code = prediction(host, 'a');
    for (const days of [{ '2011-02-14': -1 }, { '2011-02-14': 0.5 }, { monday: 1 }]) {
      await expect(code.importSales({ days })).rejects.toMatchObject({ code: 'INVALID_SALES' });
    }
    const days = { '2011-02-14': 1 };
    await expect(code.sold({ days })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await code.importSales({ days });
    await expect(code.forecast({ day: '2011-02-15' })).rejects.toMatchObject({ code: 'NO_MODEL' });
  });
});
