/**
 * Which topics of a pub/sub component this app may use, by the component's
 * metadata fields as Dapr reads them: `publishingScopes` and
 * `subscriptionScopes` (`app1=a,b;app2=`), `allowedTopics`, `protectedTopics`.
 */

/** Metadata fields that are read here and not by a driver. */
export const TOPIC_FIELDS = [
  {
    name: 'consumerID',
    description:
      'Who consumes, for brokers that keep a place for each consumer. `{namespace}` in it gives the app topics of its own in each namespace. Default: the app id.',
  },
  {
    name: 'publishingScopes',
    description:
      'Topics that each app may publish to: `app1=a,b;app2=c`. An app after `=` without topics may use none; an app that is not named is free.',
  },
  {
    name: 'subscriptionScopes',
    description: 'Topics that each app may subscribe to, written like `publishingScopes`.',
  },
  {
    name: 'allowedTopics',
    description: 'The only topics that exist for any app: `a,b,c`. Absent: all.',
  },
  {
    name: 'protectedTopics',
    description: 'Topics that only the apps named in a scope may use: `a,b`.',
  },
] as const;

export interface TopicScopes {
  mayPublish(topic: string): boolean;
  maySubscribe(topic: string): boolean;
}

const topicsOf = (list: string): string[] => list.replaceAll(' ', '').split(',');

function scopedTo(appId: string, scopes: string): string[] {
  return scopes
    .replaceAll(' ', '')
    .split(';')
    .map((scope) => scope.split('='))
    .filter(([app, topics]) => app === appId && topics !== undefined)
    .flatMap(([, topics]) => topicsOf(topics!));
}

/** `value` gives the text of a field by its name, empty when it is absent. */
export function topicScopes(appId: string, value: (field: string) => string): TopicScopes {
  const listed = (field: string): string[] => (value(field) === '' ? [] : topicsOf(value(field)));
  const allowed = listed('allowedTopics');
  const secured = listed('protectedTopics');
  const may = (field: string): ((topic: string) => boolean) => {
    const scoped = scopedTo(appId, value(field));
    return (topic) => {
      if (allowed.length > 0 && !allowed.includes(topic)) return false;
      if (scoped.length === 0 && !secured.includes(topic)) return true;
      return scoped.includes(topic);
    };
  };
  return { mayPublish: may('publishingScopes'), maySubscribe: may('subscriptionScopes') };
}
