import { expect, it } from 'vitest';
import { scrubPii } from './pii.ts';

it.each([
  ['my phone number is +2222222222', 'my phone number is <PHONE_NUMBER>'],
  ['call (212) 456-7890 or 212.456.7891.', 'call <PHONE_NUMBER> or <PHONE_NUMBER>.'],
  ['my email is test@test.com, thanks', 'my email is <EMAIL_ADDRESS>, thanks'],
  ['from 10.8.9.1', 'from <IP>'],
  ['from 192.168.100.200.', 'from <IP>.'],
  ['at fe80::1 and 2001:db8:0:0:0:0:0:1', 'at <IP> and <IP>'],
  ['my card 4263 9826 4026 9299', 'my card <CREDIT_CARD>'],
  ['SSN 123-45-6789', 'SSN <US_SSN>'],
  ['device 00:1B:44:11:3A:B7', 'device <MAC_ADDRESS>'],
  ['pay to DE89370400440532013000', 'pay to <IBAN>'],
  ['read 978-3-16-148410-0', 'read <ISBN>'],
  ['I live at 12 Baker Street, 90210', 'I live at <STREET_ADDRESS>, <ZIP_CODE>'],
  ['P.O. Box 283', '<PO_BOX>'],
  ['see https://example.com/90210/10.8.9.1 there', 'see https://example.com/90210/10.8.9.1 there'],
  ['at 12:30:45 we have 3 of 400, version 1.2.3', 'at 12:30:45 we have 3 of 400, version 1.2.3'],
  ['well hello there', 'well hello there'],
  ['', ''],
])('%j is scrubbed to %j', (text, scrubbed) => {
  expect(scrubPii(text)).toBe(scrubbed);
});

it.each(['a', '1', '1.', 'a@', 'f:', '1 ', '(', '12 a', '1-'])(
  'takes no longer than the text is long, for many %j',
  (piece) => {
    const long = piece.repeat(100_000);
    const before = process.cpuUsage();
    scrubPii(long);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000, 'milliseconds of CPU').toBeLessThan(5000);
  },
);
