/** The flags of the order day: read, checked and given their defaults, before anything starts. */
import { Command, InvalidArgumentError, Option } from 'commander';

export interface Flags {
  /** Absent: as TROUPE_RUNTIME of the environment says, else embedded. */
  readonly runtime?: string;
  /** A CSV file or a folder of them. Absent: the generated day. */
  readonly orders?: string;
  readonly once: boolean;
  readonly resourcesPath?: string;
  /** `sqlite:FILE`. */
  readonly state?: string;
  readonly fresh: boolean;
  readonly json: boolean;
  readonly report?: string;
  readonly concurrency: number;
  /** Absent: 3500, or no HTTP API with `once`. */
  readonly port?: number;
  readonly openingStock?: number;
  readonly declineRate: number;
}

export interface Output {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}

function rate(text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value <= 1) return value;
  throw new InvalidArgumentError('Give a share from 0 to 1, for example 0.01.');
}

function statePlace(text: string): string {
  if (/^sqlite:./.test(text)) return text;
  throw new InvalidArgumentError('Write sqlite:FILE, for example sqlite:out/state.db.');
}

function path(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('Give a path.');
}

/**
 * Reads an argument list (without node and script). Throws CommanderError:
 * `exitCode` 0 after --help, else a flag was wrong and the message is written.
 */
export function readFlags(args: readonly string[], { stdout, stderr }: Output): Flags {
  const program = new Command('order-day')
    .description(
      'Takes a day of orders through the shop: every order becomes payments, stock movements\n' +
        "and notifications inside durable actors. Then it serves Dapr's HTTP API until Ctrl-C.",
    )
    .option(
      '--runtime <name>',
      'embedded, or dapr: behind a sidecar (default: TROUPE_RUNTIME)',
      path,
    )
    .option('--orders <path>', 'CSV file or folder of them (default: a small generated day)', path)
    .option('--once', 'end after the run, and serve only when --port is given', false)
    .option('--resources-path <dir>', "components in Dapr's YAML (default: dapr/components)", path)
    .option('--state <place>', 'sqlite:FILE, in place of the actor state component', statePlace)
    .option('--fresh', 'delete the SQLite file of the state first', false)
    .option('--json', 'print one summary object on stdout and nothing else there', false)
    .option('--report <dir>', 'write orders, stock, ledger and returns .jsonl and index.html', path)
    .option('--concurrency <n>', 'invoices under way at once', whole(1, 10_000), 64)
    .addOption(
      new Option('--port <port>', "of Dapr's HTTP API, 0 for a free one (default: 3500)").argParser(
        whole(0, 65_535),
      ),
    )
    .option(
      '--opening-stock <n>',
      'units of each stock code (default: as many as the file orders)',
      whole(0, 1_000_000_000),
    )
    .option('--decline-rate <share>', 'payments declined, by a hash of the order id', rate, 0.01)
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .showHelpAfterError('Run "npm start -- --help" for the flags.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(`order-day: ${text.replace(/^error: /, '')}`),
    });
  program.parse(args, { from: 'user' });
  return program.opts<Flags>();
}
