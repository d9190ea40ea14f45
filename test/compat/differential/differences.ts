/**
 * Where Troupe answers otherwise than the official daprd 1.18.2, and why. The
 * test fails for a difference that has no row here and for a row that nothing
 * shows any more; docs/reference/dapr-differences.md is written from it.
 */

export interface Difference {
  readonly what: string;
  readonly reason: string;
  /** Parts of answers that are left out of the comparison, on both sides. */
  readonly masks?: readonly RegExp[];
  /** Requests whose answers differ as a whole: their names, and what they are with Troupe and daprd. */
  readonly cases?: RegExp;
  /** Their status or gRPC code, as `troupe/daprd`. */
  readonly statuses?: readonly string[];
}

export const DIFFERENCES: readonly Difference[] = [
  {
    what: 'The words of a failed etag or time to live',
    reason:
      'They are the store’s, and ours names the component and the key; code, status and Dapr’s own words before them are the same.',
    masks: [
      /(possible etag mismatch\. error from state store)(?:\\"|[^"])*/g,
      /(failed saving state in state store \w+: )(?!possible)(?:\\"|[^"])*/g,
    ],
  },
  {
    what: 'The words of JSON that cannot be read',
    reason: 'They are those of the JSON parser of each language.',
    masks: [
      /("error":)"(?:the body is not a JSON object|unexpected EOF)"/g,
      /(error when unmarshaling the request for topic \w+ pubsub \w+: )(?:\\"|[^"])*/g,
    ],
  },
  {
    what: 'An app is told who calls it also when it calls itself',
    reason:
      'Later versions of Dapr send `dapr-caller-app-id` and `dapr-callee-app-id` then too, in place of what the caller claims.',
    masks: [/"dapr-calle[er]-app-id":"(?:shop|forged)",?/g],
  },
  {
    what: 'An answer without a content type keeps none',
    reason: 'Go’s server guesses one from the first bytes; we pass on what the app said.',
    cases: /^GET \/v1\.0\/invoke\/shop\/method\/status\/20[01]|status\/200","httpExtension/,
    statuses: ['200/200', '201/201', '0/0'],
  },
  {
    what: 'Bulk reads answer in the order asked, and every key that was asked',
    reason: 'daprd’s SQLite store answers in the order of its table, and a key asked twice once.',
    cases: /^POST \/v1\.0\/state\/store\/bulk/,
    statuses: ['200/200'],
  },
  {
    what: 'A transaction’s item without a key is refused',
    reason: 'daprd writes the value null under the empty key, which no single write may have.',
    cases: /\/transaction \{"operations":\[\{"operation":"upsert"\}\]\}|^GetState .*"key":""/,
    statuses: ['400/204', '0/0'],
  },
  {
    what: 'The store in memory keeps the rules of the other stores',
    reason:
      'daprd’s takes a negative time to live, and refuses a first-write delete without an etag, which its SQLite store does not.',
    cases: /^POST \/v1\.0\/state\/memory .*"-5"|^DELETE \/v1\.0\/state\/memory\/a\?/,
    statuses: ['500/204', '204/409'],
  },
  {
    what: 'An empty last part of a path is the empty name and not another route',
    reason:
      'daprd takes such a path for service invocation and says that the app id is missing; ours says which name is empty.',
    cases: /^POST \/v1\.0\/publish\/(bulk\/)?pubsub\/? |^POST \/v1\.0\/invoke\/shop\/method b$/,
    statuses: ['404/404'],
  },
  {
    what: 'A message of InvokeService may leave out its HTTP part',
    reason: 'It is a POST then. daprd’s HTTP channel refuses it as an internal error.',
    cases: /^InvokeService \{"id":"shop"(,"message":\{"method":"echo"\})?\}/,
    statuses: ['0/13', '3/13'],
  },
  {
    what: 'Errors of actors carry the whole error in their details',
    reason: 'A ref in another process throws the original by it. Dapr’s fields are as in Dapr.',
    masks: [
      /,?"details":\{"actor":.*?"retryable":(?:true|false)\}/g,
      /(?<="details":\[)"google\.rpc\.ErrorInfo"(?=\])/g,
    ],
  },
  {
    what: 'Requests that can never succeed say so at once',
    reason:
      'An actor type that no host has is 404, a reserved one 403 (as in later versions of Dapr), a state operation that is none 400, no repetition at all refused; daprd answers 500 or takes them, after retries, and reads state of any type.',
    cases:
      /actors\/Nobody\/1\/|"R0\/PT1S"|dapr\.internal\.default|^POST \/v1\.0\/actors\/Cart\/c-1\/state |^InvokeActor .*"actorId":""/,
    statuses: ['404/500', '403/500', '400/500', '404/204', '3/9', '500/204'],
  },
  {
    what: 'What was scheduled can be read whole',
    reason:
      'daprd 1.18.2 answers 500 for a job with a failure policy, which it cannot write as JSON, leaves out the time to live of a reminder, and lists an empty value as the data of a job that has none.',
    cases: /^GET \/v1\.0-alpha1\/jobs\/(daily|kept)$|^GET .*\/reminders\/iso$|^ListJobs(Alpha1)? /,
    statuses: ['200/500', '200/200', '0/0'],
  },
  {
    what: 'Smaller facts in the details of errors',
    reason:
      'daprd names the app in the error of a job’s name and not in that of a query; a broken escape in a path is named by us.',
    cases: /state\/nowhere\/query|"name":"other"|%zz$/,
    statuses: ['400/400'],
  },
  {
    what: 'An environment variable that is not set is an error of the secret store',
    reason: 'daprd’s answers with the empty secret.',
    cases: /secrets\/env\/NO_SUCH_VARIABLE/,
    statuses: ['500/200'],
  },
];
