import { describe, expect, it } from 'vitest';
import { readMetadata } from './metadata.ts';
import { testOptions } from './test-clock.ts';

const fields = [{ name: 'wait', aliases: ['waitInSeconds'], description: 'd' }];
const read = (value: string, name = 'wait') =>
  readMetadata(testOptions('state.x', { [name]: value }), fields);

describe('a metadata reader', () => {
  it.each([
    ['20s', 20_000],
    ['20', 20_000],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['250us', 0.25],
    ['-1s', -1_000],
    ['0', 0],
  ])('reads the duration %s', (text, ms) => {
    expect(read(text).duration('wait')).toBe(ms);
  });

  it.each(['soon', '1x', 's', '1s 2', '1,5s'])('refuses the duration %j', (text) => {
    expect(() => read(text).duration('wait')).toThrow(/"wait" is not a duration; write it like/);
  });

  it('reads booleans and whole numbers', () => {
    for (const text of ['true', 'TRUE', 'Yes', '1', 'on'])
      expect(read(text).boolean('wait')).toBe(true);
    for (const text of ['false', 'No', '0']) expect(read(text).boolean('wait')).toBe(false);
    expect(() => read('2').boolean('wait')).toThrow(/is not a boolean/);
    expect(read('12').count('wait', 1)).toBe(12);
    for (const text of ['0', '-1', '1.5', '1e3', 'x', '99999999999999999999'])
      expect(() => read(text).count('wait', 1)).toThrow(/is not a whole number of at least 1/);
  });

  it('finds a field by alias and in any case, and takes an empty value for none', () => {
    expect(read('3', 'WAITINSECONDS').duration('wait')).toBe(3_000);
    for (const name of ['wait', 'other']) {
      const reader = read('', name);
      expect(reader.text('wait')).toBeUndefined();
      expect(reader.duration('wait')).toBeUndefined();
      expect(reader.boolean('wait')).toBeUndefined();
      expect(reader.count('wait', 0)).toBeUndefined();
    }
  });

  it('names the component and the field in errors, and never the value', () => {
    expect(() => read('s3cret').duration('wait')).toThrow(
      /component "subject" \(state\.x\).*"wait"/,
    );
    expect(() => read('s3cret').duration('wait')).toThrow(/^(?!.*s3cret)/);
  });
});
