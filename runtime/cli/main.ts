/**
 * The commands and flags of `troupe`, and how a failure reads: usage errors end
 * with exit code 2 and point to --help, everything else with 1. `runProcess` is
 * the only place that touches the process.
 */
import { Command, CommanderError, Option } from 'commander';
import { isTroupeError } from '../core/errors.ts';
import { LOG_LEVELS } from '../hosts/logger.ts';
import { VERSION } from '../hosts/version.ts';
import * as flag from './flags.ts';
import {
  INSTANCE_COMMANDS,
  type InstanceCommand,
  runInstanceCommand,
} from './instances/commands.ts';
import type { DoctorFlags } from './doctor.ts';
import type { ModelsFlags } from './models.ts';
import type { PlanFlags } from './plan.ts';
import type { ServeFlags } from './serve.ts';

/** What a command may use of its process. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Aborts when the user asks to end. */
  readonly stop: AbortSignal;
}

const USAGE_ERROR = 2;

/** Runs one command line (without node and script) and resolves to its exit code. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  let code = 0;
  const program = new Command('troupe')
    .description("Durable virtual actors behind Dapr's API, in one process.")
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(`troupe: ${text.replace(/^error: /, '')}`),
    })
    .showHelpAfterError('Run "troupe --help" for the commands.');

  program
    .command('serve')
    .summary('host the actors of a module')
    .description(
      "Hosts the actors that a module exports, behind Dapr's HTTP API, until SIGINT or SIGTERM.\n" +
        'The module exports classes that extend Actor, or a list of them named "actors",\n' +
        'and optionally "services", which every actor gets as ctx.services.',
    )
    .argument('<module>', 'path of a .ts or .js file')
    .option('--app-id <id>', 'name of this app, prefix of its state keys', flag.appId, 'troupe')
    .option('--dapr-http-port <port>', 'port of the HTTP API, 0 for a free one', flag.port, 3500)
    .option(
      '--dapr-listen-addresses <address>',
      'address of the HTTP API',
      flag.address,
      '127.0.0.1',
    )
    .option(
      '--resources-path <path>',
      'YAML file or folder of components, repeatable (default: state and events in memory)',
      flag.collect,
    )
    .option(
      '--app-port <port>',
      'port of an HTTP app that events and invocations are delivered to',
      flag.appPort,
    )
    .option('--dapr-graceful-shutdown-seconds <seconds>', 'time to end in', flag.seconds, 5)
    .option('--log-level <level>', LOG_LEVELS.join(', '), flag.logLevel, 'info')
    .showHelpAfterError('Run "troupe serve --help" for its flags.')
    .action(async (modulePath: string, flags: ServeFlags) => {
      const { serve } = await import('./serve.ts');
      code = await serve(modulePath, flags, surroundings);
    });

  program
    .command('sidecar')
    .summary("serve Dapr's APIs beside an app, with daprd's flags")
    .description('Flags: troupe sidecar --help')
    .argument('[flags...]')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (_flags: unknown, _options: unknown, { args: given }: Command) => {
      const { runSidecarProcess } = await import('./sidecar-process.ts');
      await runSidecarProcess(given);
    });

  program
    .command('run')
    .summary('run apps beside sidecars, as dapr run does')
    .description('Flags: troupe run --help')
    .argument('[flags...]')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (_flags: unknown, _options: unknown, { args: given }: Command) => {
      const { runRunProcess } = await import('./run/run-process.ts');
      await runRunProcess(given);
    });

  for (const [name, { about }] of Object.entries(INSTANCE_COMMANDS)) {
    program
      .command(name)
      .summary(about)
      .description(`Flags: troupe ${name} --help`)
      .argument('[flags...]')
      .helpOption(false)
      .allowUnknownOption()
      .action(async (_flags: unknown, _options: unknown, { args: given }: Command) => {
        code = await runInstanceCommand(name as InstanceCommand, given, surroundings);
      });
  }

  program
    .command('doctor')
    .summary('find what is wrong with resource files')
    .description(
      'Reads YAML files or folders of them, as --resources-path does, and tells everything\n' +
        'that is wrong, each with its file and line. Exit code 1: something is.',
    )
    .argument('<path...>', 'YAML file or folder')
    .option('--ping', 'open every component too, as a host would')
    .option('--app-id <id>', 'name of the app that they are for', flag.appId, 'troupe')
    .addOption(new Option('-o, --output <form>', 'how it is told').choices(['text', 'json']))
    .showHelpAfterError('Run "troupe doctor --help" for its flags.')
    .action(async (paths: string[], flags: DoctorFlags) => {
      const { doctor } = await import('./doctor.ts');
      code = await doctor(paths, flags, surroundings);
    });

  program
    .command('plan')
    .summary('plan routes for the vehicles of a file')
    .description(
      'Plans routes for the customers of a file: CVRPLIB (.vrp), Solomon (.txt) or JSON.\n' +
        'Without --seconds and --iterations it searches for 10 seconds; Ctrl-C ends the\n' +
        'search early with the best plan so far. Customers have the numbers of the file,\n' +
        'and the depot is left out: in a .vrp file with depot 1 they begin at 2, while the\n' +
        '.sol file beside it begins at 1; in a Solomon file they begin at 1.',
    )
    .argument('<file>', 'path of the file')
    .option('--seconds <seconds>', 'time to search', flag.searchSeconds)
    .option('--iterations <count>', 'iterations to search', flag.count)
    .option('--workers <count>', 'searches side by side that share what they find', flag.count, 1)
    .option('--seed <number>', 'seed of the first search', flag.seed, 1)
    .option('--json', 'print the plan as JSON')
    .option('--picture <file>', 'write a map of the routes as HTML')
    .showHelpAfterError('Run "troupe plan --help" for its flags.')
    .action(async (file: string, flags: PlanFlags) => {
      const { plan } = await import('./plan.ts');
      code = await plan(file, flags, surroundings);
    });

  program
    .command('models')
    .summary('serve ONNX models')
    .description('Models in worker threads.')
    .showHelpAfterError('Run "troupe models --help" for its commands.')
    .command('serve')
    .summary('serve the models of a folder')
    .description(
      'Serves <folder>/<model>/<version>/model.onnx by the Open Inference Protocol (v2) over\n' +
        'HTTP, batched as <folder>/<model>/config.yaml says, until SIGINT or SIGTERM.',
    )
    .argument('<folder>', 'model repository')
    .option('--port <port>', 'port of the HTTP API, 0 for a free one', flag.port, 8000)
    .option('--address <address>', 'address of the HTTP API', flag.address, '127.0.0.1')
    .option('--workers <count>', 'worker threads', flag.count, 2)
    .option('--model <name>', 'a model to load, repeatable (default: all)', flag.collect)
    .option('--log-level <level>', LOG_LEVELS.join(', '), flag.logLevel, 'info')
    .showHelpAfterError('Run "troupe models serve --help" for its flags.')
    .action(async (folder: string, flags: ModelsFlags) => {
      const { serveModels } = await import('./models.ts');
      code = await serveModels(folder, flags, surroundings);
    });

  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR;
    stderr.write(`troupe: ${textOf(error)}\n`);
    return 1;
  }
}

function textOf(error: unknown): string {
  if (isTroupeError(error) && error.code !== 'INTERNAL') return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Runs the command line of this process and ends it. A second signal ends it at once. */
export async function runProcess(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort();
    });
  }
  const code = await run(process.argv.slice(2), {
    cwd: process.cwd(),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    stop: stop.signal,
  });
  // A user's module may hold timers or sockets of its own; the host is closed by now.
  process.exit(code);
}
