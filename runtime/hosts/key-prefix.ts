/** What goes before the keys of a state or lock component, by Dapr's strategies for `keyPrefix`. */
import type { ComponentSpec } from '../config/component.ts';
import { invalid } from './component-metadata.ts';
import type { LoadOptions } from './loaded-components.ts';

/** Dapr takes texts of the user's own in lower case. */
function strategyOf(spec: ComponentSpec, written: string): string {
  const strategy = written.toLowerCase();
  if (!strategy.includes('||')) return strategy;
  throw invalid(
    spec,
    'metadata field "keyPrefix" must not contain "||", which separates prefix and key',
  );
}

/** `shop||`, or empty for `none`. */
export function statePrefix(
  spec: ComponentSpec,
  written: string,
  { appId, env }: Pick<LoadOptions, 'appId' | 'env'>,
): string {
  const strategy = strategyOf(spec, written);
  const namespace = env['NAMESPACE'];
  switch (strategy) {
    case 'none':
      return '';
    case '':
    case 'appid':
      return `${appId}||`;
    case 'namespace':
      return namespace ? `${namespace}.${appId}||` : `${appId}||`;
    case 'name':
      return `${spec.name}||`;
    default:
      return `${strategy}||`;
  }
}

/** `lock||shop||`. Locks know no prefix by namespace: there it is a text like any other. */
export function lockPrefix(spec: ComponentSpec, written: string, appId: string): string {
  const strategy = strategyOf(spec, written);
  switch (strategy) {
    case 'none':
      return 'lock||';
    case '':
    case 'appid':
      return `lock||${appId}||`;
    case 'name':
      return `lock||${spec.name}||`;
    default:
      return `lock||${strategy}||`;
  }
}
