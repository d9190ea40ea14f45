#!/usr/bin/env node
/**
 * The `troupe` command. Plain JavaScript that an old Node can read, so that it
 * can say in one line what is wrong; everything else is TypeScript, which only
 * Node 24 runs as it is.
 */
const oldest = 24;
if (Number.parseInt(process.versions.node, 10) < oldest) {
  process.stderr.write(
    `troupe: needs Node ${oldest} or newer, and this is ${process.version}; install it, or add it to the project with "npm install --save-dev node@${oldest}" and run "npx troupe"\n`,
  );
  process.exitCode = 1;
} else {
  const { enableCompileCache } = await import('node:module');
  const { cacheFolder } = await import('./cache-folder.js');
  const folder = cacheFolder();
  if (folder) enableCompileCache(folder);
  const [command, ...args] = process.argv.slice(2);
  // These have to be there quickly, so they are not made to load the other commands.
  if (command === 'sidecar') {
    const { runSidecarProcess } = await import('./sidecar-process.ts');
    await runSidecarProcess(args);
  } else if (command === 'run') {
    const { runRunProcess } = await import('./run/run-process.ts');
    await runRunProcess(args);
  } else if (['list', 'stop', 'invoke', 'publish'].includes(command)) {
    const { runInstanceProcess } = await import('./instances/commands.ts');
    await runInstanceProcess(command, args);
  } else {
    const { runProcess } = await import('./main.ts');
    await runProcess();
  }
}
