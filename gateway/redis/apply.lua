-- KEYS[1] marks of the view, KEYS[2] how many records of it are withheld, KEYS[3..] records
-- ARGV[1] partition  [2] from  [3] next  [4] newest, ms  [5] tombstone ttl, ms  [6..] packed values
-- Returns the number of records written, -1 if the cache does not hold everything before from, or -2 while
-- what was left of the view is being removed (retire.lua).
if redis.call('HEXISTS', KEYS[1], '-1') == 1 then
  return -2
end
local mark = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1')
if mark < tonumber(ARGV[2]) then
  return -1
end
-- Versions are compared byte by byte: the order of strings in Lua depends on the server's locale.
local function older(new, old)
  for i = 2, 9 do
    local a, b = string.byte(new, i), string.byte(old, i)
    if a ~= b then
      return a < b
    end
  end
  return false
end
local written, live, withheld = 0, 0, 0
for i = 3, #KEYS do
  local value = ARGV[i + 3]
  local old = redis.pcall('GETRANGE', KEYS[i], 0, 25)
  if type(old) ~= 'string' or #old < 26 or string.byte(old, 1) ~= 0x59 then
    if old ~= '' then
      redis.call('DEL', KEYS[i])
    end
    old = nil
  end
  if not old or not older(value, old) then
    if old and string.byte(old, 26) == 0 then
      live = live - 1
    elseif old and string.byte(old, 26) == 3 then
      withheld = withheld - 1
    end
    local flag = string.byte(value, 26)
    if flag == 0 then
      live = live + 1
    elseif flag == 3 then
      withheld = withheld + 1
    end
    if flag == 0 or flag == 3 then -- a withheld one stays, too
      redis.call('SET', KEYS[i], value)
    else
      redis.call('SET', KEYS[i], value, 'PX', ARGV[5])
    end
    written = written + 1
  end
end
if tonumber(ARGV[3]) > mark then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
if live ~= 0 then
  redis.call('HINCRBY', KEYS[1], 'live', live)
end
if withheld ~= 0 and redis.call('INCRBY', KEYS[2], withheld) <= 0 then
  redis.call('DEL', KEYS[2])
end
if tonumber(ARGV[4]) > tonumber(redis.call('HGET', KEYS[1], 'newest') or '0') then
  redis.call('HSET', KEYS[1], 'newest', ARGV[4])
end
return written
