-- Calls of the actor method that the bench serves: PUT with a JSON body to one
-- of 1,000 ids in turn, prepared beforehand so that the generator does not
-- format. With a rate, requests are spaced to that many a second.
-- args: rate (0: as fast as answers come), first id
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long sec; long nsec; } troupe_timespec;
  int clock_gettime(int clock, troupe_timespec *at);
]]
local at = ffi.new("troupe_timespec")
local requests, turn, spacing, due = {}, 0, 0, nil

local function now_ms()
  ffi.C.clock_gettime(1, at)
  return tonumber(at.sec) * 1000 + tonumber(at.nsec) / 1e6
end

function init(args)
  local rate = tonumber(args[1])
  if rate > 0 then spacing = 1000 / rate else delay = nil end
  local headers = { ["content-type"] = "application/json" }
  for i = 1, 1000 do
    local path = wrk.path .. "/actor-" .. (i - 1) .. "/method/hit"
    requests[i] = wrk.format("PUT", path, headers, '{"by":1}')
  end
end

function request()
  turn = turn % 1000 + 1
  return requests[turn]
end

function delay()
  local now = now_ms()
  due = (due or now) + spacing
  if due < now then return 0 end
  return math.floor(due - now + math.random())
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"durationUs":%d,"bytes":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
