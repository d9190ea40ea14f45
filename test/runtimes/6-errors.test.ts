import { expect, it } from 'vitest';
import { Actor, ActorError, isActorError, TroupeError } from '../../runtime/actor/index.ts';
import { createStage, errorOf, type Stage } from './stage.ts';
import { guarantee, type Running } from './table.ts';

const DETAILS = { sku: '85123A', left: 0, more: [{ deep: null }] };

class Shelf extends Actor<Stage> {
  static readonly type = 'Shelf';

  async take(): Promise<void> {
    throw new ActorError('OUT_OF_STOCK', 'none left of 85123A', { status: 409, details: DETAILS });
  }
  async retryLater(): Promise<void> {
    throw new ActorError('BUSY', 'in a minute', { retryable: true });
  }
  async bug(): Promise<void> {
    throw new TypeError('password of the database is hunter2');
  }
  async throwText(): Promise<void> {
    throw 'a text';
  }
  async engineError(): Promise<void> {
    throw new TroupeError('FORBIDDEN', 'not you');
  }
  async unsendableDetails(): Promise<void> {
    throw new ActorError('ODD', 'odd details', { details: { n: 1n, f: () => {} } });
  }
  async through(method: 'take' | 'bug'): Promise<void> {
    await this.ctx.ref<Shelf>('Shelf', `${this.ctx.id}+`)[method]();
  }
  async wrapped(): Promise<string> {
    try {
      await this.ctx.ref<Shelf>('Shelf', 'other').take();
      return 'no error';
    } catch (error) {
      return isActorError(error) ? error.code : 'another error';
    }
  }
  async send(method: 'take' | 'bug' | 'nothing'): Promise<void> {
    const other = this.ctx.outbox.ref<Shelf & { nothing(): void }>('Shelf', 'other');
    other[method]();
    other.note();
  }
  async note(): Promise<void> {
    this.ctx.services.log.push('behind it');
  }
}

/** Breaks the guarantee on purpose: tells its caller an error of its own. */
class Mumbler extends Actor {
  static readonly type = 'Mumbler';
  async take(): Promise<void> {
    await this.ctx
      .ref<Shelf>('Shelf', 's')
      .take()
      .catch((error: Error) => {
        throw new Error(error.message);
      });
  }
}

const actors = [Shelf, Mumbler];
const IDENTITY = {
  code: 'OUT_OF_STOCK',
  message: 'none left of 85123A',
  details: DETAILS,
  retryable: false,
  application: true,
  status: 409,
};

const shelf = (host: Running, id = 's') => host.ref<Shelf>('Shelf', id);

/** The parts of an error by which its receiver knows it. */
function identityOf(error: TroupeError): object {
  const { code, message, details, retryable } = error;
  return {
    code,
    message,
    details,
    retryable,
    ...(isActorError(error) && { application: true, status: error.status }),
  };
}

async function put(host: Running, id: string, method: string): Promise<Response> {
  const { host: address, port } = host.system.http!;
  return fetch(`http://${address}:${port}/v1.0/actors/Shelf/${id}/method/${method}`, {
    method: 'PUT',
  });
}

guarantee(6, 'errors keep their identity', (open) => {
  it('to a caller outside', async () => {
    await using host = await open({ actors, services: createStage() });
    const error = await errorOf(shelf(host).take());
    expect(identityOf(error)).toEqual(IDENTITY);
    expect(error).toMatchObject({
      actor: { type: 'Shelf', id: 's' },
      method: 'take',
      name: 'ActorError',
    });
    expect(error.stack, 'the stack leads to the actor').toContain('6-errors.test.ts');
    expect(identityOf(await errorOf(shelf(host).retryLater()))).toMatchObject({
      code: 'BUSY',
      retryable: true,
    });
  });

  it('through another actor, still naming the actor that threw', async () => {
    await using host = await open({ actors, services: createStage() });
    const error = await errorOf(shelf(host).through('take'));
    expect(identityOf(error)).toEqual(IDENTITY);
    expect(error).toMatchObject({ actor: { type: 'Shelf', id: 's+' }, method: 'take' });
    expect(await shelf(host).wrapped()).toBe('OUT_OF_STOCK');
  });

  it('negative control: the check sees an error that lost its identity on the way', async () => {
    await using host = await open({ actors, services: createStage() });
    const error = await errorOf(host.ref<Mumbler>('Mumbler', 'm').take());
    expect(identityOf(error)).not.toEqual(IDENTITY);
  });

  it('details belong to the receiver: changing them changes nothing elsewhere', async () => {
    await using host = await open({ actors, services: createStage() });
    const error = await errorOf(shelf(host).take());
    (error.details as { left: number }).left = 7;
    expect(identityOf(await errorOf(shelf(host).take()))).toEqual(IDENTITY);
  });

  it('over HTTP, with the status it asks for', async () => {
    await using host = await open({ actors, services: createStage(), http: { port: 0 } });
    const response = await put(host, 's', 'take');
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      errorCode: 'OUT_OF_STOCK',
      message: 'none left of 85123A',
      details: { code: 'OUT_OF_STOCK', application: true, details: DETAILS },
    });
    const through = await put(host, 's', 'wrapped');
    expect(await through.json()).toBe('OUT_OF_STOCK');
  });

  it('an unexpected error keeps its text inside: the log has it, callers do not', async () => {
    await using host = await open({ actors, services: createStage(), http: { port: 0 } });
    for (const call of [shelf(host).bug(), shelf(host).throwText(), shelf(host).through('bug')]) {
      const error = await errorOf(call);
      expect(error.code).toBe('INTERNAL');
      expect(error.message).not.toMatch(/hunter2|a text/);
    }
    expect(await (await put(host, 's', 'bug')).text()).not.toContain('hunter2');
    const causes = host.logs.map(({ fields }) => String((fields as { err?: unknown }).err));
    expect(causes.join()).toContain('hunter2');
  });

  it("errors of the runtime's own codes travel as well", async () => {
    await using host = await open({ actors, services: createStage() });
    const error = await errorOf(shelf(host).engineError());
    expect(error).toMatchObject({ code: 'FORBIDDEN', message: 'not you' });
    expect(isActorError(error)).toBe(false);
  });

  it('details that cannot be sent do not take the error with them', async () => {
    await using host = await open({ actors, services: createStage() });
    const error = await errorOf(shelf(host).unsendableDetails());
    expect(error).toMatchObject({ code: 'ODD', message: 'odd details' });
    expect(error.details).toBe(undefined);
  });

  it.each(['take', 'nothing'] as const)(
    'a durable send that is refused ten times (%s) is parked, counted, logged, and lets the next one through',
    async (method) => {
      const stage = createStage();
      await using host = await open({ actors, services: stage });
      await shelf(host).send(method);
      await host.clock.advance('20s');
      expect(stage.log, 'the ones behind wait for it').toEqual([]);
      expect(host.system.stats().parkedMessages).toBe(0);
      await host.clock.advance('10m');
      expect(stage.log).toEqual(['behind it']);
      expect(host.system.stats()).toMatchObject({ parkedMessages: 1, pendingOutbox: 0 });
      const parked = host.logs.filter(({ message }) => message.includes('parked'));
      expect(parked).toHaveLength(1);
      const code = { take: 'OUT_OF_STOCK', nothing: 'METHOD_NOT_FOUND' }[method];
      expect(parked[0]!.fields).toMatchObject({ refusals: 10, err: { code } });
      await host.restart();
      expect(host.system.stats(), 'it is kept in the store').toMatchObject({ parkedMessages: 1 });
    },
  );

  it('a durable send that meets an unexpected error is tried again, and never given up', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    await shelf(host).send('bug');
    await host.clock.advance('1d');
    expect(host.system.stats()).toMatchObject({ parkedMessages: 0, pendingOutbox: 1 });
    const tries = host.logs.filter(({ message }) => message.includes('will be tried again'));
    expect(tries.length).toBeGreaterThan(1000);
  });
});
