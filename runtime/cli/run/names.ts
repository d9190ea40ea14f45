/** Names for apps that were given none. */
const HOW = 'amber bold brisk calm civil deft early fleet glad keen lucid mild noble plain quick';
const WHO =
  'actor chorus dancer drummer fiddler juggler jester mime piper player poet singer stage';

/** For example `brisk-juggler-482`; `random` gives a number from 0 up to 1. */
export function madeUpName(random: () => number): string {
  const pick = (words: string): string => {
    const list = words.split(' ');
    return list[Math.floor(random() * list.length)]!;
  };
  return `${pick(HOW)}-${pick(WHO)}-${100 + Math.floor(random() * 900)}`;
}
