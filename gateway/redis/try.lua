-- KEYS[1] charged and [2] under way, of the application; [3] and [4] the same of it about one subject; [5] tally of now
-- ARGV[1] id  [2] application  [3] how long one may be under way, ms  [4] how long the tally is kept, ms
-- [5..10] limits a minute, an hour and a day, of the application and about the subject
-- Charged and under way are sets of ids by time (ms). One that is under way is charged already.
-- Returns {1} allowed, {2, ms until it could be} stopped, {3} crowded: it would do if those under way matched.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return {1} -- asked twice
end
local spans = {60000, 3600000, 86400000}
local wait, crowded = 0, false
for i = 1, 3, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - spans[3])
  redis.call('ZREMRANGEBYSCORE', KEYS[i + 1], '-inf', now - tonumber(ARGV[3]))
  local open = redis.call('ZCARD', KEYS[i + 1])
  for j, span in ipairs(spans) do
    local limit = tonumber(ARGV[4 + (i - 1) / 2 * 3 + j])
    local from = '(' .. string.format('%.0f', now - span)
    local n = redis.call('ZCOUNT', KEYS[i], from, '+inf')
    if n - open >= limit then
      local first = redis.call('ZRANGEBYSCORE', KEYS[i], from, '+inf', 'WITHSCORES', 'LIMIT', n - limit, 1)
      wait = math.max(wait, tonumber(first[2] or now) + span - now, 1)
    elseif n >= limit then
      crowded = true
    end
  end
end
if wait > 0 then
  redis.call('HINCRBY', KEYS[5], 's:' .. ARGV[2], 1)
  redis.call('PEXPIRE', KEYS[5], ARGV[4])
  return {2, wait}
end
if crowded then
  return {3}
end
for i = 1, 4 do
  redis.call('ZADD', KEYS[i], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[i], spans[3])
end
return {1}
