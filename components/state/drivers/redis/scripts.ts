/**
 * The Lua scripts of `state.redis`; Redis runs each to its end before anything
 * else, which makes a transaction of it. A row is daprd's hash of `data` and
 * `version`. Beside them stand `troupe`, "version|kind|end", which counts only
 * while it names the row's version (daprd changes the row without it), and
 * `troupe-index`, the index that the row is in. Keys are built from the
 * arguments, so a cluster cannot run these.
 */
import { createHash } from 'node:crypto';
import type { Script } from '../../../redis/connection.ts';

/** Keys of the store's own; a state key may not begin like this. */
export const OWN_PREFIX = '__troupe__:';

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * Expects `now`. A row that ended is absent. Redis removes it by itself about
 * then; `removeRow` also clears the lists that it is in.
 */
const ROWS = `
local OWN = '${OWN_PREFIX}'
local KEYLIST, ENDS, VERSION = OWN .. 'keys', OWN .. 'ends', OWN .. 'version'
local function load(key)
  local found = redis.pcall('HMGET', key, 'version', 'troupe', 'troupe-index')
  if found.err then
    return { foreign = true, kind = 't' }
  end
  if not found[1] then
    return nil
  end
  local row = { version = found[1], kind = '', index = found[3] }
  local version, kind, ends = string.match(found[2] or '', '^(%d+)|(%a)|(%d*)$')
  if version == found[1] then
    row.kind = kind
    row.ends = tonumber(ends)
  else
    local left = redis.call('PTTL', key)
    if left >= 0 then
      row.ends = now + left
    end
  end
  row.over = row.ends ~= nil and row.ends <= now
  return row
end
local function removeRow(key, row)
  if row then
    redis.call('DEL', key)
    if row.index then
      redis.call('ZREM', OWN .. 'index:' .. row.index, key)
    end
    local last = tonumber(row.version)
    if last and last > tonumber(redis.call('GET', VERSION) or 0) then
      redis.call('SET', VERSION, row.version)
    end
  end
  redis.call('ZREM', KEYLIST, key)
  redis.call('ZREM', ENDS, key)
end
`;

/** ARGV: now, then the keys. Answers [data, version, kind, end] or nil for each. */
export const READ = script(`
local now = tonumber(ARGV[1])
${ROWS}
local items = {}
for i = 2, #ARGV do
  local row = load(ARGV[i])
  if not row or row.over then
    items[i - 1] = false
  elseif row.foreign then
    local text = redis.pcall('GET', ARGV[i])
    items[i - 1] = type(text) == 'string' and { text, '', '', '' } or false
  else
    local ends = row.ends and string.format('%.0f', row.ends) or ''
    items[i - 1] = { redis.call('HGET', ARGV[i], 'data') or '', row.version, row.kind, ends }
  end
end
return items
`);

/**
 * ARGV: now, milliseconds that Redis keeps an ended row, then transactions: the
 * number of their arguments, and operations, each a letter and its fields.
 * Answers for each transaction the new versions ('' for what is no set), or,
 * where a condition does not hold, its key and why.
 */
export const WRITE = script(`
local now, grace = tonumber(ARGV[1]), tonumber(ARGV[2])
${ROWS}
local FIELDS = { s = 9, d = 2, c = 2, p = 1 }
local function broken(at, last)
  while at <= last do
    local op = ARGV[at]
    if op ~= 'p' then
      local key, etag = ARGV[at + 1], ARGV[at + 2]
      local absent = (op == 'c' and etag == '') or (op == 's' and etag == '' and ARGV[at + 3] == '1')
      if etag ~= '' or absent then
        local row = load(key)
        if row and row.over then
          row = nil
        end
        if absent then
          if row then
            return { 'conflict', key, 'exists already' }
          end
        elseif not row then
          return { 'conflict', key, 'does not exist (any more)' }
        elseif row.version ~= etag then
          return { 'conflict', key, 'was changed by another writer' }
        end
      end
    end
    at = at + 1 + FIELDS[op]
  end
  return nil
end

for _, key in ipairs(redis.call('ZRANGEBYSCORE', ENDS, '-inf', ARGV[1], 'LIMIT', 0, 16)) do
  local row = load(key)
  if not row or row.over then
    removeRow(key, row)
  elseif row.ends then
    redis.call('ZADD', ENDS, string.format('%.0f', row.ends), key)
  else
    redis.call('ZREM', ENDS, key)
  end
end

local function set(key, value, kind, ttl, ends, index, score)
  local row = load(key)
  if row and (row.over or row.foreign) then
    removeRow(key, row)
    row = nil
  end
  local version = redis.call('INCR', VERSION)
  local last = row and tonumber(row.version)
  if last and last >= version then
    version = last + 1
    redis.call('SET', VERSION, string.format('%.0f', version))
  end
  local text = string.format('%.0f', version)
  redis.call('HSET', key, 'data', value, 'version', text, 'troupe', text .. '|' .. kind .. '|' .. ends)
  redis.call('ZADD', KEYLIST, 0, key)
  if row and row.index and row.index ~= index then
    redis.call('ZREM', OWN .. 'index:' .. row.index, key)
    redis.call('HDEL', key, 'troupe-index')
  end
  if index ~= '' then
    redis.call('ZADD', OWN .. 'index:' .. index, score, key)
    redis.call('HSET', key, 'troupe-index', index)
  end
  if ends ~= '' then
    redis.call('PEXPIRE', key, string.format('%.0f', tonumber(ttl) + grace))
    redis.call('ZADD', ENDS, ends, key)
  elseif row then
    redis.call('PERSIST', key)
    if row.ends then
      redis.call('ZREM', ENDS, key)
    end
  end
  return text
end

local function apply(at, last)
  local answers = {}
  while at <= last do
    local op, answer = ARGV[at], ''
    if op == 's' then
      answer = set(ARGV[at + 1], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7], ARGV[at + 8], ARGV[at + 9])
    elseif op == 'd' then
      local row = load(ARGV[at + 1])
      if row then
        removeRow(ARGV[at + 1], row)
      end
    elseif op == 'p' then
      local from, to = '[' .. ARGV[at + 1], '(' .. ARGV[at + 1] .. '\\255'
      for _, key in ipairs(redis.call('ZRANGEBYLEX', KEYLIST, from, to)) do
        removeRow(key, load(key))
      end
    end
    answers[#answers + 1] = answer
    at = at + 1 + FIELDS[op]
  end
  return answers
end

local replies, first = {}, 3
while first <= #ARGV do
  local last = first + tonumber(ARGV[first])
  replies[#replies + 1] = broken(first + 1, last) or apply(first + 1, last)
  first = last + 1
end
return replies
`);

/**
 * ARGV: now, index, highest score or '', score and key to begin behind or '',
 * limit. Answers [key, score, data, version, kind, end] in order. The place to
 * begin is searched among the ranks of its score; Lua's own order of text
 * depends on the locale, so bytes are compared one by one.
 */
export const RANGE = script(`
local now = tonumber(ARGV[1])
${ROWS}
local zset, highest, limit = OWN .. 'index:' .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[6])
local function notAfter(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return #a <= #b
end
local rank = 0
if ARGV[4] ~= '' then
  rank = redis.call('ZCOUNT', zset, '-inf', '(' .. ARGV[4])
  local to = redis.call('ZCOUNT', zset, '-inf', ARGV[4])
  while rank < to do
    local middle = math.floor((rank + to) / 2)
    if notAfter(redis.call('ZRANGE', zset, middle, middle)[1], ARGV[5]) then
      rank = middle + 1
    else
      to = middle
    end
  end
end
local items, gone, more = {}, {}, true
while more do
  local page = redis.call('ZRANGE', zset, rank, rank + limit - 1, 'WITHSCORES')
  more = #page == 2 * limit
  rank = rank + limit
  for i = 1, #page, 2 do
    local key, score = page[i], page[i + 1]
    if highest and tonumber(score) > highest then
      more = false
      break
    end
    local row = load(key)
    if not row or row.foreign or row.index ~= ARGV[2] then
      gone[#gone + 1] = key
    elseif not row.over then
      local ends = row.ends and string.format('%.0f', row.ends) or ''
      items[#items + 1] = { key, score, redis.call('HGET', key, 'data') or '', row.version, row.kind, ends }
      if #items == limit then
        more = false
        break
      end
    end
  end
end
for _, key in ipairs(gone) do
  redis.call('ZREM', zset, key)
end
return items
`);
