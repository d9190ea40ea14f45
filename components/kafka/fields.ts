/** The metadata that every Kafka component has: Dapr's fields, and what is our own. */
import type { MetadataField } from '../component.ts';

export const commonFields: readonly MetadataField[] = [
  {
    name: 'brokers',
    required: true,
    description: 'Where the cluster is first asked: `host:port`, several divided by commas.',
  },
  {
    name: 'consumerGroup',
    description:
      'The consumer group: of all processes with the same, one gets an event. Default: `consumerID`.',
  },
  { name: 'consumerID', description: 'The same under its other name. Default: the app id.' },
  {
    name: 'clientID',
    description: 'Name that the brokers log. Default `sarama`, as daprd has it.',
  },
  {
    name: 'authType',
    required: true,
    description:
      '`none` (no TLS), `password`, `mtls` or `certificate`; `oidc`, `oidc_private_key_jwt` and `awsiam` are refused.',
  },
  { name: 'saslUsername', description: 'User, with `password`.' },
  { name: 'saslPassword', description: 'Password, with `password`.' },
  {
    name: 'saslMechanism',
    description: '`SHA-256`, `SHA-512` (SCRAM) or `PLAINTEXT`. Default `PLAINTEXT`.',
  },
  {
    name: 'caCert',
    description:
      'PEM text of the authority that signed the certificates of the brokers. Default: those of Node.',
  },
  { name: 'clientCert', description: 'PEM text of the certificate shown, with `mtls`.' },
  { name: 'clientKey', description: 'PEM text of the key of `clientCert`.' },
  {
    name: 'skipVerify',
    description: '`true` to take any certificate, for tests. Default `false`.',
  },
  {
    name: 'disableTls',
    description: '`true` for no TLS whatever `authType` is. Default `false`.',
  },
  {
    name: 'initialOffset',
    description:
      'Where a group without a position begins: `newest` or `oldest`. Default `newest`; the position is kept from then on.',
  },
  {
    name: 'maxMessageBytes',
    description:
      'Largest event, with key and headers, and largest request of a topic. A larger event is refused. Default `1048576`; beyond it the brokers must be told too.',
  },
  {
    name: 'consumeRetryEnabled',
    description:
      '`true`: an event whose handler failed is given to it again, and its key waits. `false`: it is logged and passed over.',
  },
  {
    name: 'consumeRetryInterval',
    description:
      'First pause before reading is begun again after a loss; doubled each time, up to 5 s. A bare number is milliseconds. Default `100ms`.',
  },
  {
    name: 'backOffPolicy',
    description:
      'Pauses before an event is given again: `constant` or `exponential`. Default `constant`.',
  },
  { name: 'backOffDuration', description: 'The pause, with `constant`. Default `5s`.' },
  {
    name: 'backOffInitialInterval',
    description: 'First pause, with `exponential`. Default `500ms`.',
  },
  { name: 'backOffMaxInterval', description: 'Longest pause, with `exponential`. Default `60s`.' },
  {
    name: 'backOffMaxRetries',
    description:
      'How often an event is given again; then it is logged and passed over. Default `-1`, without end.',
  },
  {
    name: 'sessionTimeout',
    description: 'After which silence a consumer counts as gone. Default `10s`.',
  },
  {
    name: 'heartbeatInterval',
    description: 'How often a consumer says that it is there. Default `3s`.',
  },
  {
    name: 'consumerGroupRebalanceStrategy',
    description: '`range` or `roundrobin`, as Dapr has them; `sticky` is refused. Default `range`.',
  },
  {
    name: 'channelBufferSize',
    description:
      'Events of a partition that wait for their handlers while reading it goes on; with more, it pauses after one answer of the broker. Default `256`.',
  },
  { name: 'consumerFetchMin', description: 'Least bytes of an answer with events. Default `1`.' },
  {
    name: 'consumerFetchDefault',
    description: 'Bytes that are read of a partition at a time. Default `1048576`.',
  },
  {
    name: 'compression',
    description: '`none`, `gzip` or `zstd`; `snappy` and `lz4` are refused. Default `none`.',
  },
  {
    name: 'producerRequiredAcks',
    description:
      'Who must have stored an event: `all`, `local` (the leader) or `none`. Only with `all` are repetitions of a send recognised. Default `all`.',
  },
  {
    name: 'producerRetryMax',
    description: 'How often a send that failed is repeated, with growing pauses. Default `5`.',
  },
  {
    name: 'escapeHeaders',
    description: '`true`: values of headers and keys arrive escaped as in a URL. Default `false`.',
  },
  {
    name: 'excludeHeaderMetaRegex',
    description:
      'Names of metadata that become no headers, and of headers that become no metadata.',
  },
  {
    name: 'version',
    description:
      'Version of the brokers, at least `0.11`. What is spoken is agreed with them anyway. Default `2.0.0`.',
  },
  {
    name: 'clientConnectionTopicMetadataRefreshInterval',
    description: 'How often the list of partitions is asked for again. Default `8m`.',
  },
  {
    name: 'clientConnectionKeepAliveInterval',
    description:
      'Pause between probes of idle connections; `0` leaves it to the system. Default `0`.',
  },
  { name: 'dialTimeout', description: 'How long connecting may take. Default `30s`.' },
  {
    name: 'readTimeout',
    description: 'How long an answer may take before its request is given up. Default `30s`.',
  },
  {
    name: 'writeTimeout',
    description: 'How long a publish may take with all its repetitions. Default `30s`.',
  },
  {
    name: 'concurrency',
    description:
      'Handlers of a partition that run at once; events of one key never do, nor do events without a key. Not known to Dapr. Default `1`.',
  },
];
