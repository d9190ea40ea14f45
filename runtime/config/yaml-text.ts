/** Text as YAML documents, the way Dapr reads it: version 1.1 without dates and base 60. */
import { isScalar, LineCounter, parseAllDocuments } from 'yaml';
import type { Document, ScalarTag, Tags } from 'yaml';

export interface ParsedYaml {
  readonly lines: LineCounter;
  readonly documents: readonly Document.Parsed[];
}

const notBase60 = (tag: Tags[number]): boolean =>
  typeof tag === 'string' ||
  (tag.tag !== 'tag:yaml.org,2002:timestamp' && (tag as ScalarTag).format !== 'TIME');

/** A dot alone, as a folder is named, is text for Dapr and a number for this parser. */
function needsDigit(tag: Tags[number]): Tags[number] {
  if (typeof tag === 'string' || !('test' in tag) || !tag.test?.test('.')) return tag;
  return { ...tag, test: new RegExp(`(?=.*[0-9])${tag.test.source}`) };
}

/** Wide enough to be deeper than what the line belongs to. */
const TAB = ' '.repeat(8);

/** Dapr's YAML takes tabs before the text of a value that goes over several lines. */
const isTabbed = ({ errors }: Document.Parsed): boolean =>
  errors.some(({ code }) => code === 'TAB_AS_INDENT');

/** Dapr's YAML takes further lines of a quoted value wherever they begin. */
const isOutdented = ({ errors }: Document.Parsed): boolean =>
  errors.some(({ code, message }) => code === 'MISSING_CHAR' && message.includes('quote'));

/** A key or an item, and a quote that its line leaves open. */
const OPENING = /^( *)(?:- +)*(?:[^\s'"#][^'"#]*:|-) +(?:'((?:[^']|'')*)|"((?:[^"\\]|\\.)*))$/;

/** Puts further lines of quoted values behind the key that they belong to; their blanks fold away. */
function indentQuoted(text: string): string {
  let least = 0;
  let closing: RegExp | undefined;
  const lines = text.split('\n').map((line) => {
    if (!closing) {
      const [found, indent = '', single] = OPENING.exec(line) ?? [];
      if (found === undefined) return line;
      least = indent.length + 1;
      closing = single === undefined ? /^(?:[^"\\]|\\.)*"/ : /^(?:[^']|'')*'(?!')/;
      return line;
    }
    const rest = line.trimStart();
    if (closing.test(line)) closing = undefined;
    return rest === '' ? line : ' '.repeat(Math.max(line.length - rest.length, least)) + rest;
  });
  return lines.join('\n');
}

function parseOnce(text: string, uniqueKeys: boolean): ParsedYaml {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.1',
    intAsBigInt: true,
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys,
    customTags: (tags) => tags.filter(notBase60).map(needsDigit),
  });
  return { lines, documents: Array.isArray(documents) ? documents : [] };
}

/**
 * Syntax errors are in the documents. `lenient`: takes what Dapr takes too, tabs
 * and outdents before further lines of a value, and a key twice, of which the
 * last counts.
 */
export function parseYaml(text: string, lenient: boolean): ParsedYaml {
  let parsed = parseOnce(text, !lenient);
  if (!lenient) return parsed;
  let mended = text;
  if (parsed.documents.some(isTabbed)) {
    mended = text.replaceAll(/^[ \t]*\t[ \t]*/gm, (indent) => indent.replaceAll('\t', TAB));
    parsed = parseOnce(mended, false);
  }
  return parsed.documents.some(isOutdented) ? parseOnce(indentQuoted(mended), false) : parsed;
}

export function hasContent(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents !== null && !(isScalar(contents) && contents.value === null && !contents.source);
}
