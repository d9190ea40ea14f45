/**
 * The runtimes that the behaviour suite runs over. A runtime is one row: how it
 * is opened, and the guarantees of design.md section 1 that it names as a limit
 * (with the reason), which are then shown as skipped, never as passed.
 */
import { describe, it } from 'vitest';
import type { System, SystemOptions } from '../../runtime/hosts/system.ts';
import type { ActorRef } from '../../runtime/actor/index.ts';
import type { LogLine, VirtualClock } from '../../runtime/testing/index.ts';
import { openEmbedded } from './embedded.ts';

/** Sees every transaction of the actor store: the rows that it writes or deletes, and its number, from 1. */
export interface StoreTap {
  /** Runs before the transaction; when it throws, nothing is written. */
  before?(keys: readonly string[], number: number): Promise<void> | void;
  /** Runs when the transaction is durable; when it throws, the answer is lost. */
  after?(keys: readonly string[], number: number): Promise<void> | void;
}

export interface OpenOptions extends Pick<
  SystemOptions,
  | 'actors'
  | 'appId'
  | 'services'
  | 'components'
  | 'interceptors'
  | 'defaultTimeout'
  | 'http'
  | 'tasks'
> {
  /** False switches off the dropping of repeated durable sends, for negative controls. */
  readonly dedupe?: boolean;
  readonly tap?: StoreTap;
}

/** A runtime with actors in it, under a clock that the test moves. */
export interface Running extends AsyncDisposable {
  readonly system: System;
  readonly clock: VirtualClock;
  readonly logs: readonly LogLine[];
  ref<T extends object>(type: string, id: string): ActorRef<T>;
  /** Resolves when nothing runs that could go on without the clock. */
  settled(): Promise<void>;
  crash(): Promise<void>;
  restart(): Promise<void>;
  hibernate(type: string, id: string): Promise<void>;
}

export type Open = (options: OpenOptions) => Promise<Running>;

export type Guarantee = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface RuntimeRow {
  readonly name: string;
  readonly open: Open;
  /** Guarantees that this runtime cannot keep, each with the reason. */
  readonly limits: Readonly<Partial<Record<Guarantee, string>>>;
}

export const RUNTIMES: readonly RuntimeRow[] = [
  { name: 'embedded', open: openEmbedded, limits: {} },
];

/** The tests of one guarantee, for every runtime that gives it. */
export function guarantee(number: Guarantee, title: string, suite: (open: Open) => void): void {
  for (const { name, open, limits } of RUNTIMES) {
    const limit = limits[number];
    describe(`guarantee ${number}, ${title}, on ${name}`, () => {
      if (limit === undefined) suite(open);
      else it.skipIf(true)(`a limit of ${name}: ${limit}`, () => {});
    });
  }
}

/** Tests of what every runtime offers besides the eight guarantees. */
export function everyRuntime(title: string, suite: (open: Open) => void): void {
  for (const { name, open } of RUNTIMES) {
    describe(`${title}, on ${name}`, () => {
      suite(open);
    });
  }
}
