/** `middleware.http.routerchecker`: lets through only requests whose path and query match an expression. */
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { Middleware } from '../contract.ts';
import { createStep, refusal } from '../step.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'rule',
    required: true,
    description:
      'A regular expression that path and query must match somewhere; others are answered with 400. Written as in JavaScript.',
  },
];

function create(options: ComponentOptions): Middleware {
  const metadata = readMetadata(options, fields);
  let rule: RegExp;
  try {
    rule = new RegExp(metadata.text('rule') ?? '');
  } catch {
    throw metadata.refuse('rule', 'is not a regular expression');
  }
  return createStep(options, async (request, next) => {
    const target = request.query === '' ? request.path : `${request.path}?${request.query}`;
    return rule.test(target) ? next(request) : refusal(400, 'invalid router');
  });
}

export const driver: Driver<Middleware> = { fields, create: async (options) => create(options) };
