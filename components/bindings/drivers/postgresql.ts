/**
 * `bindings.postgresql`: statements of the caller, with Dapr's operations. The
 * statement is in the metadata `sql` and its parameters, as a JSON list, in
 * `params`. Rows come back as JSON, each a list of its values.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import { Database } from '../../postgresql/database.ts';
import { connectionFields, readConnection } from '../../postgresql/settings.ts';
import type { Binding, BindingRequest, BindingResponse } from '../contract.ts';
import { closedError, noOperation, notAnInput } from '../refusals.ts';

const OPERATIONS = ['exec', 'query', 'close'] as const;

/** Numbers of PostgreSQL's own types. */
const TYPE = { bool: 16, bytea: 17, date: 1082, timestamp: 1114, timestamptz: 1184 } as const;
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);
const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802]);

/** Keeps the digits of a number as they are; newer than the types of the language's own library. */
const digits = (text: string): unknown =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);

/** A value as JSON has it, made from the server's text. Numbers keep all their digits. */
function valueOf(type: number, text: string): unknown {
  if (NUMBERS.has(type)) return /^-?[\d.]+(?:e[+-]?\d+)?$/i.test(text) ? digits(text) : text;
  if (JSON_TYPES.has(type)) return JSON.parse(text);
  if (type === TYPE.bool) return text === 't';
  if (type === TYPE.bytea) return Buffer.from(text.slice(2), 'hex').toString('base64');
  if (type === TYPE.date) return `${text}T00:00:00Z`;
  if (type === TYPE.timestamp) return `${text.replace(' ', 'T')}Z`;
  if (type === TYPE.timestamptz)
    return text
      .replace(' ', 'T')
      .replace(/([+-]\d\d)$/, '$1:00')
      .replace('+00:00', 'Z');
  return text;
}

async function open(options: ComponentOptions, signal: AbortSignal): Promise<Binding> {
  const database = await Database.open(options, readConnection(options), signal);
  let closing: Promise<void> | undefined;

  function requireOpen(): void {
    if (closing) throw closedError(options);
  }

  function refuse(problem: string): ComponentError {
    return new ComponentError(options, problem, { code: 'INVALID_ARGUMENT' });
  }

  function parametersOf(text: string | undefined): unknown[] {
    if (!text) return [];
    try {
      const values: unknown = JSON.parse(text);
      if (Array.isArray(values)) return values;
    } catch {
      // Said below, as for any other text.
    }
    throw refuse('the metadata "params" of a request must be a JSON list');
  }

  function close(): Promise<void> {
    closing ??= database.close();
    return closing;
  }

  async function invoke({ operation, metadata }: BindingRequest): Promise<BindingResponse> {
    const known = OPERATIONS.find((one) => one === operation);
    if (known === 'close') {
      await close();
      return {};
    }
    requireOpen();
    if (!known) throw noOperation(options, operation, OPERATIONS);
    const { sql, params } = metadata;
    if (!sql) throw refuse('a request needs the metadata "sql"');
    const values = parametersOf(params);
    const started = options.now();
    const { rows, count } = await database.lists({ text: sql, values, parse: valueOf });
    const ended = options.now();
    const told = {
      ...{ operation, sql, duration: `${ended - started}ms` },
      'start-time': new Date(started).toISOString(),
      'end-time': new Date(ended).toISOString(),
    };
    if (known === 'exec') return { metadata: { ...told, 'rows-affected': String(count) } };
    return { data: Buffer.from(JSON.stringify(rows)), metadata: told };
  }

  return {
    features: ['OUTPUT_BINDING'],
    usage: () => database.usage(),
    operations: OPERATIONS,
    invoke,
    async read() {
      requireOpen();
      throw notAnInput(options);
    },
    async ping() {
      requireOpen();
      await database.query({ text: 'SELECT 1' });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<Binding> = {
  fields: connectionFields,
  create: (options, { signal }) => open(options, signal),
};
