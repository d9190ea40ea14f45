/** The version of this package, as the API and the command report it. */
import manifest from '../../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
