/**
 * Where lines of apps and sidecars go: the terminal, a file, or both; and the
 * last of them, to be told when a program has failed.
 */
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { LogDestination } from '../../config/run-file.ts';

export interface LineSink {
  write(line: string): void;
}

export interface LogFile extends LineSink {
  readonly path: string;
  close(): Promise<void>;
}

const KEPT = 20;
const LONGEST = 64 * 1024;

export type Level = 'info' | 'success' | 'warning' | 'failure';

export interface Status {
  (level: Level, text: string): void;
}

const MARKS: Readonly<Record<Level, string>> = {
  info: 'ℹ️ ',
  success: '✅ ',
  warning: '⚠️ ',
  failure: '❌ ',
};

/** What the command says of itself, in the form of Dapr's command line: a mark and a sentence, or JSON. */
export function createStatus(
  write: (text: string) => void,
  { asJson, now }: { readonly asJson: boolean; readonly now: () => Date },
): Status {
  return (level, text) => {
    write(
      asJson
        ? `${JSON.stringify({ time: now().toISOString(), level, msg: text })}\n`
        : `${MARKS[level]} ${text}\n`,
    );
  };
}

/** Calls back for every line of the stream. A line without an end is told when the stream ends, or when it grows too long. */
export function eachLine(stream: Readable, take: (line: string) => void): Promise<void> {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (rest.length > LONGEST) {
      take(rest);
      rest = '';
    }
  });
  return new Promise((resolve) => {
    stream.once('error', () => {});
    stream.once('close', () => {
      if (rest !== '') take(rest);
      resolve();
    });
  });
}

/** Keeps the last lines. */
export function createTail(): LineSink & { lines(): readonly string[] } {
  let kept: string[] = [];
  return {
    write(line) {
      kept.push(line);
      if (kept.length > 2 * KEPT) kept = kept.slice(-KEPT);
    },
    lines: () => kept.slice(-KEPT),
  };
}

/** Makes `<folder>/.dapr/logs/<app>_<kind>_<time>.log`; colours do not reach it. */
export function openLogFile(
  folder: string,
  {
    appId,
    kind,
    at,
  }: { readonly appId: string; readonly kind: 'app' | 'daprd'; readonly at: Date },
): LogFile {
  const logs = join(folder, '.dapr', 'logs');
  mkdirSync(logs, { recursive: true });
  const stamp = at.toISOString().replace(/\D/g, '').slice(0, 14);
  const path = join(logs, `${appId}_${kind}_${stamp}.log`);
  const stream: WriteStream = createWriteStream(path);
  let broken: Error | undefined;
  stream.on('error', (error) => (broken = error));
  return {
    path,
    write: (line) => void (broken ?? stream.write(`${stripVTControlCharacters(line)}\n`)),
    async close() {
      if (broken) return;
      stream.end();
      await once(stream, 'close');
    },
  };
}

/** The sinks of a destination. */
export function sinksOf(
  destination: LogDestination,
  { console, file }: { readonly console: LineSink; readonly file: LineSink | undefined },
): readonly LineSink[] {
  switch (destination) {
    case 'console':
      return [console];
    case 'file':
      return file ? [file] : [console];
    case 'fileAndConsole':
      return file ? [console, file] : [console];
  }
}
