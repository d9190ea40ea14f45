import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importActors } from './actor-module.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-module-'));
});
afterEach(() => rm(folder, { recursive: true }));

const ACTOR = JSON.stringify(new URL('../actor/index.ts', import.meta.url).href);

async function load(source: string) {
  await writeFile(join(folder, 'shop.mjs'), `import { Actor } from ${ACTOR};\n${source}`);
  return importActors('shop.mjs', folder);
}

describe('a module', () => {
  it('gives the actor classes it exports, each once, and its services', async () => {
    const { actors, services } = await load(`
      export { Actor };
      export class Cart extends Actor { static type = 'Cart'; }
      export class Order extends Actor { static type = 'Order'; }
      export { Cart as Basket };
      export default Order;
      class Hidden extends Actor { static type = 'Hidden'; }
      export const helper = () => new Hidden();
      export const services = { stamps: 3 };
    `);
    expect(actors.map(({ type }) => type).sort()).toEqual(['Cart', 'Order']);
    expect(services).toEqual({ stamps: 3 });
  });

  it('may list its actors instead', async () => {
    const { actors } = await load(`
      export class Base extends Actor { static type = 'Base'; }
      class Cart extends Base { static type = 'Cart'; }
      export const actors = [Cart];
    `);
    expect(actors.map(({ type }) => type)).toEqual(['Cart']);
  });
});

describe('is refused by name when', () => {
  it('the file does not exist', async () => {
    await expect(importActors('nope.ts', folder)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `module "nope.ts" does not exist (looked for ${join(folder, 'nope.ts')})`,
    });
  });

  it.each([
    [
      'it throws',
      `throw new Error('no licence');`,
      /^module "shop.mjs" cannot be loaded: .*no licence/,
    ],
    [
      'it exports no actor',
      `export const x = 1; export class Plain {}`,
      'module "shop.mjs" exports no actor; export a class that extends Actor, or a list of them named actors',
    ],
    ['its list is empty', `export const actors = [];`, /exports no actor/],
    [
      'actors is no list',
      `export const actors = Actor;`,
      /the export actors must be a list of classes/,
    ],
    [
      'its list has something else',
      `class Cart extends Actor { static type = 'Cart'; }\nexport const actors = [Cart, 'Cart'];`,
      'module "shop.mjs": actors[1] is no class that extends Actor',
    ],
    [
      'a class has no type',
      `export class Cart extends Actor {}`,
      `module "shop.mjs": class Cart has no type; add static readonly type = 'Cart'`,
    ],
    [
      'two classes have one type',
      `export class A extends Actor { static type = 'T'; }\nexport class B extends Actor { static type = 'T'; }`,
      'module "shop.mjs": classes A and B have the same type "T"; types are names on the wire, change one',
    ],
  ])('%s', async (_what, source, message) => {
    await expect(load(source)).rejects.toThrow(message);
  });
});
