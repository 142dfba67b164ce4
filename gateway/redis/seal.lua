-- KEYS[1] marks of the view, KEYS[2] its ready key
-- ARGV: for each partition its number and what the writer has written (-1 none)
-- Returns 1, -1 if the cache lacks something the writer has written, or -2 while what was left of the view
-- is being removed (retire.lua).
if redis.call('HEXISTS', KEYS[1], '-1') == 1 then
  return -2
end
for i = 1, #ARGV, 2 do
  if tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '-1') < tonumber(ARGV[i + 1]) then
    return -1
  end
end
redis.call('SET', KEYS[2], '1')
return 1
