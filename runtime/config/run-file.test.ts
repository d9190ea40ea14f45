import { describe, expect, it } from 'vitest';
import { parseRunFile, withCommon } from './run-file.ts';

const parse = (text: string) => parseRunFile({ path: 'dapr.yaml', text });

describe('a run file', () => {
  it('gives every field of Dapr, and names the place of paths', () => {
    const { name, common, apps, warnings } = parse(`
version: 1
name: trio
common:
  resourcesPaths: [a, b]
  resourcesPath: c
  configFilePath: config.yaml
  logLevel: debug
  enableProfiling: true
  appMaxConcurrency: -1
  placementHostAddress: ""
  env: { A: 1, B: true }
  daprdLogDestination: console
apps:
  - appDirPath: .
    appID: one
    appPort: 8080
    daprHTTPPort: -1
    command: [node, app.ts, 8]
    containerImage: ignored
  - appDirPath: ./two
`);
    expect({ name, warnings }).toEqual({ name: 'trio', warnings: [] });
    expect(common).toMatchObject({
      logLevel: 'debug',
      enableProfiling: true,
      appMaxConcurrency: -1,
      placementHostAddress: '',
      env: { A: '1', B: 'true' },
      daprdLogDestination: 'console',
    });
    expect(common.resourcesPaths?.map(({ path }) => path)).toEqual(['a', 'b', 'c']);
    expect(apps[0]).toMatchObject({
      appDirPath: { path: '.', at: 'dapr.yaml:15:17: apps[0].appDirPath' },
      appID: 'one',
      appPort: 8080,
      daprHTTPPort: -1,
      command: ['node', 'app.ts', '8'],
    });
    expect(apps[1]?.command).toBeUndefined();
  });

  it('an app has what is common unless it says otherwise, and the variables of both', () => {
    const { common, apps } = parse(`
version: 1
common: { logLevel: debug, enableProfiling: true, env: { A: common, B: common } }
apps:
  - { appDirPath: a, logLevel: warn, enableProfiling: false, env: { B: own } }
  - { appDirPath: b }
`);
    expect(apps.map((app) => withCommon(app, common))).toMatchObject([
      { logLevel: 'warn', enableProfiling: false, env: { A: 'common', B: 'own' } },
      { logLevel: 'debug', enableProfiling: true, env: { A: 'common', B: 'common' } },
    ]);
  });

  it.each([
    ['', 'dapr.yaml:1:1: is empty'],
    ['version: 1\napps: []', 'apps is empty'],
    ['apps:\n  - appDirPath: .', 'dapr.yaml:1:1: version is missing'],
    ['version: 1\napps:\n  - appID: x', 'dapr.yaml:3:5: apps[0]: appDirPath is missing'],
    [
      'version: 1\napps:\n  - appDirPath: .\n    appPort: many',
      'dapr.yaml:4:14: apps[0].appPort: must be a whole number',
    ],
    [
      'version: 1\napps:\n  - appDirPath: .\n    appLogDestination: printer',
      'dapr.yaml:4:24: apps[0].appLogDestination: "printer" is not one of console, file',
    ],
    ['version: 1\napps:\n  - appDirPath: [', 'dapr.yaml:3:'],
    ['version: 1\napps:\n  - appDirPath: .\n---\na: 1', 'is a second document'],
  ])('%j is refused by line', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('what Dapr does not know is passed over with a warning that says what was meant', () => {
    const { warnings } = parse('version: 1\napps:\n  - appDirPath: .\n    appPrt: 1');
    expect(warnings).toMatchObject([
      { line: 4, field: 'apps[0].appPrt', message: expect.stringContaining('"appPort"') },
    ]);
  });
});
