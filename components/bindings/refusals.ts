/** The errors that every binding has for what it cannot do. */
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';

export function notAnInput(options: ComponentOptions): ComponentError {
  return new ComponentError(options, 'delivers no events: it is an output binding', {
    code: 'UNSUPPORTED',
  });
}

export function noOperation(
  options: ComponentOptions,
  operation: string,
  known: readonly string[],
): ComponentError {
  const list = known.length === 0 ? 'it is an input binding' : `it has ${known.join(', ')}`;
  return new ComponentError(options, `has no operation "${operation}": ${list}`, {
    code: 'UNSUPPORTED',
  });
}

export function closedError(options: ComponentOptions): ComponentError {
  return new ComponentError(options, 'is closed; create it again to use it');
}
