-- KEYS as of try.lua; ARGV[1] id  [2] application  [3] 0 missed, 1 matched, 2 withdrawn  [4] how long the tally is kept, ms
local open = redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if ARGV[3] ~= '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
end
if open == 1 and ARGV[3] ~= '2' then
  redis.call('HINCRBY', KEYS[5], 'a:' .. ARGV[2], 1)
  if ARGV[3] == '0' then
    redis.call('HINCRBY', KEYS[5], 'm:' .. ARGV[2], 1)
  end
  redis.call('PEXPIRE', KEYS[5], ARGV[4])
end
return open
