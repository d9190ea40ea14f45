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

/** Wide enough to be deeper than what the line belongs to. */
const TAB = ' '.repeat(8);

/** Dapr's YAML takes tabs before the text of a value that goes over several lines. */
const isTabbed = ({ errors }: Document.Parsed): boolean =>
  errors.some(({ code }) => code === 'TAB_AS_INDENT');

function parseOnce(text: string): ParsedYaml {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.1',
    intAsBigInt: true,
    lineCounter: lines,
    prettyErrors: false,
    customTags: (tags) => tags.filter(notBase60),
  });
  return { lines, documents: Array.isArray(documents) ? documents : [] };
}

/** Syntax errors are in the documents. `tabs`: takes tabs as Dapr does, before further lines of a value. */
export function parseYaml(text: string, tabs: boolean): ParsedYaml {
  const parsed = parseOnce(text);
  if (!tabs || !parsed.documents.some(isTabbed)) return parsed;
  return parseOnce(text.replaceAll(/^[ \t]*\t[ \t]*/gm, (indent) => indent.replaceAll('\t', TAB)));
}

export function hasContent(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents !== null && !(isScalar(contents) && contents.value === null && !contents.source);
}
