/**
 * `nameresolution.nameformat`: the address of an app is its id put into a
 * pattern, as where a DNS name is given to each by what runs them. Nothing is
 * kept and nobody is asked; whether the host is there, the call will find.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { HostAddress, NameResolver } from '../contract.ts';
import { notFound } from '../not-found.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'format',
    required: true,
    description:
      'The address, with `{appid}` for the id of the app: `service-{appid}.default.internal`. Port `50002` unless it ends with one.',
  },
];

const PLACE = '{appid}';
/** Of the internal API of sidecars on Kubernetes. */
const DEFAULT_PORT = 50_002;

/** Undefined when the text is no host with or without a port. */
function addressOf(text: string): HostAddress | undefined {
  const [, ipv6, plain, digits] =
    /^(?:\[([\da-f:.]+)\]|([^\s:/@?#[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = ipv6 ?? plain;
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

function formatOf(options: ComponentOptions): string {
  const metadata = readMetadata(options, fields);
  const format = metadata.text('format');
  if (format === undefined) throw metadata.refuse('format', 'is required');
  if (!format.includes(PLACE)) throw metadata.refuse('format', `must contain ${PLACE}`);
  if (!addressOf(format.replaceAll(PLACE, 'app')))
    throw metadata.refuse('format', 'must be a host, with or without a port');
  return format;
}

export const driver: Driver<NameResolver> = {
  fields,
  async create(options) {
    const format = formatOf(options);
    let isRegistered = false;
    let isClosed = false;

    function requireOpen(): void {
      if (isClosed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    const close = async (): Promise<void> => {
      isClosed = true;
    };

    return {
      features: [],
      async register({ appId }) {
        requireOpen();
        if (isRegistered) throw new ComponentError(options, `"${appId}" is registered already`);
        isRegistered = true;
      },
      async resolve({ appId }) {
        requireOpen();
        // An id is a part of a name and never a host or port of its own.
        const address = /^[\w.-]+$/.test(appId) && addressOf(format.replaceAll(PLACE, appId));
        if (!address) throw notFound(appId);
        return address;
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
