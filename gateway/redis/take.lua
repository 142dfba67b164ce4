-- KEYS the quotas; ARGV[1] id of the taking  [2] window, ms; then for each quota: quota, need, slice
-- Each quota is a hash: id -> "when, ms:how much". All are granted or none. The same id takes once.
-- Returns {0, taken of each}, or {-ms until they could be granted}.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local id, window = ARGV[1], tonumber(ARGV[2])
local free, out, wait = {}, {0}, 0
for i, key in ipairs(KEYS) do
  local quota, need = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local all, live, used = redis.call('HGETALL', key), {}, 0
  for j = 1, #all, 2 do
    local at, n = string.match(all[j + 1], '^(%d+):(%d+)$')
    at, n = tonumber(at), tonumber(n)
    if all[j] == id then
      out[i + 1] = n
    elseif not at or at <= now - window or at > now + window then
      redis.call('HDEL', key, all[j])
    else
      used = used + n
      live[#live + 1] = {at, n}
    end
  end
  free[i] = quota - used
  if free[i] < need and not out[i + 1] then
    table.sort(live, function(a, b) return a[1] < b[1] end)
    local room, last = free[i], now
    for _, entry in ipairs(live) do
      if room >= need then
        break
      end
      room, last = room + entry[2], entry[1] + window
    end
    wait = math.max(wait, last - now, 1)
  end
end
if wait > 0 then
  return {-wait}
end
for i, key in ipairs(KEYS) do
  if not out[i + 1] then
    local need, slice = tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
    local n = math.min(math.max(need, slice), free[i])
    if n > 0 then
      redis.call('HSET', key, id, string.format('%.0f:%d', now, n))
      redis.call('PEXPIRE', key, 2 * window)
    end
    out[i + 1] = n
  end
end
return out
