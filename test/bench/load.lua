-- Script for wrk: asks for the paths in a file, one a line, in random order or, if told so, in theirs, and reports what wrk
-- counted as JSON.
function init(args)
  local requests = {}
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
    wrk.path = path
  end
  -- A single request stays the fixed one that wrk sends without calling back.
  if #requests == 1 then return end
  if args[2] == "in-order" then
    local at = 0
    request = function()
      at = at % #requests + 1
      return requests[at]
    end
    return
  end
  math.randomseed(1)
  request = function() return requests[math.random(#requests)] end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local all = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local line = '{"requests":%d,"bytes":%d,"seconds":%.6f,"errors":%d,"p50":%.3f,"p99":%.3f}\n'
  io.write(line:format(summary.requests, summary.bytes, summary.duration / 1e6, all,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
